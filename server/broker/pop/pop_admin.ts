/** What admins do to groups and topics, as far as it concerns what is in flight. */

import type { MessageStore } from "../../../store/message_store.ts";
import { forgetPops } from "./pop_offsets.ts";
import { allBits, type PopQueue } from "./pop_queue.ts";
import type { PopTable } from "./pop_table.ts";
import type { Recorded, ReviveLog } from "./revive_log.ts";

export interface PopAdminDeps {
  store: Pick<MessageStore, "commit">;
  table: PopTable;
  reviveLog: ReviveLog;
}

/**
 * A group was sent elsewhere. What it popped of the queue and is not committed yet must not count after a crash, so that
 * goes on record. Resolves when the record is as safe as was promised; undefined when there is none to wait for.
 */
export function recordReset(
  { reviveLog, store }: PopAdminDeps,
  queue: PopQueue,
  nextOffset: number,
): Promise<void> | undefined {
  const { uncommittedCount } = queue;
  forgetPops(reviveLog, queue);
  if (uncommittedCount === 0) return undefined;
  const recorded = reviveLog.putReset(queue, nextOffset);
  if (recorded === undefined) return undefined;
  reviveLog.moveOn(queue, nextOffset, recorded);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  reviveLog.whenSafe(
    recorded,
    recorded.endOffset,
    (failure) => failure === undefined ? resolve() : reject(failure),
  );
  store.commit();
  return promise;
}

/** A group or a topic is gone: what is in flight of it must not count for another of its name. */
export function forgetRemoved(
  { table, reviveLog, store }: PopAdminDeps,
  gone: { group: string } | { topic: string },
): void {
  let first: Recorded | undefined;
  let endOffset = 0;
  for (const queue of [...table.queues]) {
    if ("group" in gone ? queue.group !== gone.group : queue.topic !== gone.topic) continue;
    forgetPops(reviveLog, queue);
    for (const checkPoint of [...queue.checkPoints.values()]) {
      const bits = allBits(checkPoint.distances) & ~checkPoint.closed;
      checkPoint.closed |= bits;
      checkPoint.givenBack |= bits;
      table.remove(checkPoint);
      const recorded = bits === 0 ? undefined : reviveLog.putAck(checkPoint, bits);
      if (recorded === undefined) continue;
      first ??= recorded;
      endOffset = recorded.endOffset;
      reviveLog.release(checkPoint, endOffset);
    }
    table.forget(queue);
  }
  if (first === undefined) return;
  reviveLog.whenSafe(first, endOffset, () => {});
  store.commit();
}
