/**
 * Lookback: where a group goes on. The new offsets are worked out first, so that a dry run shows exactly what would be
 * done, and then assigned queue by queue. Three ways, by what the broker can do:
 *
 * - A broker with useServerSideResetOffset (5.x, the default) takes an offset for each queue, whether the group is there
 *   or not, and tells the members with their next pull.
 * - Any other tells the members of a group that is there to go on elsewhere, by time only.
 * - A group of which nobody is there gets its offsets as if it had committed them.
 */

import {
  CLONE_GROUP_OFFSET,
  INVOKE_BROKER_TO_RESET_OFFSET,
} from "../protocol/commands/admin_consumer.ts";
import { QUERY_TOPICS_BY_CONSUMER } from "../protocol/commands/admin_group.ts";
import { QUERY_CONSUMER_OFFSET, UPDATE_CONSUMER_OFFSET } from "../protocol/commands/offset.ts";
import { refuse, ResponseCode } from "../protocol/response_code.ts";
import { type AdminClient, parseJson } from "./admin_client.ts";
import { type GroupConnections, groupConnections } from "./clients.ts";
import { brokerConfig } from "./cluster.ts";
import { type BrokerFailure, failureOf, fanOut, mapLimited } from "./fan_out.ts";
import type { Group } from "./groups.ts";
import { queueEnds } from "./offsets.ts";
import { compareText } from "../protocol/message_queue.ts";
import { offsetByTime, type QueueAddress, readQueues } from "./queue_reading.ts";

/** Where to go on. */
export type ResetTarget =
  /** At the first message that was stored then or later. */
  | { readonly timestamp: number }
  | { readonly to: "earliest" | "latest" }
  /** By queue: `brokerName:queueId`, or `queueId` where one broker has the topic. Other queues stay where they are. */
  | { readonly offsets: Readonly<Record<string, number>> };

/** What is done with a queue. */
export interface QueueReset {
  readonly brokerName: string;
  readonly queueId: number;
  readonly minOffset: number;
  readonly maxOffset: number;
  /** Where the group was; undefined when it has no offset there. */
  readonly oldOffset: number | undefined;
  readonly newOffset: number;
  /** Messages that the group gets again. */
  readonly replayCount: number;
  /** Messages that the group never gets. */
  readonly skipCount: number;
}

export interface ResetPlan {
  readonly topic: string;
  readonly group: string;
  /** Whether members of the group are there. */
  readonly online: boolean;
  readonly queues: readonly QueueReset[];
}

export interface ResetOptions {
  readonly topic: string;
  readonly target: ResetTarget;
  /** Whether the group may be taken ahead as well as back. */
  readonly force: boolean;
}

const QUEUES_AT_A_TIME = 32;

/** Works out what a reset would do. @throws {RemotingError} INVALID_PARAMETER for an offset that the queue does not have. */
export async function planReset(
  admin: AdminClient,
  { group, brokers }: Group,
  { topic, target, force }: ResetOptions,
): Promise<ResetPlan> {
  const [queues, connections] = await Promise.all([
    readQueues(admin, topic),
    groupConnections(admin, group, brokers.map(({ broker }) => broker)),
  ]);
  refuseBroadcasting(group, connections);
  const chosen = chosenQueues(queues, target);
  const plans = await mapLimited(chosen, QUEUES_AT_A_TIME, async (queue) => {
    const [[min, max], oldOffset] = await Promise.all([
      queueEnds(admin, queue),
      committedOffset(admin, group, queue),
    ]);
    const wanted = await wantedOffset(admin, queue, target, [min, max]);
    const from = Math.min(max, Math.max(min, oldOffset ?? min));
    const newOffset = force || oldOffset === undefined || wanted < oldOffset ? wanted : oldOffset;
    return {
      brokerName: queue.brokerName,
      queueId: queue.queueId,
      minOffset: min,
      maxOffset: max,
      oldOffset,
      newOffset,
      replayCount: oldOffset === undefined ? 0 : Math.max(0, from - newOffset),
      skipCount: Math.max(0, newOffset - from),
    };
  });
  return { topic, group, online: connections.clients.length > 0, queues: plans };
}

function refuseBroadcasting(group: string, { messageModel }: GroupConnections): void {
  if (messageModel !== "BROADCASTING") return;
  throw refuse(
    ResponseCode.BROADCAST_CONSUMPTION,
    `The group ${group} is broadcasting: each member keeps its own offsets, which nobody can reset from here`,
  );
}

function chosenQueues(queues: readonly QueueAddress[], target: ResetTarget): QueueAddress[] {
  if (!("offsets" in target)) return [...queues];
  const isOneBroker = new Set(queues.map(({ brokerName }) => brokerName)).size === 1;
  return Object.keys(target.offsets).map((key) => {
    const found = queues.find((queue) => queueName(queue) === key) ??
      (isOneBroker ? queues.find(({ queueId }) => String(queueId) === key) : undefined);
    if (found !== undefined) return found;
    const names = queues.map(isOneBroker ? ({ queueId }) => String(queueId) : queueName);
    throw refuse(
      ResponseCode.INVALID_PARAMETER,
      `The topic has no queue ${key}; it has ${names.slice(0, 8).join(", ")}`,
    );
  });
}

function queueName({ brokerName, queueId }: { brokerName: string; queueId: number }): string {
  return `${brokerName}:${queueId}`;
}

async function wantedOffset(
  admin: AdminClient,
  queue: QueueAddress,
  target: ResetTarget,
  [min, max]: readonly [number, number],
): Promise<number> {
  if ("to" in target) return target.to === "earliest" ? min : max;
  if ("timestamp" in target) {
    const found = await offsetByTime(admin, queue, target.timestamp);
    return Math.min(max, Math.max(min, found));
  }
  const wanted = target.offsets[queueName(queue)] ?? target.offsets[String(queue.queueId)]!;
  if (wanted >= min && wanted <= max) return wanted;
  throw refuse(
    ResponseCode.INVALID_PARAMETER,
    `The queue ${queueName(queue)} has the offsets ${min} to ${max}; ${wanted} is none of them`,
  );
}

/** What a group has committed of a queue; undefined when it has not. */
export async function committedOffset(
  admin: AdminClient,
  consumerGroup: string,
  { topic, queueId, brokerAddr }: QueueAddress,
): Promise<number | undefined> {
  const accept = [ResponseCode.QUERY_NOT_FOUND];
  const { code, header } = await admin.invoke(
    brokerAddr,
    QUERY_CONSUMER_OFFSET,
    { consumerGroup, topic, queueId, setZeroIfNotFound: false },
    { accept },
  );
  return code === ResponseCode.SUCCESS ? header.offset : undefined;
}

/** Does what was planned. @throws {RemotingError} when no broker does it. */
export async function applyReset(
  admin: AdminClient,
  plan: ResetPlan,
  target: ResetTarget,
  force: boolean,
): Promise<{ failures: BrokerFailure[] }> {
  const names = new Set(plan.queues.map(({ brokerName }) => brokerName));
  const brokers = (await admin.mastersOf(plan.topic))
    .filter(({ brokerName }) => names.has(brokerName));
  const missing = [...names].filter((name) =>
    brokers.every((broker) => broker.brokerName !== name)
  );
  const { failures } = await fanOut(brokers, async ({ brokerName, brokerAddr }) => {
    const queues = plan.queues.filter((queue) => queue.brokerName === brokerName);
    const { useServerSideResetOffset } = await brokerConfig(admin, brokerAddr) as Texts;
    if (useServerSideResetOffset === "true") {
      return await resetAtBroker(admin, brokerAddr, plan, queues);
    }
    if (plan.online) return await tellClients(admin, brokerAddr, plan, target, force);
    await commitFor(admin, brokerAddr, plan, queues);
  });
  const gone = missing.map((brokerName) =>
    failureOf({ brokerName, brokerAddr: "" }, new Error("Its master is not there"))
  );
  return { failures: [...failures, ...gone] };
}

type Texts = { readonly useServerSideResetOffset?: string };

async function resetAtBroker(
  admin: AdminClient,
  brokerAddr: string,
  { topic, group }: ResetPlan,
  queues: readonly QueueReset[],
): Promise<void> {
  await mapLimited(queues, QUEUES_AT_A_TIME, async ({ queueId, newOffset: offset }) => {
    const header = { topic, group, queueId, offset, timestamp: 0, isForce: true };
    await admin.invoke(brokerAddr, INVOKE_BROKER_TO_RESET_OFFSET, header);
  });
}

async function tellClients(
  admin: AdminClient,
  brokerAddr: string,
  { topic, group }: ResetPlan,
  target: ResetTarget,
  isForce: boolean,
): Promise<void> {
  if ("offsets" in target) {
    throw refuse(
      ResponseCode.INVALID_PARAMETER,
      "This broker takes a group that is online to a time only; stop its consumers, " +
        "or set useServerSideResetOffset=true",
    );
  }
  const timestamp = "timestamp" in target ? target.timestamp : target.to === "latest" ? -1 : 0;
  const header = { topic, group, timestamp, isForce };
  await admin.invoke(brokerAddr, INVOKE_BROKER_TO_RESET_OFFSET, header);
}

async function commitFor(
  admin: AdminClient,
  brokerAddr: string,
  { topic, group }: ResetPlan,
  queues: readonly QueueReset[],
): Promise<void> {
  await mapLimited(queues, QUEUES_AT_A_TIME, async ({ queueId, newOffset: commitOffset }) => {
    const header = { consumerGroup: group, topic, queueId, commitOffset };
    await admin.invoke(brokerAddr, UPDATE_CONSUMER_OFFSET, header);
  });
}

/** The topics that a group has offsets of. */
export async function consumedTopics(
  admin: AdminClient,
  { group, brokers }: Group,
): Promise<string[]> {
  const { answers } = await fanOut(brokers.map(({ broker }) => broker), async ({ brokerAddr }) => {
    const { body } = await admin.invoke(brokerAddr, QUERY_TOPICS_BY_CONSUMER, { group });
    return ((parseJson(body) ?? {}) as { topicList?: string[] }).topicList ?? [];
  });
  return [...new Set(answers.flatMap(({ value }) => value))].sort(compareText);
}

/** Gives a group the offsets that another has of some topics. @throws {RemotingError} when no broker does it. */
export async function cloneOffsets(
  admin: AdminClient,
  { group: srcGroup, brokers }: Group,
  destGroup: string,
  topics: readonly string[],
): Promise<{ failures: readonly BrokerFailure[] }> {
  // Apache's broker clones nothing when no topic is named.
  return await fanOut(brokers.map(({ broker }) => broker), async ({ brokerAddr }) => {
    for (const topic of topics) {
      const header = { srcGroup, destGroup, topic, offline: true };
      await admin.invoke(brokerAddr, CLONE_GROUP_OFFSET, header);
    }
  });
}
