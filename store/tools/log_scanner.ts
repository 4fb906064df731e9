/**
 * Reads the commit log as it lies on the disk, record by record, and finds the next sound one behind what is damaged.
 * For tools: it works on the event loop and does not mind missing files.
 */

import { viewOf } from "../../client/protocol/bytes.ts";
import {
  BLANK_RECORD_BYTES,
  checkRecord,
  MESSAGE_MAGIC_V1,
  MESSAGE_MAGIC_V2,
  type RecordLayout,
} from "../../client/protocol/message_record.ts";
import type { FileSystem, StoreFile } from "../file_system.ts";
import type { LogFiles, SequenceFile } from "./store_files.ts";

const READ_BYTES = 1024 * 1024;
/** For reading here and there. */
export const SHORT_READ_BYTES = 64 * 1024;
/** The first byte of both magics. */
const MAGIC_BYTE = 0xda;

/** What stands at a place of the log. A record lies in the scanner's `bytes` until the next call. */
export type LogPlace =
  | { kind: "message"; record: RecordLayout; next: number }
  | { kind: "blank"; next: number }
  | { kind: "empty" }
  | { kind: "corrupt"; reason: string };

export class LogScanner implements Disposable {
  readonly #fileSystem: FileSystem;
  readonly #log: LogFiles;
  readonly #filesByStart: Map<number, SequenceFile>;
  #buffer: Uint8Array;
  #view: DataView;
  /** The offsets of the log that the buffer holds. */
  #start = 0;
  #end = 0;
  #open: { path: string; file: StoreFile } | undefined;

  constructor(fileSystem: FileSystem, log: LogFiles, readBytes: number = READ_BYTES) {
    this.#buffer = new Uint8Array(readBytes);
    this.#view = viewOf(this.#buffer);
    this.#fileSystem = fileSystem;
    this.#log = log;
    this.#filesByStart = new Map(log.files.map((file) => [file.start, file]));
  }

  /** Holds the record that `at` found: a view, valid until the next call. */
  get bytes(): Uint8Array {
    return this.#buffer;
  }

  /** Where the file ends that has `offset`. */
  segmentEnd(offset: number): number {
    return offset - offset % this.#log.segmentBytes + this.#log.segmentBytes;
  }

  /** The file that has `offset`; undefined when it is missing. */
  fileAt(offset: number): SequenceFile | undefined {
    return this.#filesByStart.get(offset - offset % this.#log.segmentBytes);
  }

  /** Reads and checks what begins at `offset`. */
  at(offset: number): LogPlace {
    const segmentEnd = this.segmentEnd(offset);
    if (this.fileAt(offset) === undefined) {
      return { kind: "corrupt", reason: "the file is missing" };
    }
    if (segmentEnd - offset < BLANK_RECORD_BYTES) return { kind: "blank", next: segmentEnd };
    if (offset < this.#start || offset + BLANK_RECORD_BYTES > this.#end) {
      this.#load(offset, BLANK_RECORD_BYTES);
    }
    let check = this.#check(offset);
    if (check.kind === "short") {
      if (offset + check.needed > segmentEnd) {
        return { kind: "corrupt", reason: "the record is longer than its file has room" };
      }
      this.#load(offset, check.needed);
      check = this.#check(offset);
    }
    if (check.kind === "short") return { kind: "corrupt", reason: "the file ends in the record" };
    if (check.kind === "end") return { kind: "empty" };
    if (check.kind === "blank") return { kind: "blank", next: segmentEnd };
    if (check.kind === "corrupt") return check;
    const { record } = check;
    if (record.physicalOffset !== offset) {
      return { kind: "corrupt", reason: `the record belongs to offset ${record.physicalOffset}` };
    }
    return { kind: "message", record, next: offset + record.size };
  }

  #check(offset: number): ReturnType<typeof checkRecord> {
    return checkRecord(this.#buffer, this.#view, offset - this.#start, this.#end - this.#start);
  }

  /** Loads what begins at `offset`. Behind the end of a file that is too short come zeros, as a start will put them. */
  #load(offset: number, needed: number): void {
    if (needed > this.#buffer.length) {
      this.#buffer = new Uint8Array(needed);
      this.#view = viewOf(this.#buffer);
    }
    const wanted = Math.min(this.#buffer.length, this.segmentEnd(offset) - offset);
    const into = this.#buffer.subarray(0, wanted);
    const count = this.#read(offset, into);
    into.fill(0, count, Math.max(count, Math.min(wanted, BLANK_RECORD_BYTES)));
    this.#start = offset;
    this.#end = offset + Math.max(count, Math.min(wanted, BLANK_RECORD_BYTES));
  }

  /** Reads bytes of one file of the log; fewer when it ends before, none when it is missing. */
  #read(offset: number, into: Uint8Array): number {
    const found = this.fileAt(offset);
    if (found === undefined) return 0;
    if (this.#open?.path !== found.path) {
      this.#open?.file.close();
      this.#open = undefined;
      // A broker that runs may have deleted it meanwhile.
      if (!this.#fileSystem.existsSync(found.path)) {
        this.#filesByStart.delete(found.start);
        return 0;
      }
      const file = this.#fileSystem.openSync(found.path, { create: false });
      this.#open = { path: found.path, file };
    }
    let done = 0;
    while (done < into.length) {
      const at = offset - found.start + done;
      const count = this.#open.file.readSync(into.subarray(done), at);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  /** The first offset after `offset` at which a sound record begins; undefined when none does. */
  nextSound(offset: number): number | undefined {
    const piece = new Uint8Array(READ_BYTES);
    for (let from = offset + 1; from < this.#log.endOffset;) {
      const end = Math.min(from + READ_BYTES, this.segmentEnd(from));
      const bytes = piece.subarray(0, this.#read(from, piece.subarray(0, end - from)));
      const found = this.#soundIn(bytes, from);
      if (found !== undefined) return found;
      // The magic of a record that begins here may stand in the next piece.
      from = end === this.segmentEnd(from) ? end : end - BLANK_RECORD_BYTES;
    }
    return undefined;
  }

  #soundIn(bytes: Uint8Array, start: number): number | undefined {
    const view = viewOf(bytes);
    for (let at = bytes.indexOf(MAGIC_BYTE, 4); at >= 0; at = bytes.indexOf(MAGIC_BYTE, at + 1)) {
      if (at + 4 > bytes.length) return undefined;
      const magic = view.getInt32(at);
      if (magic !== MESSAGE_MAGIC_V1 && magic !== MESSAGE_MAGIC_V2) continue;
      if (this.at(start + at - 4).kind === "message") return start + at - 4;
    }
    return undefined;
  }

  /** Copies bytes of the log, of one file. */
  copy(offset: number, bytes: number): Uint8Array {
    const into = new Uint8Array(bytes);
    return into.subarray(0, this.#read(offset, into));
  }

  [Symbol.dispose](): void {
    this.#open?.file.close();
  }
}
