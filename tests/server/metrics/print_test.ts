import { assertEquals, assertStringIncludes } from "@std/assert";
import { Histogram } from "../../../server/metrics/histogram.ts";
import { bindMetrics, type Metric } from "../../../server/metrics/metric.ts";
import { printMetrics } from "../../../server/metrics/print.ts";
import { parseMetrics, valueOf } from "../../helpers/metrics_text.ts";

function registryOf(rows: readonly Metric<undefined>[], seriesMax = 100) {
  const labels = [["cluster", 'the "c"\\d\ne']] as const;
  const metrics = bindMetrics(rows, undefined);
  return {
    seriesMax,
    leftOut: new Map<string, number>(),
    scopes: [{ name: "s", labels, metrics }],
  };
}

const GAUGE: Metric<undefined> = {
  name: "a_size",
  kind: "gauge",
  unit: "bytes",
  help: "A \\ and\na line",
  labels: ["topic", "maybe"],
  collect: () => [[1.5, ['%RETRY%"\\\n', undefined]], [-Infinity, ["t", "x"]]],
};
const COUNTER: Metric<undefined> = {
  name: "b_total",
  kind: "counter",
  help: "b",
  labels: [],
  collect: () => [[12_345_678_901_234]],
};

Deno.test("printMetrics() escapes labels and help, and leaves labels out that are undefined", () => {
  const text = printMetrics(registryOf([GAUGE]));
  assertEquals(
    text,
    [
      "# HELP a_size_bytes A \\\\ and\\na line",
      "# TYPE a_size_bytes gauge",
      'a_size_bytes{otel_scope_name="s",cluster="the \\"c\\"\\\\d\\ne",topic="%RETRY%\\"\\\\\\n"} 1.5',
      'a_size_bytes{otel_scope_name="s",cluster="the \\"c\\"\\\\d\\ne",topic="t",maybe="x"} -Inf',
      "",
    ].join("\n"),
  );
  const [family] = parseMetrics(text, "prometheus");
  assertEquals(family!.samples[0]!.labels, {
    otel_scope_name: "s",
    cluster: 'the "c"\\d\ne',
    topic: '%RETRY%"\\\n',
  });
});

Deno.test("printMetrics() prints buckets that add up, with the bounds in Java's form", () => {
  const sizes = new Histogram([0.5, 1, 1_048_576]);
  for (const value of [0.1, 0.5, 0.6, 1, 2, 2_000_000]) sizes.record(value);
  const text = printMetrics(registryOf([{
    name: "c",
    kind: "histogram",
    help: "c",
    labels: ["topic"],
    collect: () => [[sizes, ["t"]]],
  }]));
  const families = parseMetrics(text, "prometheus");
  const bucket = (le: string) => valueOf(families, "c_bucket", { le });
  assertEquals(["0.5", "1.0", "1048576.0", "+Inf"].map(bucket), [2, 4, 5, 6]);
  assertEquals(valueOf(families, "c_count", { topic: "t" }), 6);
  assertEquals(valueOf(families, "c_sum"), 2_000_004.2);
});

Deno.test("printMetrics() names counters as OpenMetrics does when it is asked for that", () => {
  const text = printMetrics(registryOf([COUNTER, GAUGE]), "openmetrics");
  assertStringIncludes(text, "# TYPE b counter\nb_total{");
  assertStringIncludes(text, "# UNIT a_size_bytes bytes\n");
  const families = parseMetrics(text, "openmetrics");
  assertEquals(families.map(({ name }) => name), ["b", "a_size_bytes"]);
  assertEquals(valueOf(families, "b_total"), 12_345_678_901_234);
});

Deno.test("printMetrics() leaves out the series that are too many, always the same, and counts them", () => {
  let count = 5;
  const many: Metric<undefined> = {
    name: "d",
    kind: "gauge",
    help: "d",
    labels: ["n"],
    *collect() {
      for (let n = 0; n < count; n++) yield [n, [String(n)]];
    },
  };
  const registry = registryOf([many], 3);
  const [family] = parseMetrics(printMetrics(registry), "prometheus");
  assertEquals(family!.samples.map(({ labels }) => labels["n"]), ["0", "1", "2"]);
  assertEquals([...registry.leftOut], [["d", 2]]);
  count = 3;
  printMetrics(registry);
  assertEquals([...registry.leftOut], []);
});
