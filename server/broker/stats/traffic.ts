/** Counters with their pasts: how much there was in the last minute, hour and day. */

/** One counter of messages. Hot code adds to the fields. */
export class Traffic {
  count = 0;
  bytes = 0;
  /** How often something was counted: a pull counts all its messages at once. */
  times = 0;
  /** By window, oldest first. A counter that came later has fewer samples than its window has times; it was 0 then. */
  readonly samples: Sample[][] = WINDOWS.map(() => []);

  add(count: number, bytes: number): void {
    this.count += count;
    this.bytes += bytes;
    this.times++;
  }
}

interface Sample {
  count: number;
  bytes: number;
  times: number;
}

/** What a counter counted in a window. */
export interface Rate {
  sum: number;
  /** Per second. */
  tps: number;
  /** The average of what was counted at once. */
  avgpt: number;
}

/** How often a window is sampled and how many samples it keeps (StatsItem.java of Apache RocketMQ 5.3.3). */
const WINDOWS = [
  { name: "minute", everyMillis: 10_000, kept: 7 },
  { name: "hour", everyMillis: 600_000, kept: 7 },
  { name: "day", everyMillis: 3_600_000, kept: 25 },
] as const;

export type WindowName = (typeof WINDOWS)[number]["name"];

/** Counters by key, sampled together. */
export class TrafficTable {
  readonly #counters = new Map<string, Traffic>();
  readonly #times: number[][];
  readonly #started: number;

  constructor(now: number) {
    this.#started = now;
    this.#times = WINDOWS.map(({ everyMillis }) => [now - everyMillis]);
  }

  /** The counter of a key, made if need be. */
  get(key: string): Traffic {
    let counter = this.#counters.get(key);
    if (counter === undefined) this.#counters.set(key, counter = new Traffic());
    return counter;
  }

  find(key: string): Traffic | undefined {
    return this.#counters.get(key);
  }

  /** Forgets the counters whose keys are so. */
  remove(isGone: (key: string) => boolean): void {
    for (const key of this.#counters.keys()) if (isGone(key)) this.#counters.delete(key);
  }

  /** To be called every second or so. */
  sample(now: number): void {
    WINDOWS.forEach(({ everyMillis, kept }, index) => {
      const times = this.#times[index]!;
      const last = times.length > 1 ? times.at(-1)! : this.#started;
      if (now - last < everyMillis) return;
      times.push(now);
      if (times.length > kept) times.shift();
      for (const counter of this.#counters.values()) {
        const samples = counter.samples[index]!;
        samples.push({ count: counter.count, bytes: counter.bytes, times: counter.times });
        if (samples.length > kept) samples.shift();
      }
    });
  }

  /** What was counted in a window, up to now. */
  rate(counter: Traffic, of: "count" | "bytes", window: WindowName, now: number): Rate {
    const index = WINDOWS.findIndex(({ name }) => name === window);
    const times = this.#times[index]!;
    const samples = counter.samples[index]!;
    const first = samples.length === times.length ? samples[0] : undefined;
    const sum = counter[of] - (first?.[of] ?? 0);
    const calls = counter.times - (first?.times ?? 0);
    const millis = Math.max(1, now - times[0]!);
    return { sum, tps: sum * 1000 / millis, avgpt: calls > 0 ? sum / calls : 0 };
  }
}
