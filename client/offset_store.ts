/** How far a group has come: kept by the broker for a group that shares the queues, by each client that reads all. */

import { RETRY_GROUP_TOPIC_PREFIX } from "./protocol/names.ts";
import type { MqClient } from "./mq_client.ts";
import { type MessageQueue, queueKey } from "./protocol/message_queue.ts";
import { QUERY_CONSUMER_OFFSET, UPDATE_CONSUMER_OFFSET } from "./protocol/commands/offset.ts";
import {
  GET_MAX_OFFSET,
  GET_MIN_OFFSET,
  SEARCH_OFFSET_BY_TIMESTAMP,
} from "./protocol/commands/query.ts";
import { ResponseCode } from "./protocol/response_code.ts";

/** Where a group begins that has no offset yet. */
export type ConsumeFrom = "CONSUME_FROM_LAST_OFFSET" | "CONSUME_FROM_FIRST_OFFSET" | {
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
};

export class OffsetStore {
  readonly #client: MqClient;
  readonly #group: string;
  readonly #isShared: boolean;
  readonly #offsets = new Map<string, { queue: MessageQueue; offset: number; isSaved: boolean }>();

  /** @param isShared whether the broker keeps the offsets. */
  constructor(client: MqClient, group: string, isShared: boolean) {
    this.#client = client;
    this.#group = group;
    this.#isShared = isShared;
  }

  /** Where to begin in a queue. */
  async begin(queue: MessageQueue, from: ConsumeFrom): Promise<number> {
    const known = this.#offsets.get(queueKey(queue));
    if (known !== undefined) return known.offset;
    return await this.#query(queue) ?? await this.#first(queue, from);
  }

  async #query(queue: MessageQueue): Promise<number | undefined> {
    if (!this.#isShared) return undefined;
    const { topic, queueId, brokerName } = queue;
    const header = {
      consumerGroup: this.#group,
      topic,
      queueId,
      setZeroIfNotFound: false,
    };
    const accept = [ResponseCode.QUERY_NOT_FOUND];
    const answer = await this.#client.invoke(brokerName, QUERY_CONSUMER_OFFSET, header, { accept });
    return answer.code === ResponseCode.SUCCESS ? answer.header.offset : undefined;
  }

  async #first({ topic, queueId, brokerName }: MessageQueue, from: ConsumeFrom): Promise<number> {
    const where = { topic, queueId };
    if (typeof from === "object") {
      const header = { ...where, timestamp: from.timestamp };
      const answer = await this.#client.invoke(brokerName, SEARCH_OFFSET_BY_TIMESTAMP, header);
      return answer.header.offset;
    }
    // What waits to be consumed again is never passed over.
    const isFirst = from === "CONSUME_FROM_FIRST_OFFSET" ||
      topic.startsWith(RETRY_GROUP_TOPIC_PREFIX);
    const command = isFirst ? GET_MIN_OFFSET : GET_MAX_OFFSET;
    return (await this.#client.invoke(brokerName, command, where)).header.offset;
  }

  /** Everything before `offset` is consumed. */
  update(queue: MessageQueue, offset: number): void {
    const key = queueKey(queue);
    if (this.#offsets.get(key)?.offset === offset) return;
    this.#offsets.set(key, { queue, offset, isSaved: false });
  }

  offsetOf(queue: MessageQueue): number | undefined {
    return this.#offsets.get(queueKey(queue))?.offset;
  }

  /** Offsets of a topic, or of all. */
  entries(topic?: string): { queue: MessageQueue; offset: number }[] {
    return [...this.#offsets.values()].filter(({ queue }) =>
      topic === undefined || queue.topic === topic
    );
  }

  /** Tells the brokers what has changed. Never rejects. */
  async save(): Promise<void> {
    if (!this.#isShared) return;
    await Promise.all([...this.#offsets.values()].map(async (entry) => {
      if (entry.isSaved) return;
      const { topic, queueId, brokerName } = entry.queue;
      const header = { consumerGroup: this.#group, topic, queueId, commitOffset: entry.offset };
      try {
        entry.isSaved = true;
        await this.#client.invoke(brokerName, UPDATE_CONSUMER_OFFSET, header);
      } catch (error) {
        entry.isSaved = false;
        this.#client.reportError(`cannot save the offset of ${queueKey(entry.queue)}`, error);
      }
    }));
  }

  /** Saves a queue that is given up, and forgets it: another member goes on from there. */
  async release(queue: MessageQueue): Promise<void> {
    await this.save();
    if (this.#isShared) this.#offsets.delete(queueKey(queue));
  }
}
