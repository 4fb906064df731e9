/** How far groups have consumed their topics, as Java's ConsumeStats. */

import type { TopicConfig } from "../../client/protocol/topic_config.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { ConsumerTable } from "./client_table.ts";
import type { OffsetTable } from "./offset_table.ts";
import type { BrokerStats } from "./stats/broker_stats.ts";
import type { TopicTable } from "./topic_table.ts";

export interface ConsumeStatsDeps {
  brokerName: string;
  topics: Pick<TopicTable, "get">;
  store: Pick<
    MessageStore,
    "getMaxOffsetInQueue" | "getMessageTime" | "getEarliestMessageTime"
  >;
  offsets: Pick<OffsetTable, "committed" | "pulled" | "queryOffset">;
  consumers: Pick<ConsumerTable, "groups" | "findSubscription">;
  stats: Pick<BrokerStats, "groupGetTps">;
}

export interface ConsumeStats {
  consumeTps: number;
  /** By queue. */
  offsetTable: Map<{ brokerName: string; queueId: number; topic: string }, OffsetWrapper>;
}

interface OffsetWrapper {
  brokerOffset: number;
  consumerOffset: number;
  lastTimestamp: number;
  pullOffset: number;
}

/** The topics that a group has offsets of, or the one that is asked for, without those that it has given up. */
export function topicsOfGroup(
  { offsets, consumers }: Pick<ConsumeStatsDeps, "offsets" | "consumers">,
  group: string,
  topic: string | undefined,
): string[] {
  const candidates = topic ? [topic] : [...offsets.committed.topicsOf(group).keys()];
  const subscribes = (consumers.groups.get(group)?.subscriptions.size ?? 0) > 0;
  if (!subscribes) return candidates;
  return candidates.filter((name) => consumers.findSubscription(group, name) !== undefined);
}

/** How far a group is in some topics; those that are not there are left out. */
export function consumeStats(
  deps: ConsumeStatsDeps,
  group: string,
  topics: readonly TopicConfig[],
): ConsumeStats {
  const stats: ConsumeStats = { consumeTps: 0, offsetTable: new Map() };
  for (const { topicName: topic, readQueueNums } of topics) {
    for (let queueId = 0; queueId < readQueueNums; queueId++) {
      const queue = { brokerName: deps.brokerName, queueId, topic };
      stats.offsetTable.set(queue, offsetsOf(deps, group, topic, queueId));
    }
    stats.consumeTps += deps.stats.groupGetTps(group, topic);
  }
  return stats;
}

function offsetsOf(
  { store, offsets }: ConsumeStatsDeps,
  group: string,
  topic: string,
  queueId: number,
): OffsetWrapper {
  const consumerOffset = Math.max(0, offsets.queryOffset(group, topic, queueId));
  const consumed = consumerOffset > 0
    ? store.getMessageTime(topic, queueId, consumerOffset - 1)
    : 0;
  return {
    brokerOffset: store.getMaxOffsetInQueue(topic, queueId),
    consumerOffset,
    lastTimestamp: Math.max(0, consumed),
    pullOffset: Math.max(consumerOffset, offsets.pulled.get(group, topic, queueId) ?? 0),
  };
}

/**
 * The same text as `printFastjson` makes of it, several times as fast: a broker with thousands of groups prints tens of
 * thousands of queues.
 */
export function printConsumeStats({ consumeTps, offsetTable }: ConsumeStats): string {
  let rows = "";
  let known = { brokerName: "", topic: "" };
  let names = { brokerName: '""', topic: '""' };
  for (const [{ brokerName, queueId, topic }, offsets] of offsetTable) {
    if (brokerName !== known.brokerName || topic !== known.topic) {
      known = { brokerName, topic };
      names = { brokerName: JSON.stringify(brokerName), topic: JSON.stringify(topic) };
    }
    const { brokerOffset, consumerOffset, lastTimestamp, pullOffset } = offsets;
    rows += `${rows === "" ? "" : ","}{"brokerName":${names.brokerName},"queueId":${queueId},` +
      `"topic":${names.topic}}:{"brokerOffset":${brokerOffset},` +
      `"consumerOffset":${consumerOffset},"lastTimestamp":${lastTimestamp},` +
      `"pullOffset":${pullOffset}}`;
  }
  return `{"consumeTps":${consumeTps},"offsetTable":{${rows}}}`;
}

/** How many messages a group has before it, and how many it was given that it has not committed. */
export function diffsOf({ offsetTable }: ConsumeStats): { total: number; inflight: number } {
  let total = 0;
  let inflight = 0;
  for (const { brokerOffset, consumerOffset, pullOffset } of offsetTable.values()) {
    total += brokerOffset - consumerOffset;
    inflight += pullOffset - consumerOffset;
  }
  return { total, inflight };
}
