/**
 * A run: some thousand timer messages in a file, in the order in which they are due. Written once; afterwards only the
 * state of single units changes. Deliveries go through it from front to back, so a start needs to know only where they
 * were. Of a run the memory holds one page, the times at which pages begin, and a bit for each unit.
 */

import { viewOf } from "../../client/protocol/bytes.ts";
import { CorruptStoreError, describePosition } from "../errors.ts";
import type { Due } from "./due_heap.ts";
import type { RunFiles } from "./run_files.ts";
import {
  decodeTimerUnit,
  encodeTimerUnit,
  isTimerUnitOver,
  isTimerUnitSound,
  type RunOfEntry,
  TIMER_UNIT_BYTES,
  TIMER_UNIT_OVER,
  type TimerEntry,
  timerUnitCrc,
  timerUnitDue,
  timerUnitKey,
  timerUnitQueueOffset,
  timerUnitTopic,
} from "./timer_entry.ts";

const PAGE_UNITS = 64;
/** So many units are read at a time where many are looked at; fewer at first, since the first ones may suffice. */
const SCAN_UNITS = 2048;
const SCAN_GROWTH = 4;

/** Puts the entries, which are in order, into a new file. @throws when the disk refuses. */
export function writeRun(files: RunFiles, name: string, entries: readonly TimerEntry[]): TimerRun {
  const bytes = new Uint8Array(entries.length * TIMER_UNIT_BYTES);
  const view = viewOf(bytes);
  entries.forEach((entry, index) => encodeTimerUnit(bytes, view, index * TIMER_UNIT_BYTES, entry));
  files.create(name, bytes);
  return new TimerRun(files, name, bytes);
}

/** What the state file says about a run. */
export interface RunState {
  name: string;
  /** So many units from the first one on are over. */
  cursor: number;
  /** All units' checksums in one. */
  checksum: number;
}

/**
 * Opens a run.
 * @param onWaiting is told the topic of each message that waits.
 * @throws {CorruptStoreError} when it is not as it was written.
 */
export function openRun(
  files: RunFiles,
  { name, cursor, checksum }: RunState,
  onWaiting: (topic: number) => void,
): TimerRun {
  const path = `${files.folder}/${name}`;
  const bytes = new Uint8Array(files.size(name));
  files.read(name, bytes, 0);
  const view = viewOf(bytes);
  for (let position = 0; position < bytes.length; position += TIMER_UNIT_BYTES) {
    const isWhole = position + TIMER_UNIT_BYTES <= bytes.length;
    if (isWhole && isTimerUnitSound(bytes, view, position)) continue;
    throw new CorruptStoreError(`There is no timer in ${describePosition(path, position)}`);
  }
  const run = new TimerRun(files, name, bytes, cursor, onWaiting);
  if (run.checksum === checksum) return run;
  throw new CorruptStoreError(`${path} is another file than it was`);
}

/** In a heap a run stands for the next one of its entries. */
export class TimerRun implements Due, RunOfEntry {
  due = 0;
  queueOffset = 0;
  heapIndex = -1;
  readonly name: string;
  readonly count: number;
  /** See RunState. */
  readonly checksum: number;
  isReplaced = false;
  readonly #files: RunFiles;
  /** When the first unit of each page is due, and its queueOffset. */
  readonly #pageDues: Float64Array;
  readonly #pageQueueOffsets: Float64Array;
  #queueOffsetMin = Infinity;
  #queueOffsetMax = -1;
  readonly #lastDue: number;
  /** A bit for each unit: its message waits no longer. */
  readonly #over: Uint8Array;
  /** Units whose state the file does not have yet. */
  #unwritten: number[] = [];
  /** All units before it are over. */
  #cursor: number;
  /** The next one to be taken. */
  #next: number;
  #waitingCount = 0;
  readonly #page = new Uint8Array(PAGE_UNITS * TIMER_UNIT_BYTES);
  readonly #pageView: DataView = viewOf(this.#page);
  /** Its first unit; -1 when none has been read. */
  #pageStart = -1;

  /** @param bytes the whole file, which the run does not keep. */
  constructor(
    files: RunFiles,
    name: string,
    bytes: Uint8Array,
    cursor = 0,
    onWaiting: (topic: number) => void = () => {},
  ) {
    this.#files = files;
    this.name = name;
    this.count = bytes.length / TIMER_UNIT_BYTES;
    this.#cursor = this.#next = cursor;
    const pageCount = Math.ceil(this.count / PAGE_UNITS);
    this.#pageDues = new Float64Array(pageCount);
    this.#pageQueueOffsets = new Float64Array(pageCount);
    this.#over = new Uint8Array(Math.ceil(this.count / 8));
    const view = viewOf(bytes);
    for (let page = 0; page < pageCount; page++) {
      const position = page * PAGE_UNITS * TIMER_UNIT_BYTES;
      this.#pageDues[page] = timerUnitDue(view, position);
      this.#pageQueueOffsets[page] = timerUnitQueueOffset(view, position);
    }
    let checksum = 0;
    for (let index = 0; index < this.count; index++) {
      const position = index * TIMER_UNIT_BYTES;
      checksum ^= timerUnitCrc(view, position);
      const queueOffset = timerUnitQueueOffset(view, position);
      if (queueOffset < this.#queueOffsetMin) this.#queueOffsetMin = queueOffset;
      if (queueOffset > this.#queueOffsetMax) this.#queueOffsetMax = queueOffset;
      if (index < cursor || isTimerUnitOver(view, position)) {
        this.#setOver(index);
        continue;
      }
      this.#waitingCount++;
      onWaiting(timerUnitTopic(view, position));
    }
    this.checksum = checksum;
    this.#lastDue = this.count === 0 ? 0 : timerUnitDue(view, bytes.length - TIMER_UNIT_BYTES);
    this.#moveOn();
  }

  /** Messages that wait, also those that have been taken. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  /** When the first one is due that waits, also of those that have been taken; Infinity for none. */
  get firstDue(): number {
    return this.#cursor < this.count ? this.#entry(this.#cursor).due : Infinity;
  }

  /** For the next start. */
  get state(): RunState {
    const { name, checksum } = this;
    return { name, cursor: this.#cursor, checksum };
  }

  /** Whether there is one to take. */
  get hasNext(): boolean {
    return this.#next < this.count;
  }

  /** Whether some have been taken and are not over yet. */
  get hasTaken(): boolean {
    return this.#cursor < this.#next;
  }

  #isOver(index: number): boolean {
    return (this.#over[index >> 3]! & 1 << (index & 7)) !== 0;
  }

  #setOver(index: number): void {
    this.#over[index >> 3]! |= 1 << (index & 7);
  }

  /** Goes over what is over to the next one to take, which the run then stands for. */
  #moveOn(): void {
    while (this.#next < this.count && this.#isOver(this.#next)) this.#next++;
    while (this.#cursor < this.#next && this.#isOver(this.#cursor)) this.#cursor++;
    if (this.#next === this.count) return;
    const position = this.#position(this.#next);
    this.due = timerUnitDue(this.#pageView, position);
    this.queueOffset = timerUnitQueueOffset(this.#pageView, position);
  }

  /** The next one. */
  peek(): TimerEntry {
    return this.#entry(this.#next);
  }

  /** The next one has been taken; the run stands for the one after it from then on. */
  skip(): void {
    this.#next++;
    this.#moveOn();
  }

  /** Whether the message of a unit waits and has not been taken. */
  isWaiting(index: number): boolean {
    return index >= this.#next && !this.#isOver(index);
  }

  /** The message of a unit waits no longer. Gives whether it did. */
  end(index: number): boolean {
    if (this.#isOver(index)) return false;
    this.#setOver(index);
    this.#waitingCount--;
    // What was taken in order needs no mark in the file: the cursor tells.
    if (index >= this.#next) this.#unwritten.push(index);
    this.#moveOn();
    return true;
  }

  /** The entry that is due then and has this queueOffset, if it waits. */
  find(due: number, queueOffset: number): TimerEntry | undefined {
    if (queueOffset < this.#queueOffsetMin || queueOffset > this.#queueOffsetMax) return undefined;
    if (!this.#reaches(due, due)) return undefined;
    const index = this.#firstAt(due, queueOffset);
    if (index === this.count || this.#isOver(index)) return undefined;
    const entry = this.#entry(index);
    return entry.due === due && entry.queueOffset === queueOffset ? entry : undefined;
  }

  /** Those that are due from `from` to `until`, both included, have this key, wait and have not been taken. */
  findKey(key: number, from: number, until: number): TimerEntry[] {
    const found: TimerEntry[] = [];
    if (!this.#reaches(from, until)) return found;
    this.#scan(this.#firstAt(from), (view, position, index) => {
      if (timerUnitDue(view, position) > until) return false;
      if (timerUnitKey(view, position) === key && index >= this.#next && !this.#isOver(index)) {
        found.push(decodeTimerUnit(view, position, this, index));
      }
      return true;
    });
    return found;
  }

  /** The first `limit` that wait and come after `after`, of one topic or of all. */
  list(after: Pick<Due, "due" | "queueOffset">, limit: number, topic?: number): TimerEntry[] {
    const found: TimerEntry[] = [];
    if (!this.#reaches(after.due, Infinity)) return found;
    const start = Math.max(this.#cursor, this.#firstAt(after.due, after.queueOffset + 1));
    this.#scan(start, (view, position, index) => {
      if (this.#isOver(index)) return true;
      if (topic !== undefined && timerUnitTopic(view, position) !== topic) return true;
      found.push(decodeTimerUnit(view, position, this, index));
      return found.length < limit;
    });
    return found;
  }

  /** Those that wait and were stored before `queueOffset`. */
  olderThan(queueOffset: number): TimerEntry[] {
    const found: TimerEntry[] = [];
    this.#scan(this.#cursor, (view, position, index) => {
      if (!this.#isOver(index) && timerUnitQueueOffset(view, position) < queueOffset) {
        found.push(decodeTimerUnit(view, position, this, index));
      }
      return true;
    });
    return found;
  }

  /** All that wait, in their order: for when nothing else goes on. */
  *waiting(): Generator<TimerEntry> {
    for (let index = this.#cursor; index < this.count; index++) {
      if (!this.#isOver(index)) yield this.#entry(index);
    }
  }

  /**
   * Adds up how many wait until each of these times, ascending, and not until the one before. To a page of units: those
   * count as due when the page's first one is.
   */
  countByDue(until: readonly number[], counts: number[]): void {
    for (let page = Math.floor(this.#cursor / PAGE_UNITS); page < this.#pageDues.length; page++) {
      const bucket = until.findIndex((time) => this.#pageDues[page]! <= time);
      if (bucket < 0) return;
      const end = Math.min(this.count, (page + 1) * PAGE_UNITS);
      for (let index = page * PAGE_UNITS; index < end; index++) {
        if (!this.#isOver(index)) counts[bucket]!++;
      }
    }
  }

  #reaches(from: number, until: number): boolean {
    return this.count > 0 && this.#lastDue >= from && this.#pageDues[0]! <= until;
  }

  /** The first unit that is not before `due` and `queueOffset`; `count` when there is none. */
  #firstAt(due: number, queueOffset = -1): number {
    const isBefore = (unitDue: number, unitQueueOffset: number) =>
      unitDue < due || unitDue === due && unitQueueOffset < queueOffset;
    let low = 0;
    let high = this.#pageDues.length;
    while (low < high) {
      const middle = low + high >> 1;
      if (isBefore(this.#pageDues[middle]!, this.#pageQueueOffsets[middle]!)) low = middle + 1;
      else high = middle;
    }
    // It may be in the page before the first one that does not begin before it.
    let index = Math.max(0, low - 1) * PAGE_UNITS;
    for (; index < this.count; index++) {
      const position = this.#position(index);
      const view = this.#pageView;
      if (!isBefore(timerUnitDue(view, position), timerUnitQueueOffset(view, position))) break;
    }
    return index;
  }

  #entry(index: number): TimerEntry {
    return decodeTimerUnit(this.#pageView, this.#position(index), this, index);
  }

  /** Where a unit is in the page, which is read if need be. */
  #position(index: number): number {
    const start = index - index % PAGE_UNITS;
    if (start !== this.#pageStart) {
      // A page that cannot be read must not be taken for the one before.
      this.#pageStart = -1;
      const units = Math.min(PAGE_UNITS, this.count - start);
      this.#read(this.#page.subarray(0, units * TIMER_UNIT_BYTES), this.#pageView, start);
      this.#pageStart = start;
    }
    return (index - start) * TIMER_UNIT_BYTES;
  }

  /** Shows units to `visit` until it says that it wants no more. */
  #scan(
    start: number,
    visit: (view: DataView, position: number, index: number) => boolean,
  ): void {
    let units = PAGE_UNITS;
    for (let first = start; first < this.count; first += units) {
      if (first > start) units = Math.min(SCAN_UNITS, units * SCAN_GROWTH);
      units = Math.min(units, this.count - first);
      const bytes = new Uint8Array(units * TIMER_UNIT_BYTES);
      const view = viewOf(bytes);
      this.#read(bytes, view, first);
      for (let unit = 0; unit < units; unit++) {
        if (!visit(view, unit * TIMER_UNIT_BYTES, first + unit)) return;
      }
    }
  }

  /** @throws {CorruptStoreError} when the file has changed since the start. */
  #read(into: Uint8Array, view: DataView, first: number): void {
    const start = first * TIMER_UNIT_BYTES;
    this.#files.read(this.name, into, start);
    for (let position = 0; position < into.length; position += TIMER_UNIT_BYTES) {
      if (isTimerUnitSound(into, view, position)) continue;
      const place = describePosition(`${this.#files.folder}/${this.name}`, start + position);
      throw new CorruptStoreError(`There is no timer in ${place} any more`);
    }
  }

  /** Units whose state is still to be written, with `writeStates`. */
  takeUnwritten(): number[] {
    const unwritten = this.#unwritten;
    this.#unwritten = [];
    return unwritten;
  }

  /** A write failed: they are still to be written. */
  giveBackUnwritten(indexes: readonly number[]): void {
    this.#unwritten.push(...indexes);
  }

  /** Writes that these are over. What ended them must be on disk. */
  writeStates(indexes: readonly number[]): void {
    for (const index of indexes) {
      this.#files.write(this.name, TIMER_UNIT_OVER, index * TIMER_UNIT_BYTES);
    }
  }
}
