/** Where a moment is in each queue, and the message that is there. */

import { api, read } from "../api.ts";
import { Failures } from "../components/failures.tsx";
import { Await, Panel } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { formatCount, formatTime } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { type Message, preview } from "../message.ts";
import { useRoute, useText } from "../state.tsx";
import { MessageDialog } from "./message_dialog.tsx";

/** Of so many queues the message is shown; more would be many requests for little. */
const MESSAGES_SHOWN = 16;
const PREVIEW_BYTES = "200";

interface QueueMoment {
  brokerName: string;
  queueId: number;
  maxOffset: number;
  offset: number;
  storeTimestamp?: number | undefined;
  message?: Message | undefined;
}

export function LookbackQueues({ topic, time }: { topic: string; time: number }) {
  const t = useText();
  const { query: { open }, setQuery } = useRoute();
  const moment = useLoad(
    async (signal) => {
      const args = { param: { topic }, query: { timestamp: String(time) } };
      const { queues, failures } = await read(
        api.topics[":topic"].offsets.$get(args, { init: { signal } }),
      );
      const shown: QueueMoment[] = queues;
      const messages = await Promise.all(
        shown.slice(0, MESSAGES_SHOWN).map((queue) => messageAt(topic, queue, signal)),
      );
      return { queues: shown.map((queue, at) => ({ ...queue, message: messages[at] })), failures };
    },
    `${topic} ${time}`,
  );
  return (
    <Panel title={t("lookback.at", { time: formatTime(time, true) })}>
      <Await of={moment}>
        {({ queues, failures }) => (
          <>
            <Failures failures={failures} />
            <Table
              label={t("topic.tab.queues")}
              rows={queues}
              rowKey={({ brokerName, queueId }) => `${brokerName}:${queueId}`}
              columns={[
                { title: t("queue.id"), cell: (row) => `${row.brokerName} · ${row.queueId}` },
                {
                  title: t("messages.offset"),
                  isNumber: true,
                  cell: ({ offset }) => formatCount(offset),
                },
                {
                  title: t("lookback.after"),
                  isNumber: true,
                  cell: ({ maxOffset, offset }) => formatCount(maxOffset - offset),
                },
                {
                  title: t("messages.stored"),
                  cell: ({ storeTimestamp, message }) =>
                    message === undefined ? formatTime(storeTimestamp, true) : (
                      <button
                        type="button"
                        class="link nowrap"
                        onClick={() => setQuery({ open: message.offsetMsgId }, "push")}
                      >
                        {formatTime(storeTimestamp, true)}
                      </button>
                    ),
                },
                {
                  title: t("lookback.message"),
                  isWide: true,
                  cell: ({ message, offset, maxOffset }) =>
                    message
                      ? <span class="mono" dir="auto">{preview(message)}</span>
                      : offset >= maxOffset
                      ? <small>{t("lookback.end")}</small>
                      : "",
                },
              ]}
            />
          </>
        )}
      </Await>
      {open !== undefined && (
        <MessageDialog
          id={open}
          topic={topic}
          onClose={() => setQuery({ open: undefined })}
        />
      )}
    </Panel>
  );
}

async function messageAt(
  topic: string,
  { brokerName, queueId, offset, maxOffset }: QueueMoment,
  signal: AbortSignal,
): Promise<Message | undefined> {
  if (offset >= maxOffset) return undefined;
  const { messages } = await read(
    api.topics[":topic"].queues[":queue"].messages.$get({
      param: { topic, queue: String(queueId) },
      query: { brokerName, offset: String(offset), limit: "1", bodyLimit: PREVIEW_BYTES },
    }, { init: { signal } }),
  ) as { messages: Message[] };
  return messages[0];
}
