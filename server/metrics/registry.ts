/** The metrics of a process, put together. */

import type { Config } from "../config.ts";
import { APACHE_BROKER_ROWS } from "./apache_broker_rows.ts";
import { APACHE_MESSAGE_ROWS } from "./apache_message_rows.ts";
import { APACHE_STORE_ROWS } from "./apache_store_rows.ts";
import type { BrokerSource } from "./broker_source.ts";
import { COMET_ROWS } from "./comet_rows.ts";
import { bindMetrics, type Metric, type MetricRegistry, type MetricScope } from "./metric.ts";
import { NAMESRV_ROWS, type NamesrvSource } from "./namesrv_rows.ts";
import { PROCESS_ROWS, type ProcessSource } from "./process_rows.ts";

/** As Apache calls its own. */
const APACHE_SCOPE = "broker-meter";
const COMET_SCOPE = "comet";

export const APACHE_ROWS: readonly Metric<BrokerSource>[] = [
  ...APACHE_MESSAGE_ROWS,
  ...APACHE_BROKER_ROWS,
  ...APACHE_STORE_ROWS,
];

/** What a registry tells of itself. */
export const REGISTRY_ROWS: readonly Metric<Pick<MetricRegistry, "leftOut">>[] = [{
  name: "comet_metrics_left_out",
  kind: "gauge",
  help: "Series of a metric that are more than metricsOtelCardinalityLimit allows",
  labels: ["metric"],
  *collect({ leftOut }) {
    for (const [metric, count] of leftOut) yield [count, [metric]];
  },
}];

/** What metrics are told of. */
export interface MetricSources {
  process: ProcessSource;
  broker?: BrokerSource | undefined;
  namesrv?: NamesrvSource | undefined;
}

/** Makes the registry of a process. */
export function createRegistry(
  config: Pick<Config, "metricsOtelCardinalityLimit">,
  { process, broker, namesrv }: MetricSources,
): MetricRegistry {
  const seriesMax = config.metricsOtelCardinalityLimit;
  const leftOut = new Map<string, number>();
  const own = [
    ...bindMetrics(PROCESS_ROWS, process),
    ...(namesrv === undefined ? [] : bindMetrics(NAMESRV_ROWS, namesrv)),
  ];
  return {
    seriesMax,
    leftOut,
    scopes: [
      ...(broker === undefined ? [] : brokerScopes(broker)),
      { name: COMET_SCOPE, labels: [], metrics: own },
      // After all others.
      { name: COMET_SCOPE, labels: [], metrics: bindMetrics(REGISTRY_ROWS, { leftOut }) },
    ],
    prepare: async () => await broker?.lag.refresh(seriesMax),
  };
}

function brokerScopes(broker: BrokerSource): MetricScope[] {
  const { brokerClusterName, brokerName, metricsLabel } = broker.config;
  const labels = [
    ["cluster", brokerClusterName],
    ["node_type", "broker"],
    ["node_id", brokerName],
    ...parseMetricsLabel(metricsLabel),
  ] as const;
  return [
    { name: APACHE_SCOPE, labels, metrics: bindMetrics(APACHE_ROWS, broker) },
    { name: COMET_SCOPE, labels, metrics: bindMetrics(COMET_ROWS, broker) },
  ];
}

/** `name:value,name:value`. Those that Apache sets itself cannot be set. */
export function parseMetricsLabel(text: string): [name: string, value: string][] {
  return text.split(",").map((pair) => pair.split(":")).flatMap(([name = "", value, ...rest]) =>
    value === undefined || rest.length > 0 || RESERVED_LABELS.includes(name)
      ? []
      : [[name, value] as [string, string]]
  );
}

const RESERVED_LABELS = ["cluster", "node_type", "node_id", "otel_scope_name"];
