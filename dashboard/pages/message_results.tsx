/** What a search has found so far, and how far it is. */

import { ErrorNote } from "../components/form.tsx";
import { Empty, Panel } from "../components/page.tsx";
import { type Column, Table } from "../components/table.tsx";
import { formatBytes, formatTime } from "../format.ts";
import { type Message, preview } from "../message.ts";
import { type Search, type SearchRequest, useMessageSearch } from "../message_search.ts";
import { type Translate, useRoute, useText } from "../state.tsx";

export function SearchResults({ request }: { request: SearchRequest }) {
  const t = useText();
  const search = useMessageSearch(request);
  const { messages, isRunning, isComplete, error } = search;
  const isNothing = messages.length === 0 && !isRunning && error === undefined && isComplete;
  return (
    <>
      <ErrorNote error={error} />
      <Panel>
        <Progress {...search} />
        {isNothing
          ? (
            <Empty title={t("messages.none")} command={sendCommand(request.topic)}>
              <p>{t("messages.noneHelp", { topic: request.topic })}</p>
            </Empty>
          )
          : <MessageTable messages={messages} />}
      </Panel>
    </>
  );
}

/** A message over HTTP, to be pasted. */
export function sendCommand(topic: string): string {
  return `curl ${location.origin}/api/messages -H 'content-type: application/json' \\
  -d '{"topic": "${topic}", "tag": "paid", "keys": ["order-1"], "body": "hello"}'`;
}

function Progress({ messages, scanned, horizon, isRunning, isComplete, more, stop }: Search) {
  const t = useText();
  const words = [
    t("messages.scanned", { found: messages.length, scanned }),
    isRunning && horizon !== undefined && t("messages.at", { time: formatTime(horizon) }),
    !isRunning && t(isComplete ? "messages.complete" : "messages.paused"),
  ];
  return (
    <header class="progress">
      <span role="status" class="quiet-text">{words.filter(Boolean).join(" · ")}</span>
      {isRunning && <button type="button" onClick={stop}>{t("action.stop")}</button>}
      {!isRunning && !isComplete && (
        <button type="button" onClick={more}>{t("messages.more")}</button>
      )}
    </header>
  );
}

/** Messages as rows; each opens its details. */
export function MessageTable({ messages }: { messages: readonly Message[] }) {
  const t = useText();
  const { query: { open }, setQuery } = useRoute();
  if (messages.length === 0) return null;
  return (
    <Table
      label={t("nav.messages")}
      rows={messages}
      rowKey={({ offsetMsgId }) => offsetMsgId}
      rowClass={({ offsetMsgId }) => offsetMsgId === open ? "active" : undefined}
      columns={columnsOf(t, (id) => setQuery({ open: id }, "push"))}
    />
  );
}

function columnsOf(t: Translate, open: (id: string) => void): Column<Message>[] {
  return [
    {
      title: t("messages.stored"),
      cell: ({ storeTimestamp, offsetMsgId }) => (
        <button
          type="button"
          class="link nowrap"
          onClick={() => open(offsetMsgId)}
        >
          {formatTime(storeTimestamp, true)}
        </button>
      ),
    },
    { title: t("messages.tag"), cell: ({ tags }) => <span class="name">{tags}</span> },
    {
      title: t("messages.keys"),
      isExtra: true,
      cell: ({ keys }) => <span class="mono name">{keys.join(" ")}</span>,
    },
    {
      title: t("messages.place"),
      isNumber: true,
      cell: ({ queueId, queueOffset }) => `${queueId}:${queueOffset}`,
    },
    {
      title: t("messages.size"),
      isNumber: true,
      isExtra: true,
      cell: ({ bodyLength }) => formatBytes(bodyLength),
    },
    {
      title: t("messages.body"),
      isWide: true,
      cell: (message) => <span class="mono" dir="auto">{preview(message)}</span>,
    },
  ];
}
