/** What groups could not consume: which groups, which messages, and sending them again. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { Failures } from "../components/failures.tsx";
import { FormDialog } from "../components/dialog.tsx";
import { ListPager, PAGE_SIZE, SearchField, useListState } from "../components/list.tsx";
import { Await, Empty, Page, Panel } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { useToast } from "../components/toast.tsx";
import { formatCount, formatTime } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { type Message, originTopic } from "../message.ts";
import { hrefOf } from "../router.ts";
import { Link, useRoute, useText } from "../state.tsx";
import { MessageDialog } from "./message_dialog.tsx";
import { SearchResults } from "./message_results.tsx";

const PREFIX = "%DLQ%";
/** What is sent again at once; more is a matter for a script over the HTTP API. */
const SENT_MAX = "1000";

export function DeadLettersPage() {
  const t = useText();
  const list = useListState("topic");
  const query = {
    ...list,
    type: "dlq" as const,
    page: String(list.page),
    limit: String(PAGE_SIZE),
  };
  const found = useLoad(async (signal) => {
    const init = { init: { signal } };
    const { items, ...rest } = await read(api.topics.$get({ query }, init));
    const rows = await Promise.all(items.map(async ({ topic }) => {
      const stats = await read(api.topics[":topic"].stats.$get({ param: { topic } }, init));
      const last = Math.max(
        0,
        ...stats.queues.map(({ lastUpdateTimestamp }) => lastUpdateTimestamp),
      );
      return { group: topic.slice(PREFIX.length), count: stats.messageCount, last };
    }));
    return { ...rest, rows };
  }, JSON.stringify(query));
  return (
    <Page title={t("nav.dlq")} lead={t("dlq.lead")}>
      <div class="bar">
        <SearchField />
      </div>
      <Await of={found}>
        {({ rows, total, failures }) => (
          <>
            <Failures failures={failures} />
            <Panel>
              {total === 0
                ? (
                  <Empty title={t("dlq.none")}>
                    <p>{t("dlq.noneHelp")}</p>
                  </Empty>
                )
                : (
                  <Table
                    label={t("nav.dlq")}
                    rows={rows}
                    rowKey={({ group }) => group}
                    columns={[
                      {
                        title: t("dlq.group"),
                        cell: ({ group }) => (
                          <Link href={hrefOf(["dlq", group])} class="name">{group}</Link>
                        ),
                      },
                      {
                        title: t("dlq.count"),
                        isNumber: true,
                        cell: ({ count }) => formatCount(count),
                      },
                      {
                        title: t("dlq.last"),
                        isNumber: true,
                        cell: ({ last }) => formatTime(last),
                      },
                    ]}
                  />
                )}
              <ListPager page={list.page} total={total} />
            </Panel>
          </>
        )}
      </Await>
    </Page>
  );
}

/** The dead letters of one group, the newest first. */
export function GroupDeadLettersPage({ id: group }: { id: string }) {
  const t = useText();
  const { query: { open }, setQuery } = useRoute();
  const [isSending, setSending] = useState(false);
  const topic = PREFIX + group;
  const request = {
    topic,
    find: "",
    from: "newest" as const,
    time: undefined,
    brokerName: "",
    queue: undefined,
    offset: undefined,
    filter: "none" as const,
    filterValue: "",
  };
  return (
    <Page
      title={group}
      parent={{ href: "/dlq", title: t("nav.dlq") }}
      actions={
        <>
          <Link class="button" href={hrefOf(["messages"], { topic })}>{t("messages.search")}</Link>
          <button type="button" onClick={() => setSending(true)}>{t("dlq.sendAll")}</button>
        </>
      }
    >
      <SearchResults request={request} />
      {open !== undefined && (
        <MessageDialog
          id={open}
          topic={topic}
          onClose={() => setQuery({ open: undefined })}
        />
      )}
      {isSending && <SendAllDialog topic={topic} onClose={() => setSending(false)} />}
    </Page>
  );
}

/** Shows what would be sent where, then sends it, one after the other. */
function SendAllDialog({ topic, onClose }: { topic: string; onClose: () => void }) {
  const t = useText();
  const say = useToast();
  const [done, setDone] = useState(0);
  const found = useLoad(async (signal) => {
    const query = { topic, limit: SENT_MAX, order: "asc" as const, bodyLimit: "0" };
    const answer = await read(api.messages.$get({ query }, { init: { signal } }));
    return (answer as { messages: Message[] }).messages;
  }, topic);
  const messages = found.data ?? [];
  const origins = Object.entries(Object.groupBy(messages, originTopic));
  const send = async () => {
    for (const message of messages.slice(done)) {
      const json = { topic, toTopic: originTopic(message) };
      await read(api.messages[":id"].resend.$post({ param: { id: message.offsetMsgId }, json }));
      setDone((before) => before + 1);
    }
    say(t("dlq.sent", { count: messages.length }));
  };
  return (
    <FormDialog
      title={t("dlq.sendAll")}
      submitLabel={t("dlq.sendAll")}
      onSubmit={send}
      onClose={onClose}
      isReady={messages.length > 0}
    >
      <Await of={found}>
        {() => (
          <>
            <p>{t("dlq.sendAllTo", { count: messages.length })}</p>
            <Table
              label={t("dlq.sendAll")}
              rows={origins}
              rowKey={([origin]) => origin}
              columns={[
                { title: t("dlq.origin"), cell: ([origin]) => origin },
                {
                  title: t("dlq.count"),
                  isNumber: true,
                  cell: ([, list = []]) => formatCount(list.length),
                },
              ]}
            />
            {done > 0 && <p role="status">{t("dlq.progress", { done, total: messages.length })}</p>}
          </>
        )}
      </Await>
    </FormDialog>
  );
}
