/**
 * A consumer that is handed messages as they come. Members of a group share the queues (CLUSTERING) or each get every
 * message (BROADCASTING). What a listener does not manage comes again later, and goes to the dead letters in the end.
 */

import { retryTopicOf } from "./protocol/names.ts";
import { consumeConcurrently } from "./consume_concurrently.ts";
import { ConsumeStats } from "./consume_stats.ts";
import { consumeOrderly } from "./consume_orderly.ts";
import { answerAdmins } from "./consumer_admin.ts";
import {
  type ConsumerParts,
  type ConsumeSettings,
  type PushConsumerOptions,
  settingsOf,
} from "./consumer_parts.ts";
import type { ReceivedMessage } from "./message.ts";
import { MqClient } from "./mq_client.ts";
import { OffsetStore } from "./offset_store.ts";
import { NOTIFY_CONSUMER_IDS_CHANGED } from "./protocol/commands/client.ts";
import { decodeHeader } from "./protocol/header_schema.ts";
import {
  type ConsumerData,
  createSubscriptionData,
  ExpressionType,
  SUB_ALL,
  type SubscriptionData,
} from "./protocol/heartbeat.ts";
import { QueueSet } from "./queue_set.ts";
import { sendReply } from "./requests.ts";

const SAVE_MILLIS = 5_000;
const REBALANCE_MILLIS = 20_000;

export class PushConsumer implements AsyncDisposable {
  readonly client: MqClient;
  readonly #settings: ConsumeSettings;
  readonly #subscriptions = new Map<string, SubscriptionData>();
  readonly #offsets: OffsetStore;
  readonly #queues: QueueSet;
  readonly #stack = new AsyncDisposableStack();

  constructor(options: PushConsumerOptions) {
    const { group } = options;
    this.#settings = settingsOf(options);
    this.client = this.#stack.use(new MqClient(options));
    this.#offsets = new OffsetStore(
      this.client,
      group,
      this.#settings.messageModel === "CLUSTERING",
    );
    const parts: ConsumerParts = {
      client: this.client,
      settings: this.#settings,
      offsets: this.#offsets,
      stats: new ConsumeStats(Date.now),
      subscriptions: this.#subscriptions,
      startTimestamp: Date.now(),
    };
    const consume = this.#settings.orderly ? consumeOrderly(parts) : consumeConcurrently(parts);
    this.#queues = new QueueSet(parts, consume);
    this.#stack.use(answerAdmins(parts, this.#queues));
    this.#stack.use(
      this.client.handle(NOTIFY_CONSUMER_IDS_CHANGED, (request) => {
        const header = decodeHeader(NOTIFY_CONSUMER_IDS_CHANGED.request, request.extFields);
        if (header.consumerGroup === group) this.#queues.rebalance();
        return undefined;
      }),
    );
  }

  /**
   * Wants messages of a topic: all, those with some tags ("a || b"), or those that fit an SQL92 expression.
   * @throws {RangeError} when there is no tag in the text.
   */
  subscribe(topic: string, expression: string | { readonly sql: string } = SUB_ALL): this {
    const isSql = typeof expression === "object";
    const text = isSql ? expression.sql : expression;
    const type = isSql ? ExpressionType.SQL92 : ExpressionType.TAG;
    this.#subscriptions.set(topic, createSubscriptionData(topic, text, type, Date.now()));
    return this;
  }

  /** Begins to consume. @throws {UnreachableError} when no name server answers. */
  async start(): Promise<this> {
    const { group, messageModel } = this.#settings;
    if (messageModel === "CLUSTERING") this.subscribe(retryTopicOf(group));
    for (const topic of this.#subscriptions.keys()) await this.#queues.findQueues(topic);
    await this.client.addConsumer(group, () => this.#consumerData());
    const every = (millis: number, run: () => void) => {
      const timer = setInterval(run, millis);
      this.#stack.defer(() => clearInterval(timer));
    };
    every(REBALANCE_MILLIS, () => this.#queues.rebalance());
    every(SAVE_MILLIS, () => this.#offsets.save());
    await this.#queues.rebalance();
    return this;
  }

  /** Answers a message that was sent with `Producer.request`. @throws {TypeError} when it was not. */
  async reply(request: ReceivedMessage, body: Uint8Array | string): Promise<void> {
    await sendReply(this.client, request, body);
  }

  #consumerData(): ConsumerData {
    const { group, messageModel, consumeFrom } = this.#settings;
    return {
      groupName: group,
      consumeType: "CONSUME_PASSIVELY",
      messageModel,
      consumeFromWhere: typeof consumeFrom === "object" ? "CONSUME_FROM_TIMESTAMP" : consumeFrom,
      subscriptionDataSet: [...this.#subscriptions.values()],
      unitMode: false,
    };
  }

  /** Stops: finishes what listeners are doing, and tells the brokers how far it has come. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queues.stop();
    await this.client.removeConsumer(this.#settings.group);
    await this.#stack.disposeAsync();
  }
}
