/** Where a group's next pop from a queue begins. */

import { ConsumeInitMode } from "../../../client/protocol/commands/pop.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { OffsetTable } from "../offset_table.ts";
import { RETRY_GROUP_TOPIC_PREFIX } from "../topic_name.ts";
import type { PopQueue } from "./pop_queue.ts";
import type { PopTable } from "./pop_table.ts";
import type { ReviveLog } from "./revive_log.ts";

export interface PeekOffsetDeps {
  store: Pick<MessageStore, "getMinOffsetInQueue">;
  offsets: Pick<OffsetTable, "queryOffset">;
  table: Pick<PopTable, "find">;
}

export interface PopOffsetDeps {
  config: Readonly<{ initPopOffsetByCheckMsgInMem: boolean }>;
  store: Pick<MessageStore, "getMinOffsetInQueue" | "getMaxOffsetInQueue" | "isInMemory">;
  offsets: Pick<OffsetTable, "queryOffset" | "commitOffset" | "takeResetOffset">;
  reviveLog: Pick<ReviveLog, "release">;
}

/** Where the next pop begins; -1 when the group has no offset. */
export function popOffsetOf(
  { offsets }: { offsets: Pick<OffsetTable, "queryOffset"> },
  { topic, group, queueId, nextOffset, uncommittedCount }: PopQueue,
): number {
  const committed = offsets.queryOffset(group, topic, queueId);
  return uncommittedCount > 0 ? Math.max(committed, nextOffset) : committed;
}

/** The same for who only looks: a group without an offset would begin at the first message. */
export function peekOffsetOf(
  { offsets, table, store }: PeekOffsetDeps,
  topic: string,
  group: string,
  queueId: number,
): number {
  const queue = table.find(topic, group, queueId);
  const offset = queue === undefined
    ? offsets.queryOffset(group, topic, queueId)
    : popOffsetOf({ offsets }, queue);
  return offset < 0 ? store.getMinOffsetInQueue(topic, queueId) : offset;
}

/** Where this pop begins. Obeys an admin's reset, and gives the group an offset when it has none. */
export function takePopOffset(deps: PopOffsetDeps, queue: PopQueue, initMode: number): number {
  const { topic, group, queueId } = queue;
  const resetOffset = deps.offsets.takeResetOffset(group, topic, queueId);
  if (resetOffset !== undefined) {
    resetPopOffset(deps, queue, resetOffset);
    return resetOffset;
  }
  const offset = popOffsetOf(deps, queue);
  if (offset >= 0) return offset;
  const first = initOffsetOf(deps, queue, initMode);
  deps.offsets.commitOffset(group, topic, queueId, first);
  return first;
}

/** The group goes on at `nextOffset`, whatever it popped before. */
export function resetPopOffset(
  { offsets, reviveLog }: Pick<PopOffsetDeps, "offsets" | "reviveLog">,
  queue: PopQueue,
  nextOffset: number,
): void {
  forgetPops(reviveLog, queue);
  offsets.commitOffset(queue.group, queue.topic, queue.queueId, nextOffset);
}

/** What was popped of a queue, and is not committed yet, does not count any more. */
export function forgetPops(reviveLog: Pick<ReviveLog, "release">, queue: PopQueue): void {
  queue.resetCount++;
  queue.uncommittedCount = 0;
  queue.order = undefined;
  reviveLog.release(queue, 0);
}

/** MIN begins at the first message. MAX begins with the last one, or with the first when nothing is old yet. */
function initOffsetOf(
  { config, store }: PopOffsetDeps,
  { topic, queueId }: PopQueue,
  initMode: number,
): number {
  const minOffset = store.getMinOffsetInQueue(topic, queueId);
  if (initMode === ConsumeInitMode.MIN || topic.startsWith(RETRY_GROUP_TOPIC_PREFIX)) {
    return minOffset;
  }
  const isYoung = config.initPopOffsetByCheckMsgInMem && minOffset <= 0 &&
    store.isInMemory(topic, queueId, 0);
  return isYoung ? 0 : Math.max(0, store.getMaxOffsetInQueue(topic, queueId) - 1);
}
