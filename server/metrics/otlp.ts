/** Metrics as OTLP in JSON. Source of the format: opentelemetry-proto 1.x, metrics.proto, in protobuf's JSON. */

import { Histogram } from "./histogram.ts";
import {
  type BoundMetric,
  collectMetric,
  type MetricRegistry,
  type MetricScope,
} from "./metric.ts";

type Pairs = readonly (readonly [name: string, value: string])[];

export interface OtlpOptions {
  /** Who sends. */
  resource: Pairs;
  /** When counting began, and now; in milliseconds since the epoch. */
  startTimestamp: number;
  now: number;
}

/** So many values are in one request; more take several. */
const POINTS_MAX = 2_000;
/** AGGREGATION_TEMPORALITY_CUMULATIVE */
const CUMULATIVE = 2;

/** The bodies of the requests that tell all metrics as they are now; each is made when it is asked for. */
export function* otlpRequests(
  registry: Omit<MetricRegistry, "prepare">,
  options: OtlpOptions,
): Generator<string> {
  const resource = { attributes: attributesOf(options.resource) };
  for (const scope of registry.scopes) {
    let metrics: unknown[] = [];
    let count = 0;
    for (const metric of scope.metrics) {
      for (const points of pointsOf(registry, scope, metric, options)) {
        metrics.push(metricOf(metric, points));
        count += points.length;
        if (count < POINTS_MAX) continue;
        yield requestOf(resource, scope, metrics);
        metrics = [];
        count = 0;
      }
    }
    if (count > 0) yield requestOf(resource, scope, metrics);
  }
}

function requestOf(resource: unknown, { name }: MetricScope, metrics: unknown[]): string {
  return JSON.stringify({
    resourceMetrics: [{ resource, scopeMetrics: [{ scope: { name }, metrics }] }],
  });
}

function metricOf({ name, help, unit, kind }: BoundMetric, dataPoints: unknown[]): unknown {
  const head = { name, description: help, unit: unit ?? "" };
  if (kind === "gauge") return { ...head, gauge: { dataPoints } };
  const sum = { dataPoints, aggregationTemporality: CUMULATIVE };
  return kind === "counter"
    ? { ...head, sum: { ...sum, isMonotonic: true } }
    : { ...head, histogram: sum };
}

/** The values of a metric, some at a time. */
function* pointsOf(
  registry: Omit<MetricRegistry, "prepare">,
  scope: MetricScope,
  metric: BoundMetric,
  { startTimestamp, now }: OtlpOptions,
): Generator<unknown[]> {
  let points: unknown[] = [];
  const common = attributesOf(scope.labels);
  const times = { startTimeUnixNano: nanos(startTimestamp), timeUnixNano: nanos(now) };
  for (const [value, labelValues = []] of collectMetric(registry, metric)) {
    const attributes = [...common];
    for (const [index, labelValue] of labelValues.entries()) {
      if (labelValue === undefined) continue;
      attributes.push(attributeOf(metric.labels[index]!, labelValue));
    }
    points.push({ attributes, ...times, ...valueOf(value) });
    if (points.length < POINTS_MAX) continue;
    yield points;
    points = [];
  }
  if (points.length > 0) yield points;
}

/** 64-bit numbers are text in protobuf's JSON. */
function valueOf(value: number | Histogram): Record<string, unknown> {
  if (!(value instanceof Histogram)) return { asDouble: value };
  return {
    count: String(value.count),
    sum: value.sum,
    bucketCounts: value.counts.map(String),
    explicitBounds: value.bounds,
  };
}

function attributesOf(pairs: Pairs) {
  return pairs.map(([name, value]) => attributeOf(name, value));
}

function attributeOf(key: string, value: string) {
  return { key, value: { stringValue: value } };
}

function nanos(millis: number): string {
  return `${Math.round(millis)}000000`;
}
