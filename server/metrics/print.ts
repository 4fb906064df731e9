/**
 * Metrics as text for Prometheus. Source of the formats: Prometheus text format 0.0.4 and OpenMetrics 1.0.0; names and
 * labels are made as OpenTelemetry's Prometheus exporter does, which Apache RocketMQ 5.3.3 uses.
 */

import { Histogram } from "./histogram.ts";
import { type BoundMetric, collectMetric, type MetricRegistry, prometheusName } from "./metric.ts";

export type TextFormat = "prometheus" | "openmetrics";

export const CONTENT_TYPES: Readonly<Record<TextFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

type Source = Omit<MetricRegistry, "prepare">;

/** The text of all metrics as they are now. */
export function printMetrics(source: Source, format: TextFormat = "prometheus"): string {
  return [...printPieces(source, format)].join("");
}

/** The same in pieces of some lines, between which others may have their turn. */
export function* printPieces(source: Source, format: TextFormat): Generator<string> {
  for (const scope of source.scopes) {
    const scopeLabels = [["otel_scope_name", scope.name] as const, ...scope.labels]
      .map(([name, value]) => `${name}="${escapeLabel(value)}"`).join();
    for (const metric of scope.metrics) {
      yield headOf(metric, format);
      const name = prometheusName(metric);
      for (const [value, labelValues = []] of collectMetric(source, metric)) {
        const labels = scopeLabels + labelsOf(metric, labelValues);
        yield value instanceof Histogram
          ? histogramText(name, labels, value)
          : `${name}{${labels}} ${printValue(value)}\n`;
      }
    }
  }
  if (format === "openmetrics") yield "# EOF\n";
}

function headOf(metric: BoundMetric, format: TextFormat): string {
  const name = prometheusName(metric);
  const isFamily = format === "openmetrics" && metric.kind === "counter";
  // OpenMetrics names a counter without the suffix that its samples have.
  const head = isFamily ? name.replace(/_total$/, "") : name;
  const unit = format === "openmetrics" && metric.unit !== undefined
    ? `# UNIT ${head} ${metric.unit}\n`
    : "";
  return `# HELP ${head} ${escapeHelp(metric.help)}\n# TYPE ${head} ${metric.kind}\n${unit}`;
}

/** Each with a comma before it. */
function labelsOf(metric: BoundMetric, labelValues: readonly (string | undefined)[]): string {
  let text = "";
  for (let index = 0; index < labelValues.length; index++) {
    const labelValue = labelValues[index];
    if (labelValue === undefined) continue;
    text += `,${metric.labels[index]}="${escapeLabel(labelValue)}"`;
  }
  return text;
}

function histogramText(name: string, labels: string, { bounds, counts, sum }: Histogram): string {
  let text = "";
  let count = 0;
  for (let index = 0; index < counts.length; index++) {
    count += counts[index]!;
    const bound = bounds[index];
    const le = bound === undefined ? "+Inf" : printBound(bound);
    text += `${name}_bucket{${labels},le="${le}"} ${count}\n`;
  }
  return `${text}${name}_sum{${labels}} ${printValue(sum)}\n${name}_count{${labels}} ${count}\n`;
}

/** As Java prints it, since boards choose buckets by this text. */
function printBound(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

function printValue(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

const ESCAPED = /[\\"\n]/;

function escapeLabel(text: string): string {
  if (!ESCAPED.test(text)) return text;
  return escapeHelp(text).replaceAll('"', '\\"');
}
