/** How far a group is: messages and time by queue, and which client has the queue. */

import { GET_BROKER_CONSUME_STATS } from "../protocol/commands/admin_broker.ts";
import { GET_CONSUME_STATS, QUERY_CONSUME_TIME_SPAN } from "../protocol/commands/admin_consumer.ts";
import { compareQueues, type MessageQueue, queueKey } from "../protocol/message_queue.ts";
import { type AdminClient, parseJson } from "./admin_client.ts";
import { consumerQueues } from "./clients.ts";
import { type BrokerFailure, fanOut, mapLimited } from "./fan_out.ts";
import type { Group } from "./groups.ts";
import { numberOf, parseQueueTables } from "./message_queue.ts";
import { diffTotal, parseConsumeStats, type QueueProgress } from "./stats.ts";

/** A queue as a group has consumed it. */
export interface QueueLag extends QueueProgress {
  /** Messages that the group has not consumed. */
  readonly diff: number;
  /** Messages that it was given and has not committed. */
  readonly inflight: number;
  /** How long the next message has been waiting for the group; 0 when none does. */
  readonly delayMillis: number;
  /** Who has the queue; undefined when nobody does, or nobody says so. */
  readonly clientId: string | undefined;
}

export interface GroupProgress {
  readonly consumeTps: number;
  readonly diffTotal: number;
  readonly inflightTotal: number;
  /** Of the message that waits longest. */
  readonly delayMillisMax: number;
  readonly queues: readonly QueueLag[];
  readonly failures: readonly BrokerFailure[];
}

export interface ProgressOptions {
  /** One topic of the group's; all of them without it. */
  readonly topic?: string | undefined;
  /** Whether clients are asked which queues they have. */
  readonly owners?: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const TOPICS_AT_A_TIME = 16;

/** How far a group is. @throws {RemotingError} when no broker answers. */
export async function groupProgress(
  admin: AdminClient,
  { group, brokers }: Group,
  { topic, owners = true, now }: ProgressOptions,
): Promise<GroupProgress> {
  const addresses = brokers.map(({ broker }) => broker);
  const [{ answers, failures }, owned] = await Promise.all([
    fanOut(addresses, async ({ brokerAddr }) => {
      const header = { consumerGroup: group, topic };
      const { body } = await admin.invoke(brokerAddr, GET_CONSUME_STATS, header);
      const stats = parseConsumeStats(parseJson(body));
      const topics = [...new Set(stats.queues.map((queue) => queue.topic))];
      const spans = await mapLimited(
        topics,
        TOPICS_AT_A_TIME,
        (name) => delays(admin, brokerAddr, group, name, now),
      );
      return { ...stats, delayOf: new Map(spans.flatMap((span) => [...span])) };
    }),
    owners ? consumerQueues(admin, group, addresses) : new Map<string, string>(),
  ]);
  const queues = answers.flatMap(({ value }) =>
    value.queues.map((queue) => lagOf(queue, value.delayOf, owned))
  ).sort(compareQueues);
  return {
    consumeTps: answers.reduce((sum, { value }) => sum + value.consumeTps, 0),
    diffTotal: diffTotal(queues),
    inflightTotal: queues.reduce((sum, { inflight }) => sum + inflight, 0),
    delayMillisMax: queues.reduce((most, { delayMillis }) => Math.max(most, delayMillis), 0),
    queues,
    failures,
  };
}

function lagOf(
  queue: QueueProgress,
  delayOf: ReadonlyMap<string, number>,
  owned: ReadonlyMap<string, string>,
): QueueLag {
  const key = queueKey(queue);
  const diff = Math.max(0, queue.brokerOffset - queue.consumerOffset);
  return {
    ...queue,
    diff,
    inflight: Math.max(0, queue.pullOffset - queue.consumerOffset),
    delayMillis: diff === 0 ? 0 : delayOf.get(key) ?? 0,
    clientId: owned.get(key),
  };
}

/** How long the next message of each queue has been waiting. */
async function delays(
  admin: AdminClient,
  brokerAddr: string,
  group: string,
  topic: string,
  now: number,
): Promise<Map<string, number>> {
  const { body } = await admin.invoke(brokerAddr, QUERY_CONSUME_TIME_SPAN, { topic, group });
  const { consumeTimeSpanSet } = (parseJson(body) ?? {}) as {
    consumeTimeSpanSet?: (Record<string, number> & { messageQueue: MessageQueue })[];
  };
  return new Map(
    consumeTimeSpanSet?.map(({ messageQueue, delayTime, minTimeStamp }) => {
      const delay = numberOf(delayTime);
      // Apache's broker takes a queue that was never consumed to begin in 1970.
      const since = delay < now ? delay : now - numberOf(minTimeStamp);
      return [queueKey(messageQueue), Math.min(now, Math.max(0, since))];
    }),
  );
}

/** How far a group is in all, of a list of all groups. */
export interface GroupLag {
  readonly diffTotal: number;
  readonly consumeTps: number;
  readonly topicCount: number;
}

/** How far all groups are: one request to each broker, however many groups there are. */
export async function allGroupLags(
  admin: AdminClient,
): Promise<{ lags: Map<string, GroupLag>; failures: readonly BrokerFailure[] }> {
  const { answers, failures } = await fanOut(await admin.masters(), async ({ brokerAddr }) => {
    const { body } = await admin.invoke(brokerAddr, GET_BROKER_CONSUME_STATS, { isOrder: false });
    const { consumeStatsList } = (parseQueueTables(body) ?? {}) as {
      consumeStatsList?: Record<string, unknown[]>[];
    };
    return consumeStatsList ?? [];
  });
  const lags = new Map<string, GroupLag>();
  const topics = new Map<string, Set<string>>();
  for (const [group, list] of answers.flatMap(({ value }) => value.flatMap(Object.entries))) {
    const stats = (list as unknown[]).map(parseConsumeStats);
    const queues = stats.flatMap((one) => one.queues);
    const names = topics.get(group) ?? new Set();
    topics.set(group, names);
    for (const { topic } of queues) names.add(topic);
    const known = lags.get(group);
    lags.set(group, {
      diffTotal: (known?.diffTotal ?? 0) + diffTotal(queues),
      consumeTps: (known?.consumeTps ?? 0) + stats.reduce((sum, one) => sum + one.consumeTps, 0),
      topicCount: names.size,
    });
  }
  return { lags, failures };
}
