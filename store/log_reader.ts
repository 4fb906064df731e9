/** Reads the log record by record, from its files. For recovery and tools: it works on the event loop. */

import { viewOf } from "../client/protocol/bytes.ts";
import {
  BLANK_RECORD_BYTES,
  checkRecord,
  MESSAGE_MAGIC_V1,
  MESSAGE_MAGIC_V2,
  type RecordLayout,
} from "../client/protocol/message_record.ts";
import type { CommitLog } from "./commit_log.ts";

const READ_BYTES = 1024 * 1024;

/** What stands at a place of the log. `bytes` holds the record and is valid until the next call. */
export type LogPlace =
  | { kind: "message"; record: RecordLayout; bytes: Uint8Array; next: number }
  | { kind: "blank"; next: number }
  | { kind: "end" }
  | { kind: "corrupt"; reason: string };

export class LogReader {
  readonly #log: CommitLog;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = viewOf(this.#bytes);
  #start = 0;

  constructor(log: CommitLog) {
    this.#log = log;
  }

  /** Reads and checks what begins at `offset`. */
  at(offset: number): LogPlace {
    const segment = this.#log.segments.find(offset);
    if (segment === undefined) return { kind: "end" };
    let check = this.#check(offset);
    if (check.kind === "short" && offset + check.needed <= segment.end) {
      this.#load(offset, Math.max(check.needed, READ_BYTES));
      check = this.#check(offset);
    }
    if (check.kind === "short") {
      return segment.end - offset < BLANK_RECORD_BYTES
        ? { kind: "blank", next: segment.end }
        : { kind: "corrupt", reason: "the record is longer than its segment" };
    }
    if (check.kind === "blank") return { kind: "blank", next: segment.end };
    if (check.kind !== "message") return check;
    const { record } = check;
    if (record.physicalOffset !== offset) {
      return { kind: "corrupt", reason: `the record belongs to offset ${record.physicalOffset}` };
    }
    return { kind: "message", record, bytes: this.#bytes, next: offset + record.size };
  }

  #check(offset: number): ReturnType<typeof checkRecord> {
    const position = offset - this.#start;
    if (position < 0 || position >= this.#bytes.length) {
      this.#load(offset, READ_BYTES);
      return checkRecord(this.#bytes, this.#view, 0, this.#bytes.length);
    }
    return checkRecord(this.#bytes, this.#view, position, this.#bytes.length);
  }

  #load(offset: number, bytes: number): void {
    this.#bytes = this.#log.readSync(offset, bytes);
    this.#view = viewOf(this.#bytes);
    this.#start = offset;
  }
}

/** The sound record that begins at `offset`; undefined when none does. Reads no more than it. */
export function soundRecordAt(log: CommitLog, offset: number): RecordLayout | undefined {
  return soundBytesAt(log, offset)?.record;
}

/** The same with the bytes that it lies in. */
export function soundBytesAt(
  log: CommitLog,
  offset: number,
): { bytes: Uint8Array; record: RecordLayout } | undefined {
  const head = log.readSync(offset, BLANK_RECORD_BYTES);
  if (head.length < BLANK_RECORD_BYTES) return undefined;
  const view = viewOf(head);
  const size = view.getInt32(0);
  const magic = view.getInt32(4);
  if (magic !== MESSAGE_MAGIC_V1 && magic !== MESSAGE_MAGIC_V2) return undefined;
  if (size <= 0 || offset + size > log.segments.find(offset)!.end) return undefined;
  const bytes = log.readSync(offset, size);
  const check = checkRecord(bytes, viewOf(bytes), 0, bytes.length);
  const isSound = check.kind === "message" && check.record.physicalOffset === offset;
  return isSound ? { bytes, record: check.record } : undefined;
}
