/** Sending single messages as an administrator: made by hand, or again as they were. */

import { SEND_MESSAGE_V2 } from "../protocol/commands/send.ts";
import { EMPTY } from "../protocol/frame.ts";
import {
  hostBytes,
  KEY_SEPARATOR,
  MessageProperty,
  MessageSysFlag,
  parseProperties,
  printProperties,
} from "../protocol/message.ts";
import { chooseByKey } from "../protocol/message_queue.ts";
import type { StoredMessage } from "../protocol/message_record.ts";
import { SystemTopic } from "../protocol/names.ts";
import { refuse, ResponseCode } from "../protocol/response_code.ts";
import { isWriteable } from "../protocol/topic_config.ts";
import { uniqueKeys } from "../protocol/unique_key.ts";
import { DEFAULT_TOPIC_QUEUE_NUMS } from "../route_cache.ts";
import { SEND_STATUS, type SendStatus, TAKEN_CODES } from "../send_result.ts";
import type { AdminClient } from "./admin_client.ts";
import { type QueueAddress, queuesOf } from "./queue_reading.ts";

export interface MessageToPublish {
  topic: string;
  body: Uint8Array;
  keys?: readonly string[];
  tag?: string;
  /** A user's own; names that have a meaning for brokers are refused. */
  properties?: Readonly<Record<string, string>>;
  /** Messages with the same key go to the same queue. */
  shardingKey?: string;
  delayMillis?: number;
  /** Milliseconds since the epoch. */
  deliverAt?: number;
  queueId?: number;
  brokerName?: string;
}

export interface Published {
  /** The unique key. */
  readonly msgId: string;
  readonly offsetMsgId: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
  /** How safe it is: SEND_OK, or what is missing. */
  readonly sendStatus: SendStatus;
  /** With which a message with a delay can be taken back. */
  readonly recallHandle?: string;
}

/** MixAll.TOOLS_CONSUMER_GROUP is the group of tools that read; this one sends. */
const PRODUCER_GROUP = "TOOLS_PRODUCER";
const SEND_TIMEOUT_MILLIS = 10_000;
/** What only clients and brokers set, for what they mean by it (MessageConst.STRING_HASH_SET). */
const RESERVED: ReadonlySet<string> = new Set([
  ...Object.values(MessageProperty),
  "MIN_OFFSET",
  "MAX_OFFSET",
  "BUYER_ID",
  "CORRECTION_FLAG",
  "MQ2_FLAG",
  "CONSUME_START_TIME",
  "POP_CK_OFFSET",
  "DUP_INFO",
  "EXTEND_UNIQ_INFO",
  "INSTANCE_ID",
  "CORRELATION_ID",
  "TTL",
  "ARRIVE_TIME",
  "MSG_TYPE",
  "INNER_BASE",
  "INNER_MULTI_DISPATCH",
  "INNER_MULTI_QUEUE_OFFSET",
  "PROPERTY_FORWARD_QUEUE_ID",
  "REDIRECT",
  "TIMER_DELAY_LEVEL",
  "BORN_TIMESTAMP",
]);

/** Why a message cannot have this property; undefined when it can. */
export function invalidPropertyReason(name: string, value: string): string | undefined {
  // deno-lint-ignore no-control-regex -- they separate properties
  const separators = /[\x01\x02]/;
  if (name.trim() === "" || value.trim() === "") return `property "${name}": is blank`;
  if (separators.test(name) || separators.test(value)) {
    return `property "${name}": has a character U+0001 or U+0002, which separate properties`;
  }
  if (RESERVED.has(name)) return `property ${name}: the name is taken by RocketMQ, choose another`;
  return undefined;
}

/** A producer without a connection of its own. */
export class Publisher {
  readonly #admin: AdminClient;
  readonly #nextKey: (now: number) => string;
  /** Where the last message without a sharding key went. */
  #turn = 0;

  /** @param maker tells this one apart from others: any 32 bits. */
  constructor(admin: AdminClient, maker: number, pid: number) {
    this.#admin = admin;
    this.#nextKey = uniqueKeys({ address: hostBytes("127.0.0.1", 0), pid, maker });
  }

  /**
   * Sends a message and waits until it is as safe as the broker makes it.
   * @throws {RemotingError} TOPIC_NOT_EXIST; the broker's reason when it refuses.
   */
  async publish(message: MessageToPublish, now: number): Promise<Published> {
    const properties = new Map(Object.entries(message.properties ?? {}));
    const { keys = [], tag, shardingKey, delayMillis, deliverAt } = message;
    if (keys.length > 0) properties.set(MessageProperty.KEYS, keys.join(KEY_SEPARATOR));
    if (tag !== undefined) properties.set(MessageProperty.TAGS, tag);
    if (shardingKey !== undefined) properties.set(MessageProperty.SHARDING_KEY, shardingKey);
    if (delayMillis !== undefined) {
      properties.set(MessageProperty.TIMER_DELAY_MS, String(delayMillis));
    }
    if (deliverAt !== undefined) {
      properties.set(MessageProperty.TIMER_DELIVER_MS, String(deliverAt));
    }
    properties.set(MessageProperty.UNIQ_KEY, this.#nextKey(now));
    properties.set(MessageProperty.WAIT, "true");
    const queue = await this.#queueFor(message);
    return await this.send(queue, {
      body: message.body,
      properties,
      sysFlag: 0,
      flag: 0,
      bornTimestamp: now,
    });
  }

  /** A queue of the topic, chosen as for `publish`. @throws {RemotingError} TOPIC_NOT_EXIST, NO_PERMISSION. */
  async #queueFor(message: MessageToPublish): Promise<QueueAddress> {
    const { topic, shardingKey, queueId, brokerName } = message;
    const queues = await writeQueues(this.#admin, topic);
    const fitting = queues.filter((queue) =>
      (queueId === undefined || queue.queueId === queueId) &&
      (brokerName === undefined || queue.brokerName === brokerName)
    );
    if (fitting.length === 0) {
      throw refuse(ResponseCode.INVALID_PARAMETER, `The topic ${topic} has no such queue`);
    }
    return shardingKey === undefined
      ? fitting[this.#turn++ % fitting.length]!
      : chooseByKey(fitting, shardingKey);
  }

  /** A queue of a topic, the next one each time. @throws {RemotingError} TOPIC_NOT_EXIST, NO_PERMISSION. */
  async nextQueue(topic: string): Promise<QueueAddress> {
    return await this.#queueFor({ topic, body: EMPTY });
  }

  /** A key for a message that is sent with `send`. */
  nextKey(now: number): string {
    return this.#nextKey(now);
  }

  /** Sends a message as it is. @throws {RemotingError} the broker's reason when it refuses. */
  async send(queue: QueueAddress, message: RawMessage): Promise<Published> {
    const { topic, queueId, brokerName, brokerAddr } = queue;
    const { body, properties, ...fields } = message;
    const { code, header } = await this.#admin.invoke(brokerAddr, SEND_MESSAGE_V2, {
      producerGroup: PRODUCER_GROUP,
      topic,
      defaultTopic: SystemTopic.AUTO_CREATE_TOPIC_KEY,
      defaultTopicQueueNums: DEFAULT_TOPIC_QUEUE_NUMS,
      queueId,
      properties: printProperties(properties),
      ...fields,
    }, {
      body,
      timeoutMillis: SEND_TIMEOUT_MILLIS,
      acceptWithHeader: TAKEN_CODES,
    });
    const { recallHandle } = header;
    return {
      msgId: properties.get(MessageProperty.UNIQ_KEY) ?? header.msgId,
      offsetMsgId: header.msgId,
      brokerName,
      queueId: header.queueId,
      queueOffset: header.queueOffset,
      sendStatus: SEND_STATUS[code]!,
      ...(recallHandle === undefined ? {} : { recallHandle }),
    };
  }
}

/** A message with all its properties. */
export interface RawMessage {
  body: Uint8Array;
  properties: ReadonlyMap<string, string>;
  sysFlag: number;
  flag: number;
  bornTimestamp: number;
}

/** What stays of a message's own when it is sent again, beside its user's properties. */
const KEPT: ReadonlySet<string> = new Set([
  MessageProperty.KEYS,
  MessageProperty.TAGS,
  MessageProperty.SHARDING_KEY,
]);
/** The bits of sysFlag that say how the body is compressed. */
const COMPRESSION_BITS = MessageSysFlag.COMPRESSED | 7 << 8;

/** A message again, as a new one with a key of its own: where it has been and what became of it there is left out. */
export function copyOf(stored: StoredMessage, uniqueKey: string, now: number): RawMessage {
  const properties = new Map<string, string>();
  for (const [name, value] of parseProperties(stored.properties)) {
    if (KEPT.has(name) || !RESERVED.has(name)) properties.set(name, value);
  }
  properties.set(MessageProperty.UNIQ_KEY, uniqueKey);
  properties.set(MessageProperty.WAIT, "true");
  return {
    body: stored.body,
    properties,
    sysFlag: stored.sysFlag & COMPRESSION_BITS,
    flag: stored.flag,
    bornTimestamp: now,
  };
}

/** The queues that can be written. @throws {RemotingError} TOPIC_NOT_EXIST, NO_PERMISSION. */
async function writeQueues(admin: AdminClient, topic: string): Promise<QueueAddress[]> {
  const route = await admin.route(topic);
  const queueDatas = route.queueDatas.filter(({ perm }) => isWriteable(perm));
  const withMaster = route.brokerDatas.filter(({ brokerAddrs }) => brokerAddrs["0"] !== undefined);
  const queues = queuesOf(
    { ...route, queueDatas, brokerDatas: withMaster },
    topic,
    "writeQueueNums",
  );
  if (queues.length > 0) return queues;
  throw refuse(
    ResponseCode.NO_PERMISSION,
    `Nobody may write to the topic ${topic}, or no master is there`,
  );
}
