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
import type { FileSystem, StoreFile } from "./file_system.ts";

const HEADER_BYTES = 40;
const SLOT_BYTES = 4;
const UNIT_BYTES = 20;
const PAGE_BYTES = 4096;
/** Units gathered before they are appended to the file. */
const PENDING_UNITS = 2048;
/** Slots written between two turns of the event loop. */
const SLICE_BYTES = 64 * PAGE_BYTES;
const INT_MAX = 0x7fffffff;

export interface IndexFileOptions {
  fileSystem: FileSystem;
  path: string;
  /** maxHashSlotNum */
  slotCount: number;
  /** maxIndexNum */
  unitCount: number;
}

/** A hit: where a message with that hash is. The key itself must be compared with the message. */
export interface IndexHit {
  physicalOffset: number;
}

export class IndexFile {
  readonly path: string;
  readonly #options: IndexFileOptions;
  readonly #file: StoreFile;
  /** A second handle, since an fdatasync keeps its own busy. */
  #syncer: StoreFile | undefined;
  readonly #header = new DataView(new ArrayBuffer(HEADER_BYTES));
  #slots: Uint8Array | undefined;
  #slotsView: DataView | undefined;
  /** A flag for each page of the slots: whether it differs from the file. */
  readonly #dirtyPages: Uint8Array;
  #dirty = false;
  readonly #pending = new Uint8Array(PENDING_UNITS * UNIT_BYTES);
  readonly #pendingView = viewOf(this.#pending);
  /** Number of the first unit in `#pending`. */
  #pendingFirst: number;
  /** indexCount at the last sync. */
  #syncedCount: number;
  readonly #unitBytes = new Uint8Array(UNIT_BYTES);
  readonly #unitView = viewOf(this.#unitBytes);

  /** Opens the file, or creates it with its full, sparse size. */
  constructor(options: IndexFileOptions) {
    this.#options = options;
    this.path = options.path;
    this.#file = options.fileSystem.openSync(options.path, { create: true });
    const bytes = HEADER_BYTES + options.slotCount * SLOT_BYTES + options.unitCount * UNIT_BYTES;
    if (this.#file.sizeSync() < bytes) this.#file.truncateSync(bytes);
    this.#file.readSync(new Uint8Array(this.#header.buffer), 0);
    this.#dirtyPages = new Uint8Array(Math.ceil(options.slotCount * SLOT_BYTES / PAGE_BYTES));
    if (this.#indexCount < 1) this.#header.setInt32(36, 1);
    this.#pendingFirst = this.#syncedCount = this.#indexCount;
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

  get full(): boolean {
    return this.#indexCount >= this.#options.unitCount;
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
    if (number - this.#pendingFirst === PENDING_UNITS) this.#writePending();
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
    let number = this.#slotValue(keyHash % this.#options.slotCount);
    while (number > 0 && number < this.#indexCount) {
      const unit = this.#readUnit(number);
      const seconds = unit.getInt32(12);
      const previous = unit.getInt32(16);
      if (unit.getInt32(0) === keyHash && seconds >= beginSeconds && seconds <= endSeconds) {
        yield { physicalOffset: getInt64(unit, 4) };
      }
      // Units of a slot go back in time; one that points forward is damage and ends the chain.
      if (seconds < beginSeconds || previous >= number) return;
      number = previous;
    }
  }

  #slotValue(slot: number): number {
    if (this.#slotsView !== undefined) return this.#slotsView.getInt32(slot * SLOT_BYTES);
    this.#file.readSync(this.#unitBytes.subarray(0, SLOT_BYTES), HEADER_BYTES + slot * SLOT_BYTES);
    return this.#unitView.getInt32(0);
  }

  #readUnit(number: number): DataView {
    if (number >= this.#pendingFirst) {
      const at = (number - this.#pendingFirst) * UNIT_BYTES;
      this.#unitBytes.set(this.#pending.subarray(at, at + UNIT_BYTES));
    } else {
      this.#file.readSync(this.#unitBytes, this.#unitPosition(number));
    }
    return this.#unitView;
  }

  #unitPosition(number: number): number {
    return HEADER_BYTES + this.#options.slotCount * SLOT_BYTES + number * UNIT_BYTES;
  }

  #loadSlots(): DataView {
    if (this.#slotsView === undefined) {
      this.#slots = new Uint8Array(this.#options.slotCount * SLOT_BYTES);
      this.#slotsView = viewOf(this.#slots);
      if (!this.empty) this.#file.readSync(this.#slots, HEADER_BYTES);
    }
    return this.#slotsView;
  }

  #writePending(): void {
    const units = this.#indexCount - this.#pendingFirst;
    const bytes = this.#pending.subarray(0, units * UNIT_BYTES);
    if (units > 0) this.#file.writeSync(bytes, this.#unitPosition(this.#pendingFirst));
    this.#pendingFirst = this.#indexCount;
  }

  /** Makes the units survive a power loss. The slots can be made from them, so they can wait for `sync`. */
  async syncUnits(): Promise<void> {
    if (this.#syncedCount === this.#indexCount) return;
    this.#writePending();
    const count = this.#indexCount;
    this.#file.writeSync(new Uint8Array(this.#header.buffer), 0);
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
    let written = 0;
    for (const { start, end } of runs(pages)) {
      for (let from = start * PAGE_BYTES; from < end * PAGE_BYTES; from += SLICE_BYTES) {
        const to = Math.min(from + SLICE_BYTES, end * PAGE_BYTES, this.#slots!.length);
        this.#file.writeSync(this.#slots!.subarray(from, to), HEADER_BYTES + from);
        written += to - from;
        if (written < SLICE_BYTES) continue;
        written = 0;
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    }
    this.#file.writeSync(header, 0);
    await this.#syncData();
  }

  #syncData(): Promise<void> {
    this.#syncer ??= this.#options.fileSystem.openSync(this.path, { create: false });
    return this.#syncer.syncData();
  }

  /** Frees the slots of a file that is full and synced. */
  rest(): void {
    if (!this.#dirty) this.#slots = this.#slotsView = undefined;
  }

  /**
   * After a crash: forgets the units of messages at and after `physicalOffset`, which recovery puts anew, and makes the
   * slots from the units that stay.
   */
  rebuild(physicalOffset: number): void {
    let low = 1;
    let high = this.#indexCount;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (getInt64(this.#readUnit(middle), 4) < physicalOffset) low = middle + 1;
      else high = middle;
    }
    this.#header.setInt32(36, low);
    this.#pendingFirst = low;
    this.#slots = new Uint8Array(this.#options.slotCount * SLOT_BYTES);
    this.#slotsView = viewOf(this.#slots);
    this.#header.setInt32(32, 0);
    this.#replayUnits(low);
    this.#dirtyPages.fill(1);
    this.#dirty = true;
  }

  #replayUnits(end: number): void {
    const piece = new Uint8Array(PENDING_UNITS * UNIT_BYTES);
    const view = viewOf(piece);
    const slots = this.#slotsView!;
    for (let first = 1; first < end; first += PENDING_UNITS) {
      this.#file.readSync(piece, this.#unitPosition(first));
      const count = Math.min(PENDING_UNITS, end - first);
      for (let index = 0; index < count; index++) {
        const at = (view.getInt32(index * UNIT_BYTES) % this.#options.slotCount) * SLOT_BYTES;
        if (slots.getInt32(at) === 0) this.#header.setInt32(32, this.#header.getInt32(32) + 1);
        slots.setInt32(at, first + index);
      }
    }
    if (end > 1) setInt64(this.#header, 24, getInt64(this.#readUnit(end - 1), 4));
  }

  close(): void {
    this.#file.close();
    this.#syncer?.close();
  }
}

/** The runs [start, end) of flags that are set. */
function* runs(flags: Uint8Array): Generator<{ start: number; end: number }> {
  for (let start = flags.indexOf(1); start >= 0;) {
    const next = flags.indexOf(0, start);
    const end = next < 0 ? flags.length : next;
    yield { start, end };
    start = flags.indexOf(1, end);
  }
}
