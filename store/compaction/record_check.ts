/** Reading records of a compaction log, each checked. */

import { getInt64, viewOf } from "../../client/protocol/bytes.ts";
import {
  checkRecord,
  readRecord,
  type RecordCheck,
  recordCrc,
  type RecordLayout,
  renewCrcProperty,
} from "../../client/protocol/message_record.ts";
import { CorruptStoreError, describePosition } from "../errors.ts";
import type { CompactionFile } from "./compaction_file.ts";
import type { Pacer } from "./pacer.ts";

/**
 * As `checkRecord`, for a record at `physicalOffset` of a compaction log. Apache puts the record's place there into it
 * and leaves its `__CRC32#` as it was: then only the body's checksum can be compared, and the other one is renewed in
 * `bytes`, so that it holds wherever the record goes from here.
 */
export function checkCompacted(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  physicalOffset: number,
): RecordCheck {
  const check = checkRecord(bytes, view, start, bytes.length);
  if (check.kind !== "corrupt" || bytes.length - start < 36) return check;
  if (getInt64(view, start + 28) !== physicalOffset) return check;
  const record = readSound(bytes, view, start);
  if (record === undefined || !renewCrcProperty(bytes, record)) return check;
  return { kind: "message", record };
}

/** The record, if its parts add up and its body is sound. */
function readSound(bytes: Uint8Array, view: DataView, start: number): RecordLayout | undefined {
  try {
    const record = readRecord(bytes, view, start);
    const body = bytes.subarray(record.bodyStart, record.bodyStart + record.bodyLength);
    return recordCrc(body) === record.bodyCrc ? record : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Some records, one after the other in `bytes`: views, valid until the next await. */
export interface RecordSlice {
  bytes: Uint8Array;
  records: RecordLayout[];
}

/** So much is read and worked through in one turn of the event loop: less than a millisecond's work. */
const SLICE_BYTES = 64 * 1024;

/**
 * All records of a file in slices, off the event loop, at the pacer's pace. The file must be held.
 * @throws {CorruptStoreError} when a record is damaged.
 */
export async function* recordSlices(
  file: CompactionFile,
  pacer: Pacer,
): AsyncGenerator<RecordSlice> {
  const { bytes: end } = file.contents;
  let wanted = SLICE_BYTES;
  for (let position = 0; position < end;) {
    const bytes = await file.read(position, wanted);
    pacer.begin();
    const records: RecordLayout[] = [];
    const { done, needed } = collect(file, bytes, position, records);
    if (done === 0 && (needed <= bytes.length || position + needed > end)) {
      throw damage(file, position, "it ends before its last record does");
    }
    position += done;
    wanted = Math.max(SLICE_BYTES, done === 0 ? needed : 0);
    if (records.length > 0) yield { bytes, records };
    await pacer.end();
  }
}

/** Collects the whole records in `bytes`; gives how much they take and what the next one would need. */
function collect(
  file: CompactionFile,
  bytes: Uint8Array,
  position: number,
  records: RecordLayout[],
): { done: number; needed: number } {
  const view = viewOf(bytes);
  let done = 0;
  while (done < bytes.length) {
    const check = checkCompacted(bytes, view, done, file.start + position + done);
    if (check.kind === "short") return { done, needed: check.needed };
    if (check.kind !== "message") {
      throw damage(file, position + done, check.kind === "corrupt" ? check.reason : check.kind);
    }
    records.push(check.record);
    done += check.record.size;
  }
  return { done, needed: 0 };
}

function damage(file: CompactionFile, position: number, reason: string): CorruptStoreError {
  return new CorruptStoreError(
    `${describePosition(file.path, file.start + position)} is damaged (${reason}). Nothing was ` +
      "changed. Restore the file and its consume queue from a copy",
  );
}
