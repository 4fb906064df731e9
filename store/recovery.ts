/**
 * Finding the end of the log after a stop, and putting into the queues and the index what they miss.
 *
 * 1. Where to begin. Our checkpoint says up to where queues and index are complete; it counts only if the record that
 *    it names is still there. Without it (a folder from Apache) the times in Apache's checkpoint choose a segment.
 * 2. From there every record is read and checked, and dispatched again. Queues and index first forget all that points
 *    past the beginning, so that afterwards they are exactly what a full scan would make.
 * 3. The first place with no whole record is the end. Zeros there: nothing was written. A record cut short or with
 *    pages that never reached the disk: the torn tail, which no sender was told is safe; it is cut.
 * 4. But a damaged record with sound ones after it and no unwritten page in between was whole once. Nothing is cut
 *    then: the start is refused with the place.
 */

import { viewOf } from "../client/protocol/bytes.ts";
import {
  MESSAGE_MAGIC_V1,
  MESSAGE_MAGIC_V2,
  type RecordLayout,
} from "../client/protocol/message_record.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { CommitLog } from "./commit_log.ts";
import { CorruptStoreError, describePosition } from "./errors.ts";
import { LogReader } from "./log_reader.ts";

/** Apache's queues may lag behind its checkpoint's time by up to this. */
const APACHE_CHECKPOINT_MARGIN_MILLIS = 3_000;
const READ_BYTES = 1024 * 1024;
const PAGE_BYTES = 4096;

/** Where the scan has to begin. */
export function scanStart(
  log: CommitLog,
  checkpoint: Checkpoint | undefined,
  apacheCheckpointTimestamp: number,
): number {
  if (checkpoint !== undefined && holds(log, checkpoint)) return checkpoint.endOffset;
  const trusted = apacheCheckpointTimestamp - APACHE_CHECKPOINT_MARGIN_MILLIS;
  const { segments } = log.segments;
  for (let index = segments.length - 1; index > 0; index--) {
    const segment = segments[index]!;
    const first = readRecordAt(log, segment.start);
    if (first !== undefined && first.storeTimestamp <= trusted) return segment.start;
  }
  return log.minOffset;
}

function holds(log: CommitLog, checkpoint: Checkpoint): boolean {
  if (checkpoint.lastRecordOffset < 0) return checkpoint.endOffset === log.minOffset;
  const last = readRecordAt(log, checkpoint.lastRecordOffset);
  if (last === undefined) return false;
  const end = last.physicalOffset + last.size;
  const segmentEnd = log.segments.find(last.physicalOffset)?.end;
  return end === checkpoint.endOffset || segmentEnd === checkpoint.endOffset;
}

function readRecordAt(log: CommitLog, offset: number): RecordLayout | undefined {
  const place = new LogReader(log).at(offset);
  return place.kind === "message" ? place.record : undefined;
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
 * Reads every record from `start` to the end of the log.
 * @param onRecord gets the record and the buffer it lies in, valid during the call.
 * @throws {CorruptStoreError} when a damaged record has sound ones after it.
 */
export function scanLog(
  log: CommitLog,
  start: number,
  onRecord: (bytes: Uint8Array, record: RecordLayout) => void,
): ScanResult {
  const result: ScanResult = {
    endOffset: start,
    lastRecordOffset: -1,
    lastStoreTimestamp: 0,
    recordCount: 0,
    torn: undefined,
  };
  const reader = new LogReader(log);
  for (;;) {
    const place = reader.at(result.endOffset);
    if (place.kind === "end") return result;
    if (place.kind === "corrupt") {
      refuseDamage(log, result.endOffset, place.reason);
      result.torn = place.reason;
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

/** @throws {CorruptStoreError} unless what lies at `offset` looks like a write that a crash interrupted. */
function refuseDamage(log: CommitLog, offset: number, reason: string): void {
  const segment = log.segments.find(offset)!;
  let unwrittenPage = false;
  for (let from = offset; from < segment.end; from += READ_BYTES) {
    // Records can begin in one piece and end in the next: read on far enough to see their magic.
    const bytes = log.readSync(from, READ_BYTES + 8);
    const found = soundRecordIn(log, bytes, from, from === offset ? 1 : 0);
    unwrittenPage ||= hasZeroPage(bytes, from, found ?? from + bytes.length);
    if (unwrittenPage) return;
    if (found === undefined) continue;
    throw new CorruptStoreError(
      `${
        describePosition(segment.path, offset)
      } is damaged (${reason}), but sound messages follow ` +
        `at offset ${found}. Nothing was changed. Restore the file from a copy, or start with ` +
        `another data folder`,
    );
  }
}

/** Where the first sound message at or after `offset` begins, within the segment; undefined when there is none. */
export function nextSoundRecord(log: CommitLog, offset: number): number | undefined {
  const end = log.segments.find(offset)?.end ?? offset;
  for (let from = offset; from < end; from += READ_BYTES) {
    const found = soundRecordIn(log, log.readSync(from, READ_BYTES + 8), from, 0);
    if (found !== undefined) return found;
  }
  return undefined;
}

function soundRecordIn(
  log: CommitLog,
  bytes: Uint8Array,
  start: number,
  skip: number,
): number | undefined {
  const view = viewOf(bytes);
  for (let position = skip; position + 8 <= bytes.length; position++) {
    const magic = view.getInt32(position + 4);
    if (magic !== MESSAGE_MAGIC_V1 && magic !== MESSAGE_MAGIC_V2) continue;
    if (readRecordAt(log, start + position) !== undefined) return start + position;
  }
  return undefined;
}

function hasZeroPage(bytes: Uint8Array, start: number, end: number): boolean {
  const first = Math.ceil(start / PAGE_BYTES) * PAGE_BYTES;
  for (let page = first; page + PAGE_BYTES <= end; page += PAGE_BYTES) {
    const at = page - start;
    if (bytes.subarray(at, at + PAGE_BYTES).every((byte) => byte === 0)) return true;
  }
  return false;
}
