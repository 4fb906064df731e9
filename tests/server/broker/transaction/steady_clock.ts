/** Time that goes on only when a test says so; the time of day can be set besides. */

import { setImmediate } from "node:timers";
import type { Clock } from "../../../../server/broker/pop/due_timer.ts";

interface Timer {
  at: number;
  run: () => void;
}

export class TestClock implements Clock {
  #steady = 1_000;
  #offset: number;
  readonly #timers = new Set<Timer>();

  /** `timeOfDay`: in milliseconds since the epoch. */
  constructor(timeOfDay: number) {
    this.#offset = timeOfDay - this.#steady;
  }

  /** The steady time. */
  now = (): number => this.#steady;
  /** The time of day. */
  timeOfDay = (): number => this.#steady + this.#offset;

  after(millis: number, run: () => void): Disposable {
    const timer = { at: this.#steady + millis, run };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  /** Lets time pass; calls what is due in its order, each in a turn of its own. */
  async pass(millis: number): Promise<void> {
    const end = this.#steady + millis;
    for (;;) {
      let first: Timer | undefined;
      for (const timer of this.#timers) {
        if (timer.at <= end && timer.at < (first?.at ?? Infinity)) first = timer;
      }
      if (first === undefined) break;
      this.#timers.delete(first);
      this.#steady = Math.max(this.#steady, first.at);
      first.run();
      await turn();
    }
    this.#steady = end;
    await turn();
  }

  /** Sets the time of day, as an admin does. */
  jump(millis: number): void {
    this.#offset += millis;
  }

  /** What was set is forgotten, as when a process ends. */
  forgetTimers(): void {
    this.#timers.clear();
  }
}

/** The end of this turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
