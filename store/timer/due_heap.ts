/** What is due first, of things whose times differ: a heap from which each can also be taken before. */

/** Something with a time. Of two with the same time the one that was stored first comes first. */
export interface Due {
  /** Milliseconds since the epoch. */
  due: number;
  queueOffset: number;
  /** Its place in the heap that it is in, or -1; nobody else's business. */
  heapIndex: number;
}

/** Negative when `a` comes before `b`. */
export function compareDue(
  a: Pick<Due, "due" | "queueOffset">,
  b: Pick<Due, "due" | "queueOffset">,
): number {
  return a.due - b.due || a.queueOffset - b.queueOffset;
}

export class DueHeap<T extends Due> {
  readonly #items: T[] = [];

  /** The one that is due first. */
  get first(): T | undefined {
    return this.#items[0];
  }

  /** Adds something, or moves it to its new time. */
  put(item: T): void {
    if (item.heapIndex < 0) {
      item.heapIndex = this.#items.length;
      this.#items.push(item);
    }
    this.#up(item.heapIndex);
    this.#down(item.heapIndex);
  }

  /** Takes something out, if it is in. */
  remove(item: T): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    const last = this.#items.pop()!;
    if (last === item) return;
    this.#set(index, last);
    this.#up(index);
    this.#down(last.heapIndex);
  }

  #up(index: number): void {
    const item = this.#items[index]!;
    while (index > 0) {
      const parent = index - 1 >> 1;
      if (compareDue(this.#items[parent]!, item) <= 0) break;
      this.#set(index, this.#items[parent]!);
      index = parent;
    }
    this.#set(index, item);
  }

  #down(index: number): void {
    const items = this.#items;
    const item = items[index]!;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && compareDue(items[child + 1]!, items[child]!) < 0) child++;
      if (compareDue(items[child]!, item) >= 0) break;
      this.#set(index, items[child]!);
      index = child;
    }
    this.#set(index, item);
  }

  #set(index: number, item: T): void {
    this.#items[index] = item;
    item.heapIndex = index;
  }
}
