/** Messages as programs send and receive them. */

import { encodeUtf8 } from "./protocol/bytes.ts";
import type { MessageQueue } from "./protocol/message_queue.ts";
import { decompressBody } from "./protocol/compression.ts";
import {
  KEY_SEPARATOR,
  keysOf,
  MessageProperty,
  parseProperties,
  printProperties,
} from "./protocol/message.ts";
import { decodeMessages, type StoredMessage } from "./protocol/message_record.ts";

/** A message to send. */
export interface Message {
  topic: string;
  /** Text is sent as UTF-8. */
  body: Uint8Array | string;
  /** One tag, by which consumers filter. */
  tags?: string;
  /** What the message can be found by. */
  keys?: string | readonly string[];
  /** Further properties; names and values are free, but for RocketMQ's own names. */
  properties?: Readonly<Record<string, string>>;
  /** Delivered after the broker's delay of this level, from 1. */
  delayTimeLevel?: number;
  /** Delivered after so many milliseconds. */
  delayMillis?: number;
  /** Delivered at this time, in milliseconds since the epoch. */
  deliverAt?: number;
  flag?: number;
}

/** A message that was received. */
export interface ReceivedMessage extends MessageQueue {
  /** As it was sent: unpacked where it was compressed; as it is stored where it cannot be unpacked. */
  readonly body: Uint8Array;
  readonly tags: string | undefined;
  readonly keys: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  /** The unique key that the producer gave it; the offsetMsgId where it gave none. */
  readonly msgId: string;
  /** Where it is stored. */
  readonly offsetMsgId: string;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly flag: number;
  /** Milliseconds since the epoch, by the producer's clock and by the broker's. */
  readonly bornTimestamp: number;
  readonly storeTimestamp: number;
  /** How often it was consumed before without success. */
  readonly reconsumeTimes: number;
}

/** What a received message is made from. */
export type StoredParts = Pick<
  StoredMessage,
  | "topic"
  | "queueId"
  | "body"
  | "sysFlag"
  | "properties"
  | "offsetMsgId"
  | "queueOffset"
  | "physicalOffset"
  | "flag"
  | "bornTimestamp"
  | "storeTimestamp"
  | "reconsumeTimes"
>;

/** A compressed body that unpacks to more is refused: no broker takes longer ones than its maxMessageSize, 4 MiB. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;

/** A message's body as bytes. */
export function bodyOf(message: Message): Uint8Array {
  return typeof message.body === "string" ? encodeUtf8(message.body) : message.body;
}

/**
 * The properties string of a message to send.
 * @throws {TypeError} when it says more than one time of delivery.
 */
export function propertiesOf(message: Message, uniqueKey: string): string {
  const { tags, keys, delayTimeLevel, delayMillis, deliverAt } = message;
  const times = [delayTimeLevel, delayMillis, deliverAt].filter((time) => time !== undefined);
  if (times.length > 1) {
    throw new TypeError("A message has one of delayTimeLevel, delayMillis and deliverAt");
  }
  const properties = new Map(Object.entries(message.properties ?? {}));
  const put = (name: string, value: string | number | undefined) => {
    if (value !== undefined && value !== "") properties.set(name, String(value));
  };
  put(MessageProperty.TAGS, tags);
  put(MessageProperty.KEYS, typeof keys === "string" ? keys : keys?.join(KEY_SEPARATOR));
  put(MessageProperty.DELAY, delayTimeLevel);
  put(MessageProperty.TIMER_DELAY_MS, delayMillis);
  put(MessageProperty.TIMER_DELIVER_MS, deliverAt);
  put(MessageProperty.UNIQ_KEY, uniqueKey);
  put(MessageProperty.WAIT, "true");
  return printProperties(properties);
}

/** The messages in the body of a pull's answer, as consumers get them. */
export function receiveMessages(body: Uint8Array, brokerName: string): ReceivedMessage[] {
  return decodeMessages(body).map((message) => receiveMessage(message, brokerName));
}

/**
 * A stored message as consumers get it: one that is consumed again has the topic that it was sent to.
 */
export function receiveMessage(message: StoredParts, brokerName: string): ReceivedMessage {
  const properties = parseProperties(message.properties);
  const { RETRY_TOPIC, UNIQ_KEY, TAGS, KEYS } = MessageProperty;
  return {
    topic: properties.get(RETRY_TOPIC) ?? message.topic,
    brokerName,
    queueId: message.queueId,
    body: unpack(message),
    tags: properties.get(TAGS),
    keys: keysOf(properties.get(KEYS)),
    properties: Object.fromEntries(properties),
    msgId: properties.get(UNIQ_KEY) ?? message.offsetMsgId,
    offsetMsgId: message.offsetMsgId,
    queueOffset: message.queueOffset,
    physicalOffset: message.physicalOffset,
    flag: message.flag,
    bornTimestamp: message.bornTimestamp,
    storeTimestamp: message.storeTimestamp,
    reconsumeTimes: message.reconsumeTimes,
  };
}

function unpack({ sysFlag, body }: StoredParts): Uint8Array {
  try {
    return decompressBody(sysFlag, body, BODY_BYTES_MAX);
  } catch {
    // One bad message must not keep those behind it from being consumed.
    return body;
  }
}
