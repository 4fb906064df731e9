/**
 * The consume queue of one (topic, queueId): where in the commit log each message of the queue is.
 *
 * ```
 *  a unit, 20 bytes:  physicalOffset 8 | size 4 | tagsCode 8        unit n is the message with queueOffset n
 * ```
 * `tagsCode` is Java's hash code of the tags, or the time of delivery in the queues of SCHEDULE_TOPIC_XXXX. A unit with
 * size 0 has not been written; one with size 0x7fffffff and physicalOffset 0 fills the front of a file that starts in
 * the middle. Source: ConsumeQueue.java of Apache RocketMQ 5.3.3.
 *
 * The queue can be rebuilt from the log at any time, so it is written in its own time: the newest units are in memory,
 * which is also where consumers that keep up find them.
 */

import { getInt64, invariant, setInt64, viewOf } from "../client/protocol/bytes.ts";
import type { FileSystem } from "./file_system.ts";
import { SegmentList } from "./segment_list.ts";

export const UNIT_BYTES = 20;
const TAIL_UNITS_FIRST = 32;
const TAIL_UNITS_MAX = 2048;
const FILLER_SIZE = 0x7fffffff;

/** Some consecutive units: a view, valid until the next await. */
export class Units {
  /** queueOffset of the first unit. */
  readonly first: number;
  readonly count: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, first: number) {
    this.first = first;
    this.count = Math.floor(bytes.length / UNIT_BYTES);
    this.#view = viewOf(bytes);
  }

  physicalOffset(index: number): number {
    return getInt64(this.#view, index * UNIT_BYTES);
  }

  size(index: number): number {
    return this.#view.getInt32(index * UNIT_BYTES + 8);
  }

  tagsCode(index: number): number {
    return getInt64(this.#view, index * UNIT_BYTES + 12);
  }
}

export interface ConsumeQueueOptions {
  fileSystem: FileSystem;
  topic: string;
  queueId: number;
  /** The queue's own folder: consumequeue/TOPIC/QUEUEID. */
  folder: string;
  /** mappedFileSizeConsumeQueue, a multiple of 20. */
  segmentBytes: number;
  /**
   * Units that point here or further are left over from a log that lost its end; they are cut off. Infinity when the
   * last stop was clean and there can be none.
   */
  physicalOffsetMax: number;
  /** Where the log begins: units that point before it are of messages that are gone. */
  physicalOffsetMin: () => number;
}

export class ConsumeQueue {
  readonly topic: string;
  readonly queueId: number;
  /** Offsets of messages that are damaged on disk and are passed over; reported when they were found. */
  gaps: Set<number> | undefined;
  readonly #segments: SegmentList;
  /** The units from `#tailFirst` on, as they are or will be in the file. */
  #tail: Uint8Array = new Uint8Array(0);
  #tailView: DataView = viewOf(this.#tail);
  #tailFirst = 0;
  #minOffset = 0;
  /** The beginning of the log that `#minOffset` is good for. */
  #logStart = 0;
  readonly #physicalOffsetMin: () => number;
  #maxOffset = 0;
  #writtenOffset = 0;
  #syncedOffset = 0;
  /** queueOffset of the next message that is appended to the log; ahead of maxOffset while that one isn't visible. */
  nextOffset = 0;

  /** Opens the queue and finds its end. */
  constructor(options: ConsumeQueueOptions) {
    this.topic = options.topic;
    this.queueId = options.queueId;
    this.#segments = new SegmentList(options.fileSystem, options.folder, options.segmentBytes);
    this.#findEnds(options.physicalOffsetMax);
    this.#physicalOffsetMin = options.physicalOffsetMin;
  }

  /** queueOffset of the oldest message that is still in the log. */
  get minOffset(): number {
    const logStart = this.#physicalOffsetMin();
    if (this.#logStart < logStart) this.#moveMinOffset(logStart);
    return this.#minOffset;
  }

  /** queueOffset after the newest message that consumers may see. */
  get maxOffset(): number {
    return this.#maxOffset;
  }

  #findEnds(physicalOffsetMax: number): void {
    const { first, last } = this.#segments;
    if (first === undefined || last === undefined) return;
    last.preallocate();
    let low = first.start / UNIT_BYTES;
    let high = last.end / UNIT_BYTES;
    this.#maxOffset = this.#writtenOffset = high;
    // Units grow in physicalOffset, and after the last one come zeros: both ends can be found by halving.
    const isGood = (queueOffset: number) => {
      const unit = this.read(queueOffset, 1);
      return unit.size(0) > 0 &&
        (unit.size(0) === FILLER_SIZE || unit.physicalOffset(0) < physicalOffsetMax);
    };
    const start = low;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (isGood(middle)) low = middle + 1;
      else high = middle;
    }
    this.#setEnd(low);
    // Only after a crash can anything lie behind the end.
    if (physicalOffsetMax < Infinity) this.#segments.truncate(low * UNIT_BYTES);
    high = low;
    low = start;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.read(middle, 1).size(0) === FILLER_SIZE) low = middle + 1;
      else high = middle;
    }
    this.#minOffset = low;
  }

  #setEnd(queueOffset: number): void {
    this.#maxOffset =
      this.#writtenOffset =
      this.#syncedOffset =
      this.nextOffset =
        queueOffset;
    this.#tailFirst = queueOffset;
  }

  /** Adds the unit of the message with `queueOffset`, which is the queue's next one. */
  put(queueOffset: number, physicalOffset: number, size: number, tagsCode: number): void {
    if (queueOffset !== this.#maxOffset) this.#startAt(queueOffset);
    const position = this.#roomForUnit();
    setInt64(this.#tailView, position, physicalOffset);
    this.#tailView.setInt32(position + 8, size);
    setInt64(this.#tailView, position + 12, tagsCode);
    this.#maxOffset++;
    if (this.nextOffset < this.#maxOffset) this.nextOffset = this.#maxOffset;
  }

  /** Begins an empty queue in the middle, because the log has lost what was before; fills the file's front. */
  #startAt(queueOffset: number): void {
    invariant(
      this.#maxOffset === this.#minOffset,
      `message ${queueOffset} cannot follow ${this.#maxOffset - 1} in ${this.#segments.folder}`,
    );
    this.#segments.truncate(0);
    const unitsPerFile = this.#segments.segmentBytes / UNIT_BYTES;
    this.#setEnd(queueOffset - queueOffset % unitsPerFile);
    while (this.#maxOffset < queueOffset) {
      const position = this.#roomForUnit();
      setInt64(this.#tailView, position, 0);
      this.#tailView.setInt32(position + 8, FILLER_SIZE);
      setInt64(this.#tailView, position + 12, 0);
      this.#maxOffset++;
    }
    this.#minOffset = queueOffset;
  }

  /** The tail's position for the next unit. */
  #roomForUnit(): number {
    const units = this.#maxOffset - this.#tailFirst;
    if ((units + 1) * UNIT_BYTES > this.#tail.length) this.#growOrSlide(units);
    return (this.#maxOffset - this.#tailFirst) * UNIT_BYTES;
  }

  #growOrSlide(units: number): void {
    if (units < TAIL_UNITS_MAX) {
      const grown = new Uint8Array(Math.max(TAIL_UNITS_FIRST, units * 2) * UNIT_BYTES);
      grown.set(this.#tail.subarray(0, units * UNIT_BYTES));
      this.#tail = grown;
      this.#tailView = viewOf(grown);
      return;
    }
    this.write();
    const kept = units / 2;
    this.#tail.copyWithin(0, (units - kept) * UNIT_BYTES, units * UNIT_BYTES);
    this.#tailFirst += units - kept;
  }

  /** The units from `queueOffset` on, at most `count`, none past the end. */
  read(queueOffset: number, count: number): Units {
    const units = Math.max(0, Math.min(count, this.#maxOffset - queueOffset));
    if (queueOffset >= this.#tailFirst && this.#tail.length > 0) {
      const start = (queueOffset - this.#tailFirst) * UNIT_BYTES;
      return new Units(this.#tail.subarray(start, start + units * UNIT_BYTES), queueOffset);
    }
    // Bounded by what is asked for, which is a few hundred units of 20 bytes: no reason to leave the event loop.
    const offset = queueOffset * UNIT_BYTES;
    const segment = this.#segments.find(offset);
    if (segment === undefined) return new Units(new Uint8Array(0), queueOffset);
    const end = Math.min(segment.end, this.#writtenOffset * UNIT_BYTES);
    const into = new Uint8Array(Math.max(0, Math.min(units * UNIT_BYTES, end - offset)));
    return new Units(into.subarray(0, segment.readSync(into, offset)), queueOffset);
  }

  /** Writes the units that are only in memory to the file. */
  write(): void {
    while (this.#writtenOffset < this.#maxOffset) {
      const offset = this.#writtenOffset * UNIT_BYTES;
      const segment = this.#segments.findOrCreate(offset);
      const end = Math.min(this.#maxOffset * UNIT_BYTES, segment.end);
      const tailStart = this.#tailFirst * UNIT_BYTES;
      segment.write(this.#tail.subarray(offset - tailStart, end - tailStart), offset);
      this.#writtenOffset = end / UNIT_BYTES;
    }
  }

  /** Whether units exist that a power loss could take. */
  get dirty(): boolean {
    return this.#syncedOffset < this.#maxOffset;
  }

  /** Writes and syncs what is new. Off the event loop. */
  async sync(): Promise<void> {
    this.write();
    const target = this.#writtenOffset;
    if (target === this.#syncedOffset) return;
    const lastUnit = (target - 1) * UNIT_BYTES;
    for (const segment of this.#segments.segments) {
      if (segment.end > this.#syncedOffset * UNIT_BYTES && segment.start <= lastUnit) {
        await segment.sync();
      }
    }
    this.#syncedOffset = target;
  }

  /** Frees the memory and the file handles of a queue that nobody uses now. */
  rest(): void {
    this.write();
    this.#tail = new Uint8Array(0);
    this.#tailView = viewOf(this.#tail);
    this.#tailFirst = this.#maxOffset;
    this.#segments.close();
  }

  /** Forgets the units from `queueOffset` on; recovery puts them anew from the log. */
  truncate(queueOffset: number): void {
    if (queueOffset >= this.#maxOffset) return;
    this.#segments.truncate(queueOffset * UNIT_BYTES);
    this.#setEnd(queueOffset);
    this.#minOffset = Math.min(this.#minOffset, queueOffset);
  }

  /** Puts a unit anew that is damaged in the file. */
  mend(queueOffset: number, physicalOffset: number, size: number, tagsCode: number): void {
    const unit = new Uint8Array(UNIT_BYTES);
    const view = viewOf(unit);
    setInt64(view, 0, physicalOffset);
    view.setInt32(8, size);
    setInt64(view, 12, tagsCode);
    const offset = queueOffset * UNIT_BYTES;
    this.#segments.find(offset)?.write(unit, offset);
    if (queueOffset >= this.#tailFirst && this.#tail.length > 0) {
      this.#tail.set(unit, (queueOffset - this.#tailFirst) * UNIT_BYTES);
    }
  }

  /** Removes files that only know messages which the log no longer has. Not while a sync is under way. */
  dropOldFiles(): void {
    const minBytes = this.minOffset * UNIT_BYTES;
    while (this.#segments.segments.length > 1 && this.#segments.first!.end <= minBytes) {
      this.#segments.dropFirst();
    }
  }

  #moveMinOffset(physicalOffset: number): void {
    let low = this.#minOffset;
    let high = this.#maxOffset;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.read(middle, 1).physicalOffset(0) < physicalOffset) low = middle + 1;
      else high = middle;
    }
    this.#minOffset = low;
    this.#logStart = physicalOffset;
  }

  close(): void {
    this.#segments.close();
  }
}
