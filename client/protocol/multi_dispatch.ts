/**
 * Multi-dispatch: a message that names light queues (LMQ) in its property INNER_MULTI_DISPATCH, as in `%LMQ%a,%LMQ%b`, is
 * in queue 0 of each of them besides its own queue. It is one record; its offsets in the light queues are in the property
 * INNER_MULTI_QUEUE_OFFSET, in the same order.
 * Source: LmqDispatch.java, MultiDispatchUtils.java and ConsumeQueue.java of Apache RocketMQ 5.3.3.
 */

import { findProperty, MessageProperty, parseProperties, printProperties } from "./message.ts";
import { NAME_PATTERN, RETRY_GROUP_TOPIC_PREFIX, SYSTEM_TOPIC_PREFIX } from "./names.ts";
import { DLQ_GROUP_TOPIC_PREFIX, TOPIC_LENGTH_MAX } from "./names.ts";

export const LMQ_PREFIX = "%LMQ%";
/** The only queue of a light topic. */
export const LMQ_QUEUE_ID = 0;

const SEPARATOR = ",";
const { INNER_MULTI_DISPATCH, INNER_MULTI_QUEUE_OFFSET } = MessageProperty;
const SCHEDULE_TOPIC = "SCHEDULE_TOPIC_XXXX";
const TRANSACTION_TOPIC_PREFIXES = ["RMQ_SYS_TRANS_", "TRANS_CHECK_MAX_TIME_"];

/** Where a message is besides its own queue. */
export interface LmqPlace {
  topic: string;
  queueOffset: number;
}

/** Whether a broker with these settings puts messages into light queues. */
export function isMultiDispatchServed(
  settings: Readonly<{ enableLmq: boolean; enableMultiDispatch: boolean }>,
): boolean {
  return settings.enableLmq && settings.enableMultiDispatch;
}

/** Whether a topic or a group is a light one. */
export function isLmq(name: string): boolean {
  return name.startsWith(LMQ_PREFIX);
}

/** Whether the properties may have to do with light queues: cheap, and false for nearly all messages. */
export function mayMultiDispatch(properties: string): boolean {
  return properties.includes("INNER_MULTI_");
}

/** The names in INNER_MULTI_DISPATCH, whatever they are. */
export function multiDispatchNames(properties: string): string[] {
  return findProperty(properties, INNER_MULTI_DISPATCH)?.split(SEPARATOR) ?? [];
}

/** Whether there can be a light queue of this name. */
export function isLmqName(name: string): boolean {
  return isLmq(name) && name.length > LMQ_PREFIX.length && name.length <= TOPIC_LENGTH_MAX &&
    NAME_PATTERN.test(name);
}

/**
 * The light queues that a message goes to, each once. Copies of a message in retry topics and dead letters go to none, nor
 * do messages that wait for their time or for the end of their transaction: they come to their own topic later.
 */
export function lmqsToDispatchTo(topic: string, properties: string): string[] {
  if (isDispatchedNowhere(topic)) return [];
  const names = multiDispatchNames(properties).filter((name) => isLmqName(name) && name !== topic);
  return [...new Set(names)];
}

function isDispatchedNowhere(topic: string): boolean {
  return isRecordOfOneQueue(topic) || topic.startsWith(DLQ_GROUP_TOPIC_PREFIX) ||
    TRANSACTION_TOPIC_PREFIXES.some((prefix) => topic.startsWith(prefix));
}

/** Records in these topics are in no other queue, for Apache too. */
function isRecordOfOneQueue(topic: string): boolean {
  return topic.startsWith(RETRY_GROUP_TOPIC_PREFIX) || topic.startsWith(SYSTEM_TOPIC_PREFIX) ||
    topic === SCHEDULE_TOPIC;
}

/** The properties of a message that is to be in these light queues at these offsets; in none, it says nothing of them. */
export function withLmqOffsets(
  properties: string,
  names: readonly string[],
  queueOffsets: readonly number[],
): string {
  const map = parseProperties(properties);
  map.delete(INNER_MULTI_QUEUE_OFFSET);
  if (names.length > 0) {
    map.set(INNER_MULTI_DISPATCH, names.join(SEPARATOR));
    map.set(INNER_MULTI_QUEUE_OFFSET, queueOffsets.join(SEPARATOR));
  }
  return printProperties(map);
}

/** The light queues that a record says it is in. What makes no sense is left out. */
export function lmqPlacesOf(topic: string, properties: string): LmqPlace[] {
  if (!mayMultiDispatch(properties) || isRecordOfOneQueue(topic)) return [];
  const names = multiDispatchNames(properties);
  const offsets = findProperty(properties, INNER_MULTI_QUEUE_OFFSET)?.split(SEPARATOR) ?? [];
  if (names.length !== offsets.length) return [];
  const places = names.map((name, index) => ({ topic: name, queueOffset: Number(offsets[index]) }));
  return places.filter(({ topic, queueOffset }, index) =>
    isLmqName(topic) && /^\d+$/.test(offsets[index]!) && Number.isSafeInteger(queueOffset * 20) &&
    names.indexOf(topic) === index
  );
}
