/**
 * The traffic of the last hour, for charts. It is kept from the first look at it on, for as long as the process runs:
 * one request to each broker every five seconds, which costs less than asking who still watches.
 */

import type { ClusterMeter, ClusterSample } from "../../../client/admin/rates.ts";

export const SAMPLE_MILLIS = 5_000;
const KEPT_MILLIS = 3_600_000;
/** 720 samples of an hour, each with every broker. */
const SAMPLES_MAX = KEPT_MILLIS / SAMPLE_MILLIS;

export class RateHistory implements Disposable {
  readonly #meter: ClusterMeter;
  readonly #samples: ClusterSample[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #running: Promise<void> | undefined;

  constructor(meter: ClusterMeter) {
    this.#meter = meter;
  }

  /** Begins to keep samples, unless it has. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#look(), SAMPLE_MILLIS);
    // Nobody has to wait for it when the program ends.
    Deno.unrefTimer(this.#timer);
    this.#look();
  }

  /** Samples after this time, oldest first; milliseconds since the epoch. */
  async since(timestamp: number): Promise<ClusterSample[]> {
    if (this.#samples.length === 0) await this.#running;
    return this.#samples.filter((sample) => sample.timestamp > timestamp);
  }

  #look(): void {
    this.#running ??= this.#sample().finally(() => this.#running = undefined);
  }

  async #sample(): Promise<void> {
    try {
      this.#samples.push(await this.#meter.sample());
    } catch {
      // A cluster that does not answer has no rates; its charts have a gap.
      return;
    }
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
