/**
 * Apache's metrics about the broker itself: clients, transactions, popping, what admins created.
 * Source: BrokerMetricsManager.java and PopMetricsManager.java of Apache RocketMQ 5.3.3.
 */

import { versionText } from "../../client/protocol/mq_version.ts";
import type { ConsumeType } from "../../client/protocol/heartbeat.ts";
import type { ClientInfo } from "../broker/client_table.ts";
import { REVIVE_GROUP, reviveTopicOf } from "../broker/pop/revive_log.ts";
import type { BrokerSource } from "./broker_source.ts";
import { LabelledCounts } from "./labelled.ts";
import type { Metric } from "./metric.ts";
import { counters, gauge, histograms } from "./rows.ts";
import { isSystemGroup, PROTOCOL } from "./system_names.ts";

type Row = Metric<BrokerSource>;

/** Apache's thread pools, before which requests wait. */
const PROCESSORS = [
  "send",
  "async_put",
  "pull",
  "ack",
  "query_message",
  "client_manager",
  "heartbeat",
  "lite_pull",
  "transaction",
  "consumer_manager",
  "admin",
  "reply",
];

const CONSUME_MODES: Readonly<Record<ConsumeType, string>> = {
  CONSUME_ACTIVELY: "pull",
  CONSUME_PASSIVELY: "push",
  CONSUME_POP: "pop",
};

const BROKER_ROWS: Row[] = [
  {
    name: "rocketmq_processor_watermark",
    kind: "gauge",
    help: "Requests that wait for a thread: none, since there are no threads to wait for",
    labels: ["processor"],
    *collect(_) {
      for (const processor of PROCESSORS) yield [0, [processor]];
    },
  },
  gauge("rocketmq_broker_permission", {
    help: "What clients may do: 4 read + 2 write",
    of: ({ config }) => config.brokerPermission,
  }),
  gauge("rocketmq_topic_number", { help: "Topics", of: ({ topics }) => topics.topics.size }),
  gauge("rocketmq_consumer_group_number", {
    help: "Consumer groups that are configured",
    of: ({ groups }) => groups.groups.size,
  }),
  {
    name: "rocketmq_producer_connections",
    kind: "gauge",
    help: "Producers that are there, once for each of their groups",
    labels: ["language", "version", "protocol_type"],
    *collect({ producers }) {
      const counts = new LabelledCounts();
      for (const clients of producers.groups.values()) {
        for (const client of clients.values()) counts.add(...clientLabels(client), PROTOCOL);
      }
      for (const { labelValues, value } of counts) yield [value, labelValues];
    },
  },
  {
    name: "rocketmq_consumer_connections",
    kind: "gauge",
    help: "Members of consumer groups that are there",
    labels: ["consumer_group", "language", "version", "consume_mode", "protocol_type", "is_system"],
    *collect({ consumers }) {
      const counts = new LabelledCounts();
      for (const [group, { consumeType, clients }] of consumers.groups) {
        const others = [CONSUME_MODES[consumeType], PROTOCOL, String(isSystemGroup(group))];
        for (const client of clients.values()) {
          counts.add(group, ...clientLabels(client), ...others);
        }
      }
      for (const { labelValues, value } of counts) yield [value, labelValues];
    },
  },
  histograms("rocketmq_topic_create_execution_time", ["invocation_status", "is_system"], {
    unit: "milliseconds",
    help: "How long creating or changing topics took",
    of: ({ stats }) => stats.events.topicCreation,
  }),
  histograms("rocketmq_consumer_group_create_execution_time", ["invocation_status"], {
    unit: "milliseconds",
    help: "How long creating or changing groups took",
    of: ({ stats }) => stats.events.groupCreation,
  }),
];

function clientLabels({ language, version }: Pick<ClientInfo, "language" | "version">): string[] {
  return [language.toLowerCase(), versionText(version).toLowerCase()];
}

const TRANSACTION_ROWS: Row[] = [
  counters("rocketmq_commit_messages_total", ["topic"], {
    help: "Transactions that producers committed",
    of: ({ stats }) => stats.events.commits,
  }),
  counters("rocketmq_rollback_messages_total", ["topic"], {
    help: "Transactions that producers rolled back",
    of: ({ stats }) => stats.events.rollbacks,
  }),
  histograms("rocketmq_finish_message_latency", ["topic"], {
    unit: "milliseconds",
    help:
      "Seconds (whatever the name says) from the birth of a transaction's message to its commit",
    of: ({ stats }) => stats.events.finishLatency,
  }),
  {
    name: "rocketmq_half_messages",
    kind: "gauge",
    help: "Transactions that are open",
    labels: ["topic"],
    *collect({ transactions }) {
      const open = new Map<string, number>();
      for (const { topic, openCount } of transactions.openCounts) {
        open.set(topic, (open.get(topic) ?? 0) + openCount);
      }
      for (const [topic, count] of open) yield [count, [topic]];
    },
  },
];

const POP_ROWS: Row[] = [
  {
    name: "rocketmq_pop_revive_in_message_total",
    kind: "counter",
    help: "Records put into the revive log: CK for pops, ACK for acknowledgements",
    labels: ["consumer_group", "topic", "revive_message_type", "put_status"],
    *collect({ stats }) {
      for (const { labelValues: [group, topic, tag], value } of stats.events.reviveRecords) {
        yield [value, [group, topic, tag?.toUpperCase(), "PUT_OK"]];
      }
    },
  },
  {
    name: "rocketmq_pop_revive_retry_messages_total",
    kind: "counter",
    help: "Popped messages that were not acknowledged in time and come again",
    labels: ["consumer_group", "topic", "put_status"],
    *collect({ stats }) {
      for (const { labelValues, value } of stats.events.revived) {
        yield [value, [...labelValues, "PUT_OK"]];
      }
    },
  },
  gauge("rocketmq_pop_checkpoint_buffer_size", {
    help: "Pops of which not all messages are acknowledged",
    of: ({ popping }) => popping.table.count,
  }),
  gauge("rocketmq_pop_offset_buffer_size", {
    help: "Pops whose offset is not committed yet",
    of: ({ popping }) => {
      let count = 0;
      for (const { uncommittedCount } of popping.table.queues) count += uncommittedCount;
      return count;
    },
  }),
  reviveGauge(
    "rocketmq_pop_revive_lag",
    "Records of the revive log that a start would read (messages, whatever the name says)",
    (behind) => behind.records,
  ),
  reviveGauge(
    "rocketmq_pop_revive_latency",
    "How long ago the oldest of them was put",
    (behind) => behind.millis,
  ),
];

function reviveGauge(
  name: string,
  help: string,
  valueOf: (behind: { records: number; millis: number }) => number,
): Row {
  return {
    name,
    kind: "gauge",
    unit: "milliseconds",
    help,
    labels: ["queue_id"],
    *collect(source) {
      const { reviveQueueNum } = source.config;
      for (let queueId = 0; queueId < reviveQueueNum; queueId++) {
        yield [valueOf(reviveBehind(source, queueId)), [String(queueId)]];
      }
    },
  };
}

function reviveBehind({ config, store, offsets, now }: BrokerSource, queueId: number) {
  const topic = reviveTopicOf(config.brokerClusterName);
  const end = store.getMaxOffsetInQueue(topic, queueId);
  const next = Math.max(
    offsets.queryOffset(REVIVE_GROUP, topic, queueId) + 1,
    store.getMinOffsetInQueue(topic, queueId),
  );
  const stored = next < end ? store.getMessageTime(topic, queueId, next) : -1;
  return { records: Math.max(0, end - next), millis: stored < 0 ? 0 : Math.max(0, now() - stored) };
}

export const APACHE_BROKER_ROWS: readonly Row[] = [
  ...BROKER_ROWS,
  ...TRANSACTION_ROWS,
  ...POP_ROWS,
];
