/**
 * Telling a write that a crash interrupted from damage, where the log has no sound record.
 *
 * Files of the log are created full of zeros and only ever appended to; what recovery or a failed write cuts off is
 * zeroed and synced before anything is written again. So whatever a crash takes from the last writes reads as zeros: to
 * the end, when a process died in a write, or in whole sectors, when power was lost and some pages had not reached the
 * disk; a page may also be there as it was earlier, with zeros behind what it had then. A record without such zeros was
 * whole once.
 */

import { viewOf } from "../client/protocol/bytes.ts";
import {
  BLANK_RECORD_BYTES,
  MESSAGE_MAGIC_V1,
  MESSAGE_MAGIC_V2,
} from "../client/protocol/message_record.ts";
import type { RecordLayout } from "../client/protocol/message_record.ts";
import type { CommitLog } from "./commit_log.ts";
import { LogReader, soundRecordAt } from "./log_reader.ts";

const READ_BYTES = 1024 * 1024;
const SECTOR_BYTES = 512;
const PAGE_BYTES = 4096;
/** So many zeros before the end of a sector are no part of a message: a record without body has 15 in a row. */
const SECTOR_ZEROS_MIN = 32;
/** Pages end anywhere in what was written earlier. */
const PAGE_ZEROS_MIN = 4;
/** No damage leaves more zeros than that: the log ends there. */
const ZEROS_MAX = 64 * 1024 * 1024;
/** The first byte of both magics. */
const MAGIC_BYTE = 0xda;

/** Whether what is at `offset`, which is no sound record, looks like what a crash leaves of one. */
export function looksTorn(log: CommitLog, offset: number): boolean {
  const segment = log.segments.find(offset)!;
  const start = offset - segment.start;
  const end = start + recordBytes(log, offset, segment.end - offset);
  const readEnd = Math.min(Math.ceil(end / PAGE_BYTES) * PAGE_BYTES + PAGE_BYTES, segment.bytes);
  const bytes = log.readSync(offset, readEnd - start);
  if (bytes.subarray(end - start - 1).every((byte) => byte === 0)) return true;
  const firstSectorEnd = (Math.floor(start / SECTOR_BYTES) + 1) * SECTOR_BYTES;
  for (let at = firstSectorEnd; at - SECTOR_BYTES < end && at <= readEnd; at += SECTOR_BYTES) {
    const zeros = zerosBefore(bytes, at - start);
    const zerosMin = at % PAGE_BYTES === 0 ? PAGE_ZEROS_MIN : SECTOR_ZEROS_MIN;
    if (zeros >= zerosMin || zeros === at - start) return true;
  }
  return false;
}

/** How long the record is, if its head can be read; else just the head. */
function recordBytes(log: CommitLog, offset: number, room: number): number {
  const head = viewOf(log.readSync(offset, BLANK_RECORD_BYTES));
  if (head.byteLength < BLANK_RECORD_BYTES) return head.byteLength;
  const size = head.getInt32(0);
  const magic = head.getInt32(4);
  const isMessage = magic === MESSAGE_MAGIC_V1 || magic === MESSAGE_MAGIC_V2;
  return isMessage && size >= BLANK_RECORD_BYTES && size <= room ? size : BLANK_RECORD_BYTES;
}

function zerosBefore(bytes: Uint8Array, end: number): number {
  let start = end;
  while (start > 0 && bytes[start - 1] === 0) start--;
  return end - start;
}

/**
 * Where the first sound message at or after `offset` begins; undefined when there is none. In each segment ZEROS_MAX
 * bytes are looked at.
 */
export function nextSoundRecord(log: CommitLog, offset: number): number | undefined {
  const { segments } = log.segments;
  const first = log.segments.find(offset);
  if (first === undefined) return undefined;
  for (let index = segments.indexOf(first); index < segments.length; index++) {
    const segment = segments[index]!;
    const from = Math.max(offset, segment.start);
    const found = soundRecordIn(log, from, Math.min(segment.end, from + ZEROS_MAX));
    if (found !== undefined) return found;
  }
  return undefined;
}

function soundRecordIn(log: CommitLog, start: number, end: number): number | undefined {
  for (let from = start; from < end; from += READ_BYTES) {
    // A record can begin in one piece and have its magic in the next.
    const bytes = log.readSync(from, Math.min(READ_BYTES, end - from) + BLANK_RECORD_BYTES);
    const view = viewOf(bytes);
    for (let at = bytes.indexOf(MAGIC_BYTE, 4); at >= 0; at = bytes.indexOf(MAGIC_BYTE, at + 1)) {
      if (at + 4 > bytes.length) break;
      const magic = view.getInt32(at);
      if (magic !== MESSAGE_MAGIC_V1 && magic !== MESSAGE_MAGIC_V2) continue;
      if (soundRecordAt(log, from + at - 4) !== undefined) return from + at - 4;
    }
  }
  return undefined;
}

/** A record and the buffer that it lies in. */
export interface PlacedRecord {
  bytes: Uint8Array;
  record: RecordLayout;
}

/** The sound records from `start` to `end` or to the end of the log; damage is passed over. Valid until the next one. */
export function* soundRecords(log: CommitLog, start: number, end: number): Generator<PlacedRecord> {
  const reader = new LogReader(log);
  for (let offset = start; offset < end;) {
    const place = reader.at(offset);
    if (place.kind === "message") yield place;
    if (place.kind === "message" || place.kind === "blank") {
      offset = place.next;
      continue;
    }
    // Zeros may be damage as well, with more behind them.
    const next = nextSoundRecord(log, offset + 1);
    if (next === undefined) return;
    offset = next;
  }
}
