/** Things that are due at a time, in the order of their times: a heap from which each can also be taken before. */

/** Time, and being called at one; the tests have their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `run` once after so many milliseconds. */
  after(millis: number, run: () => void): Disposable;
}

/** The time of day. */
export const systemClock: Clock = {
  now: Date.now,
  after(millis, run) {
    const timer = setTimeout(run, millis);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** Something with a time. */
export interface Due {
  /** Milliseconds since the epoch. */
  dueAt: number;
  /** Its place in the heap that it is in, or -1; nobody else's business, as the next. */
  heapIndex: number;
  /** Of several with the same time the one that was added first comes first. */
  heapOrder: number;
}

/** A timer further away than this is set again on the way, since the clock may be set. */
const TIMER_MILLIS_MAX = 60_000;

export class DueTimer<T extends Due> implements Disposable {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  readonly #heap: T[] = [];
  #addedCount = 0;
  #timer: Disposable | undefined;
  #timerAt = Infinity;

  /** `onDue` is called when the first one is due; it takes what is due with `take`. */
  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Adds something, or moves it to its new time. */
  add(item: T): void {
    if (item.heapIndex < 0) {
      item.heapIndex = this.#heap.length;
      item.heapOrder = this.#addedCount++;
      this.#heap.push(item);
    }
    this.#up(item.heapIndex);
    this.#down(item.heapIndex);
    this.#arm();
  }

  /** Takes something out, if it is in. */
  remove(item: T): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    const last = this.#heap.pop()!;
    if (last === item) return;
    this.#heap[index] = last;
    last.heapIndex = index;
    this.#up(index);
    this.#down(last.heapIndex);
  }

  /** Takes out the first one, if it is due. Without that the timer is set for it. */
  take(): T | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.dueAt > this.#clock.now()) {
      this.#arm();
      return undefined;
    }
    this.remove(first);
    return first;
  }

  #arm(): void {
    const dueAt = this.#heap[0]?.dueAt ?? Infinity;
    const now = this.#clock.now();
    const at = Math.min(dueAt, now + TIMER_MILLIS_MAX);
    if (dueAt === Infinity || this.#timerAt <= at) return;
    this.#timer?.[Symbol.dispose]();
    this.#timerAt = at;
    this.#timer = this.#clock.after(Math.max(0, at - now), () => {
      this.#timer = undefined;
      this.#timerAt = Infinity;
      if (this.#heap[0] !== undefined && this.#heap[0].dueAt <= this.#clock.now()) this.#onDue();
      else this.#arm();
    });
  }

  #up(index: number): void {
    const heap = this.#heap;
    const item = heap[index]!;
    while (index > 0) {
      const parent = index - 1 >> 1;
      if (!isBefore(item, heap[parent]!)) break;
      this.#set(index, heap[parent]!);
      index = parent;
    }
    this.#set(index, item);
  }

  #down(index: number): void {
    const heap = this.#heap;
    const item = heap[index]!;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, item)) break;
      this.#set(index, heap[child]!);
      index = child;
    }
    this.#set(index, item);
  }

  #set(index: number, item: T): void {
    this.#heap[index] = item;
    item.heapIndex = index;
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timerAt = -Infinity;
  }
}

function isBefore(left: Due, right: Due): boolean {
  return left.dueAt < right.dueAt ||
    (left.dueAt === right.dueAt && left.heapOrder < right.heapOrder);
}
