/** Where a message may go: its topic, which a send may create, and the queue. */

import { ResponseCode } from "../../client/protocol/response_code.ts";
import { refuse } from "../../client/protocol/response_code.ts";
import type {
  SEND_BATCH_MESSAGE,
  SEND_MESSAGE,
  SEND_MESSAGE_V2,
} from "../../client/protocol/commands/send.ts";
import { isWriteable, type TopicConfig, TopicSysFlag } from "../../client/protocol/topic_config.ts";
import type { Config } from "../config.ts";
import type { RequestContext } from "../dispatcher.ts";
import { groupOrRefuse, type GroupTable } from "./group_table.ts";
import type { QueueLockTable } from "./queue_lock_table.ts";
import { isBatchQueueTopic } from "./topic_attributes.ts";
import {
  dlqTopicOf,
  invalidTopicReason,
  notAllowedSendReason,
  RETRY_GROUP_TOPIC_PREFIX,
} from "./topic_name.ts";
import type { TopicTable } from "./topic_table.ts";

type SendCommand = typeof SEND_MESSAGE | typeof SEND_MESSAGE_V2 | typeof SEND_BATCH_MESSAGE;
export type SendContext = RequestContext<
  SendCommand["request"]["fields"],
  SendCommand["response"]["fields"]
>;

/** What it takes to say where a message may go. */
export interface TargetDeps {
  config: Config;
  topics: Pick<
    TopicTable,
    "get" | "createTopicInSendMessage" | "createTopicInSendMessageBack"
  >;
}

/** Where a message goes, once that has been checked. */
export interface Target {
  topic: string;
  queueId: number;
  topicConfig: TopicConfig;
}

/** @throws {RemotingError} unless the message may go to its topic, which is created if it may be. */
export function checkedTarget(deps: TargetDeps, { header, connection }: SendContext): Target {
  const { topic } = header;
  const existing = deps.topics.get(topic);
  const invalid = existing === undefined ? invalidTopicReason(topic) : undefined;
  if (invalid !== undefined) throw refuse(ResponseCode.INVALID_PARAMETER, invalid);
  const forbidden = notAllowedSendReason(topic);
  if (forbidden !== undefined) throw refuse(ResponseCode.NO_PERMISSION, forbidden);
  const found = existing ?? createTopic(deps, header, connection);
  if (found === undefined) {
    throw refuse(
      ResponseCode.TOPIC_NOT_EXIST,
      `topic[${topic}] not exist, apply first please! Create it with mqadmin updateTopic`,
    );
  }
  refuseForbidden(deps.config, found);
  const queueNums = Math.max(found.writeQueueNums, found.readQueueNums);
  if (header.queueId >= queueNums) {
    throw refuse(
      ResponseCode.INVALID_PARAMETER,
      `request queueId[${header.queueId}] is illegal, topic[${topic}] has ${queueNums} queues`,
    );
  }
  const queueId = header.queueId >= 0
    ? header.queueId
    : Math.floor(Math.random() * found.writeQueueNums);
  return { topic, queueId, topicConfig: found };
}

function createTopic(
  { topics }: TargetDeps,
  header: SendContext["header"],
  { remote }: SendContext["connection"],
): TopicConfig | undefined {
  const { topic, defaultTopic, unitMode } = header;
  const isRetry = topic.startsWith(RETRY_GROUP_TOPIC_PREFIX);
  const unitFlag = isRetry ? TopicSysFlag.UNIT_SUB : TopicSysFlag.UNIT;
  const topicSysFlag = unitMode ? unitFlag : 0;
  const created = topics.createTopicInSendMessage({
    topic,
    defaultTopic,
    clientDefaultTopicQueueNums: header.defaultTopicQueueNums,
    topicSysFlag,
    remoteAddress: `${remote.hostname}:${remote.port}`,
  });
  if (created !== undefined || !isRetry) return created;
  return topics.createTopicInSendMessageBack({ topic, queueNums: 1, topicSysFlag });
}

function refuseForbidden(config: Config, topic: TopicConfig): void {
  if (!isWriteable(config.brokerPermission)) {
    throw refuse(
      ResponseCode.NO_PERMISSION,
      `the broker[${config.brokerName}] sending message is forbidden`,
    );
  }
  if (!isWriteable(topic.perm)) {
    throw refuse(
      ResponseCode.NO_PERMISSION,
      `the topic[${topic.topicName}] sending message is forbidden`,
    );
  }
  // In a folder of Apache's. With messages in queues of another kind its broker would not start any more.
  if (isBatchQueueTopic(topic)) {
    throw refuse(
      ResponseCode.MESSAGE_ILLEGAL,
      `the topic[${topic.topicName}] has queue.type=BatchCQ, which this broker does not serve`,
    );
  }
}

/** What it takes to say whether a message is dead. */
export interface DeadLetterDeps extends TargetDeps {
  groups: Pick<GroupTable, "find">;
  queueLocks: Pick<QueueLockTable, "isLockAllExpired">;
}

/**
 * A client that sends to its group's retry topic itself counts the tries itself. Once they are too many the message is
 * dead; so it is when the group consumes in order, which would come again out of order.
 */
export function deadLetterTarget(
  deps: DeadLetterDeps,
  header: SendContext["header"],
  target: Target,
): Target {
  if (!target.topic.startsWith(RETRY_GROUP_TOPIC_PREFIX)) return target;
  const name = target.topic.slice(RETRY_GROUP_TOPIC_PREFIX.length);
  const group = groupOrRefuse(deps.groups, name);
  const triesMax = header.maxReconsumeTimes ?? group.retryMaxTimes;
  if (header.reconsumeTimes <= triesMax && deps.queueLocks.isLockAllExpired(name)) return target;
  const topic = dlqTopicOf(name);
  const topicConfig = deps.topics.createTopicInSendMessageBack({ topic, queueNums: 1 });
  return { topic, queueId: 0, topicConfig };
}
