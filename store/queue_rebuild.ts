/** Making a queue anew from the log, when its files are gone. */

import type { CommitLog } from "./commit_log.ts";
import type { ConsumeQueue } from "./consume_queue.ts";
import {
  type DelayLevels,
  type DispatchEntry,
  entryOf,
  isQueued,
  propertiesOf,
  putUnit,
  queueOffsetIn,
} from "./dispatch.ts";
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
    const queueOffset = queueOffsetIn(queue, record, () => propertiesOf(bytes, record));
    if (queueOffset === undefined || !isQueued(record.sysFlag)) continue;
    const properties = propertiesOf(bytes, record);
    const entry = { ...entryOf(properties, record, queue, delayLevels), queueOffset };
    makeRoomFor(queue, queueOffset, entry);
    putUnit(entry);
  }
  if (queue.maxOffset < maxOffsetMin) queue.continueAt(maxOffsetMin);
}

/** Makes a message the next one of its queue, also when the ones before it are lost or count no more. */
export function makeRoomFor(
  queue: ConsumeQueue,
  queueOffset: number,
  { physicalOffset, size, tagsCode }: Pick<DispatchEntry, "physicalOffset" | "size" | "tagsCode">,
): void {
  // A topic that was deleted and created again counts from 0 once more.
  if (queueOffset < queue.maxOffset) queue.truncate(queueOffset);
  if (queueOffset > queue.maxOffset) queue.fill(queueOffset, physicalOffset, size, tagsCode);
}
