/** One pull of messages from a queue. */

import { type ReceivedMessage, receiveMessages } from "./message.ts";
import type { MessageQueue } from "./protocol/message_queue.ts";
import type { MqClient } from "./mq_client.ts";
import { LITE_PULL_MESSAGE, PULL_MESSAGE, PullSysFlag } from "./protocol/commands/pull.ts";
import type { SubscriptionData } from "./protocol/heartbeat.ts";
import { isTagType, SUB_ALL } from "./protocol/heartbeat.ts";
import { ResponseCode } from "./protocol/response_code.ts";

export interface PullRequest {
  consumerGroup: string;
  queue: MessageQueue;
  queueOffset: number;
  maxMsgNums: number;
  /** How long the broker may wait for a message; 0 for not at all. */
  suspendTimeoutMillis: number;
  subscription: SubscriptionData;
  /** Everything before it is consumed, which the broker notes. */
  commitOffset?: number;
  /** The group need not be known to the broker. */
  isLite: boolean;
}

export interface PullResult {
  readonly status: "FOUND" | "NO_NEW_MSG" | "NO_MATCHED_MSG" | "OFFSET_ILLEGAL";
  readonly messages: ReceivedMessage[];
  readonly nextBeginOffset: number;
  readonly minOffset: number;
  readonly maxOffset: number;
}

const STATUS_OF_CODE: Readonly<Record<number, PullResult["status"]>> = {
  [ResponseCode.SUCCESS]: "FOUND",
  [ResponseCode.PULL_NOT_FOUND]: "NO_NEW_MSG",
  [ResponseCode.PULL_RETRY_IMMEDIATELY]: "NO_MATCHED_MSG",
  [ResponseCode.PULL_OFFSET_MOVED]: "OFFSET_ILLEGAL",
};
/** The answer may come this much later than the broker was asked to wait. */
const GRACE_MILLIS = 15_000;

/** @throws {RemotingError} when the broker refuses; {UnreachableError} when it does not answer. */
export async function pull(client: MqClient, request: PullRequest): Promise<PullResult> {
  const { queue, subscription, suspendTimeoutMillis, commitOffset, isLite } = request;
  const sysFlag = PullSysFlag.SUBSCRIPTION |
    (suspendTimeoutMillis > 0 ? PullSysFlag.SUSPEND : 0) |
    (commitOffset === undefined ? 0 : PullSysFlag.COMMIT_OFFSET) |
    (isLite ? PullSysFlag.LITE_PULL_MESSAGE : 0);
  const command = isLite ? LITE_PULL_MESSAGE : PULL_MESSAGE;
  const answer = await client.invoke(queue.brokerName, command, {
    consumerGroup: request.consumerGroup,
    topic: queue.topic,
    queueId: queue.queueId,
    queueOffset: request.queueOffset,
    maxMsgNums: request.maxMsgNums,
    sysFlag,
    commitOffset: commitOffset ?? 0,
    suspendTimeoutMillis,
    subscription: subscription.subString,
    subVersion: subscription.subVersion,
    expressionType: subscription.expressionType,
  }, {
    acceptWithHeader: Object.keys(STATUS_OF_CODE).map(Number),
    timeoutMillis: suspendTimeoutMillis + GRACE_MILLIS,
  });
  const { nextBeginOffset, minOffset, maxOffset } = answer.header;
  const status = STATUS_OF_CODE[answer.code]!;
  const received = status === "FOUND" ? receiveMessages(answer.body, queue.brokerName) : [];
  const messages = received.filter((message) => isWanted(message, subscription));
  return { status, messages, nextBeginOffset, minOffset, maxOffset };
}

/** The broker filters by the tags' hash codes, of which two may be equal. */
function isWanted(message: ReceivedMessage, subscription: SubscriptionData): boolean {
  if (!isTagType(subscription.expressionType) || subscription.subString === SUB_ALL) return true;
  return message.tags !== undefined && subscription.tagsSet.has(message.tags);
}
