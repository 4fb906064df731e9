/** Counts of values by size, in buckets. Hot code records; whoever looks reads the fields. */

export class Histogram {
  /** Upper ends of the buckets, which belong to them, ascending; one more bucket holds what is greater. */
  readonly bounds: readonly number[];
  /** Values in each bucket alone. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  record(value: number): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sum += value;
  }

  /** How many values there were. */
  get count(): number {
    let count = 0;
    for (const inBucket of this.counts) count += inBucket;
    return count;
  }
}
