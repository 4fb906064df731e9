/** Time that goes on only when a test says so. */

import type { Clock } from "../../../../server/broker/pop/due_timer.ts";

interface Timer {
  at: number;
  run: () => void;
}

export class ManualClock implements Clock {
  millis: number;
  readonly #timers = new Set<Timer>();

  constructor(millis: number) {
    this.millis = millis;
  }

  now = (): number => this.millis;

  after(millis: number, run: () => void): Disposable {
    const timer = { at: this.millis + millis, run };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  /** Lets time pass; calls what is due in its order, each in a turn of its own. */
  async pass(millis: number): Promise<void> {
    const end = this.millis + millis;
    for (;;) {
      let first: Timer | undefined;
      for (const timer of this.#timers) {
        if (timer.at <= end && timer.at < (first?.at ?? Infinity)) first = timer;
      }
      if (first === undefined) break;
      this.#timers.delete(first);
      this.millis = Math.max(this.millis, first.at);
      first.run();
      await turn();
    }
    this.millis = Math.max(this.millis, end);
    await turn();
  }

  /** Sets the clock, as an admin does: timers that run keep their distance. */
  jump(millis: number): void {
    this.millis += millis;
    for (const timer of this.#timers) timer.at += millis;
  }
}

/** The end of this turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
