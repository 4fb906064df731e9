/** Looking into the units of a consume queue. */

import { QUERY_CONSUME_QUEUE } from "../protocol/commands/admin_topic.ts";
import { type AdminClient, parseJson } from "./admin_client.ts";
import { numberOf } from "./message_queue.ts";
import type { QueueAddress } from "./queue_reading.ts";

/** One unit: where a message is in the log. */
export interface ConsumeQueueUnit {
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly size: number;
  /** A hash of the message's tag; for a message of a delay level the time at which it is due. */
  readonly tagsCode: number;
  /** Whether the group's filter lets it pass; told when a group was given that filters by SQL92. */
  readonly eval: boolean;
  /** Its properties, told as well then. */
  readonly msg: string | undefined;
}

export interface ConsumeQueueView {
  readonly minQueueIndex: number;
  readonly maxQueueIndex: number;
  /** What the group wants of the topic; undefined when no group was given, or it says nothing. */
  readonly subscriptionData: unknown;
  readonly filterData: string | undefined;
  readonly units: readonly ConsumeQueueUnit[];
}

export interface ConsumeQueueQuery {
  /** The queueOffset of the first unit. */
  readonly index: number;
  readonly count: number;
  readonly consumerGroup?: string | undefined;
}

/** Units of a queue; undefined when the queue has none at this index. @throws {RemotingError} */
export async function consumeQueueUnits(
  admin: AdminClient,
  { topic, queueId, brokerAddr }: QueueAddress,
  { index, count, consumerGroup }: ConsumeQueueQuery,
): Promise<ConsumeQueueView | undefined> {
  const header = { topic, queueId, index, count, consumerGroup };
  const { body } = await admin.invoke(brokerAddr, QUERY_CONSUME_QUEUE, header);
  const json = parseJson(body) as Record<string, unknown> | undefined;
  if (json === undefined) return undefined;
  const { subscriptionData, filterData } = json;
  return {
    minQueueIndex: numberOf(json["minQueueIndex"]),
    maxQueueIndex: numberOf(json["maxQueueIndex"]),
    subscriptionData: subscriptionData ?? undefined,
    // Java prints what is not there as text.
    filterData: typeof filterData === "string" && filterData !== "null" ? filterData : undefined,
    units: ((json["queueData"] ?? []) as Record<string, unknown>[]).map((unit, at) => ({
      queueOffset: index + at,
      physicalOffset: numberOf(unit["physicOffset"]),
      size: numberOf(unit["physicSize"]),
      tagsCode: numberOf(unit["tagsCode"]),
      eval: unit["eval"] === true,
      msg: typeof unit["msg"] === "string" ? unit["msg"] : undefined,
    })),
  };
}
