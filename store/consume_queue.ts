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
/** What a crash left behind the end is looked for so far; what lies further is not taken for messages either. */
const CHECKED_BEHIND_END_BYTES = 8192;

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

/** So many files in the middle of a queue can be missing. */
const FILES_MISSING_MAX = 1000;

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
  /** Where the log begins for the queue: units that point before it are of messages that are gone. */
  physicalOffsetMin: () => number;
  /** How many messages the queue surely had, whatever is left of its files. */
  maxOffsetMin?: number;
  /** Whether a message of this queue is where a unit says. */
  isMessage?: (queueOffset: number, physicalOffset: number, size: number) => boolean;
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
  /** Whether something was cut off that a power loss could bring back. */
  #isCut = false;
  /** queueOffset of the next message that is appended to the log; ahead of maxOffset while that one isn't visible. */
  nextOffset = 0;

  /** Opens the queue and finds its end. */
  constructor(options: ConsumeQueueOptions) {
    this.topic = options.topic;
    this.queueId = options.queueId;
    const { fileSystem, folder, segmentBytes } = options;
    // A crash may be long ago when a queue is opened, and whoever opens the folder has looked at one of the files.
    this.#segments = new SegmentList(fileSystem, folder, segmentBytes, {
      missingMax: FILES_MISSING_MAX,
      mayBeShort: true,
      namesInDoubt: options.physicalOffsetMax < Infinity,
    });
    this.#physicalOffsetMin = options.physicalOffsetMin;
    this.#findEnds(options);
  }

  /** No message of the queue is in the log before this physicalOffset. */
  get physicalOffsetMin(): number {
    return this.#physicalOffsetMin();
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

  #findEnds(options: ConsumeQueueOptions): void {
    const { first } = this.#segments;
    if (first === undefined) return;
    const { physicalOffsetMax, maxOffsetMin = 0 } = options;
    const start = first.start / UNIT_BYTES;
    const wasClosed = physicalOffsetMax === Infinity;
    this.#segments.last!.preallocate();
    const known = Math.max(start, maxOffsetMin);
    const isKnown = known > start &&
      (wasClosed ? this.#unitAt(known).size === 0 : this.#isZeroFrom(known));
    const end = isKnown ? known : this.#findEnd(known, options);
    // Units that are missing before a known end are read as damaged, and then put anew from the log.
    while (this.#segments.last!.end < end * UNIT_BYTES) {
      this.#segments.findOrCreate(this.#segments.last!.end);
    }
    this.#setEnd(end);
    if ((wasClosed || !isKnown) && !this.#isZeroFrom(end)) this.#cutFiles(end);
    const isFiller = (at: number) => this.#unitAt(at).size === FILLER_SIZE;
    this.#minOffset = isFiller(start) ? halve(start, end, isFiller) : start;
  }

  #isZeroFrom(queueOffset: number): boolean {
    return this.#segments.isZero(queueOffset * UNIT_BYTES, CHECKED_BEHIND_END_BYTES);
  }

  /** The end of the units in the files, not before `start`. */
  #findEnd(start: number, options: ConsumeQueueOptions): number {
    const { physicalOffsetMax, maxOffsetMin = 0, isMessage } = options;
    const filesEnd = this.#segments.last!.end / UNIT_BYTES;
    // Units grow in physicalOffset, and after the last one come zeros: the end can be found by halving. It is near.
    const isPut = (at: number) => {
      const { size, physicalOffset } = this.#unitAt(at);
      return size === FILLER_SIZE || size > 0 && physicalOffset < physicalOffsetMax;
    };
    const end = endNear(start, Math.max(start, filesEnd), isPut);
    if (isMessage === undefined || end === start) return end;
    // After a clean stop every unit was put, unless more of them follow than are known.
    if (physicalOffsetMax === Infinity && maxOffsetMin === 0) return end;
    // A power loss may have torn units, and what was put before it may have been put for messages that it took.
    const isTrue = (at: number) => {
      const { size, physicalOffset } = this.#unitAt(at);
      return isPut(at) && physicalOffset >= this.#unitAt(at - 1).physicalOffset &&
        (size === FILLER_SIZE || isMessage(at, physicalOffset, size));
    };
    return isTrue(end - 1) ? end : halve(start, end, isTrue);
  }

  /** One unit of the files; of size 0 when there is none. */
  #unitAt(queueOffset: number): { physicalOffset: number; size: number } {
    const units = this.#readFiles(queueOffset, 1, Infinity);
    if (units.count === 0) return { physicalOffset: 0, size: 0 };
    return { physicalOffset: units.physicalOffset(0), size: units.size(0) };
  }

  /** Zeroes the files from a unit on. */
  #cutFiles(queueOffset: number): void {
    this.#segments.truncate(queueOffset * UNIT_BYTES);
    this.#isCut = true;
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
      this.#maxOffset === this.minOffset,
      `message ${queueOffset} cannot follow ${this.#maxOffset - 1} in ${this.#segments.folder}`,
    );
    this.#segments.removeAll();
    this.#isCut = true;
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

  /** Lets a queue that has nothing go on at `queueOffset`, because the messages before that are in another place. */
  continueAt(queueOffset: number): void {
    this.#startAt(queueOffset);
    this.nextOffset = queueOffset;
  }

  /** The tail's position for the next unit. */
  #roomForUnit(): number {
    const units = this.#maxOffset - this.#tailFirst;
    if ((units + 1) * UNIT_BYTES > this.#tail.length) this.#growOrSlide(units);
    return (this.#maxOffset - this.#tailFirst) * UNIT_BYTES;
  }

  #growOrSlide(units: number): void {
    if (units < TAIL_UNITS_MAX || !this.#tryToWrite()) {
      const grown = new Uint8Array(Math.max(TAIL_UNITS_FIRST, units * 2) * UNIT_BYTES);
      grown.set(this.#tail.subarray(0, units * UNIT_BYTES));
      this.#tail = grown;
      this.#tailView = viewOf(grown);
      return;
    }
    const kept = Math.floor(units / 2);
    this.#tail.copyWithin(0, (units - kept) * UNIT_BYTES, units * UNIT_BYTES);
    this.#tailFirst += units - kept;
  }

  /** When the disk is full the units stay in memory; the next checkpoint tries again, and whoever makes it hears of it. */
  #tryToWrite(): boolean {
    try {
      this.write();
      return true;
    } catch {
      return false;
    }
  }

  /** The units from `queueOffset` on, at most `count`, none past the end. */
  read(queueOffset: number, count: number): Units {
    const units = Math.max(0, Math.min(count, this.#maxOffset - queueOffset));
    if (queueOffset >= this.#tailFirst && this.#tail.length > 0) {
      const start = (queueOffset - this.#tailFirst) * UNIT_BYTES;
      return new Units(this.#tail.subarray(start, start + units * UNIT_BYTES), queueOffset);
    }
    return this.#readFiles(queueOffset, units, this.#writtenOffset);
  }

  /** Bounded by what is asked for, which is a few hundred units of 20 bytes: no reason to leave the event loop. */
  #readFiles(queueOffset: number, count: number, endOffset: number): Units {
    const offset = queueOffset * UNIT_BYTES;
    const segment = this.#segments.find(offset);
    if (segment === undefined) return new Units(new Uint8Array(0), queueOffset);
    const end = Math.min(segment.end, endOffset * UNIT_BYTES);
    // What a file lacks at its end reads as zeros.
    const into = new Uint8Array(Math.max(0, Math.min(count * UNIT_BYTES, end - offset)));
    segment.readSync(into, offset);
    return new Units(into, queueOffset);
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
    return this.#isCut || this.#syncedOffset < this.#maxOffset;
  }

  /**
   * Writes and syncs what is new. Off the event loop.
   * @param syncParent see SegmentList.syncNames.
   * @throws {SyncError} when an fsync fails.
   */
  async sync(syncParent?: (folder: string) => Promise<void>): Promise<void> {
    this.write();
    const target = this.#writtenOffset;
    if (!this.dirty) return;
    this.#isCut = false;
    await this.#segments.syncNames(syncParent);
    for (const segment of [...this.#segments.segments]) {
      if (segment.end >= this.#syncedOffset * UNIT_BYTES && segment.start <= target * UNIT_BYTES) {
        await segment.sync();
      }
    }
    this.#syncedOffset = target;
  }

  /** Where the last message is that a power loss cannot take; undefined for none. */
  get syncedEnd(): { maxOffset: number; physicalOffset: number } | undefined {
    const maxOffset = this.#syncedOffset;
    if (maxOffset <= this.#minOffset) return undefined;
    return { maxOffset, physicalOffset: this.read(maxOffset - 1, 1).physicalOffset(0) };
  }

  /** Frees the memory and the file handles of a queue that nobody uses now. */
  rest(): void {
    this.write();
    this.#tail = new Uint8Array(0);
    this.#tailView = viewOf(this.#tail);
    this.#tailFirst = this.#maxOffset;
    this.closeFiles();
  }

  /** Gives the file handles back; they are opened again when they are needed. Not while a sync is under way. */
  closeFiles(): void {
    this.#segments.close();
  }

  /** Lets go of the files of a queue that was deleted; whoever still has the queue finds it empty. */
  forget(): void {
    this.#segments.forget();
    this.#tail = new Uint8Array(0);
    this.#tailView = viewOf(this.#tail);
    this.#minOffset = 0;
    this.#isCut = false;
    this.#setEnd(0);
  }

  /** Forgets the units from `queueOffset` on; recovery puts them anew from the log. */
  truncate(queueOffset: number): void {
    if (queueOffset >= this.#maxOffset) return;
    if (queueOffset * UNIT_BYTES < (this.#segments.first?.start ?? 0)) this.#segments.removeAll();
    this.#cutFiles(queueOffset);
    this.#setEnd(queueOffset);
    this.#minOffset = Math.min(this.#minOffset, queueOffset);
  }

  /** Recovery has found no message between the end and `queueOffset`: lets their units point to that one. */
  fill(queueOffset: number, physicalOffset: number, size: number, tagsCode: number): void {
    if (this.#maxOffset === this.minOffset) return;
    while (this.#maxOffset < queueOffset) {
      this.put(this.#maxOffset, physicalOffset, size, tagsCode);
    }
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
    const start = this.#minOffset;
    // Units that have been lost count as the next one does.
    const isBefore = (at: number): boolean => {
      for (; at < this.#maxOffset; at++) {
        const unit = this.read(at, 1);
        if (unit.count > 0 && unit.size(0) > 0) return unit.physicalOffset(0) < physicalOffset;
      }
      return false;
    };
    let low = halve(start, this.#maxOffset, isBefore);
    // A damaged unit may have led past messages that are still there.
    while (low - 1 > start && !isBefore(low - 2)) low = halve(start, low - 1, isBefore);
    this.#minOffset = low;
    this.#logStart = physicalOffset;
  }
}

/** As `halve`, with fewer looks when the number is near `low`. */
function endNear(low: number, high: number, isBefore: (at: number) => boolean): number {
  let step = 1;
  while (low + step <= high && isBefore(low + step - 1)) {
    low += step;
    step *= 2;
  }
  return halve(low, Math.min(high, low + step), isBefore);
}

/** The first of the numbers from `low` to below `high` for which `isBefore` does not hold; `high` when it holds for all. */
function halve(low: number, high: number, isBefore: (at: number) => boolean): number {
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
