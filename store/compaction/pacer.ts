/**
 * Work in slices that leaves the event loop to others: after each millisecond of work comes a pause three times as long,
 * so that it takes a quarter of the loop's time at most, and less when the loop is busy.
 */

const SLICE_MILLIS = 1;
const PAUSE_FACTOR = 3;

export class Pacer {
  #worked = 0;
  #began = 0;
  #isHurried = false;
  #wake: (() => void) | undefined;

  /** A slice of work begins. */
  begin(): void {
    this.#began = performance.now();
  }

  /** A slice of work is done; resolves when the next one may begin. */
  async end(): Promise<void> {
    this.#worked += performance.now() - this.#began;
    if (this.#isHurried || this.#worked < SLICE_MILLIS) return;
    const pauseMillis = this.#worked * PAUSE_FACTOR;
    this.#worked = 0;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pauseMillis);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  /** No more pauses: somebody waits for the end. */
  hurry(): void {
    this.#isHurried = true;
    this.#wake?.();
  }
}
