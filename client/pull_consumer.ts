/** A consumer that asks for messages itself, from queues that it chooses, and keeps its own place in each. */

import type { MessageQueue } from "./protocol/message_queue.ts";
import { MqClient, type MqClientOptions } from "./mq_client.ts";
import { OffsetStore } from "./offset_store.ts";
import {
  GET_MAX_OFFSET,
  GET_MIN_OFFSET,
  SEARCH_OFFSET_BY_TIMESTAMP,
} from "./protocol/commands/query.ts";
import { createSubscriptionData, ExpressionType, SUB_ALL } from "./protocol/heartbeat.ts";
import { pull, type PullResult } from "./pull.ts";

export interface PullConsumerOptions extends MqClientOptions {
  /** The group whose offsets are committed. */
  group: string;
}

export interface PullOptions {
  /** Tags with "||" between them, or an SQL92 expression; everything without it. */
  expression?: string | { readonly sql: string };
  /** At most so many messages; 32 without it. */
  maxMsgNums?: number;
  /** How long the broker may wait for a message; not at all without it. */
  suspendTimeoutMillis?: number;
}

const MESSAGES_MAX = 32;

export class PullConsumer implements AsyncDisposable {
  readonly client: MqClient;
  readonly #group: string;
  readonly #offsets: OffsetStore;

  constructor(options: PullConsumerOptions) {
    this.client = new MqClient(options);
    this.#group = options.group;
    this.#offsets = new OffsetStore(this.client, options.group, true);
  }

  /** The queues of a topic. @throws {RemotingError} TOPIC_NOT_EXIST. */
  async queues(topic: string): Promise<readonly MessageQueue[]> {
    return (await this.client.routes.find(topic)).readQueues;
  }

  /** Messages from `queueOffset` on; `nextBeginOffset` of the answer is where to go on. */
  async pull(
    queue: MessageQueue,
    queueOffset: number,
    options: PullOptions = {},
  ): Promise<PullResult> {
    const { expression = SUB_ALL, maxMsgNums = MESSAGES_MAX, suspendTimeoutMillis = 0 } = options;
    const [text, type] = typeof expression === "string"
      ? [expression, ExpressionType.TAG]
      : [expression.sql, ExpressionType.SQL92];
    await this.queues(queue.topic);
    return await pull(this.client, {
      consumerGroup: this.#group,
      queue,
      queueOffset,
      maxMsgNums,
      suspendTimeoutMillis,
      subscription: createSubscriptionData(queue.topic, text, type, Date.now()),
      isLite: true,
    });
  }

  /** Where the group goes on; the beginning of the queue when it has no offset yet. */
  async committed(queue: MessageQueue): Promise<number> {
    await this.queues(queue.topic);
    return await this.#offsets.begin(queue, "CONSUME_FROM_FIRST_OFFSET");
  }

  /** Everything before `queueOffset` is consumed; told to the broker at once. */
  async commit(queue: MessageQueue, queueOffset: number): Promise<void> {
    await this.queues(queue.topic);
    this.#offsets.update(queue, queueOffset);
    await this.#offsets.save();
  }

  /** The offset of the first message that is there. */
  async minOffset({ topic, queueId, brokerName }: MessageQueue): Promise<number> {
    await this.queues(topic);
    return (await this.client.invoke(brokerName, GET_MIN_OFFSET, { topic, queueId })).header.offset;
  }

  /** The offset of the next message that will be there. */
  async maxOffset({ topic, queueId, brokerName }: MessageQueue): Promise<number> {
    await this.queues(topic);
    return (await this.client.invoke(brokerName, GET_MAX_OFFSET, { topic, queueId })).header.offset;
  }

  /** The offset of the first message that was stored at this time or later; milliseconds since the epoch. */
  async offsetByTime(queue: MessageQueue, timestamp: number): Promise<number> {
    const { topic, queueId, brokerName } = queue;
    await this.queues(topic);
    const header = { topic, queueId, timestamp };
    return (await this.client.invoke(brokerName, SEARCH_OFFSET_BY_TIMESTAMP, header)).header.offset;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }
}
