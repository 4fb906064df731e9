/**
 * Apache's metrics about messages and groups, with its names, units and labels.
 * Source: BrokerMetricsManager.java, RemotingMetricsManager.java of Apache RocketMQ 5.3.3.
 */

import type { Delivery } from "../broker/stats/message_counters.ts";
import type { BrokerSource } from "./broker_source.ts";
import type { LagRow } from "./consumer_lag.ts";
import type { Metric } from "./metric.ts";
import { requestLabel, responseLabel, RpcFlag } from "./rpc_latency.ts";
import { isSystem, PROTOCOL } from "./system_names.ts";

type Row = Metric<BrokerSource>;

const IN_LABELS = ["topic", "message_type", "is_system"];
const OUT_LABELS = ["topic", "consumer_group", "is_system", "is_retry", "otel_metric_overflow"];
const LAG_LABELS = ["consumer_group", "topic", "is_retry", "is_system"];

/** What came to topics. */
const IN_ROWS = [
  inRow(
    "rocketmq_messages_in_total",
    "Messages that came to topics, without those sent to groups",
    ({ count }) => count,
  ),
  inRow(
    "rocketmq_throughput_in_total",
    "Bytes of these messages as they are stored",
    ({ bytes }) => bytes,
  ),
  {
    name: "rocketmq_message_size",
    kind: "histogram",
    help: "Bytes of each of these messages",
    labels: IN_LABELS,
    *collect({ stats, topics }) {
      for (const [topic, kind, { sizes }] of stats.messages.incoming()) {
        yield [sizes, [topic, kind, String(topics.isSystemTopic(topic))]];
      }
    },
  },
] satisfies Row[];

type InValue = { count: number; bytes: number };

function inRow(name: string, help: string, valueOf: (counter: InValue) => number): Row {
  return {
    name,
    kind: "counter",
    help,
    labels: IN_LABELS,
    *collect({ stats, topics }) {
      for (const [topic, kind, counter] of stats.messages.incoming()) {
        yield [valueOf(counter), [topic, kind, String(topics.isSystemTopic(topic))]];
      }
    },
  };
}

/** What groups got; what they pulled has no is_retry, as with Apache. */
const IS_RETRY: Readonly<Record<Delivery, string | undefined>> = {
  pull: undefined,
  pop: "false",
  "pop retry": "true",
};

const OUT_ROWS = [
  outRow("rocketmq_messages_out_total", "Messages that groups got", ({ count }) => count),
  outRow("rocketmq_throughput_out_total", "Bytes of these messages", ({ bytes }) => bytes),
];

function outRow(name: string, help: string, valueOf: (counter: InValue) => number): Row {
  return {
    name,
    kind: "counter",
    help,
    labels: OUT_LABELS,
    *collect({ stats: { messages }, topics }) {
      for (const [topic, group, delivery, counter] of messages.outgoing()) {
        const system = String(isSystem(topics, topic, group));
        yield [valueOf(counter), [topic, group, system, IS_RETRY[delivery], undefined]];
      }
      const { others } = messages;
      if (others.count > 0) {
        yield [valueOf(others), [undefined, undefined, undefined, undefined, "true"]];
      }
    },
  };
}

const LAG_ROWS = [
  lagRow("rocketmq_consumer_lag_messages", "Messages that a group has not consumed", "lagMessages"),
  lagRow(
    "rocketmq_consumer_lag_latency",
    "How long ago the oldest of them was stored",
    "lagMillis",
  ),
  lagRow(
    "rocketmq_consumer_inflight_messages",
    "Messages that a group was given and has not consumed",
    "inFlight",
  ),
  lagRow(
    "rocketmq_consumer_queueing_latency",
    "How long ago the oldest message was stored that a group was not given",
    "queueingMillis",
  ),
  lagRow("rocketmq_consumer_ready_messages", "Messages that a group was not given", "ready"),
];

type LagField = "lagMessages" | "lagMillis" | "inFlight" | "ready" | "queueingMillis";

function lagRow(name: string, help: string, field: LagField & keyof LagRow): Row {
  return {
    name,
    kind: "gauge",
    ...(field.endsWith("Millis") ? { unit: "milliseconds" } : {}),
    help: `${help}, of the groups that are there`,
    labels: LAG_LABELS,
    *collect({ lag, topics }) {
      for (const row of lag.rows) {
        const { group, topic, isRetry } = row;
        yield [row[field], [group, topic, String(isRetry), String(isSystem(topics, topic, group))]];
      }
    },
  };
}

const OTHER_ROWS: Row[] = [
  {
    name: "rocketmq_send_to_dlq_messages_total",
    kind: "counter",
    help: "Messages that went to the dead letters of a group",
    labels: ["consumer_group", "topic", "is_system"],
    *collect({ stats, topics }) {
      for (const [topic, group, count] of stats.messages.deadLetters()) {
        yield [count, [group, topic, String(isSystem(topics, topic, group))]];
      }
    },
  },
  {
    name: "rocketmq_rpc_latency",
    kind: "histogram",
    unit: "milliseconds",
    help: "How long requests took until they were answered",
    labels: ["protocol_type", "request_code", "response_code", "is_long_polling", "result"],
    *collect({ rpc }) {
      for (const { requestCode, responseCode, flags, latency } of rpc) {
        const isLongPolling = (flags & RpcFlag.LONG_POLLING) !== 0;
        const result = (flags & RpcFlag.ONEWAY) === 0 ? "success" : "oneway";
        const codes = [requestLabel(requestCode), responseLabel(responseCode)];
        yield [latency, [PROTOCOL, ...codes, String(isLongPolling), result]];
      }
    },
  },
];

export const APACHE_MESSAGE_ROWS: readonly Row[] = [
  ...IN_ROWS,
  ...OUT_ROWS,
  ...LAG_ROWS,
  ...OTHER_ROWS,
];
