/** Wakes the pops of orderly groups when what they have popped is visible again. */

import { type Clock, DueTimer } from "./due_timer.ts";
import type { PopQueue } from "./pop_queue.ts";

export interface OrderLocksOptions {
  clock: Clock;
  /** What groups have popped in order has changed. */
  onChange: () => void;
  /** A queue may be popped again. */
  onFree: (queue: PopQueue) => void;
}

export class OrderLocks implements Disposable {
  readonly #timer: DueTimer<PopQueue>;
  readonly #options: OrderLocksOptions;

  constructor(options: OrderLocksOptions) {
    this.#timer = new DueTimer(options.clock, () => this.#free());
    this.#options = options;
  }

  /** To be called whenever what the group has popped of a queue has changed. */
  changed(queue: PopQueue): void {
    this.#options.onChange();
    const { order } = queue;
    if (order === undefined || order.isDone) {
      this.#timer.remove(queue);
      return;
    }
    queue.dueAt = order.blockedUntil;
    this.#timer.add(queue);
  }

  #free(): void {
    for (let queue = this.#timer.take(); queue !== undefined; queue = this.#timer.take()) {
      this.#options.onFree(queue);
    }
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }
}
