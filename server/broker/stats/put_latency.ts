/** How long messages take from being put until consumers may see them, over the last minute. */

/** Upper ends of the ranges that admins are shown, in milliseconds (StoreStatsService.java of Apache RocketMQ 5.3.3). */
const SHOWN: readonly (readonly [label: string, below: number])[] = [
  ["[<=0ms]", 1],
  ["[0~10ms]", 10],
  ["[10~50ms]", 50],
  ["[50~100ms]", 100],
  ["[100~200ms]", 200],
  ["[200~500ms]", 500],
  ["[500ms~1s]", 1_000],
  ["[1~2s]", 2_000],
  ["[2~3s]", 3_000],
  ["[3~4s]", 4_000],
  ["[4~5s]", 5_000],
  ["[5~10s]", 10_000],
  ["[10s~]", Infinity],
];
/** Times are counted to the millisecond up to here. */
const EXACT_MILLIS = 1_000;
/** And from there on in steps of this, to ten seconds. */
const STEP_MILLIS = 1_000;
const STEPS = 10;

export class PutLatency {
  maxMillis = 0;
  #counts = new Uint32Array(EXACT_MILLIS + STEPS);
  #lastMinute = new Uint32Array(EXACT_MILLIS + STEPS);

  add(millis: number): void {
    if (millis > this.maxMillis) this.maxMillis = millis;
    this.#counts[cellOf(millis)]!++;
  }

  /** To be called every minute: what was counted is shown from now on. */
  roll(): void {
    [this.#counts, this.#lastMinute] = [this.#lastMinute, this.#counts];
    this.#counts.fill(0);
  }

  /** The time in milliseconds within which this part of the last minute's messages was safe. */
  percentile(part: number): number {
    const total = this.#lastMinute.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (let cell = 0; cell < this.#lastMinute.length; cell++) {
      seen += this.#lastMinute[cell]!;
      if (seen > 0 && seen >= total * part) return millisOf(cell);
    }
    return 0;
  }

  /** The last minute's messages by time, as `[0~10ms]:5 …`. */
  distribution(): string {
    let cell = 0;
    return SHOWN.map(([label, below]) => {
      let count = 0;
      for (; cell < this.#lastMinute.length && millisOf(cell) < below; cell++) {
        count += this.#lastMinute[cell]!;
      }
      return `${label}:${count} `;
    }).join("");
  }
}

function cellOf(millis: number): number {
  if (millis < EXACT_MILLIS) return Math.max(0, Math.trunc(millis));
  return EXACT_MILLIS + Math.min(STEPS - 1, Math.trunc(millis / STEP_MILLIS) - 1);
}

function millisOf(cell: number): number {
  return cell < EXACT_MILLIS ? cell : (cell - EXACT_MILLIS + 1) * STEP_MILLIS;
}
