/** The queues of a topic, and reading them as administrators do: without a group that keeps track. */

import { PULL_MESSAGE, PullSysFlag } from "../protocol/commands/pull.ts";
import {
  GET_MAX_OFFSET,
  GET_MIN_OFFSET,
  SEARCH_OFFSET_BY_TIMESTAMP,
} from "../protocol/commands/query.ts";
import { SUB_ALL } from "../protocol/heartbeat.ts";
import { ResponseCode } from "../protocol/response_code.ts";
import type { BrokerData, TopicRouteData } from "../protocol/route_data.ts";
import type { AdminClient } from "./admin_client.ts";

/** A queue, and the broker that is asked about it. */
export interface QueueAddress {
  readonly topic: string;
  readonly brokerName: string;
  readonly brokerAddr: string;
  readonly queueId: number;
}

/** The group in whose name tools pull; every broker has it from the start (MixAll.TOOLS_CONSUMER_GROUP). */
export const TOOLS_CONSUMER = "TOOLS_CONSUMER";

/** Every queue of a topic that can be read. @throws {RemotingError} TOPIC_NOT_EXIST. */
export async function readQueues(admin: AdminClient, topic: string): Promise<QueueAddress[]> {
  return queuesOf(await admin.route(topic), topic, "readQueueNums");
}

/** The queues of a topic as its route tells them, on masters, or slaves of masters that are gone. */
export function queuesOf(
  route: TopicRouteData,
  topic: string,
  of: "readQueueNums" | "writeQueueNums",
): QueueAddress[] {
  const addresses = new Map(
    route.brokerDatas.map((broker) => [broker.brokerName, firstAddress(broker)]),
  );
  const queues: QueueAddress[] = [];
  for (const { brokerName, [of]: count } of route.queueDatas) {
    const brokerAddr = addresses.get(brokerName);
    if (brokerAddr === undefined) continue;
    for (let queueId = 0; queueId < count; queueId++) {
      queues.push({ topic, brokerName, brokerAddr, queueId });
    }
  }
  return queues.sort((a, b) => a.brokerName.localeCompare(b.brokerName) || a.queueId - b.queueId);
}

/** The master's address, or that of the slave with the lowest id. */
export function firstAddress({ brokerAddrs }: Pick<BrokerData, "brokerAddrs">): string | undefined {
  const [lowest] = Object.keys(brokerAddrs).map(Number).sort((a, b) => a - b);
  return lowest === undefined ? undefined : brokerAddrs[String(lowest)];
}

/** The first queueOffset that is there. */
export async function minOffset(admin: AdminClient, queue: QueueAddress): Promise<number> {
  const { topic, queueId, brokerAddr } = queue;
  return (await admin.invoke(brokerAddr, GET_MIN_OFFSET, { topic, queueId })).header.offset;
}

/** The queueOffset that the next message gets. */
export async function maxOffset(admin: AdminClient, queue: QueueAddress): Promise<number> {
  const { topic, queueId, brokerAddr } = queue;
  return (await admin.invoke(brokerAddr, GET_MAX_OFFSET, { topic, queueId })).header.offset;
}

/** The queueOffset of the first message that was stored at this time or later; the end of the queue when none was. */
export async function offsetByTime(
  admin: AdminClient,
  queue: QueueAddress,
  timestamp: number,
): Promise<number> {
  const { topic, queueId, brokerAddr } = queue;
  const boundaryType = "LOWER";
  const header = { topic, queueId, timestamp, boundaryType };
  return (await admin.invoke(brokerAddr, SEARCH_OFFSET_BY_TIMESTAMP, header)).header.offset;
}

/** What is pulled. */
export interface PullOptions {
  queueOffset: number;
  maxMsgNums: number;
  /** Tags with `||` between them, or an expression; every message without it. */
  subscription?: string;
  /** SQL92 when `subscription` is no tags. */
  expressionType?: string;
  /** How long the broker may wait for a message; not at all without it. */
  suspendTimeoutMillis?: number;
}

export interface Pulled {
  /** Records, one after the other; none when nothing was found. */
  readonly body: Uint8Array;
  /** Where to go on. */
  readonly nextBeginOffset: number;
  readonly minOffset: number;
  readonly maxOffset: number;
  /** Whether the queue has nothing more at its end. */
  readonly isAtEnd: boolean;
}

const PULL_TIMEOUT_MILLIS = 10_000;

/**
 * Pulls once.
 * @throws {RemotingError} with the broker's reason when it refuses, as for an expression that it does not take.
 */
export async function pullOnce(
  admin: AdminClient,
  { topic, queueId, brokerAddr }: QueueAddress,
  options: PullOptions,
): Promise<Pulled> {
  const { suspendTimeoutMillis = 0, expressionType, subscription = SUB_ALL } = options;
  const { code, header, body } = await admin.invoke(brokerAddr, PULL_MESSAGE, {
    consumerGroup: TOOLS_CONSUMER,
    topic,
    queueId,
    queueOffset: options.queueOffset,
    maxMsgNums: options.maxMsgNums,
    sysFlag: PullSysFlag.SUBSCRIPTION | (suspendTimeoutMillis > 0 ? PullSysFlag.SUSPEND : 0),
    commitOffset: 0,
    suspendTimeoutMillis,
    subscription,
    subVersion: 0,
    expressionType,
  }, {
    acceptWithHeader: [
      ResponseCode.PULL_NOT_FOUND,
      ResponseCode.PULL_RETRY_IMMEDIATELY,
      ResponseCode.PULL_OFFSET_MOVED,
    ],
    timeoutMillis: PULL_TIMEOUT_MILLIS + suspendTimeoutMillis,
  });
  const { nextBeginOffset, minOffset, maxOffset } = header;
  const isAtEnd = code === ResponseCode.PULL_NOT_FOUND;
  return { body, nextBeginOffset, minOffset, maxOffset, isAtEnd };
}
