/** The rows of the configuration for metrics. */

import { bool, int, listenHost, metricLabels, oneOf, port } from "./setting.ts";

export const METRICS = {
  metricsExporterType: oneOf(
    ["DISABLE", "PROM", "OTLP_GRPC", "LOG"],
    "DISABLE",
    "PROM serves metrics at metricsPromExporterPort as well as at /metrics of the HTTP port, where they always are; the others change nothing, see docs/monitoring.md",
  ),
  metricsPromExporterPort: port(5557, "The port for PROM; 0 takes a free one"),
  metricsPromExporterHost: listenHost(
    "",
    "The address to listen on for PROM; empty means bindAddress",
    { apacheDefault: "brokerIP1" },
  ),
  metricsLabel: metricLabels("", "Labels that every metric of the broker gets"),
  estimateAccumulation: bool(
    true,
    "Whether the lag of groups with a filter by tags counts what they want, going by the first 1000 messages of a queue",
  ),
  metricsOtelCardinalityLimit: int(
    50_000,
    "The most series of one metric; comet_metrics_left_out counts those that are more",
    { min: 1 },
  ),
};
