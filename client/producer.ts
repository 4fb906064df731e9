/** Sends messages: one or many at once, to a queue of choice, oneway, in a transaction, as a request. */

import { bodyOf, type Message, propertiesOf, type ReceivedMessage } from "./message.ts";
import { MqClient, type MqClientOptions } from "./mq_client.ts";
import { chooseByKey, type MessageQueue, queueKey } from "./protocol/message_queue.ts";
import { SEND_BATCH_MESSAGE, SEND_MESSAGE_V2 } from "./protocol/commands/send.ts";
import type { HeaderInput } from "./protocol/header_schema.ts";
import { MessageProperty, MessageSysFlag } from "./protocol/message.ts";
import { SystemTopic } from "./protocol/names.ts";
import { encodeBatch } from "./protocol/message_batch.ts";
import { RemotingError, ResponseCode } from "./protocol/response_code.ts";
import { UnreachableError } from "./admin/admin_client.ts";
import { Requests } from "./requests.ts";
import { DEFAULT_TOPIC_QUEUE_NUMS, type TopicRoute } from "./route_cache.ts";
import {
  SEND_STATUS,
  type SendResult,
  TAKEN_CODES,
  type TransactionOutcome,
} from "./send_result.ts";
import { Transactions } from "./transactions.ts";

export interface ProducerOptions extends MqClientOptions {
  /** The producer group; brokers ask its members about transactions. */
  group?: string;
  /** How often a failed send is tried elsewhere; 2 without it. */
  retryTimesWhenSendFailed?: number;
  /** Longer bodies are refused before they are sent; 4 MiB without it, as in brokers. */
  maxMessageSize?: number;
  /** Says what became of a transaction whose producer did not say. */
  checkTransaction?: (message: ReceivedMessage) => TransactionOutcome | Promise<TransactionOutcome>;
}

/** Chooses a queue. */
export type QueueSelector = (queues: readonly MessageQueue[]) => MessageQueue;

export interface SendOptions {
  /** Messages with the same key go to the same queue, and are consumed in order there. */
  shardingKey?: string;
  /** The queue itself, or how to choose it. Such sends are not tried elsewhere. */
  queue?: MessageQueue | QueueSelector;
  timeoutMillis?: number;
}

const DEFAULT_GROUP = "DEFAULT_PRODUCER";
const RETRY_TIMES = 2;
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** After these another broker may take the message (retryResponseCodes of Java's producer). */
const RETRY_CODES: readonly number[] = [
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.NO_PERMISSION,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
];

export class Producer implements AsyncDisposable {
  readonly client: MqClient;
  readonly #options: ProducerOptions;
  readonly #group: string;
  readonly #transactions: Transactions;
  readonly #requests: Requests;
  #isAnnounced: Promise<void> | undefined;
  #nextQueue = Math.floor(Math.random() * 1024);

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#group = options.group ?? DEFAULT_GROUP;
    this.client = new MqClient(options);
    this.#transactions = new Transactions(this.client, this.#group, options.checkTransaction);
    this.#requests = new Requests(this.client);
  }

  /**
   * Sends a message and waits until the broker has it.
   * @throws {RemotingError} with the broker's reason; {UnreachableError} when no broker answers.
   */
  async send(message: Message, options: SendOptions = {}): Promise<SendResult> {
    return await this.#send(message, options, {});
  }

  /** Sends a message without waiting for an answer: it may be lost without anybody knowing. */
  async sendOneway(message: Message, options: SendOptions = {}): Promise<void> {
    const { writeQueues } = await this.#route(message.topic);
    const queue = this.#choose(writeQueues, options, undefined);
    const properties = propertiesOf(sharded(message, options), this.client.createUniqueKey());
    const header = this.#header(queue, { properties, flag: message.flag ?? 0 });
    await this.client.invokeOneway(queue.brokerName, SEND_MESSAGE_V2, header, this.#body(message));
  }

  /**
   * Sends messages of one topic together: they are stored one after the other in one queue, or none of them.
   * @throws {TypeError} when they cannot go together.
   */
  async sendBatch(messages: readonly Message[], options: SendOptions = {}): Promise<SendResult> {
    const [first] = messages;
    if (first === undefined) throw new TypeError("A batch has at least one message");
    if (messages.some(({ topic }) => topic !== first.topic)) {
      throw new TypeError("The messages of a batch have one topic");
    }
    if (messages.some(isDelayed)) throw new TypeError("A batch has no delayed messages");
    const keys = messages.map(() => this.client.createUniqueKey());
    const body = encodeBatch(messages.map((message, index) => ({
      flag: message.flag ?? 0,
      body: bodyOf(message),
      properties: propertiesOf(sharded(message, options), keys[index]!),
    })));
    const whole = { topic: first.topic, body };
    return { ...await this.#send(whole, options, { batch: true }), msgId: keys.join(",") };
  }

  /**
   * Sends a message that consumers see only when `execute` has said COMMIT. What ends with UNKNOWN, or with this
   * program, the broker asks about: `checkTransaction` of the options answers.
   */
  async sendInTransaction(
    message: Message,
    execute: (result: SendResult) => TransactionOutcome | Promise<TransactionOutcome>,
  ): Promise<SendResult & { outcome: TransactionOutcome }> {
    if (isDelayed(message)) throw new TypeError("A message in a transaction is not delayed");
    await this.#announce(message.topic);
    const properties = {
      ...message.properties,
      [MessageProperty.TRAN_MSG]: "true",
      [MessageProperty.PGROUP]: this.#group,
    };
    const sysFlag = MessageSysFlag.TRANSACTION_PREPARED;
    const result = await this.#send({ ...message, properties }, {}, { sysFlag });
    const outcome = await this.#transactions.finish(result, execute);
    return { ...result, outcome };
  }

  /**
   * Sends a message that a consumer answers, and waits for the answer.
   * @throws {RequestTimeoutError} when none comes in time.
   */
  async request(message: Message, timeoutMillis = 3_000): Promise<ReceivedMessage> {
    await this.#announce(message.topic);
    return await this.#requests.ask(
      message,
      timeoutMillis,
      (request) => this.send(request, { timeoutMillis }),
    );
  }

  /** Members of the group have to be known to brokers where these ask or answer. */
  async #announce(topic: string): Promise<void> {
    await this.#route(topic);
    await this.#isAnnounced;
  }

  /** Where a message can go. From the first one on brokers know the group, as tools show it. */
  async #route(topic: string): Promise<TopicRoute> {
    const route = await this.client.routes.findToSend(topic);
    this.#isAnnounced ??= this.client.addProducer(this.#group);
    return route;
  }

  async #send(
    message: Message,
    options: SendOptions,
    fields: Partial<SendHeader>,
  ): Promise<SendResult> {
    const body = this.#body(message);
    const uniqueKey = this.client.createUniqueKey();
    const properties = fields.batch === true
      ? ""
      : propertiesOf(sharded(message, options), uniqueKey);
    const isPlaced = options.queue !== undefined || options.shardingKey !== undefined;
    const retries = this.#options.retryTimesWhenSendFailed ?? RETRY_TIMES;
    let lastBroker: string | undefined;
    for (let left = isPlaced ? 0 : retries;; left--) {
      const { writeQueues } = await this.#route(message.topic);
      const queue = this.#choose(writeQueues, options, lastBroker);
      const header = this.#header(queue, { ...fields, properties, flag: message.flag ?? 0 });
      try {
        return await this.#sendTo(queue, header, body, { uniqueKey, ...options });
      } catch (error) {
        if (left <= 0 || !isWorthRetrying(error)) throw error;
        lastBroker = queue.brokerName;
        this.client.routes.forget(message.topic);
      }
    }
  }

  async #sendTo(
    queue: MessageQueue,
    header: SendHeader,
    body: Uint8Array,
    { uniqueKey, timeoutMillis }: { uniqueKey: string; timeoutMillis?: number },
  ): Promise<SendResult> {
    const command = header.batch === true ? SEND_BATCH_MESSAGE : SEND_MESSAGE_V2;
    const { code, header: answer } = await this.client.invoke(queue.brokerName, command, header, {
      body,
      acceptWithHeader: TAKEN_CODES,
      ...(timeoutMillis === undefined ? {} : { timeoutMillis }),
    });
    return {
      sendStatus: SEND_STATUS[code]!,
      msgId: uniqueKey,
      offsetMsgId: answer.msgId,
      queue: { ...queue, queueId: answer.queueId },
      queueOffset: answer.queueOffset,
      transactionId: answer.transactionId ?? uniqueKey,
      recallHandle: answer.recallHandle,
    };
  }

  #body(message: Message): Uint8Array {
    const body = bodyOf(message);
    const max = this.#options.maxMessageSize ?? MESSAGE_BYTES_MAX;
    if (body.length <= max) return body;
    throw new RangeError(`The body has ${body.length} bytes; at most ${max} are taken`);
  }

  #header(queue: MessageQueue, fields: Partial<SendHeader>): SendHeader {
    return {
      producerGroup: this.#group,
      topic: queue.topic,
      defaultTopic: SystemTopic.AUTO_CREATE_TOPIC_KEY,
      defaultTopicQueueNums: DEFAULT_TOPIC_QUEUE_NUMS,
      queueId: queue.queueId,
      sysFlag: 0,
      bornTimestamp: Date.now(),
      flag: 0,
      brokerName: queue.brokerName,
      ...fields,
    };
  }

  /** One queue after the other; after a failure one of another broker, if there is another. */
  #choose(
    queues: readonly MessageQueue[],
    { queue, shardingKey }: SendOptions,
    notBroker: string | undefined,
  ): MessageQueue {
    if (queues.length === 0) {
      throw new RemotingError(ResponseCode.NO_PERMISSION, "The topic has no queue to send to");
    }
    if (typeof queue === "function") return queue(queues);
    if (queue !== undefined) {
      const found = queues.find((candidate) => queueKey(candidate) === queueKey(queue));
      if (found !== undefined) return found;
      throw new RangeError(`The topic has no queue ${queueKey(queue)}`);
    }
    if (shardingKey !== undefined) {
      return chooseByKey(queues, shardingKey);
    }
    const others = queues.filter(({ brokerName }) => brokerName !== notBroker);
    const candidates = others.length === 0 ? queues : others;
    return candidates[this.#nextQueue++ % candidates.length]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#transactions[Symbol.dispose]();
    this.#requests[Symbol.dispose]();
    await this.client[Symbol.asyncDispose]();
  }
}

type SendHeader = HeaderInput<typeof SEND_MESSAGE_V2.request.fields>;

const SHARDING_KEY = "__SHARDINGKEY";

function sharded(message: Message, { shardingKey }: SendOptions): Message {
  if (shardingKey === undefined) return message;
  return { ...message, properties: { ...message.properties, [SHARDING_KEY]: shardingKey } };
}

function isDelayed({ delayTimeLevel, delayMillis, deliverAt }: Message): boolean {
  return [delayTimeLevel, delayMillis, deliverAt].some((time) => time !== undefined);
}

function isWorthRetrying(error: unknown): boolean {
  if (error instanceof RemotingError) return RETRY_CODES.includes(error.code);
  return error instanceof UnreachableError;
}
