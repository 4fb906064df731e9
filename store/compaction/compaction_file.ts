/**
 * One file of a compaction log and the one of its consume queue, which always go together and have the same name: the
 * offset of the first byte in the log.
 *
 * ```
 *  compactionLog/TOPIC/QUEUEID/START   record | record | … | blank          records as in the commit log
 *  compactionCq/TOPIC/QUEUEID/START    unit   | unit   | … | end            see compaction_unit.ts
 * ```
 * Records keep the physicalOffset that they had in the commit log (Apache puts their place in the compaction log in its
 * stead, which makes message ids wrong and breaks `__CRC32#`). Source: CompactionLog.java of Apache RocketMQ 5.3.3.
 */

import { ByteWriter, decodeUtf8, invariant } from "../../client/protocol/bytes.ts";
import { findProperty, javaHashCode, MessageProperty } from "../../client/protocol/message.ts";
import {
  BLANK_RECORD_BYTES,
  encodeBlank,
  type RecordLayout,
} from "../../client/protocol/message_record.ts";
import type { FileSystem } from "../file_system.ts";
import { Segment } from "../segment_list.ts";
import {
  COMPACTION_UNIT_BYTES,
  CompactionUnits,
  putCompactionUnit,
  putEndUnit,
} from "./compaction_unit.ts";

/** Where the files of one queue are, and how long each is. */
export interface CompactionPaths {
  readonly fileSystem: FileSystem;
  readonly logFolder: string;
  readonly cqFolder: string;
  readonly logBytes: number;
  readonly cqBytes: number;
}

/** What is in a file: `bytes` of records and a unit for each; offsets are -1 while there is none. */
export interface FileContents {
  readonly count: number;
  readonly bytes: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

export const NO_CONTENTS: FileContents = { count: 0, bytes: 0, firstOffset: -1, lastOffset: -1 };

/** A record in a buffer. */
export interface PlacedRecord {
  bytes: Uint8Array;
  record: RecordLayout;
}

export class CompactionFile {
  /** Offset of the first byte in the compaction log. */
  readonly start: number;
  readonly #fileSystem: FileSystem;
  readonly #log: Segment;
  readonly #cq: Segment;
  #contents: FileContents;
  /** What is added but not written yet, and the contents with that. */
  readonly #records = new ByteWriter(0);
  readonly #units = new ByteWriter(0);
  #pending: FileContents;
  #holds = 0;
  #isRetired = false;

  constructor(paths: CompactionPaths, start: number, contents: FileContents) {
    this.start = start;
    this.#contents = this.#pending = contents;
    const { fileSystem, logFolder, cqFolder, logBytes, cqBytes } = paths;
    this.#fileSystem = fileSystem;
    this.#log = new Segment(fileSystem, `${logFolder}/${name20(start)}`, start, logBytes);
    this.#cq = new Segment(fileSystem, `${cqFolder}/${name20(start)}`, start, cqBytes);
  }

  get path(): string {
    return this.#log.path;
  }

  get contents(): FileContents {
    return this.#contents;
  }

  /** Whether the file is no longer part of its log; it must not be touched then, but by who holds it. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Creates both files, or brings those that a crash left short to their full size. */
  preallocate(): void {
    this.#log.preallocate();
    this.#cq.preallocate();
  }

  /** Whether a record of so many bytes can be added. As in Apache, room remains for a blank and an end unit. */
  fits(size: number): boolean {
    const { count, bytes } = this.#pending;
    return (count + 1) * COMPACTION_UNIT_BYTES < this.#cq.bytes &&
      bytes + size + BLANK_RECORD_BYTES <= this.#log.bytes;
  }

  /** Adds a record, in memory. The message must be newer than those that are there. */
  add({ bytes, record }: PlacedRecord): void {
    const { lastOffset } = this.#pending;
    const { start, size, queueOffset } = record;
    invariant(
      queueOffset > lastOffset,
      `message ${queueOffset} after ${lastOffset} in ${this.path}`,
    );
    this.#records.raw(bytes.subarray(start, start + size));
    this.#addUnit(bytes, record);
  }

  #addUnit(bytes: Uint8Array, record: RecordLayout): void {
    const { count, bytes: length, firstOffset } = this.#pending;
    const { size, queueOffset, storeTimestamp } = record;
    putCompactionUnit(this.#units, {
      physicalOffset: this.start + length,
      size,
      tagsCode: tagsCodeOf(bytes, record),
      storeTimestamp,
      queueOffset,
    });
    this.#pending = {
      count: count + 1,
      bytes: length + size,
      firstOffset: count === 0 ? queueOffset : firstOffset,
      lastOffset: queueOffset,
    };
  }

  /** Writes what has been added. @throws when the disk refuses; that is forgotten then. */
  write(): void {
    try {
      const { count, bytes } = this.#contents;
      this.#log.write(this.#records.written(), this.start + bytes);
      this.#cq.write(this.#units.written(), this.start + count * COMPACTION_UNIT_BYTES);
      this.#contents = this.#pending;
    } finally {
      this.#pending = this.#contents;
      this.#records.reset(0);
      this.#units.reset(0);
    }
  }

  /** Writes what has been added and the marks that say: it goes on in the next file. */
  finish(): void {
    this.write();
    const { count, bytes } = this.#contents;
    const blank = new ByteWriter(BLANK_RECORD_BYTES);
    encodeBlank(blank.view, 0, this.#log.bytes - bytes);
    this.#log.write(blank.bytes, this.start + bytes);
    const end = new ByteWriter(COMPACTION_UNIT_BYTES);
    putEndUnit(end);
    this.#cq.write(end.written(), this.start + count * COMPACTION_UNIT_BYTES);
  }

  /** Units from `index` on, at most `count`, none past the end; on the event loop. */
  units(index: number, count: number): CompactionUnits {
    const wanted = Math.max(0, Math.min(count, this.#contents.count - index));
    return this.#readUnits(index, wanted);
  }

  #readUnits(index: number, count: number): CompactionUnits {
    const into = new Uint8Array(count * COMPACTION_UNIT_BYTES);
    const read = this.#cq.readSync(into, this.start + index * COMPACTION_UNIT_BYTES);
    return new CompactionUnits(into.subarray(0, read));
  }

  /** The index of the first unit for which `isAtOrAfter` holds, which it does for all that follow; `count` if for none. */
  search(isAtOrAfter: (unit: CompactionUnits) => boolean): number {
    return halve(this.#contents.count, (index) => !isAtOrAfter(this.#readUnits(index, 1)));
  }

  /** Finds out from the consume queue what is in the files. */
  load(): void {
    const slots = Math.floor(this.#cq.bytes / COMPACTION_UNIT_BYTES);
    this.#setContents(halve(slots, (index) => {
      const unit = this.#readUnits(index, 1);
      return unit.count === 1 && unit.isWritten(0);
    }));
  }

  #setContents(count: number): void {
    const last = this.#readUnits(Math.max(0, count - 1), 1);
    this.#contents = this.#pending = count === 0 ? NO_CONTENTS : {
      count,
      bytes: last.physicalOffset(0) + last.size(0) - this.start,
      firstOffset: this.#readUnits(0, 1).queueOffset(0),
      lastOffset: last.queueOffset(0),
    };
  }

  /** Makes the consume queue anew for the records that the file begins with; forgets what comes after them. */
  rebuild(records: Iterable<PlacedRecord>): void {
    this.#pending = NO_CONTENTS;
    for (const { bytes, record } of records) {
      if (record.queueOffset <= this.#pending.lastOffset || !this.fits(record.size)) break;
      this.#addUnit(bytes, record);
    }
    this.#cq.write(this.#units.written(), this.start);
    this.#units.reset(0);
    this.#contents = this.#pending;
    this.#cutBehind();
  }

  #cutBehind(): void {
    const { count, bytes } = this.#contents;
    this.#cq.cut(this.start + count * COMPACTION_UNIT_BYTES);
    this.#log.cut(this.start + bytes);
  }

  /** Forgets all messages from the unit `count` on. */
  truncate(count: number): void {
    this.#setContents(count);
    this.#cutBehind();
  }

  /** Bytes of the log file from `position` on, on the event loop: for a start. */
  readSync(position: number, bytes: number): Uint8Array {
    const into = new Uint8Array(Math.min(bytes, this.#log.bytes - position));
    return into.subarray(0, this.#log.readSync(into, this.start + position));
  }

  /**
   * Bytes of the records from `position` on, off the event loop. To be called by who holds the file.
   * @throws when the file is too short for what its consume queue says.
   */
  async read(position: number, bytes: number): Promise<Uint8Array> {
    const into = new Uint8Array(Math.max(0, Math.min(bytes, this.#contents.bytes - position)));
    const count = await this.#log.read(into, this.start + position);
    if (count === into.length) return into;
    throw new Error(`Cannot read ${into.length} bytes of ${this.path} at position ${position}`);
  }

  /** Makes what was written survive a power loss; off the event loop. @throws {SyncError} when the disk fails. */
  async sync(): Promise<void> {
    this.hold();
    try {
      await this.#log.sync();
      await this.#cq.sync();
    } finally {
      this.release();
    }
  }

  /** Keeps the file usable until `release`, even when it is retired meanwhile. */
  hold(): void {
    invariant(!this.#isRetired, `${this.path} is no longer in use`);
    this.#holds++;
  }

  release(): void {
    this.#holds--;
    if (this.#isRetired && this.#holds === 0) this.#close();
  }

  /** The file is no longer part of its log: closes it as soon as nobody holds it. */
  retire(): void {
    this.#isRetired = true;
    if (this.#holds === 0) this.#close();
  }

  /** Removes both from the disk. The consume queue goes first, since it can be made anew. */
  remove(): void {
    for (const { path } of [this.#cq, this.#log]) {
      if (this.#fileSystem.existsSync(path)) this.#fileSystem.removeSync(path);
    }
  }

  #close(): void {
    this.#log.close();
    this.#cq.close();
  }
}

/** The name of the file that begins at an offset. */
export function name20(offset: number): string {
  return String(offset).padStart(20, "0");
}

function tagsCodeOf(
  bytes: Uint8Array,
  { propertiesStart, propertiesLength }: RecordLayout,
): number {
  const properties = decodeUtf8(bytes, propertiesStart, propertiesStart + propertiesLength);
  const tags = findProperty(properties, MessageProperty.TAGS);
  return tags === undefined ? 0 : javaHashCode(tags);
}

/** How many of `count` things are before the first one for which `isBefore` does not hold. */
function halve(count: number, isBefore: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
