/** What has come into topics and who takes it out. */

import { VIEW_BROKER_STATS_DATA } from "../protocol/commands/admin_broker.ts";
import { GET_CONSUME_STATS } from "../protocol/commands/admin_consumer.ts";
import {
  GET_TOPIC_STATS_INFO,
  QUERY_TOPIC_CONSUME_BY_WHO,
} from "../protocol/commands/admin_topic.ts";
import { ResponseCode } from "../protocol/response_code.ts";
import { type AdminClient, parseJson } from "./admin_client.ts";
import { type BrokerFailure, fanOut, mapLimited } from "./fan_out.ts";
import { findGroupOrNone } from "./groups.ts";
import { numberOf, queueEntries } from "./message_queue.ts";
import { compareQueues, compareText, type MessageQueue } from "../protocol/message_queue.ts";
import type { Topic } from "./topics.ts";

/** A figure of VIEW_BROKER_STATS_DATA. */
export interface Rate {
  /** Each second of the last minute. */
  readonly tps: number;
  /** Of the last day. */
  readonly sumDay: number;
}

/** One figure at one broker; zero when the broker has none, as after its start. */
export async function brokerRate(
  admin: AdminClient,
  brokerAddr: string,
  statsName: string,
  statsKey: string,
): Promise<Rate> {
  const accept = [ResponseCode.SYSTEM_ERROR];
  const { code, body } = await admin.invoke(
    brokerAddr,
    VIEW_BROKER_STATS_DATA,
    { statsName, statsKey },
    { accept },
  );
  if (code !== ResponseCode.SUCCESS) return { tps: 0, sumDay: 0 };
  const { statsMinute, statsDay } = parseJson(body) as Record<string, Record<string, unknown>>;
  return { tps: numberOf(statsMinute?.["tps"]), sumDay: numberOf(statsDay?.["sum"]) };
}

export interface QueueStats extends MessageQueue {
  readonly minOffset: number;
  readonly maxOffset: number;
  /** When the last message was stored; 0 without one. */
  readonly lastUpdateTimestamp: number;
}

export interface TopicStats {
  readonly queues: readonly QueueStats[];
  /** Messages and bytes that come in each second. */
  readonly put: Rate;
  readonly putBytes: Rate;
  readonly failures: readonly BrokerFailure[];
}

/** The queues of a topic and its traffic. @throws {RemotingError} when no broker answers. */
export async function topicStats(
  admin: AdminClient,
  { topic, brokers }: Pick<Topic, "topic" | "brokers">,
): Promise<TopicStats> {
  const { answers, failures } = await fanOut(brokers, async ({ brokerAddr }) => {
    const [stats, put, putBytes] = await Promise.all([
      admin.invoke(brokerAddr, GET_TOPIC_STATS_INFO, { topic }),
      brokerRate(admin, brokerAddr, "TOPIC_PUT_NUMS", topic),
      brokerRate(admin, brokerAddr, "TOPIC_PUT_SIZE", topic),
    ]);
    const { offsetTable } = (parseJson(stats.body) ?? {}) as Record<string, unknown>;
    return { queues: queueEntries(offsetTable).map(queueStats), put, putBytes };
  });
  const values = answers.map(({ value }) => value);
  return {
    queues: values.flatMap(({ queues }) => queues).sort(compareQueues),
    put: sumOf(values.map(({ put }) => put)),
    putBytes: sumOf(values.map(({ putBytes }) => putBytes)),
    failures,
  };
}

function queueStats(
  { queue, value }: { queue: MessageQueue; value: Record<string, unknown> },
): QueueStats {
  return {
    ...queue,
    minOffset: numberOf(value["minOffset"]),
    maxOffset: numberOf(value["maxOffset"]),
    lastUpdateTimestamp: numberOf(value["lastUpdateTimestamp"]),
  };
}

function sumOf(rates: readonly Rate[]): Rate {
  return rates.reduce(
    (sum, { tps, sumDay }) => ({ tps: sum.tps + tps, sumDay: sum.sumDay + sumDay }),
    { tps: 0, sumDay: 0 },
  );
}

/** The groups that have consumed a topic or subscribe to it, by name. */
export async function groupsOfTopic(
  admin: AdminClient,
  { topic, brokers }: Pick<Topic, "topic" | "brokers">,
): Promise<{ groups: string[]; failures: readonly BrokerFailure[] }> {
  const { answers, failures } = await fanOut(brokers, async ({ brokerAddr }) => {
    const { body } = await admin.invoke(brokerAddr, QUERY_TOPIC_CONSUME_BY_WHO, { topic });
    return ((parseJson(body) ?? {}) as { groupList?: string[] }).groupList ?? [];
  });
  const groups = new Set(answers.flatMap(({ value }) => value));
  // Apache's broker of 5.3.3 tells the topic's name in place of a group that subscribes to it.
  if (groups.has(topic) && await findGroupOrNone(admin, topic) === undefined) groups.delete(topic);
  return { groups: [...groups].sort(compareText), failures };
}

/** How far a group is with one topic. */
export interface TopicConsumer {
  readonly group: string;
  readonly diffTotal: number;
  readonly consumeTps: number;
  readonly lastTimestamp: number;
}

/** Requests of one list that are under way at the same time, so that a broker has others to serve in between. */
const REQUESTS_AT_A_TIME = 32;

/** How far some groups are with a topic. */
export async function topicConsumers(
  admin: AdminClient,
  { topic, brokers }: Pick<Topic, "topic" | "brokers">,
  groups: readonly string[],
): Promise<TopicConsumer[]> {
  return await mapLimited(groups, REQUESTS_AT_A_TIME, async (group) => {
    const { answers } = await fanOut(brokers, async ({ brokerAddr }) => {
      const header = { consumerGroup: group, topic };
      const { body } = await admin.invoke(brokerAddr, GET_CONSUME_STATS, header);
      return parseConsumeStats(parseJson(body));
    });
    const queues = answers.flatMap(({ value }) => value.queues);
    return {
      group,
      diffTotal: diffTotal(queues),
      consumeTps: answers.reduce((sum, { value }) => sum + value.consumeTps, 0),
      lastTimestamp: queues.reduce((last, queue) => Math.max(last, queue.lastTimestamp), 0),
    };
  });
}

/** How far a group is in a queue. */
export interface QueueProgress extends MessageQueue {
  readonly brokerOffset: number;
  readonly consumerOffset: number;
  readonly pullOffset: number;
  /** When the last message was stored that it has consumed; 0 when it has consumed none. */
  readonly lastTimestamp: number;
}

/** Reads a ConsumeStats. */
export function parseConsumeStats(json: unknown): { consumeTps: number; queues: QueueProgress[] } {
  const { consumeTps, offsetTable } = (json ?? {}) as Record<string, unknown>;
  const queues = queueEntries(offsetTable).map(({ queue, value }) => ({
    ...queue,
    brokerOffset: numberOf(value["brokerOffset"]),
    consumerOffset: numberOf(value["consumerOffset"]),
    pullOffset: numberOf(value["pullOffset"]),
    lastTimestamp: numberOf(value["lastTimestamp"]),
  }));
  return { consumeTps: numberOf(consumeTps), queues: queues.sort(compareQueues) };
}

/** How many messages a group has before it. */
export function diffTotal(queues: readonly QueueProgress[]): number {
  return queues.reduce(
    (sum, { brokerOffset, consumerOffset }) => sum + Math.max(0, brokerOffset - consumerOffset),
    0,
  );
}
