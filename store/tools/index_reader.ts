/**
 * Reads the units of all index files in the order in which they were put, and checks on the way what makes them
 * findable: the slots and the chains of units that begin there.
 */

import { getInt64, viewOf } from "../../client/protocol/bytes.ts";
import type { FileSystem, StoreFile } from "../file_system.ts";
import { indexFileBytes, type IndexFiles } from "./store_files.ts";

const HEADER_BYTES = 40;
const SLOT_BYTES = 4;
const UNIT_BYTES = 20;
const PIECE_UNITS = 4096;

/** A unit; the same object is used again for the next one. */
export interface IndexUnit {
  path: string;
  /** Its number in the file, from 1 on. */
  number: number;
  keyHash: number;
  physicalOffset: number;
  /** Whole seconds after the file's beginTimestamp. */
  seconds: number;
  beginTimestamp: number;
}

/** What is said of a file once its last unit has been read. */
export interface IndexFileCheck {
  path: string;
  beginTimestamp: number;
  endTimestamp: number;
  beginPhysicalOffset: number;
  endPhysicalOffset: number;
  hashSlotCount: number;
  /** Units by the header. */
  unitCount: number;
  /** Those that the file has room for. */
  unitsRead: number;
  /** By the units, which is what the header should say. */
  usedSlots: number;
  firstPhysicalOffset: number;
  lastPhysicalOffset: number;
  /** The first unit whose predecessor is another than the one before it in its slot, 0 for none; and how many are. */
  brokenChain: number;
  brokenChains: number;
  /** Slots that name another unit than their newest. */
  wrongSlots: number;
}

export class IndexReader implements Disposable {
  readonly #fileSystem: FileSystem;
  readonly #index: IndexFiles;
  readonly #onFile: (check: IndexFileCheck) => void;
  readonly #piece = new Uint8Array(PIECE_UNITS * UNIT_BYTES);
  readonly #view = viewOf(this.#piece);
  /** The newest unit of each slot, by the units so far. */
  readonly #slots: Int32Array;
  #fileIndex = -1;
  #file: StoreFile | undefined;
  #check: IndexFileCheck | undefined;
  /** Units of the current piece: the number of the first, and of the one after the last. */
  #pieceFirst = 0;
  #pieceEnd = 0;
  readonly #unit: IndexUnit = {
    path: "",
    number: 0,
    keyHash: 0,
    physicalOffset: 0,
    seconds: 0,
    beginTimestamp: 0,
  };
  #done = false;

  /** Goes to the first unit. @param onFile is told of each file after its last unit, or when it has none. */
  constructor(
    fileSystem: FileSystem,
    index: IndexFiles,
    onFile: (check: IndexFileCheck) => void,
  ) {
    this.#fileSystem = fileSystem;
    this.#index = index;
    this.#onFile = onFile;
    this.#slots = new Int32Array(index.files.length === 0 ? 0 : index.slotCount);
    this.advance();
  }

  /** The unit that it stands at; undefined after the last. */
  get unit(): IndexUnit | undefined {
    return this.#done ? undefined : this.#unit;
  }

  /** Goes to the next unit. */
  advance(): void {
    while (!this.#done) {
      const check = this.#check;
      if (check !== undefined && this.#unit.number < check.unitsRead) return this.#nextUnit(check);
      this.#endFile();
      this.#openNext();
    }
  }

  #nextUnit(check: IndexFileCheck): void {
    const unit = this.#unit;
    unit.number++;
    if (unit.number >= this.#pieceEnd) this.#loadPiece(check);
    const at = (unit.number - this.#pieceFirst) * UNIT_BYTES;
    unit.keyHash = this.#view.getInt32(at);
    unit.physicalOffset = getInt64(this.#view, at + 4);
    unit.seconds = this.#view.getInt32(at + 12);
    this.#follow(check, unit, this.#view.getInt32(at + 16));
  }

  /** Checks that the unit is chained to the one before it in its slot, and becomes the slot's newest. */
  #follow(check: IndexFileCheck, unit: IndexUnit, previous: number): void {
    if (unit.number === 1) check.firstPhysicalOffset = unit.physicalOffset;
    check.lastPhysicalOffset = unit.physicalOffset;
    const slot = unit.keyHash < 0 ? -1 : unit.keyHash % this.#index.slotCount;
    if (slot < 0 || previous !== this.#slots[slot]) {
      if (check.brokenChains === 0) check.brokenChain = unit.number;
      check.brokenChains++;
    }
    if (slot < 0) return;
    if (this.#slots[slot] === 0) check.usedSlots++;
    this.#slots[slot] = unit.number;
  }

  #loadPiece(check: IndexFileCheck): void {
    const first = this.#unit.number;
    const count = Math.min(PIECE_UNITS, check.unitsRead - first + 1);
    const position = HEADER_BYTES + this.#index.slotCount * SLOT_BYTES + first * UNIT_BYTES;
    const into = this.#piece.subarray(0, count * UNIT_BYTES);
    into.fill(0, this.#file!.readSync(into, position));
    this.#pieceFirst = first;
    this.#pieceEnd = first + count;
  }

  #openNext(): void {
    this.#fileIndex++;
    const found = this.#index.files[this.#fileIndex];
    if (found === undefined) {
      this.#done = true;
      return;
    }
    this.#file = this.#fileSystem.openSync(found.path, { create: false });
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    this.#file.readSync(new Uint8Array(header.buffer), 0);
    const unitCount = Math.max(0, header.getInt32(36) - 1);
    const room = Math.floor((found.bytes - indexFileBytes(this.#index.slotCount, 0)) / UNIT_BYTES) -
      1;
    this.#check = {
      path: found.path,
      beginTimestamp: getInt64(header, 0),
      endTimestamp: getInt64(header, 8),
      beginPhysicalOffset: getInt64(header, 16),
      endPhysicalOffset: getInt64(header, 24),
      hashSlotCount: header.getInt32(32),
      unitCount,
      unitsRead: Math.max(0, Math.min(unitCount, room)),
      usedSlots: 0,
      firstPhysicalOffset: 0,
      lastPhysicalOffset: 0,
      brokenChain: 0,
      brokenChains: 0,
      wrongSlots: 0,
    };
    this.#slots.fill(0);
    this.#unit.path = found.path;
    this.#unit.beginTimestamp = this.#check.beginTimestamp;
    this.#unit.number = this.#pieceFirst = this.#pieceEnd = 0;
  }

  #endFile(): void {
    if (this.#file === undefined) return;
    this.#check!.wrongSlots = this.#countWrongSlots(this.#file);
    this.#file.close();
    this.#file = undefined;
    this.#onFile(this.#check!);
    this.#check = undefined;
  }

  #countWrongSlots(file: StoreFile): number {
    const { slotCount } = this.#index;
    let wrong = 0;
    const pieceSlots = this.#piece.length / SLOT_BYTES;
    for (let first = 0; first < slotCount; first += pieceSlots) {
      const count = Math.min(pieceSlots, slotCount - first);
      const into = this.#piece.subarray(0, count * SLOT_BYTES);
      into.fill(0, file.readSync(into, HEADER_BYTES + first * SLOT_BYTES));
      for (let index = 0; index < count; index++) {
        if (this.#view.getInt32(index * SLOT_BYTES) !== this.#slots[first + index]) wrong++;
      }
    }
    return wrong;
  }

  [Symbol.dispose](): void {
    this.#file?.close();
  }
}
