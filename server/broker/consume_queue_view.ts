/** The units of a consume queue, for an admin to look at. */

import type { QUERY_CONSUME_QUEUE } from "../../client/protocol/commands/admin_topic.ts";
import type { HeaderOf } from "../../client/protocol/header_schema.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import type { ConsumeQueue } from "../../store/consume_queue.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { ConsumerTable } from "./client_table.ts";
import type { ConsumerFilterTable } from "./consumer_filter_table.ts";
import { subscriptionJson } from "./connection_json.ts";

export interface QueryConsumeQueueDeps {
  store: Pick<MessageStore, "findQueue">;
  consumers: Pick<ConsumerTable, "findSubscription">;
  filters: Pick<ConsumerFilterTable, "get">;
}

/** More are not told at once. */
const UNITS_MAX = 10_000;

/** A QueryConsumeQueueResponseBody; without one the remark says why. @throws {RemotingError} */
export function queryConsumeQueue(
  deps: QueryConsumeQueueDeps,
  header: HeaderOf<typeof QUERY_CONSUME_QUEUE.request.fields>,
): { remark: string; body?: Record<string, unknown> } {
  const { topic, queueId, index, count, consumerGroup } = header;
  const queue = deps.store.findQueue(topic, queueId);
  if (queue === undefined) {
    throw refuse(ResponseCode.SYSTEM_ERROR, `${queueId}@${topic} is not exist!`);
  }
  const { minOffset, maxOffset } = queue;
  if (index < minOffset || index >= maxOffset) {
    return { remark: `Index ${index} of ${queueId}@${topic} is not exist!` };
  }
  return {
    remark: "",
    body: {
      ...(consumerGroup === undefined ? {} : subscriptionOf(deps, topic, consumerGroup)),
      maxQueueIndex: maxOffset,
      minQueueIndex: minOffset,
      queueData: unitsOf(queue, index, Math.min(count, UNITS_MAX)),
    },
  };
}

function unitsOf(queue: ConsumeQueue, index: number, count: number) {
  const queueData: Record<string, unknown>[] = [];
  const end = Math.min(queue.maxOffset, index + count);
  for (let offset = index; offset < end;) {
    const units = queue.read(offset, end - offset);
    if (units.count === 0) break;
    for (let at = 0; at < units.count; at++) {
      queueData.push({
        eval: false,
        physicOffset: units.physicalOffset(at),
        physicSize: units.size(at),
        tagsCode: units.tagsCode(at),
      });
    }
    offset += units.count;
  }
  return queueData;
}

function subscriptionOf(
  { consumers, filters }: QueryConsumeQueueDeps,
  topic: string,
  group: string,
): Record<string, unknown> {
  const subscription = consumers.findSubscription(group, topic);
  if (subscription === undefined) return { filterData: `${group}@${topic} is not online!` };
  return {
    filterData: JSON.stringify(filters.get(topic, group) ?? null, null, "\t"),
    subscriptionData: subscriptionJson(subscription),
  };
}
