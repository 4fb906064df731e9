/** The life of one message as a timeline. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { TextField } from "../components/form.tsx";
import { Await, Badge, Empty, Page, Panel } from "../components/page.tsx";
import { TopicField } from "../components/topic_field.tsx";
import { formatDuration, formatTime } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { hrefOf } from "../router.ts";
import { Link, useRoute, useText } from "../state.tsx";

export function TracePage() {
  const t = useText();
  const { query, setQuery } = useRoute();
  const { topic = "", id = "" } = query;
  const [typed, setTyped] = useState({ topic, id });
  return (
    <Page title={t("nav.trace")} lead={t("trace.lead")}>
      <form
        class="bar"
        onSubmit={(event) => {
          event.preventDefault();
          setQuery(typed, "push");
        }}
      >
        <TopicField
          label={t("messages.topic")}
          value={typed.topic}
          onChange={(topic) => setTyped({ ...typed, topic })}
        />
        <div class="grow">
          <TextField
            label={t("trace.id")}
            value={typed.id}
            onChange={(id) => setTyped({ ...typed, id: id.trim() })}
            isMono
            required
          />
        </div>
        <button type="submit" class="primary">{t("trace.show")}</button>
      </form>
      {id === ""
        ? (
          <Empty title={t("trace.choose")}>
            <p>{t("trace.chooseHelp")}</p>
          </Empty>
        )
        : <Timeline key={`${topic} ${id}`} topic={topic} id={id} />}
    </Page>
  );
}

function Timeline({ topic, id }: { topic: string; id: string }) {
  const t = useText();
  const trace = useLoad((signal) => {
    const query = topic === "" ? {} : { topic };
    return read(api.messages[":id"].trace.$get({ param: { id }, query }, { init: { signal } }));
  }, `${topic} ${id}`);
  return (
    <Await of={trace}>
      {({ events, missingTraceTopics }) => (
        <>
          {missingTraceTopics.map((topic) => (
            <p key={topic} class="note warn">{t("trace.noTopic", { topic })}</p>
          ))}
          {missingTraceTopics.length === 0 && events.every(({ source }) => source === "broker") && (
            <p class="note">{t("trace.noClient")}</p>
          )}
          <Panel>
            <ol class="timeline">
              {events.map((event, at) => <TimelineEntry key={at} event={event} />)}
            </ol>
          </Panel>
        </>
      )}
    </Await>
  );
}

type Event =
  | {
    source: "broker";
    event: string;
    timestamp: number;
    topic: string;
    brokerName: string;
    queueId: number;
    queueOffset: number;
    offsetMsgId: string;
    reconsumeTimes: number;
    group?: string | undefined;
    deliverAt?: number | undefined;
  }
  | {
    source: "client";
    event: string;
    timestamp?: number | undefined;
    record: {
      group?: string | undefined;
      clientHost: string;
      costTime?: number | undefined;
      retryTimes?: number | undefined;
      success?: boolean | undefined;
      transactionState?: string | undefined;
    };
  };

function TimelineEntry({ event }: { event: Event }) {
  const t = useText();
  const isFailed = event.source === "client" && event.record.success === false;
  return (
    <li>
      <time class="mono">{formatTime(event.timestamp, true)}</time>
      <span class="badges">
        <Badge kind={isFailed ? "bad" : event.source === "broker" ? "accent" : "ok"}>
          {event.event}
        </Badge>
        {isFailed && <Badge kind="bad">{t("trace.failed")}</Badge>}
      </span>
      <span>
        {event.source === "broker" ? <BrokerWords {...event} /> : <ClientWords {...event} />}
      </span>
    </li>
  );
}

function BrokerWords(event: Extract<Event, { source: "broker" }>) {
  const t = useText();
  const { topic, offsetMsgId, brokerName, queueId, queueOffset, group, deliverAt } = event;
  return (
    <>
      <Link href={hrefOf(["messages"], { topic, open: offsetMsgId })}>{topic}</Link>{" "}
      {t("trace.broker")} {brokerName} · {queueId}:{queueOffset} {group}
      {deliverAt !== undefined && ` → ${formatTime(deliverAt)}`}
      {event.reconsumeTimes > 0 && ` · ${t("trace.attempt", { n: event.reconsumeTimes + 1 })}`}
    </>
  );
}

function ClientWords({ record }: Extract<Event, { source: "client" }>) {
  const t = useText();
  const { group, clientHost, costTime, retryTimes, transactionState } = record;
  return (
    <>
      {group} · {t("trace.client")} {clientHost} {transactionState}
      {costTime !== undefined && ` · ${t("trace.took", { time: formatDuration(costTime) })}`}
      {retryTimes !== undefined && retryTimes > 0 &&
        ` · ${t("trace.attempt", { n: retryTimes + 1 })}`}
    </>
  );
}
