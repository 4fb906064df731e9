/**
 * One unit of a compaction consume queue: where in the compaction log a message is, and which message it is.
 *
 * ```
 *  46 bytes:  physicalOffset 8 | size 4 | tagsCode 8 | storeTimestamp 8 | queueOffset 8 | batchSize 2 | -1 4 | 0 4
 * ```
 * `physicalOffset` counts in the compaction log. Units grow in it, in queueOffset (with gaps, where older values were)
 * and in storeTimestamp. A unit with size 0 ends its file; in Apache's files its physicalOffset is -1.
 * Source: BatchConsumeQueue.java and SparseConsumeQueue.java of Apache RocketMQ 5.3.3.
 */

import { type ByteWriter, getInt64, viewOf } from "../../client/protocol/bytes.ts";

export const COMPACTION_UNIT_BYTES = 46;

/** Some consecutive units: a view, valid until the next await. */
export class CompactionUnits {
  readonly count: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.count = Math.floor(bytes.length / COMPACTION_UNIT_BYTES);
    this.#view = viewOf(bytes);
  }

  physicalOffset(index: number): number {
    return getInt64(this.#view, index * COMPACTION_UNIT_BYTES);
  }

  size(index: number): number {
    return this.#view.getInt32(index * COMPACTION_UNIT_BYTES + 8);
  }

  tagsCode(index: number): number {
    return getInt64(this.#view, index * COMPACTION_UNIT_BYTES + 12);
  }

  storeTimestamp(index: number): number {
    return getInt64(this.#view, index * COMPACTION_UNIT_BYTES + 20);
  }

  queueOffset(index: number): number {
    return getInt64(this.#view, index * COMPACTION_UNIT_BYTES + 28);
  }

  /** Whether there is a unit, and not zeros or the mark that ends a file. */
  isWritten(index: number): boolean {
    return this.physicalOffset(index) >= 0 && this.size(index) > 0 &&
      this.queueOffset(index) >= 0 && this.#view.getInt16(index * COMPACTION_UNIT_BYTES + 36) > 0;
  }
}

export interface CompactionUnit {
  physicalOffset: number;
  size: number;
  tagsCode: number;
  storeTimestamp: number;
  queueOffset: number;
}

/** Writes a unit of one message. */
export function putCompactionUnit(writer: ByteWriter, unit: CompactionUnit): void {
  putFields(writer, unit, 1);
}

/** Writes the unit that ends a file. */
export function putEndUnit(writer: ByteWriter): void {
  const nothing = { physicalOffset: -1, size: 0, tagsCode: 0, storeTimestamp: 0, queueOffset: 0 };
  putFields(writer, nothing, 0);
}

function putFields(writer: ByteWriter, unit: CompactionUnit, batchSize: number): void {
  writer.int64(unit.physicalOffset);
  writer.int32(unit.size);
  writer.int64(unit.tagsCode);
  writer.int64(unit.storeTimestamp);
  writer.int64(unit.queueOffset);
  writer.int16(batchSize);
  writer.int32(-1);
  writer.int32(0);
}
