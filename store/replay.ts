/**
 * Putting what a start reads from the log into queues and index. Both first forget all that points past the beginning of
 * the scan, so that afterwards they are exactly what a full scan would make.
 */

import type { RecordLayout } from "../client/protocol/message_record.ts";
import { LMQ_QUEUE_ID, lmqPlacesOf } from "../client/protocol/multi_dispatch.ts";
import type { CommitLog } from "./commit_log.ts";
import type { ConsumeQueue } from "./consume_queue.ts";
import type { DeletedTopics } from "./deleted_topics.ts";
import {
  type DelayLevels,
  type DispatchEntry,
  dispatchEntry,
  entryOf,
  indexRecord,
  isQueued,
  propertiesOf,
  putUnit,
} from "./dispatch.ts";
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

const RECORD_BYTES_MIN = 91;

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
  const { log, queues, index } = parts;
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
      replayRecord(parts, plan, bytes, record);
      if (++count % RECORDS_BETWEEN_RESTS === 0) queues.rest();
    });
    return { scan, from };
  } catch (error) {
    if (error instanceof QueueIncomplete) return undefined;
    throw error;
  }
}

/** @throws {QueueIncomplete} */
function replayRecord(
  parts: ReplayParts,
  plan: StartPlan,
  bytes: Uint8Array,
  record: RecordLayout,
): void {
  const { log, queues, deleted, index, delayLevels } = parts;
  const { topic, queueId, sysFlag, physicalOffset } = record;
  const properties = propertiesOf(bytes, record);
  const makeRoom = (entry: DispatchEntry) => {
    const isMissing = entry.queueOffset > entry.queue.maxOffset && plan.start > log.minOffset;
    if (isMissing) throw new QueueIncomplete();
    makeRoomFor(entry.queue, entry.queueOffset, entry);
  };
  if (physicalOffset < deleted.upTo(topic)) {
    if (index !== undefined) indexRecord(bytes, record, index);
  } else {
    const entry = entryOf(properties, record, queues.get(topic, queueId), delayLevels);
    if (isQueued(sysFlag)) makeRoom(entry);
    dispatchEntry(entry, index);
  }
  if (!isQueued(sysFlag)) return;
  // Whether light queues are served or not, since those that there are must not have gaps.
  for (const place of lmqPlacesOf(topic, properties)) {
    if (physicalOffset < deleted.upTo(place.topic)) continue;
    const queue = queues.get(place.topic, LMQ_QUEUE_ID);
    const { queueOffset } = place;
    if (!mayFollow(queue, queueOffset, physicalOffset)) continue;
    const entry = { ...entryOf(properties, record, queue, delayLevels), queueOffset };
    makeRoom(entry);
    putUnit(entry);
  }
}

/**
 * Whether so many messages can have been between the queue's last one and this. Apache's broker takes the offsets in
 * light queues from whoever sends them, when it does not serve such queues.
 */
function mayFollow(queue: ConsumeQueue, queueOffset: number, physicalOffset: number): boolean {
  const { minOffset, maxOffset } = queue;
  if (queueOffset <= maxOffset || maxOffset === minOffset) return true;
  const bytes = physicalOffset - queue.read(maxOffset - 1, 1).physicalOffset(0);
  return (queueOffset - maxOffset) * RECORD_BYTES_MIN < bytes;
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
