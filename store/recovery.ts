/**
 * Finding the end of the log at a start.
 *
 * 1. Where to begin. Our checkpoint says up to where queues and index are complete; it counts only if the record that
 *    it names is still there. In a folder that Apache has had, the times in its checkpoint choose a segment, as Apache
 *    does itself.
 * 2. From there every record is read and checked. The first place with no whole record is the end. Zeros there: nothing
 *    was written. What a crash leaves of a write (`looksTorn`): no sender was told that it is safe; it is cut.
 * 3. Anything else was whole once, and so was everything before the offset up to which the log surely was on disk.
 *    Nothing is cut then: the start is refused with the place and what to do.
 */

import type { RecordLayout } from "../client/protocol/message_record.ts";
import {
  type Checkpoint,
  readApacheCheckpoint,
  readCheckpoint,
  readSyncedOffset,
} from "./checkpoint.ts";
import type { CommitLog } from "./commit_log.ts";
import { CorruptStoreError, describePosition } from "./errors.ts";
import type { FileSystem } from "./file_system.ts";
import { isClosed } from "./folder.ts";
import { looksTorn, nextSoundRecord } from "./log_end.ts";
import { LogReader, soundRecordAt } from "./log_reader.ts";

/** Apache's queues may lag behind its checkpoint's time by up to this. */
const APACHE_CHECKPOINT_MARGIN_MILLIS = 3_000;
/** A clock may have been wrong, but not by more: what says otherwise is no checkpoint. */
const CLOCK_ERROR_MAX_MILLIS = 366 * 86_400_000;

/** What is known before the log is read. */
export interface StartPlan {
  /** The data folder. */
  folder: string;
  /** The last stop was in order. */
  clean: boolean;
  /** comet-checkpoint, when it is whole. */
  checkpoint: Checkpoint | undefined;
  /** Up to when Apache's checkpoint says that all is on disk; milliseconds, 0 when it cannot be trusted. */
  apacheTimestamp: number;
  /** What lies before this offset was on disk before the last stop. */
  safeOffset: number;
  /** Messages that were stored before this time were on disk, says Apache's checkpoint; milliseconds. */
  syncedTimestamp: number;
  /** Apache has had the folder since Comet. */
  isApaches: boolean;
  /** Where to begin to read. */
  start: number;
  /** Whether `checkpoint` says that: then the index has all that is before. */
  isByCheckpoint: boolean;
  /** Queues and index have all that is in the log. */
  isWhole: boolean;
  /** When the record before `start` was stored; 0 when that is not known. */
  storeTimestamp: number;
}

/** Finds out what a start has to do. Changes nothing. */
export function planStart(
  fileSystem: FileSystem,
  folder: string,
  log: CommitLog,
  now: number,
): StartPlan {
  const clean = isClosed(fileSystem, folder);
  const checkpoint = readCheckpoint(fileSystem, folder);
  const apache = readApacheCheckpoint(fileSystem, folder);
  const trusted = (timestamp: number) =>
    timestamp < 0 || timestamp > now + CLOCK_ERROR_MAX_MILLIS ? 0 : timestamp;
  const syncedTimestamp = trusted(apache.physicMsgTimestamp);
  const apacheTimestamp = Math.min(syncedTimestamp, trusted(apache.logicsMsgTimestamp));
  const start = scanStart(log, checkpoint, apacheTimestamp);
  const isByCheckpoint = checkpoint?.endOffset === start;
  return {
    folder,
    clean,
    checkpoint,
    apacheTimestamp,
    syncedTimestamp,
    isApaches: apache.isApaches,
    safeOffset: Math.max(checkpoint?.endOffset ?? 0, readSyncedOffset(fileSystem, folder)),
    start,
    isByCheckpoint,
    // Apache may have gone on with the log or deleted topics, and left our checkpoint as it was.
    isWhole: clean && isByCheckpoint && !apache.isApaches &&
      new LogReader(log).at(start).kind !== "message",
    storeTimestamp:
      (isByCheckpoint && soundRecordAt(log, checkpoint.lastRecordOffset)?.storeTimestamp) || 0,
  };
}

/** Where the scan has to begin: at the later of the places that the two checkpoints name. */
function scanStart(
  log: CommitLog,
  checkpoint: Checkpoint | undefined,
  apacheCheckpointTimestamp: number,
): number {
  const byTime = startByTime(log, apacheCheckpointTimestamp - APACHE_CHECKPOINT_MARGIN_MILLIS);
  const isSound = checkpoint !== undefined && holds(log, checkpoint);
  return isSound ? Math.max(checkpoint.endOffset, byTime) : byTime;
}

/** The last segment that begins with a message which is not younger; Apache chooses the same one. */
function startByTime(log: CommitLog, trusted: number): number {
  const { segments } = log.segments;
  for (let index = segments.length - 1; index > 0; index--) {
    const segment = segments[index]!;
    const first = soundRecordAt(log, segment.start);
    if (first !== undefined && first.storeTimestamp <= trusted) return segment.start;
  }
  return log.minOffset;
}

function holds(log: CommitLog, checkpoint: Checkpoint): boolean {
  if (checkpoint.lastRecordOffset < 0) return checkpoint.endOffset === log.minOffset;
  const last = soundRecordAt(log, checkpoint.lastRecordOffset);
  if (last === undefined) return false;
  const end = last.physicalOffset + last.size;
  const segmentEnd = log.segments.find(last.physicalOffset)?.end;
  return end === checkpoint.endOffset || segmentEnd === checkpoint.endOffset;
}

export interface ScanResult {
  /** The log's end. */
  endOffset: number;
  /** Where the last record begins; -1 when none was read. */
  lastRecordOffset: number;
  lastStoreTimestamp: number;
  recordCount: number;
  /** What was wrong with the bytes at the end, if they were not just empty. */
  torn: string | undefined;
}

/**
 * Reads every record from `plan.start` to the end of the log.
 * @param onRecord gets the record and the buffer it lies in, valid during the call.
 * @throws {CorruptStoreError} when something is damaged or missing that no crash explains.
 */
export function scanLog(
  log: CommitLog,
  plan: StartPlan,
  onRecord: (bytes: Uint8Array, record: RecordLayout) => void,
): ScanResult {
  const result: ScanResult = {
    endOffset: plan.start,
    lastRecordOffset: -1,
    lastStoreTimestamp: 0,
    recordCount: 0,
    torn: undefined,
  };
  const reader = new LogReader(log);
  for (;;) {
    const place = reader.at(result.endOffset);
    if (place.kind === "end" || place.kind === "corrupt") {
      const reason = place.kind === "corrupt" ? place.reason : undefined;
      refuseDamage(log, plan, result.endOffset, reason);
      result.torn = reason;
      return result;
    }
    if (place.kind === "message") {
      onRecord(place.bytes, place.record);
      result.lastRecordOffset = result.endOffset;
      result.lastStoreTimestamp = place.record.storeTimestamp;
      result.recordCount++;
    }
    result.endOffset = place.next;
  }
}

/**
 * Decides whether the log ends at `offset`.
 * @param reason what is wrong with the bytes there; undefined when they are zeros, or the log has no more files.
 * @throws {CorruptStoreError} when it does not, or ends too early.
 */
function refuseDamage(
  log: CommitLog,
  plan: StartPlan,
  offset: number,
  reason: string | undefined,
): void {
  const segment = log.segments.find(offset);
  if (offset < plan.safeOffset) {
    const what = segment === undefined
      ? `The log in ${log.segments.folder} ends at offset ${offset}`
      : `${describePosition(segment.path, offset)} is ${reason ? "damaged" : "empty"}`;
    throw refusal(plan, `${what}, but was safely on disk up to offset ${plan.safeOffset}`, reason);
  }
  if (segment === undefined) return;
  // After a clean stop nothing can follow but what never was a part of the log.
  if (plan.isWhole && offset === plan.start) return;
  const torn = looksTorn(log, offset);
  if (torn && !plan.clean && plan.checkpoint !== undefined) return;
  const next = nextSoundRecord(log, offset + 1);
  if (torn && !wasWhole(log, plan, next)) return;
  const what = `${describePosition(segment.path, offset)} is damaged, not cut short by a crash`;
  const rest = next === undefined ? "" : `; sound messages follow at offset ${next}`;
  throw refusal(plan, what + rest, reason);
}

/** Whether what is before the sound record at `next` was on disk, as far as can be told without our checkpoint. */
function wasWhole(log: CommitLog, plan: StartPlan, next: number | undefined): boolean {
  if (next === undefined) return false;
  return plan.clean || soundRecordAt(log, next)!.storeTimestamp < plan.syncedTimestamp ||
    plan.safeOffset === 0 && isSoundPastSegment(log, next);
}

/** Whether a whole file without damage follows: no power loss takes something that is so far back. */
function isSoundPastSegment(log: CommitLog, start: number): boolean {
  const { segments } = log.segments;
  const following = segments[segments.indexOf(log.segments.find(start)!) + 1];
  if (following === undefined) return false;
  const reader = new LogReader(log);
  for (let offset = start; offset < following.end;) {
    const place = reader.at(offset);
    if (place.kind !== "message" && place.kind !== "blank") return false;
    offset = place.next;
  }
  return true;
}

function refusal(plan: StartPlan, what: string, reason: string | undefined): CorruptStoreError {
  return new CorruptStoreError(
    `${what}${reason === undefined ? "" : ` (${reason})`}. Nothing in it was changed. Restore it ` +
      `from a copy, or look with "comet store verify ${plan.folder}" and go on without what is ` +
      `lost after "comet store repair ${plan.folder}"`,
  );
}
