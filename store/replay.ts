/**
 * Putting what a start reads from the log into queues and index. Both first forget all that points past the beginning of
 * the scan, so that afterwards they are exactly what a full scan would make.
 */

import type { CommitLog } from "./commit_log.ts";
import type { DeletedTopics } from "./deleted_topics.ts";
import { type DelayLevels, dispatchEntry, entryOf, indexRecord, isQueued } from "./dispatch.ts";
import { soundRecords } from "./log_end.ts";
import { soundRecordAt } from "./log_reader.ts";
import type { MessageIndex } from "./message_index.ts";
import { makeRoomFor } from "./queue_rebuild.ts";
import type { QueueTable } from "./queue_table.ts";
import { scanLog, type ScanResult, type StartPlan } from "./recovery.ts";

export interface ReplayParts {
  log: CommitLog;
  queues: QueueTable;
  deleted: DeletedTopics;
  index: MessageIndex | undefined;
  delayLevels: DelayLevels;
  /** What queues and index have from this offset of the log on is going to change; Infinity for what comes new. */
  beforeChanges: (physicalOffset: number) => void;
}

/** A long replay must not keep the units of all queues in memory. */
const RECORDS_BETWEEN_RESTS = 200_000;

/** A queue lacks messages that are before the beginning of the scan. */
class QueueIncomplete extends Error {
  override readonly name = "QueueIncomplete";
}

export interface ReplayResult {
  scan: ScanResult;
  /** Queues and index are on disk for what is before this offset. */
  from: number;
}

/**
 * Brings log, queues and index to one state, and the log to disk.
 * @throws {CorruptStoreError} when the log is damaged.
 */
export function replay(parts: ReplayParts, plan: StartPlan): ReplayResult {
  const { log, queues } = parts;
  const result = (queues.areGone ? undefined : replayFrom(parts, plan)) ?? replayAll(parts, plan);
  const { scan } = result;
  if (plan.isWhole && scan.torn === undefined) log.startAt(scan.endOffset);
  else log.recoverAt(scan.endOffset, plan.safeOffset || plan.start);
  return result;
}

/** Somebody has deleted queues, or their files and what was noted of them are damaged: all is made anew. */
function replayAll(parts: ReplayParts, plan: StartPlan): ReplayResult {
  parts.queues.reset();
  const start = parts.log.minOffset;
  return replayFrom(parts, { ...plan, start, isWhole: false })!;
}

/** @returns undefined when a queue lacks messages. */
function replayFrom(parts: ReplayParts, plan: StartPlan): ReplayResult | undefined {
  const { log, queues, deleted, index, delayLevels } = parts;
  const changedFrom = firstChange(parts, plan);
  // What must not be started over is not to look like after a crash then: a crash would explain the damage.
  if (plan.clean && !plan.isWhole) scanLog(log, plan, () => {});
  parts.beforeChanges(changedFrom);
  if (!plan.isWhole) queues.physicalOffsetMax = plan.start;
  const from = index === undefined || changedFrom === Infinity
    ? plan.start
    : replayIndex(parts, index, plan, changedFrom);
  let count = 0;
  try {
    const scan = scanLog(log, plan, (bytes, record) => {
      if (record.physicalOffset < deleted.upTo(record.topic)) {
        if (index !== undefined) indexRecord(bytes, record, index);
        return;
      }
      const queue = queues.get(record.topic, record.queueId);
      const entry = entryOf(bytes, record, queue, delayLevels);
      if (isQueued(record.sysFlag)) {
        const isMissing = record.queueOffset > queue.maxOffset && plan.start > log.minOffset;
        if (isMissing) throw new QueueIncomplete();
        makeRoomFor(entry);
      }
      dispatchEntry(entry, index);
      if (++count % RECORDS_BETWEEN_RESTS === 0) queues.rest();
    });
    return { scan, from };
  } catch (error) {
    if (error instanceof QueueIncomplete) return undefined;
    throw error;
  }
}

/** The first offset for which queues or index are made anew; Infinity when they are as they should be. */
function firstChange({ log, index }: ReplayParts, plan: StartPlan): number {
  const { isWhole, start, checkpoint } = plan;
  const damagedFrom = index?.damagedFrom(
    isWhole ? Infinity : start,
    checkpoint?.indexEndOffset ?? -1,
    (offset) => soundRecordAt(log, offset)?.storeTimestamp,
  );
  if (isWhole && damagedFrom === undefined) return Infinity;
  return Math.min(start, damagedFrom ?? Infinity);
}

/**
 * Brings the index to the beginning of the scan; from `changedFrom` on, and what is damaged of it, it is made anew from
 * the log.
 * @returns where that began.
 */
function replayIndex(
  { log, beforeChanges }: ReplayParts,
  index: MessageIndex,
  plan: StartPlan,
  changedFrom: number,
): number {
  let from = changedFrom;
  const hasGap = index.truncate(from);
  if (hasGap && plan.clean || mayLackUnits(index, plan)) {
    // All behind the first gap.
    from = Math.min(from, index.end.physicalOffset);
    beforeChanges(from);
    index.truncate(from);
  }
  for (const { bytes, record } of soundRecords(log, Math.max(from, log.minOffset), plan.start)) {
    indexRecord(bytes, record, index);
  }
  return from;
}

/** Apache's checkpoint does not tell how much of the index a power loss may have taken; ours shows when it is damaged. */
function mayLackUnits(
  index: MessageIndex,
  { clean, isByCheckpoint, checkpoint }: StartPlan,
): boolean {
  if (clean) return false;
  return !isByCheckpoint || index.end.physicalOffset < (checkpoint?.indexEndOffset ?? -1);
}
