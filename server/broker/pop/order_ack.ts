/** Acknowledging and hiding messages of groups that consume in order. */

import type { OffsetTable } from "../offset_table.ts";
import type { Clock } from "./due_timer.ts";
import type { OrderLocks } from "./order_locks.ts";
import { popOffsetOf } from "./pop_offsets.ts";
import type { PopPolling } from "./pop_polling.ts";
import type { PopQueue } from "./pop_queue.ts";
import type { PopTable } from "./pop_table.ts";
import type { ReviveLog } from "./revive_log.ts";

export interface OrderAckDeps {
  offsets: Pick<OffsetTable, "queryOffset" | "hasOffsetReset">;
  table: Pick<PopTable, "find">;
  reviveLog: ReviveLog;
  orderLocks: OrderLocks;
  polling: Pick<PopPolling, "wake">;
  clock: Clock;
}

/** One message of one pop. */
export interface OrderedMessage {
  topic: string;
  group: string;
  queueId: number;
  popTime: number;
  queueOffset: number;
}

/** DONE: it was so already. WAITS: `finish` is called. LATE: the message comes again, or was never popped so. */
export type OrderOutcome = "DONE" | "WAITS" | "LATE";

/** Acknowledges a message; the group goes on behind it when all before it are acknowledged too. */
export function ackInOrder(
  deps: OrderAckDeps,
  { topic, group, queueId, popTime, queueOffset }: OrderedMessage,
  finish: (failure: Error | undefined) => void,
): OrderOutcome {
  const queue = deps.table.find(topic, group, queueId);
  if (queueOffset < offsetOf(deps, topic, group, queueId, queue)) return "DONE";
  const order = queue?.order;
  if (queue === undefined || order === undefined) return "LATE";
  const wasAcked = order.isAcked(queueOffset);
  const acked = order.ack(queueOffset, popTime);
  if (acked.status !== "ACKED") return "LATE";
  return record(deps, queue, (failure) => {
    if (failure !== undefined && !wasAcked) order.unack(queueOffset);
  }, finish);
}

/** Hides a message until `visibleAt`. */
export function hideInOrder(
  deps: OrderAckDeps,
  { topic, group, queueId, popTime, queueOffset }: OrderedMessage,
  visibleAt: number,
  finish: (failure: Error | undefined) => void,
): OrderOutcome {
  const queue = deps.table.find(topic, group, queueId);
  if (queueOffset < offsetOf(deps, topic, group, queueId, queue)) return "DONE";
  if (queue?.order?.changeVisibleAt(queueOffset, popTime, visibleAt) !== true) return "LATE";
  // A time that could not be recorded holds until the broker stops.
  return record(deps, queue, () => {}, finish);
}

/** Records how the group stands now, and wakes who waits when the queue is free. `settle` is called before `finish`. */
function record(
  deps: OrderAckDeps,
  queue: PopQueue,
  settle: (failure: Error | undefined) => void,
  finish: (failure: Error | undefined) => void,
): OrderOutcome {
  const { reviveLog, orderLocks, offsets, polling, clock } = deps;
  const { topic, group, queueId } = queue;
  const order = queue.order!;
  const recorded = reviveLog.putOrder(queue);
  if (recorded === undefined) {
    const failure = new Error("the store takes no messages");
    settle(failure);
    queueMicrotask(() => finish(failure));
    return "WAITS";
  }
  if (!offsets.hasOffsetReset(group, topic, queueId)) {
    reviveLog.moveOn(queue, order.nextOffset, recorded);
  }
  if (order.isDone) reviveLog.release(queue, recorded.endOffset);
  orderLocks.changed(queue);
  reviveLog.whenSafe(recorded, recorded.endOffset, (failure) => {
    settle(failure);
    finish(failure);
    orderLocks.changed(queue);
  });
  if (!order.blocks(clock.now(), undefined)) polling.wake(topic, group, queueId);
  return "WAITS";
}

function offsetOf(
  { offsets }: Pick<OrderAckDeps, "offsets">,
  topic: string,
  group: string,
  queueId: number,
  queue: PopQueue | undefined,
): number {
  return queue === undefined
    ? offsets.queryOffset(group, topic, queueId)
    : popOffsetOf({ offsets }, queue);
}
