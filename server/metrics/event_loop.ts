/** How long the event loop keeps timers waiting: what a request would wait before anybody looks at it. */

import { Histogram } from "./histogram.ts";

const PERIOD_MILLIS = 100;
const BOUNDS_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export class EventLoopLag implements Disposable {
  /** In seconds. */
  readonly lag = new Histogram(BOUNDS_SECONDS);
  readonly #timer: ReturnType<typeof setInterval>;
  #expected = performance.now() + PERIOD_MILLIS;

  /** Looks ten times a second. */
  constructor() {
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.lag.record(Math.max(0, now - this.#expected) / 1_000);
      this.#expected = now + PERIOD_MILLIS;
    }, PERIOD_MILLIS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
