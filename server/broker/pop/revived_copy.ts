/** What a message looks like that comes again, or goes to the dead letters. */

import {
  createMessageId,
  type HostBytes,
  MessageProperty,
  parseProperties,
  printProperties,
} from "../../../client/protocol/message.ts";
import type { MessageToStore, RecordLayout } from "../../../client/protocol/message_record.ts";
import { addDeadLetterOrigin } from "../dead_letter.ts";
import type { GroupTable } from "../group_table.ts";
import type { OffsetTable } from "../offset_table.ts";
import { dlqTopicOf, RETRY_GROUP_TOPIC_PREFIX } from "../topic_name.ts";
import type { TopicTable } from "../topic_table.ts";
import { messageOf } from "./pop_records.ts";
import type { CheckPoint } from "./pop_queue.ts";
import { normalTopicOf, popRetryTopicOf } from "./retry_topic.ts";

export interface RevivedCopyDeps {
  config: Readonly<{ enableRetryTopicV2: boolean }>;
  topics: Pick<TopicTable, "get" | "createTopicInSendMessageBack">;
  groups: Pick<GroupTable, "groups">;
  offsets: Pick<OffsetTable, "queryOffset" | "commitOffset">;
  storeHost: () => HostBytes;
}

/** Retry topics of popped messages, and dead letters, have one queue. */
const QUEUE_NUMS = 1;
/** What a copy has that its origin may not have. */
const ADDITIONS = [
  MessageProperty.FIRST_POP_TIME,
  MessageProperty.RETRY_TOPIC,
  MessageProperty.ORIGIN_MESSAGE_ID,
  MessageProperty.DLQ_ORIGIN_TOPIC,
  MessageProperty.DLQ_ORIGIN_MESSAGE_ID,
];

export class RevivedCopies {
  readonly #deps: RevivedCopyDeps;

  constructor(deps: RevivedCopyDeps) {
    this.#deps = deps;
  }

  /**
   * The copy of a message, whose topic is there or has been made; undefined when the topic that it was sent to or the
   * group is gone. Views into the record.
   */
  of(checkPoint: CheckPoint, record: Uint8Array): MessageToStore | undefined {
    const { topics, groups, storeHost } = this.#deps;
    const { topic, group } = checkPoint.queue;
    const normalTopic = normalTopicOf(topic, group);
    const groupConfig = groups.groups.get(group);
    if (topics.get(normalTopic) === undefined || groupConfig === undefined) return undefined;
    const { layout, message } = messageOf(record);
    const isDead = layout.reconsumeTimes >= groupConfig.retryMaxTimes;
    const properties = parseProperties(message.properties);
    const { FIRST_POP_TIME } = MessageProperty;
    if (layout.reconsumeTimes === 0 || !properties.has(FIRST_POP_TIME)) {
      properties.set(FIRST_POP_TIME, String(checkPoint.popTime));
    }
    if (isDead) addOrigin(properties, normalTopic, layout);
    return {
      ...message,
      topic: isDead ? this.#deadLetterTopic(group) : this.#retryTopic(checkPoint),
      queueId: 0,
      storeHost: storeHost(),
      reconsumeTimes: layout.reconsumeTimes + 1,
      preparedTransactionOffset: 0,
      properties: printProperties(properties),
    };
  }

  /** A copy without the properties that were added, for one that got too long by them. */
  withoutAdditions(copy: MessageToStore): MessageToStore {
    const properties = parseProperties(copy.properties);
    for (const name of ADDITIONS) properties.delete(name);
    return { ...copy, properties: printProperties(properties) };
  }

  #deadLetterTopic(group: string): string {
    const topic = dlqTopicOf(group);
    return this.#deps.topics.createTopicInSendMessageBack({ topic, queueNums: QUEUE_NUMS })
      .topicName;
  }

  #retryTopic({ queue }: CheckPoint): string {
    const { config, topics, offsets } = this.#deps;
    if (queue.topic.startsWith(RETRY_GROUP_TOPIC_PREFIX)) return queue.topic;
    const topic = popRetryTopicOf(config, queue.topic, queue.group);
    if (topics.get(topic) !== undefined) return topic;
    topics.createTopicInSendMessageBack({ topic, queueNums: QUEUE_NUMS });
    if (offsets.queryOffset(queue.group, topic, 0) < 0) {
      offsets.commitOffset(queue.group, topic, 0, 0);
    }
    return topic;
  }
}

/** Where a dead letter comes from. */
function addOrigin(
  properties: Map<string, string>,
  topic: string,
  { storeHost, physicalOffset }: RecordLayout,
): void {
  const { RETRY_TOPIC, ORIGIN_MESSAGE_ID } = MessageProperty;
  if (!properties.has(RETRY_TOPIC)) properties.set(RETRY_TOPIC, topic);
  if (!properties.has(ORIGIN_MESSAGE_ID)) {
    properties.set(ORIGIN_MESSAGE_ID, createMessageId(storeHost, physicalOffset));
  }
  addDeadLetterOrigin(properties);
}
