/**
 * A compaction topic's queue as consumers see it: the compaction log up to where a run has compacted it, or as far as the
 * commit log has lost its messages; from there on the consume queue and the commit log, as for any topic.
 */

import type { CommitLog } from "../commit_log.ts";
import type { ConsumeQueue } from "../consume_queue.ts";
import { type BoundaryType, offsetByTime, storeTimestampOf } from "../lookup.ts";
import type { CompactionLog } from "./compaction_log.ts";

/** The queueOffset from which on messages are read from the commit log. */
export function commitLogStart(log: CompactionLog, queue: ConsumeQueue): number {
  return Math.max(log.position + 1, queue.minOffset);
}

/** queueOffset of the oldest message. */
export function minOffsetOf(log: CompactionLog, queue: ConsumeQueue): number {
  const start = commitLogStart(log, queue);
  const { firstOffset } = log;
  return firstOffset >= 0 && firstOffset < start ? firstOffset : start;
}

/** When the oldest message was stored, in milliseconds since the epoch; -1 when there is none. */
export function earliestTime(
  log: CompactionLog,
  queue: ConsumeQueue,
  commitLog: CommitLog,
): number {
  const start = commitLogStart(log, queue);
  const place = log.find(0);
  const unit = place?.file.units(place.index, 1);
  if (unit !== undefined && unit.queueOffset(0) < start) return unit.storeTimestamp(0);
  return storeTimestampOf(commitLog, queue, start);
}

/** As `offsetByTime`, also for messages that only the compaction log has. */
export function compactedOffsetByTime(
  log: CompactionLog,
  queue: ConsumeQueue,
  commitLog: CommitLog,
  timestamp: number,
  boundary: BoundaryType,
): number {
  if (log.firstOffset < 0 || log.firstOffset >= queue.minOffset) {
    return offsetByTime(commitLog, queue, timestamp, boundary);
  }
  if (boundary === "LOWER") {
    const place = log.findByTime(timestamp);
    const found = place?.file.units(place.index, 1).queueOffset(0) ?? Infinity;
    return found < queue.minOffset ? found : offsetByTime(commitLog, queue, timestamp, boundary);
  }
  const oldest = storeTimestampOf(commitLog, queue, queue.minOffset);
  if (oldest >= 0 && oldest <= timestamp) {
    return offsetByTime(commitLog, queue, timestamp, boundary);
  }
  return log.findLastByTime(timestamp) ?? log.firstOffset;
}

/**
 * Brings a compaction log that was just opened and its queue together.
 *
 * Messages that the queue does not have yet are forgotten: a log that lost its end will give their offsets to others.
 * If the newest message that both have differs, the files are of an earlier topic with the same name (Apache leaves
 * them behind), and all is forgotten. But a queue that has nothing at all at a start has lost its files, not its
 * messages: it goes on where the compaction log ends.
 */
export function matchQueue(
  log: CompactionLog,
  queue: ConsumeQueue,
  commitLog: CommitLog,
  isStart: boolean,
): void {
  if (queue.nextOffset === 0 && isStart) {
    if (log.copiedOffset > 0) queue.continueAt(log.copiedOffset);
    return;
  }
  if (log.copiedOffset > queue.maxOffset) log.truncate(queue.maxOffset);
  const last = log.lastOffset;
  if (last < queue.minOffset) return;
  const stored = storeTimestampOf(commitLog, queue, last);
  const place = log.find(last)!;
  const copied = place.file.units(place.index, 1).storeTimestamp(0);
  if (stored >= 0 && stored !== copied) log.truncate(0);
}
