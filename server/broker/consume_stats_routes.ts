/** Admins ask how far groups are, and give a group the offsets of another. */

import { GET_BROKER_CONSUME_STATS } from "../../client/protocol/commands/admin_broker.ts";
import * as commands from "../../client/protocol/commands/admin_consumer.ts";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import type { TopicConfig } from "../../client/protocol/topic_config.ts";
import { type Route, route } from "../dispatcher.ts";
import {
  consumeStats,
  type ConsumeStatsDeps,
  diffsOf,
  printConsumeStats,
  topicsOfGroup,
} from "./consume_stats.ts";
import type { GroupTable } from "./group_table.ts";
import { fastjsonBody } from "./json_body.ts";
import type { OffsetTable } from "./offset_table.ts";
import { topicOrRefuse } from "./topic_table.ts";

export interface ConsumeStatsRouteDeps extends ConsumeStatsDeps {
  groups: Pick<GroupTable, "groups">;
  offsets: ConsumeStatsDeps["offsets"] & Pick<OffsetTable, "cloneOffsets" | "flush">;
  brokerAddr: () => string | undefined;
  now: () => number;
}

/** The largest Java long: no correction is needed. */
const LONG_MAX = 2n ** 63n - 1n;

/** GET_CONSUME_STATS, GET_BROKER_CONSUME_STATS, QUERY_CONSUME_TIME_SPAN, QUERY_CORRECTION_OFFSET and CLONE_GROUP_OFFSET. */
export function consumeStatsRoutes(deps: ConsumeStatsRouteDeps): Route[] {
  return [
    route(commands.GET_CONSUME_STATS, ({ header: { consumerGroup, topic, topicList } }) => {
      const named = topicList?.split(";").filter((name) => name !== "") ?? [];
      const names = named.length > 0 ? named : topicsOfGroup(deps, consumerGroup, topic);
      return { body: fastjsonBody(consumeStats(deps, consumerGroup, existing(deps, names))) };
    }),
    route(
      GET_BROKER_CONSUME_STATS,
      ({ header }) => ({ body: encodeUtf8(allConsumeStats(deps, header.isOrder)) }),
    ),
    route(commands.QUERY_CONSUME_TIME_SPAN, ({ header: { topic, group } }) => {
      const { writeQueueNums } = topicOrRefuse(deps.topics, topic);
      const queueIds = [...Array(writeQueueNums).keys()];
      const consumeTimeSpanSet = queueIds.map((queueId) => timeSpan(deps, group, topic, queueId));
      return { body: fastjsonBody({ consumeTimeSpanSet }) };
    }),
    route(commands.QUERY_CORRECTION_OFFSET, ({ header }) => {
      const correctionOffsets = correctionsOf(deps, header);
      return { body: fastjsonBody({ correctionOffsets }) };
    }),
    route(commands.CLONE_GROUP_OFFSET, async ({ header }) => {
      const { srcGroup, destGroup, topic, offline } = header;
      const names = offline
        ? topic ? [topic] : [...deps.offsets.committed.topicsOf(srcGroup).keys()]
        : topicsOfGroup(deps, srcGroup, topic);
      for (const { topicName } of existing(deps, names)) {
        deps.offsets.cloneOffsets(srcGroup, destGroup, topicName);
      }
      await deps.offsets.flush();
      return {};
    }),
  ];
}

function existing({ topics }: ConsumeStatsRouteDeps, names: readonly string[]): TopicConfig[] {
  return names.map((name) => topics.get(name)).filter((topic) => topic !== undefined);
}

/** A ConsumeStatsList. */
function allConsumeStats(deps: ConsumeStatsRouteDeps, isOrder: boolean): string {
  let totalDiff = 0;
  let totalInflightDiff = 0;
  const rows: string[] = [];
  for (const group of deps.groups.groups.keys()) {
    const found = existing(deps, topicsOfGroup(deps, group, undefined))
      .filter(({ order }) => order || !isOrder)
      .map((topic) => consumeStats(deps, group, [topic]));
    for (const stats of found) {
      const { total, inflight } = diffsOf(stats);
      totalDiff += total;
      totalInflightDiff += inflight;
    }
    rows.push(`{${JSON.stringify(group)}:[${found.map(printConsumeStats).join(",")}]}`);
  }
  const brokerAddr = JSON.stringify(deps.brokerAddr() ?? "");
  return `{"brokerAddr":${brokerAddr},"consumeStatsList":[${rows.join(",")}],` +
    `"totalDiff":${totalDiff},"totalInflightDiff":${totalInflightDiff}}`;
}

/** A QueueTimeSpan: from when to when the queue has messages, and up to when a group has consumed them. */
function timeSpan(deps: ConsumeStatsRouteDeps, group: string, topic: string, queueId: number) {
  const { store, offsets, brokerName, now } = deps;
  const minTimeStamp = store.getEarliestMessageTime(topic, queueId);
  const maxOffset = store.getMaxOffsetInQueue(topic, queueId);
  const consumerOffset = offsets.queryOffset(group, topic, queueId);
  const isBehind = consumerOffset < maxOffset;
  return {
    consumeTimeStamp: consumerOffset > 0
      ? store.getMessageTime(topic, queueId, consumerOffset - 1)
      : minTimeStamp,
    delayTime: isBehind
      ? now() - store.getMessageTime(topic, queueId, Math.max(0, consumerOffset))
      : 0,
    maxTimeStamp: store.getMessageTime(topic, queueId, maxOffset - 1),
    messageQueue: { brokerName, queueId, topic },
    minTimeStamp,
  };
}

/**
 * By queue, where the group that is furthest behind is: for tools that move a group to another cluster. The largest long
 * where the compared group is not further than that.
 */
function correctionsOf(
  { offsets }: ConsumeStatsRouteDeps,
  header: { topic: string; compareGroup: string; filterGroups: string | undefined },
): Map<number, number | bigint> {
  const { topic, compareGroup, filterGroups } = header;
  const filtered = new Set(filterGroups?.split(","));
  const corrections = new Map<number, number | bigint>();
  for (const group of offsets.committed.groupsOf(topic)) {
    if (filtered.has(group)) continue;
    for (const [queueId, offset] of offsets.committed.topicsOf(group).get(topic)!) {
      const known = corrections.get(queueId);
      if (known === undefined || offset < known) corrections.set(queueId, offset);
    }
  }
  for (const [queueId, offset] of offsets.committed.topicsOf(compareGroup).get(topic) ?? []) {
    const correction = corrections.get(queueId);
    if (correction !== undefined && correction > offset) corrections.set(queueId, LONG_MAX);
  }
  return corrections;
}
