import { assertEquals } from "@std/assert";
import { Histogram } from "../../../server/metrics/histogram.ts";
import { bindMetrics, type Metric } from "../../../server/metrics/metric.ts";
import { otlpRequests } from "../../../server/metrics/otlp.ts";

const OPTIONS = {
  resource: [["service.name", "comet"]] as const,
  startTimestamp: 1_000,
  now: 2_000,
};

function requestsFor(rows: readonly Metric<undefined>[]) {
  const metrics = bindMetrics(rows, undefined);
  const scopes = [{ name: "s", labels: [["cluster", "c"]] as const, metrics }];
  const registry = { seriesMax: 50_000, leftOut: new Map<string, number>(), scopes };
  return [...otlpRequests(registry, OPTIONS)].map((body) => JSON.parse(body));
}

Deno.test("otlpRequests() tells gauges, counters and histograms as protobuf's JSON has them", () => {
  const sizes = new Histogram([1, 2]);
  for (const size of [1, 2, 2, 3]) sizes.record(size);
  const requests = requestsFor([
    {
      name: "g",
      kind: "gauge",
      help: "G",
      labels: ["t", "u"],
      collect: () => [[1, ["x", undefined]]],
    },
    { name: "c_total", kind: "counter", help: "C", labels: [], collect: () => [[5]] },
    {
      name: "h",
      kind: "histogram",
      unit: "bytes",
      help: "H",
      labels: [],
      collect: () => [[sizes]],
    },
    { name: "none", kind: "gauge", help: "N", labels: [], collect: () => [] },
  ]);
  const cluster = { key: "cluster", value: { stringValue: "c" } };
  const times = { startTimeUnixNano: "1000000000", timeUnixNano: "2000000000" };
  const point = { attributes: [cluster], ...times };
  assertEquals(requests, [{
    resourceMetrics: [{
      resource: { attributes: [{ key: "service.name", value: { stringValue: "comet" } }] },
      scopeMetrics: [{
        scope: { name: "s" },
        metrics: [
          {
            name: "g",
            description: "G",
            unit: "",
            gauge: {
              dataPoints: [{
                ...point,
                attributes: [cluster, { key: "t", value: { stringValue: "x" } }],
                asDouble: 1,
              }],
            },
          },
          {
            name: "c_total",
            description: "C",
            unit: "",
            sum: {
              dataPoints: [{ ...point, asDouble: 5 }],
              aggregationTemporality: 2,
              isMonotonic: true,
            },
          },
          {
            name: "h",
            description: "H",
            unit: "bytes",
            histogram: {
              dataPoints: [{
                ...point,
                count: "4",
                sum: 8,
                bucketCounts: ["1", "2", "1"],
                explicitBounds: [1, 2],
              }],
              aggregationTemporality: 2,
            },
          },
        ],
      }],
    }],
  }]);
});

Deno.test("otlpRequests() splits what is much, and loses nothing", () => {
  const many = (name: string): Metric<undefined> => ({
    name,
    kind: "gauge",
    help: name,
    labels: ["n"],
    *collect() {
      for (let n = 0; n < 4_500; n++) yield [n, [String(n)]];
    },
  });
  const requests = requestsFor([many("a"), many("b")]);
  const seen = new Map<string, number[]>();
  for (const { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] } of requests) {
    let count = 0;
    for (const { name, gauge: { dataPoints } } of metrics) {
      const values = dataPoints.map(({ asDouble }: { asDouble: number }) => asDouble);
      seen.set(name, [...seen.get(name) ?? [], ...values]);
      count += values.length;
    }
    assertEquals(count <= 4_000, true);
  }
  const all = Array.from({ length: 4_500 }, (_, n) => n);
  assertEquals([...seen], [["a", all], ["b", all]]);
});
