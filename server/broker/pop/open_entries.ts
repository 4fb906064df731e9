/** What is open in one queue of the revive log, by the place of its record. */

import type { LogEntry } from "./pop_queue.ts";

/** A start reads so many records of a queue, or four times as many as are open. */
const DISTANCE_MAX = 20_000;
const DISTANCE_FACTOR = 4;
const DONE_MAX = 1_024;

export class OpenEntries {
  /** From `#start` on; undefined for what is done, and for records that never were open. */
  #slots: (LogEntry | undefined)[] = [];
  #start: number;
  /** How many at the front of the slots are done. */
  #done = 0;
  #count = 0;
  /** Records before this are in the log on the disk; others may still be taken back. */
  #durableOffset: number;

  constructor(reviveOffset: number) {
    this.#start = reviveOffset;
    this.#durableOffset = reviveOffset;
  }

  /** reviveOffset of the first record that a start must read. */
  get first(): number {
    return this.#start + this.#done;
  }

  /** Notes an entry. */
  open(reviveOffset: number, entry: LogEntry): void {
    this.#extend(reviveOffset);
    if (this.#slots[reviveOffset - this.#start] === undefined) this.#count++;
    this.#slots[reviveOffset - this.#start] = entry;
  }

  #extend(reviveOffset: number): void {
    while (this.#start + this.#slots.length < reviveOffset) this.#slots.push(undefined);
  }

  /** All records before this are in the log on the disk, and noted if they are open. */
  readUpTo(reviveOffset: number): void {
    this.#extend(reviveOffset);
    this.#durableOffset = Math.max(this.#durableOffset, reviveOffset);
  }

  /** An entry's record is done with, which is on the disk as well; nothing when another has its place by now. */
  close(reviveOffset: number, entry: LogEntry): void {
    this.#durableOffset = Math.max(this.#durableOffset, reviveOffset + 1);
    const index = reviveOffset - this.#start;
    if (this.#slots[index] !== entry) return;
    this.#slots[index] = undefined;
    this.#count--;
  }

  /** The records from this one on are not in the log. */
  truncate(reviveOffset: number): void {
    while (this.#start + this.#slots.length > reviveOffset) {
      if (this.#slots.pop() !== undefined) this.#count--;
    }
  }

  /** Goes on to the oldest entry that is open. Returns whether that is further than before. */
  advance(): boolean {
    const before = this.first;
    while (
      this.first < this.#durableOffset && this.#done < this.#slots.length &&
      this.#slots[this.#done] === undefined
    ) this.#done++;
    const moved = this.first > before;
    if (this.#done > DONE_MAX) {
      this.#start += this.#done;
      this.#slots = this.#slots.slice(this.#done);
      this.#done = 0;
    }
    return moved;
  }

  /** The oldest entry, when a start would have to read too much for it. */
  oldestOfTooMany(): LogEntry | undefined {
    const distance = this.#slots.length - this.#done;
    if (distance <= DISTANCE_MAX || distance <= this.#count * DISTANCE_FACTOR) return undefined;
    return this.#slots[this.#done];
  }
}
