/** What a load measures: how many, how fast, how long each took. */

/** Gathers the times of requests. */
export class Latencies {
  #millis: Float64Array;
  count = 0;

  /** @param expected how many there will be; more make it grow. */
  constructor(expected: number) {
    this.#millis = new Float64Array(Math.max(1, expected));
  }

  add(millis: number): void {
    if (this.count === this.#millis.length) {
      const grown = new Float64Array(this.#millis.length * 2);
      grown.set(this.#millis);
      this.#millis = grown;
    }
    this.#millis[this.count++] = millis;
  }

  /** In milliseconds; zeros when there were none. */
  summary(): LatencySummary {
    const sorted = this.#millis.subarray(0, this.count).toSorted();
    const at = (share: number) =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
    return {
      median: at(0.5) ?? 0,
      p99: at(0.99) ?? 0,
      p999: at(0.999) ?? 0,
      max: sorted.at(-1) ?? 0,
    };
  }
}

/** Milliseconds. */
export interface LatencySummary {
  readonly median: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** The outcome of one phase. */
export interface PhaseResult {
  readonly messages: number;
  readonly bytes: number;
  readonly failed: number;
  /** The reason of the first failure. */
  readonly failure: string | undefined;
  readonly seconds: number;
  readonly messagesPerSecond: number;
  readonly latencyMillis: LatencySummary;
}

/** Puts a phase's figures together. */
export function phaseResult(
  counts: { messages: number; bytes: number; failed: number; failure: string | undefined },
  seconds: number,
  latencies: Latencies,
): PhaseResult {
  const messagesPerSecond = counts.messages / Math.max(seconds, 1e-9);
  return { ...counts, seconds, messagesPerSecond, latencyMillis: latencies.summary() };
}
