/** How far a group is in each queue, and who has it. */

import { Badge, Empty } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { formatCount, formatDuration } from "../format.ts";
import { hrefOf } from "../router.ts";
import { Link, useText } from "../state.tsx";
import { consumeCommand } from "./topic_parts.tsx";

/** When the next message has waited so long, whoever has the queue hangs or is too slow. */
export const STUCK_MILLIS = 60_000;

interface QueueProgress {
  topic: string;
  brokerName: string;
  queueId: number;
  brokerOffset: number;
  consumerOffset: number;
  diff: number;
  delayMillis: number;
  clientId?: string | undefined;
}

export function GroupProgress({ queues }: { queues: readonly QueueProgress[] }) {
  const t = useText();
  if (queues.length === 0) {
    return (
      <Empty title={t("group.noProgress")} command={consumeCommand("Orders")}>
        <p>{t("group.noProgressHelp")}</p>
      </Empty>
    );
  }
  return (
    <Table
      label={t("group.tab.progress")}
      rows={queues}
      rowKey={({ topic, brokerName, queueId }) => `${topic} ${brokerName} ${queueId}`}
      rowClass={(queue) => isStuck(queue) ? "bad" : undefined}
      columns={[
        {
          title: t("progress.topic"),
          cell: ({ topic }) => <Link href={hrefOf(["topics", topic])} class="name">{topic}</Link>,
        },
        {
          title: t("queue.id"),
          cell: ({ brokerName, queueId }) => `${brokerName} · ${queueId}`,
        },
        {
          title: t("progress.consumed"),
          isNumber: true,
          isExtra: true,
          cell: ({ consumerOffset }) => formatCount(consumerOffset),
        },
        {
          title: t("progress.end"),
          isNumber: true,
          isExtra: true,
          cell: ({ brokerOffset }) => formatCount(brokerOffset),
        },
        { title: t("groups.lag"), isNumber: true, cell: ({ diff }) => formatCount(diff) },
        {
          title: t("progress.waits"),
          isNumber: true,
          cell: (queue) => (
            <>
              {queue.diff > 0 ? formatDuration(queue.delayMillis) : "–"}{" "}
              {isStuck(queue) && <Badge kind="bad">{t("progress.stuck")}</Badge>}
            </>
          ),
        },
        {
          title: t("progress.client"),
          cell: ({ clientId }) => (
            <span class="mono name">{clientId ?? t("progress.noClient")}</span>
          ),
        },
      ]}
    />
  );
}

function isStuck({ diff, delayMillis }: QueueProgress): boolean {
  return diff > 0 && delayMillis >= STUCK_MILLIS;
}
