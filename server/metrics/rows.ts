/** Short forms of rows that are much alike. */

import type { Histogram } from "./histogram.ts";
import type { Labelled } from "./labelled.ts";
import type { Metric, MetricUnit } from "./metric.ts";

interface Common<S, T> {
  unit?: MetricUnit;
  help: string;
  of: (source: S) => T;
}

/** One value without labels; none when it is undefined. */
export function gauge<S>(name: string, row: Common<S, number | undefined>): Metric<S> {
  return single("gauge", name, row);
}

/** The same that only rises. */
export function counter<S>(name: string, row: Common<S, number | undefined>): Metric<S> {
  return single("counter", name, row);
}

/** A histogram without labels. */
export function histogram<S>(name: string, row: Common<S, Histogram>): Metric<S> {
  return single("histogram", name, row);
}

function single<S>(
  kind: Metric<S>["kind"],
  name: string,
  { of, ...row }: Common<S, number | Histogram | undefined>,
): Metric<S> {
  return {
    name,
    kind,
    ...row,
    labels: [],
    collect(source) {
      const value = of(source);
      return value === undefined ? [] : [[value]];
    },
  };
}

/** Counters by labels. */
export function counters<S>(
  name: string,
  labels: readonly string[],
  row: Common<S, Iterable<Labelled<number>>>,
): Metric<S> {
  return labelled("counter", name, labels, row);
}

/** Histograms by labels. */
export function histograms<S>(
  name: string,
  labels: readonly string[],
  row: Common<S, Iterable<Labelled<Histogram>>>,
): Metric<S> {
  return labelled("histogram", name, labels, row);
}

function labelled<S>(
  kind: Metric<S>["kind"],
  name: string,
  labels: readonly string[],
  { of, ...row }: Common<S, Iterable<Labelled<number | Histogram>>>,
): Metric<S> {
  return {
    name,
    kind,
    ...row,
    labels,
    *collect(source) {
      for (const { labelValues, value } of of(source)) yield [value, labelValues];
    },
  };
}
