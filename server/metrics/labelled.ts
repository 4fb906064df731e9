/** Counters and histograms by the values of their labels, for what is counted seldom enough to make a text of them. */

import { Histogram } from "./histogram.ts";

const SEPARATOR = "\u0001";

/** One series: the values of its labels, and what was counted. */
export interface Labelled<T> {
  readonly labelValues: readonly string[];
  readonly value: T;
}

/** Values of one metric by the values of its labels. */
class LabelledTable<T> {
  protected readonly series = new Map<string, { labelValues: readonly string[]; value: T }>();
  readonly #create: () => T;

  constructor(create: () => T) {
    this.#create = create;
  }

  protected at(labelValues: readonly string[]): { value: T } {
    const key = labelValues.join(SEPARATOR);
    let found = this.series.get(key);
    if (found === undefined) this.series.set(key, found = { labelValues, value: this.#create() });
    return found;
  }

  /** Forgets every series that has a label with this value. */
  forget(labelValue: string): void {
    for (const [key, { labelValues }] of this.series) {
      if (labelValues.includes(labelValue)) this.series.delete(key);
    }
  }

  [Symbol.iterator](): Iterator<Labelled<T>> & Iterable<Labelled<T>> {
    return this.series.values();
  }
}

export class LabelledCounts extends LabelledTable<number> {
  constructor() {
    super(() => 0);
  }

  add(...labelValues: string[]): void {
    this.at(labelValues).value++;
  }
}

export class LabelledHistograms extends LabelledTable<Histogram> {
  constructor(bounds: readonly number[]) {
    super(() => new Histogram(bounds));
  }

  record(value: number, ...labelValues: string[]): void {
    this.at(labelValues).value.record(value);
  }
}
