/** The time machine: a topic's messages over time, a moment in it, and a group that goes back to it. */

import { useEffect, useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { Chart } from "../components/chart.tsx";
import { ErrorNote, SelectField, TextField } from "../components/form.tsx";
import { Await, Empty, Page, Panel } from "../components/page.tsx";
import { GroupField, TopicField } from "../components/topic_field.tsx";
import { formatShort, formatTime, fromLocalInput, toLocalInput } from "../format.ts";
import { type Histogram, loadHistogram } from "../histogram.ts";
import { useLoad, useSettled } from "../hooks.ts";
import { useRoute, useText } from "../state.tsx";
import { LookbackQueues } from "./lookback_queues.tsx";
import { ResetTool } from "./reset.tsx";

const SPANS = ["hour", "day", "all"] as const;
type Span = (typeof SPANS)[number];
const SPAN_MILLIS = { hour: 3_600_000, day: 86_400_000, all: Infinity } as const;
/** While the moment is dragged, nothing is asked. */
const SETTLE_MILLIS = 250;

export function LookbackPage() {
  const t = useText();
  const { query, setQuery } = useRoute();
  const { topic = "", group = "", span = "all" } = query;
  const time = Number(query["time"]) || undefined;
  const [typed, setTyped] = useState(topic);
  const settled = useSettled(typed, SETTLE_MILLIS * 2);
  useEffect(() => {
    if (settled !== topic) setQuery({ topic: settled });
  }, [settled]);
  const moment = useSettled(time, SETTLE_MILLIS);
  return (
    <Page title={t("nav.lookback")} lead={t("lookback.lead")}>
      <div class="bar">
        <TopicField label={t("messages.topic")} value={typed} onChange={setTyped} />
        <SelectField
          label={t("lookback.span")}
          value={span as Span}
          options={SPANS.map((each) => [each, t(`lookback.span.${each}`)])}
          onChange={(span) => setQuery({ span: span === "all" ? undefined : span })}
        />
        <TextField
          type="datetime-local"
          label={t("lookback.moment")}
          value={time === undefined ? "" : toLocalInput(time)}
          onChange={(text) => setQuery({ time: fromLocalInput(text) })}
        />
        <GroupField
          label={t("lookback.group")}
          value={group}
          onChange={(group) => setQuery({ group })}
        />
      </div>
      {topic === ""
        ? (
          <Empty title={t("lookback.choose")}>
            <p>{t("lookback.chooseHelp")}</p>
          </Empty>
        )
        : (
          <>
            <TopicTime
              key={`${topic} ${span}`}
              topic={topic}
              span={span as Span}
              time={time}
              onPick={(time) => setQuery({ time })}
            />
            {moment === undefined
              ? <p class="note">{t("lookback.pick")}</p>
              : <LookbackQueues topic={topic} time={moment} />}
            {moment !== undefined && (
              <Panel title={group === "" ? t("lookback.group") : group}>
                {group === ""
                  ? <p class="quiet-text">{t("lookback.noGroup")}</p>
                  : <ResetTool group={group} topic={topic} target={{ timestamp: moment }} />}
              </Panel>
            )}
          </>
        )}
    </Page>
  );
}

interface TopicTimeProps {
  topic: string;
  span: Span;
  time: number | undefined;
  onPick: (time: number) => void;
}

/** The chart, and the moment that is picked in it. */
function TopicTime({ topic, span, time, onPick }: TopicTimeProps) {
  const t = useText();
  const range = useLoad(async (signal) => {
    const now = Date.now();
    const args = { param: { topic }, query: { timestamp: String(now) } };
    const { queues } = await read(api.topics[":topic"].offsets.$get(args, { init: { signal } }));
    const first = Math.min(...queues.flatMap(({ minTimestamp }) => minTimestamp ?? []));
    return { begin: Math.max(first, now - SPAN_MILLIS[span]), end: now };
  }, topic);
  return (
    <Panel>
      <Await of={range}>
        {({ begin, end }) =>
          Number.isFinite(begin)
            ? <TimeChart topic={topic} begin={begin} end={end} time={time} onPick={onPick} />
            : <p class="quiet-text">{t("lookback.empty")}</p>}
      </Await>
    </Panel>
  );
}

interface TimeChartProps extends Omit<TopicTimeProps, "span"> {
  begin: number;
  end: number;
}

function TimeChart({ topic, begin, end, time, onPick }: TimeChartProps) {
  const t = useText();
  const [histogram, setHistogram] = useState<Histogram>({ times: [], counts: [] });
  const [error, setError] = useState<Error>();
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const failed = (error: Error) => signal.aborted || setError(error);
    loadHistogram(topic, { begin, end }, setHistogram, signal).catch(failed);
    return () => controller.abort();
  }, [topic, begin, end]);
  return (
    <>
      <p class="quiet-text">
        {t("lookback.chart")} {time !== undefined && <b>{formatTime(time, true)}</b>}
      </p>
      <ErrorNote error={error} />
      <Chart
        label={t("lookback.chart")}
        kind="bars"
        times={histogram.times}
        series={[{
          label: t("topic.messages"),
          color: "--series-1",
          values: histogram.counts,
        }]}
        format={formatShort}
        picked={time}
        onPick={onPick}
      />
    </>
  );
}
