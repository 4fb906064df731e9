/** Making a queue anew from the log, when its files are gone. */

import type { CommitLog } from "./commit_log.ts";
import type { ConsumeQueue } from "./consume_queue.ts";
import { type DelayLevels, type DispatchEntry, entryOf, isQueued } from "./dispatch.ts";
import { soundRecords } from "./log_end.ts";

export interface RebuildOptions {
  /** Up to where the log is read; Infinity for all of it. */
  physicalOffsetMax: number;
  /** How many messages the queue surely had. */
  maxOffsetMin: number;
  delayLevels: DelayLevels;
}

/**
 * Reads the whole log for one queue that is empty. Works on the event loop, about a second for each GiB: nothing that
 * a broker does leads to it, only files that were deleted under it.
 */
export function rebuildQueue(log: CommitLog, queue: ConsumeQueue, options: RebuildOptions): void {
  const { physicalOffsetMax, maxOffsetMin, delayLevels } = options;
  for (const { bytes, record } of soundRecords(log, queue.physicalOffsetMin, physicalOffsetMax)) {
    const isHere = record.topic === queue.topic && record.queueId === queue.queueId;
    if (!isHere || !isQueued(record.sysFlag)) continue;
    const entry = entryOf(bytes, record, queue, delayLevels);
    makeRoomFor(entry);
    queue.put(entry.queueOffset, entry.physicalOffset, entry.size, entry.tagsCode);
  }
  if (queue.maxOffset < maxOffsetMin) queue.continueAt(maxOffsetMin);
}

/** Makes a message the next one of its queue, also when the ones before it are lost or count no more. */
export function makeRoomFor(entry: DispatchEntry): void {
  const { queue, queueOffset, physicalOffset, size, tagsCode } = entry;
  // A topic that was deleted and created again counts from 0 once more.
  if (queueOffset < queue.maxOffset) queue.truncate(queueOffset);
  if (queueOffset > queue.maxOffset) queue.fill(queueOffset, physicalOffset, size, tagsCode);
}
