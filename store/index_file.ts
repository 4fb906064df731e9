/**
 * One hash index from keys to places in the commit log.
 *
 * ```
 *  header 40:  beginTimestamp 8 | endTimestamp 8 | beginPhysicalOffset 8 | endPhysicalOffset 8 | hashSlotCount 4 | indexCount 4
 *  slots:      maxHashSlotNum * 4, each the number of the newest unit of that slot, 0 for none
 *  units:      maxIndexNum * 20:  keyHash 4 | physicalOffset 8 | seconds since beginTimestamp 4 | previous unit of the slot 4
 * ```
 * Units count from 1; `indexCount` is the number of the next one. Source: IndexFile.java, IndexHeader.java of Apache
 * RocketMQ 5.3.3.
 *
 * The slots of the file that is being filled are in memory (20 MB with Apache's sizes), since each put changes one at
 * random; units are appended in pieces. Units reach the disk often (`syncUnits`), slots when the file is full or the
 * store closes (`sync`): after a crash they are made anew from the units, which are only ever appended.
 */

import { getInt64, setInt64, viewOf } from "../client/protocol/bytes.ts";
import { CorruptStoreError, describePosition, SyncError } from "./errors.ts";
import type { FileSystem, StoreFile } from "./file_system.ts";
import {
  emptyHeader,
  HEADER_BYTES,
  type IndexEnd,
  isZero,
  runs,
  SLOT_BYTES,
  usedSlots,
} from "./index_layout.ts";

const UNIT_BYTES = 20;
const PAGE_BYTES = 4096;
/** Units gathered before they are appended to the file. */
const PENDING_UNITS = 2048;
const PENDING_UNITS_FIRST = 64;
/** Slots written between two turns of the event loop. */
const SLICE_BYTES = 64 * PAGE_BYTES;
const INT_MAX = 0x7fffffff;
/** hashSlotCount of a file that was found to be damaged; nobody reads it for anything else. */
const DAMAGED = -1;

export interface IndexFileOptions {
  fileSystem: FileSystem;
  path: string;
  /** maxHashSlotNum */
  slotCount: number;
  /** maxIndexNum */
  unitCount: number;
  /** The file is to be created, which happens when there is something to write. */
  isNew: boolean;
  /** Where the file before a new one ends. */
  previousEnd?: IndexEnd | undefined;
}

/** A hit: where a message with that hash is. The key itself must be compared with the message. */
export interface IndexHit {
  physicalOffset: number;
}

export class IndexFile {
  readonly path: string;
  readonly #options: IndexFileOptions;
  #file: StoreFile | undefined;
  /** A second handle, since an fdatasync keeps its own busy. */
  #syncer: StoreFile | undefined;
  readonly #header = new DataView(new ArrayBuffer(HEADER_BYTES));
  #slots: Uint8Array | undefined;
  #slotsView: DataView | undefined;
  /** A flag for each page of the slots: whether it differs from the file. */
  readonly #dirtyPages: Uint8Array;
  #dirty = false;
  #isChecked = false;
  #pending = new Uint8Array(0);
  #pendingView = viewOf(this.#pending);
  /** Number of the first unit in `#pending`. */
  #pendingFirst: number;
  /** indexCount at the last sync. */
  #syncedCount: number;
  readonly #unitBytes = new Uint8Array(UNIT_BYTES);
  readonly #unitView = viewOf(this.#unitBytes);

  constructor(options: IndexFileOptions) {
    this.#options = options;
    this.path = options.path;
    if (!options.isNew) this.#open().readSync(new Uint8Array(this.#header.buffer), 0);
    this.#dirtyPages = new Uint8Array(Math.ceil(options.slotCount * SLOT_BYTES / PAGE_BYTES));
    if (this.#indexCount < 1) this.#header.setInt32(36, 1);
    this.#pendingFirst = this.#syncedCount = this.#indexCount;
  }

  /** The file, with its full, sparse size. */
  #open(): StoreFile {
    if (this.#file !== undefined) return this.#file;
    const { fileSystem, slotCount, unitCount, isNew } = this.#options;
    const file = fileSystem.openSync(this.path, { create: isNew });
    try {
      const bytes = HEADER_BYTES + slotCount * SLOT_BYTES + unitCount * UNIT_BYTES;
      if (isNew) file.truncateSync(0);
      if (file.sizeSync() > bytes) throw this.#otherSizes(file.sizeSync(), bytes);
      if (file.sizeSync() !== bytes) file.truncateSync(bytes);
      if (isNew) file.writeSync(emptyHeader(this.#options.previousEnd), 0);
    } catch (error) {
      file.close();
      throw error;
    }
    return this.#file = file;
  }

  #otherSizes(found: number, expected: number): CorruptStoreError {
    return new CorruptStoreError(
      `Cannot use ${this.path}: it has ${found} bytes, ${expected} are expected. Set ` +
        "maxHashSlotNum and maxIndexNum as they were when the file was written, or remove the " +
        "folder index to do without the keys of older messages",
    );
  }

  get #indexCount(): number {
    return this.#header.getInt32(36);
  }

  get beginTimestamp(): number {
    return getInt64(this.#header, 0);
  }

  get endTimestamp(): number {
    return getInt64(this.#header, 8);
  }

  get beginPhysicalOffset(): number {
    return getInt64(this.#header, 16);
  }

  get endPhysicalOffset(): number {
    return getInt64(this.#header, 24);
  }

  /** Whether the file is there yet. */
  get isOnDisk(): boolean {
    return !this.#options.isNew || this.#file !== undefined;
  }

  get full(): boolean {
    return this.#indexCount >= this.#options.unitCount;
  }

  /** Whether the file can take keys; it cannot when its slots cannot be read, and the next start makes it anew then. */
  get canBeFilled(): boolean {
    if (this.#slotsView !== undefined) return true;
    try {
      this.#loadSlots();
      return true;
    } catch {
      this.#slots = this.#slotsView = undefined;
      return false;
    }
  }

  get empty(): boolean {
    return this.#indexCount <= 1;
  }

  /** Adds one key, given as its hash. The file must not be full. */
  put(keyHash: number, physicalOffset: number, storeTimestamp: number): void {
    const number = this.#indexCount;
    if (number <= 1) {
      setInt64(this.#header, 0, storeTimestamp);
      setInt64(this.#header, 16, physicalOffset);
    }
    const slot = keyHash % this.#options.slotCount;
    const slots = this.#loadSlots();
    const previous = slots.getInt32(slot * SLOT_BYTES);
    if (previous === 0) this.#header.setInt32(32, this.#header.getInt32(32) + 1);
    this.#makeRoom();
    const seconds = Math.floor((storeTimestamp - this.beginTimestamp) / 1000);
    const at = (number - this.#pendingFirst) * UNIT_BYTES;
    this.#pendingView.setInt32(at, keyHash);
    setInt64(this.#pendingView, at + 4, physicalOffset);
    this.#pendingView.setInt32(at + 12, Math.min(Math.max(0, seconds), INT_MAX));
    this.#pendingView.setInt32(at + 16, previous);
    slots.setInt32(slot * SLOT_BYTES, number);
    this.#dirtyPages[Math.floor(slot * SLOT_BYTES / PAGE_BYTES)] = 1;
    this.#dirty = true;
    this.#header.setInt32(36, number + 1);
    setInt64(this.#header, 8, storeTimestamp);
    setInt64(this.#header, 24, physicalOffset);
  }

  /** Messages with that key hash that were stored within the times (milliseconds, both included), newest first. */
  *query(keyHash: number, beginTimestamp: number, endTimestamp: number): Generator<IndexHit> {
    if (this.empty) return;
    // The header's times are exact and a unit's are whole seconds, so a unit may seem up to a second too early.
    const beginSeconds = Math.floor((beginTimestamp - this.beginTimestamp) / 1000) - 1;
    const endSeconds = Math.floor((endTimestamp - this.beginTimestamp) / 1000);
    const slot = keyHash % this.#options.slotCount;
    let number = this.#slotValue(slot);
    if (number < 0 || number >= this.#indexCount) throw this.#damaged(HEADER_BYTES + 4 * slot);
    let newest = Infinity;
    while (number > 0) {
      const unit = this.#readUnit(number);
      const hash = unit.getInt32(0);
      const physicalOffset = getInt64(unit, 4);
      const seconds = unit.getInt32(12);
      const previous = unit.getInt32(16);
      // Units of a slot go back in the log.
      const isUnit = hash >= 0 && hash % this.#options.slotCount === slot && previous >= 0 &&
        previous < number && seconds >= 0 && physicalOffset <= newest;
      if (!isUnit) throw this.#damaged(this.#unitPosition(number));
      newest = physicalOffset;
      if (hash === keyHash && seconds >= beginSeconds && seconds <= endSeconds) {
        yield { physicalOffset };
      }
      if (seconds < beginSeconds) return;
      number = previous;
    }
  }

  /** Marks the file, so that the next start makes it anew from the log. */
  #damaged(position: number): CorruptStoreError {
    this.#header.setInt32(32, DAMAGED);
    try {
      this.#open().writeSync(new Uint8Array(this.#header.buffer, 32, 4), 32);
    } catch {
      // Then the next query comes to the same place.
    }
    return new CorruptStoreError(
      `${
        describePosition(this.path, position)
      } is damaged, so keys of this file cannot be looked ` +
        `up. The next start makes it anew from the log, as does "comet store repair"`,
    );
  }

  /**
   * Looks through the slots, once: one that was lost looks like one that was never used. Off the event loop.
   * @throws {CorruptStoreError} when there are fewer than the header says.
   */
  async checkSlots(): Promise<void> {
    if (this.#isChecked || this.#slots !== undefined || this.empty) return;
    const file = this.#options.fileSystem.openSync(this.path, { create: false });
    const piece = new Uint8Array(SLICE_BYTES);
    const end = HEADER_BYTES + this.#options.slotCount * SLOT_BYTES;
    let used = 0;
    try {
      for (let position = HEADER_BYTES; position < end;) {
        const count = await file.read(piece.subarray(0, end - position), position);
        if (count < SLOT_BYTES) break;
        used += usedSlots(piece.subarray(0, count));
        position += count - count % SLOT_BYTES;
      }
    } finally {
      file.close();
    }
    if (this.#header.getInt32(32) === DAMAGED || this.#lacksSlots(used)) {
      throw this.#damaged(HEADER_BYTES);
    }
    this.#isChecked = true;
  }

  #lacksSlots(used: number): boolean {
    const expected = this.#header.getInt32(32);
    // Old versions of Apache count every unit.
    return expected !== this.#indexCount - 1 && used < expected;
  }

  #slotValue(slot: number): number {
    if (this.#slotsView !== undefined) return this.#slotsView.getInt32(slot * SLOT_BYTES);
    const into = this.#unitBytes.subarray(0, SLOT_BYTES);
    this.#open().readSync(into, HEADER_BYTES + slot * SLOT_BYTES);
    return this.#unitView.getInt32(0);
  }

  #readUnit(number: number): DataView {
    if (number < this.#pendingFirst) return this.#readFileUnit(number);
    const at = (number - this.#pendingFirst) * UNIT_BYTES;
    this.#unitBytes.set(this.#pending.subarray(at, at + UNIT_BYTES));
    return this.#unitView;
  }

  #readFileUnit(number: number): DataView {
    this.#open().readSync(this.#unitBytes, this.#unitPosition(number));
    return this.#unitView;
  }

  #unitPosition(number: number): number {
    return HEADER_BYTES + this.#options.slotCount * SLOT_BYTES + number * UNIT_BYTES;
  }

  #loadSlots(): DataView {
    if (this.#slotsView === undefined) {
      this.#slots = new Uint8Array(this.#options.slotCount * SLOT_BYTES);
      this.#slotsView = viewOf(this.#slots);
      if (!this.empty) this.#open().readSync(this.#slots, HEADER_BYTES);
      if (this.#lacksSlots(usedSlots(this.#slots))) this.#makeSlots(Infinity);
    }
    return this.#slotsView;
  }

  /** Room for one more pending unit. The disk may be full: then they stay in memory until a checkpoint tries again. */
  #makeRoom(): void {
    const units = this.#indexCount - this.#pendingFirst;
    if ((units + 1) * UNIT_BYTES <= this.#pending.length) return;
    if (units >= PENDING_UNITS) {
      try {
        return this.#writePending();
      } catch {
        // Whoever makes the checkpoint hears of it.
      }
    }
    const grown = new Uint8Array(Math.max(units * 2, PENDING_UNITS_FIRST) * UNIT_BYTES);
    grown.set(this.#pending);
    this.#pending = grown;
    this.#pendingView = viewOf(grown);
  }

  #writePending(): void {
    const units = this.#indexCount - this.#pendingFirst;
    const bytes = this.#pending.subarray(0, units * UNIT_BYTES);
    if (units > 0) this.#open().writeSync(bytes, this.#unitPosition(this.#pendingFirst));
    this.#pendingFirst = this.#indexCount;
  }

  /** Makes the units survive a power loss. The slots can be made from them, so they can wait for `sync`. */
  async syncUnits(): Promise<void> {
    if (this.#syncedCount === this.#indexCount) return;
    this.#writePending();
    const count = this.#indexCount;
    this.#open().writeSync(new Uint8Array(this.#header.buffer), 0);
    await this.#syncData();
    this.#syncedCount = count;
  }

  /** Writes all that is new and makes it survive a power loss; in slices, so that nobody waits for 20 MB of slots. */
  async sync(): Promise<void> {
    if (!this.#dirty) return;
    this.#writePending();
    const header = new Uint8Array(this.#header.buffer.slice(0));
    const pages = this.#dirtyPages.slice();
    this.#dirtyPages.fill(0);
    this.#dirty = false;
    try {
      // First, since it tells Apache after a crash that the slots may be wrong: `completeness` has this file's end.
      this.#open().writeSync(header, 0);
      await this.#writeSlots(pages);
    } catch (error) {
      for (const { start, end } of runs(pages)) this.#dirtyPages.fill(1, start, end);
      this.#dirty = true;
      throw error;
    }
    await this.#syncData();
  }

  async #writeSlots(pages: Uint8Array): Promise<void> {
    let written = 0;
    for (const { start, end } of runs(pages)) {
      for (let from = start * PAGE_BYTES; from < end * PAGE_BYTES; from += SLICE_BYTES) {
        const to = Math.min(from + SLICE_BYTES, end * PAGE_BYTES, this.#slots!.length);
        this.#open().writeSync(this.#slots!.subarray(from, to), HEADER_BYTES + from);
        written += to - from;
        if (written < SLICE_BYTES) continue;
        written = 0;
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    }
  }

  async #syncData(): Promise<void> {
    this.#syncer ??= this.#options.fileSystem.openSync(this.path, { create: false });
    try {
      await this.#syncer.syncData();
    } catch (error) {
      throw new SyncError(this.path, error);
    }
  }

  /** What a look at the ends shows to be wrong; undefined when nothing is. @param isLast whether no file follows. */
  findDamage(isLast: boolean): string | undefined {
    const count = this.#indexCount;
    const { unitCount } = this.#options;
    if (count <= 1 || count > unitCount) return `has ${count - 1} units`;
    if (!isLast && !this.full) return `has only ${count} units, though files follow`;
    if (this.#header.getInt32(32) === DAMAGED) return "was found to be damaged";
    const first = getInt64(this.#readFileUnit(1), 4);
    const last = getInt64(this.#readFileUnit(count - 1), 4);
    if (first !== this.beginPhysicalOffset) return "begins with another message than it says";
    if (last !== this.endPhysicalOffset) return "ends with another message than it says";
    if (last < first) return "ends before it begins";
    if (count < unitCount && !isZero(this.#readFileUnit(count))) {
      return "has more units than it says";
    }
    return undefined;
  }

  /** Whether the time of the first message is the one in the header, as far as it is known: all times count from it. */
  beginsAt(timestampAt: (physicalOffset: number) => number | undefined): boolean {
    return (timestampAt(this.beginPhysicalOffset) ?? this.beginTimestamp) === this.beginTimestamp;
  }

  /** Whether the last message is not younger than the header says: searches leave out whole files by that. */
  endsAt(timestampAt: (physicalOffset: number) => number | undefined): boolean {
    return (timestampAt(this.endPhysicalOffset) ?? 0) <= this.endTimestamp;
  }

  /** Frees the slots of a file that is full and synced. */
  rest(): void {
    if (!this.#dirty) this.#slots = this.#slotsView = undefined;
  }

  /**
   * After a crash: forgets the units of messages at and after `physicalOffset`, which recovery puts anew, and makes the
   * slots from the units that stay.
   * @returns whether units are damaged or missing among those; they and what comes after them are forgotten too.
   */
  rebuild(physicalOffset: number): boolean {
    const countBefore = Math.min(this.#indexCount, this.#options.unitCount);
    const count = this.#makeSlots(physicalOffset);
    const next = count < countBefore ? getInt64(this.#readFileUnit(count), 4) : physicalOffset;
    this.#header.setInt32(36, count);
    if (count === 1) setInt64(this.#header, 24, this.beginPhysicalOffset);
    this.#pendingFirst = count;
    // What is put anew may come to the same count.
    this.#syncedCount = -1;
    // Nothing may lie behind the last unit that looks like one.
    const file = this.#open();
    const bytes = file.sizeSync();
    file.truncateSync(this.#unitPosition(count));
    file.truncateSync(bytes);
    return next < physicalOffset;
  }

  /**
   * Makes the slots from the units.
   * @returns the number of the first unit that does not count; pages of units may be missing after a power loss.
   */
  #makeSlots(physicalOffsetMax: number): number {
    const { slotCount, unitCount } = this.#options;
    const piece = new Uint8Array(PENDING_UNITS * UNIT_BYTES);
    const view = viewOf(piece);
    this.#slots = new Uint8Array(slotCount * SLOT_BYTES);
    const slots = this.#slotsView = viewOf(this.#slots);
    this.#header.setInt32(32, 0);
    this.#dirtyPages.fill(1);
    this.#dirty = true;
    const end = Math.min(this.#indexCount, unitCount);
    let previous = this.beginPhysicalOffset;
    for (let first = 1; first < end; first += PENDING_UNITS) {
      this.#open().readSync(piece, this.#unitPosition(first));
      for (let index = 0; index < PENDING_UNITS && first + index < end; index++) {
        const position = index * UNIT_BYTES;
        const hash = view.getInt32(position);
        const physicalOffset = getInt64(view, position + 4);
        const slot = Math.abs(hash % slotCount) * SLOT_BYTES;
        const isUnit = hash >= 0 && (hash > 0 || physicalOffset > 0) &&
          physicalOffset >= previous && physicalOffset < physicalOffsetMax &&
          view.getInt32(position + 16) === slots.getInt32(slot);
        if (!isUnit) return first + index;
        if (slots.getInt32(slot) === 0) this.#header.setInt32(32, this.#header.getInt32(32) + 1);
        slots.setInt32(slot, first + index);
        setInt64(this.#header, 24, physicalOffset);
        previous = physicalOffset;
      }
    }
    return end;
  }

  close(): void {
    this.#file?.close();
    this.#syncer?.close();
  }
}
