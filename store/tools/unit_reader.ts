/** Reads the units of one consume queue from its files, by queueOffset and mostly forward. */

import { getInt64, viewOf } from "../../client/protocol/bytes.ts";
import { UNIT_BYTES } from "../consume_queue.ts";
import type { FileSystem } from "../file_system.ts";
import { listSequence, type SequenceFile } from "./store_files.ts";

/** The size that units have which fill the front of a file. */
export const FILLER_SIZE = 0x7fffffff;
/** What the pieces of all readers of a run may take together. */
const PIECES_BYTES_MAX = 32 * 1024 * 1024;

/** How many units each of so many readers may hold. */
export function pieceUnits(readerCount: number): number {
  const each = Math.floor(PIECES_BYTES_MAX / UNIT_BYTES / Math.max(1, readerCount));
  return Math.min(Math.max(each, 32), 3_000);
}

/** A unit, valid until the next call. */
export interface Unit {
  physicalOffset: number;
  /** 0 where nothing has been written. */
  size: number;
  tagsCode: number;
}

export class UnitReader {
  readonly path: string;
  readonly files: readonly SequenceFile[];
  readonly #fileSystem: FileSystem;
  readonly #segmentBytes: number;
  readonly #pieceUnits: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #view = viewOf(this.#bytes);
  /** queueOffsets that the piece holds. */
  #first = 0;
  #end = 0;
  readonly #unit: Unit = { physicalOffset: 0, size: 0, tagsCode: 0 };

  /** Reads the names of the queue's files; none when there is no such folder. */
  constructor(fileSystem: FileSystem, path: string, segmentBytes: number, units: number) {
    this.path = path;
    this.files = listSequence(fileSystem, path);
    this.#fileSystem = fileSystem;
    this.#segmentBytes = segmentBytes;
    this.#pieceUnits = units;
  }

  /** queueOffset of the first unit that there is room for. */
  get firstOffset(): number {
    return (this.files[0]?.start ?? 0) / UNIT_BYTES;
  }

  /** queueOffset after the last unit that there is room for. */
  get endOffset(): number {
    const last = this.files.at(-1);
    return last === undefined ? 0 : Math.floor((last.start + last.bytes) / UNIT_BYTES);
  }

  /** queueOffset after the last unit that has been written, also where there are unwritten ones before it. */
  findEnd(): number {
    let end = this.endOffset;
    while (end > this.firstOffset) {
      const first = Math.max(this.firstOffset, end - this.#pieceUnits);
      let last = end - 1;
      // Forward into the piece, so that it is read once.
      this.at(first);
      while (last >= first && this.at(last).size === 0) last--;
      if (last >= first) return last + 1;
      end = first;
    }
    return end;
  }

  /** Whether its files follow one another without a gap and have the size that they should. */
  get isWhole(): boolean {
    let expected = this.files[0]?.start ?? 0;
    for (const { start, bytes } of this.files) {
      if (start !== expected || bytes > this.#segmentBytes) return false;
      expected = start + this.#segmentBytes;
    }
    return true;
  }

  /** The unit of a message; size 0 when there is none. */
  at(queueOffset: number): Unit {
    if (queueOffset < this.#first || queueOffset >= this.#end) this.#load(queueOffset);
    const position = (queueOffset - this.#first) * UNIT_BYTES;
    const unit = this.#unit;
    if (queueOffset < this.#first || queueOffset >= this.#end) {
      unit.physicalOffset = unit.size = unit.tagsCode = 0;
      return unit;
    }
    unit.physicalOffset = getInt64(this.#view, position);
    unit.size = this.#view.getInt32(position + 8);
    unit.tagsCode = getInt64(this.#view, position + 12);
    return unit;
  }

  #load(queueOffset: number): void {
    const offset = queueOffset * UNIT_BYTES;
    const file = this.files.find(({ start }) =>
      start <= offset && offset < start + this.#segmentBytes
    );
    // A broker that runs may have deleted it meanwhile.
    if (file === undefined || !this.#fileSystem.existsSync(file.path)) return;
    if (this.#bytes.length === 0) {
      this.#bytes = new Uint8Array(this.#pieceUnits * UNIT_BYTES);
      this.#view = viewOf(this.#bytes);
    }
    const wanted = Math.min(this.#bytes.length, file.start + this.#segmentBytes - offset);
    const handle = this.#fileSystem.openSync(file.path, { create: false });
    try {
      const count = handle.readSync(this.#bytes.subarray(0, wanted), offset - file.start);
      this.#first = queueOffset;
      this.#end = queueOffset + Math.floor(count / UNIT_BYTES);
    } finally {
      handle.close();
    }
  }
}
