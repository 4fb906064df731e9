/** How far every group is at one broker, queue by queue. */

import { GET_BROKER_CONSUME_STATS } from "../protocol/commands/admin_broker.ts";
import { type AdminClient, parseJson } from "./admin_client.ts";
import { parseConsumeStats, type QueueProgress } from "./stats.ts";

export interface BrokerConsumeStats extends QueueProgress {
  readonly group: string;
  /** Messages that the group has not consumed. */
  readonly diff: number;
}

export interface BrokerConsumeStatsOptions {
  /** Only topics that are ordered. */
  readonly isOrder?: boolean;
  readonly timeoutMillis?: number;
}

/** One request, however many groups there are. @throws {RemotingError} */
export async function brokerConsumeStats(
  admin: AdminClient,
  brokerAddr: string,
  { isOrder = false, timeoutMillis }: BrokerConsumeStatsOptions = {},
): Promise<BrokerConsumeStats[]> {
  const timeout = timeoutMillis === undefined ? {} : { timeoutMillis };
  const { body } = await admin.invoke(brokerAddr, GET_BROKER_CONSUME_STATS, { isOrder }, timeout);
  const { consumeStatsList } = (parseJson(body) ?? {}) as {
    consumeStatsList?: Record<string, unknown[]>[];
  };
  return (consumeStatsList ?? []).flatMap((groups) =>
    Object.entries(groups).flatMap(([group, list]) =>
      list.flatMap((stats) => parseConsumeStats(stats).queues).map((queue) => ({
        group,
        ...queue,
        diff: queue.brokerOffset - queue.consumerOffset,
      }))
    )
  );
}
