/**
 * Cancellations on their way: put into the log, not yet taken in. What they cancel must not be delivered meanwhile, since
 * who cancels is told so when it is safe, which may be after the message is due.
 */

import type { TimerEntry } from "../../../store/timer/timer_entry.ts";
import type { TimerStore } from "../../../store/timer/timer_store.ts";
import type { HeldReplies } from "../held_replies.ts";

export class PendingCancels {
  readonly #timerStore: TimerStore;
  readonly #held: HeldReplies;
  /** Called when one is decided. */
  readonly #onDecided: () => void;
  /** How many there are, by the key of what they cancel. */
  readonly #counts = new Map<number, number>();

  constructor(timerStore: TimerStore, held: HeldReplies, onDecided: () => void) {
    this.#timerStore = timerStore;
    this.#held = held;
    this.#onDecided = onDecided;
  }

  has(entry: TimerEntry): boolean {
    return this.#counts.size > 0 && this.#counts.has(entry.key);
  }

  /** One has been put that ends at `endOffset`. To be called before anything else is put. */
  add(name: string, endOffset: number): void {
    const key = this.#timerStore.index.keyOf(name);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    // By then it is visible, and so taken in, or it has failed.
    const finish = () => {
      const count = this.#counts.get(key)! - 1;
      if (count > 0) this.#counts.set(key, count);
      else this.#counts.delete(key);
      this.#onDecided();
    };
    this.#held.hold({ endOffset, finish });
  }
}
