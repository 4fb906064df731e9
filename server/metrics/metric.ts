/**
 * What a metric is: a row that says its name, its labels, and where its values come from. Printing, OTLP and
 * `docs/monitoring.md` read the rows.
 */

import type { Histogram } from "./histogram.ts";

export type MetricKind = "gauge" | "counter" | "histogram";
export type MetricUnit = "bytes" | "milliseconds" | "seconds";

/** One value with the values of its row's labels; one that is undefined leaves its label out. */
export type Sample = readonly [
  value: number | Histogram,
  labelValues?: readonly (string | undefined)[],
];

/** One metric whose values come from an `S`. */
export interface Metric<S> {
  /** As OpenTelemetry has it; Prometheus adds the unit. */
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit?: MetricUnit;
  /** A sentence fragment. */
  readonly help: string;
  /** Those of each value, besides those of the scope. */
  readonly labels: readonly string[];
  /** A value, or a histogram, for each series. Whoever reads them may pause in between. */
  readonly collect: (source: S) => Iterable<Sample>;
}

/** A metric with its source. */
export type BoundMetric = Omit<Metric<never>, "collect"> & {
  readonly collect: () => Iterable<Sample>;
};

/** Metrics of one thing: a broker, a name server, the process. */
export interface MetricScope {
  /** OpenTelemetry's scope; the label otel_scope_name in Prometheus. */
  readonly name: string;
  /** Of every series. */
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly metrics: readonly BoundMetric[];
}

/** Where metrics are collected from. */
export interface MetricRegistry {
  readonly scopes: readonly MetricScope[];
  /** The most series of one metric; further ones are left out. */
  readonly seriesMax: number;
  /** How many series of each metric were left out when they were collected last. */
  readonly leftOut: Map<string, number>;
  /** To be awaited before metrics are collected: does what takes longer, in turns. */
  readonly prepare: () => Promise<void>;
}

/** Gives rows their source. */
export function bindMetrics<S>(rows: readonly Metric<S>[], source: S): BoundMetric[] {
  return rows.map((row) => ({ ...row, collect: () => row.collect(source) }));
}

/** The name that Prometheus knows a metric by, as OpenTelemetry's exporter makes it. */
export function prometheusName({ name, unit }: Pick<BoundMetric, "name" | "unit">): string {
  return unit === undefined || name.endsWith(`_${unit}`) ? name : `${name}_${unit}`;
}

/** Collects one metric, up to as many series as are allowed, and notes how many more there were. */
export function* collectMetric(
  { seriesMax, leftOut }: Pick<MetricRegistry, "seriesMax" | "leftOut">,
  metric: BoundMetric,
): Generator<Sample> {
  let count = 0;
  for (const sample of metric.collect()) if (count++ < seriesMax) yield sample;
  if (count > seriesMax) leftOut.set(metric.name, count - seriesMax);
  else leftOut.delete(metric.name);
}
