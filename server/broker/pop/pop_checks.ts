/** What every request about popping is refused for. The words are Java's. */

import { refuse, ResponseCode } from "../../../client/protocol/response_code.ts";
import { isReadable, type TopicConfig } from "../../../client/protocol/topic_config.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { GroupTable } from "../group_table.ts";
import type { TopicTable } from "../topic_table.ts";

export interface PopCheckDeps {
  config: Readonly<{ brokerName: string; brokerPermission: number }>;
  topics: Pick<TopicTable, "get">;
  groups: Pick<GroupTable, "find">;
}

/**
 * The topic that a group wants to pop from, or to look at.
 * @throws {RemotingError} when it may not.
 */
export function checkedPopTopic(
  { config, topics, groups }: PopCheckDeps,
  request: { topic: string; consumerGroup: string; queueId: number },
  verb: "pop" | "peeking",
): TopicConfig {
  const { topic: name, consumerGroup, queueId } = request;
  if (!isReadable(config.brokerPermission)) {
    throw refuse(
      ResponseCode.NO_PERMISSION,
      `the broker[${config.brokerName}] ${verb} message is forbidden`,
    );
  }
  const topic = existingTopic(topics, name);
  if (!isReadable(topic.perm)) {
    throw refuse(ResponseCode.NO_PERMISSION, `the topic[${name}] peeking message is forbidden`);
  }
  if (queueId >= topic.readQueueNums) {
    throw refuse(ResponseCode.INVALID_PARAMETER, illegalQueueId(topic, queueId));
  }
  const group = groups.find(consumerGroup);
  if (group === undefined) {
    throw refuse(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `subscription group [${consumerGroup}] does not exist`,
    );
  }
  if (group.consumeEnable) return topic;
  throw refuse(ResponseCode.NO_PERMISSION, `subscription group no permission, ${consumerGroup}`);
}

/**
 * Checks that a message which is acknowledged, or is to stay invisible, can be there.
 * @throws {RemotingError} when it cannot.
 */
export function checkAckedMessage(
  { topics, store }: {
    topics: Pick<TopicTable, "get">;
    store: Pick<MessageStore, "getMinOffsetInQueue" | "getMaxOffsetInQueue">;
  },
  { topic: name, queueId, offset }: { topic: string; queueId: number; offset: number },
): void {
  const topic = existingTopic(topics, name);
  if (queueId >= topic.readQueueNums || queueId < 0) {
    throw refuse(ResponseCode.MESSAGE_ILLEGAL, illegalQueueId(topic, queueId));
  }
  const minOffset = store.getMinOffsetInQueue(name, queueId);
  const maxOffset = store.getMaxOffsetInQueue(name, queueId);
  if (offset >= minOffset && offset < maxOffset) return;
  throw refuse(
    ResponseCode.NO_MESSAGE,
    `offset is illegal, key:${name}@${queueId}, commit:${offset}, store:${minOffset}~${maxOffset}`,
  );
}

function existingTopic(topics: Pick<TopicTable, "get">, name: string): TopicConfig {
  const topic = topics.get(name);
  if (topic !== undefined) return topic;
  throw refuse(ResponseCode.TOPIC_NOT_EXIST, `topic[${name}] not exist, apply first please!`);
}

function illegalQueueId({ topicName, readQueueNums }: TopicConfig, queueId: number): string {
  return `queueId[${queueId}] is illegal, topic:[${topicName}] topicConfig.readQueueNums:[${readQueueNums}]`;
}
