/**
 * The half message: what a producer sends within a transaction waits in RMQ_SYS_TRANS_HALF_TOPIC, with its own topic and
 * queue in its properties, until the transaction has ended. Source: TransactionalMessageBridge.java,
 * EndTransactionProcessor.java and TransactionalMessageUtil.java of Apache RocketMQ 5.3.3.
 *
 * A half message can have several records, one after the other: each check-back puts a new one that counts it. All but
 * the first name the queueOffset of the first in TRAN_PREPARED_QUEUE_OFFSET.
 */

import { encodeUtf8 } from "../../../client/protocol/bytes.ts";
import {
  findProperty,
  MessageProperty,
  MessageSysFlag,
  parseProperties,
  printProperties,
} from "../../../client/protocol/message.ts";
import {
  CRC_PROPERTY_BYTES,
  type MessageToStore,
  PROPERTIES_BYTES_MAX,
  type RecordLayout,
} from "../../../client/protocol/message_record.ts";
import { messageOf } from "../pop/pop_records.ts";
import { SystemTopic } from "../topic_name.ts";

const {
  CHECK_IMMUNITY_TIME_IN_SECONDS,
  DELAY,
  PGROUP,
  REAL_QID,
  REAL_TOPIC,
  TIMER_DELAY_MS,
  TIMER_DELAY_SEC,
  TIMER_DELIVER_MS,
  TIMER_OUT_MS,
  TRANSACTION_CHECK_TIMES,
  TRANSACTION_ID,
  TRAN_MSG,
  TRAN_PREPARED_QUEUE_OFFSET,
  UNIQ_KEY,
} = MessageProperty;

/** All half messages are in this queue of their topic, as are those that tell which ones have ended. */
export const HALF_QUEUE_ID = 0;

/** Begins the names of properties that only Comet has. */
const OWN_PREFIX = "COMET_";
/** When an admin took the transaction up again; milliseconds. */
const RESUMED = `${OWN_PREFIX}RESUMED`;
/**
 * A half message has these under a name of ours, and its final message under their own again: Apache's broker would take
 * the half message itself for a delayed one when it puts it anew, and lose it.
 */
const DELAYS = [DELAY, TIMER_DELAY_SEC, TIMER_DELAY_MS, TIMER_DELIVER_MS];

/** Properties of so many characters certainly fit into a record. */
const SHORT_LENGTH = 10_000;

/** What a half message's properties say about its transaction. */
export interface HalfFacts {
  /** Where the message goes when the transaction is committed. */
  topic: string;
  queueId: number;
  producerGroup: string;
  /** queueOffset of the first record; undefined in that one. */
  original: number | undefined;
  /** How often a producer has been asked. */
  checks: number;
  /** CHECK_IMMUNITY_TIME_IN_SECONDS; undefined when there is none that makes sense. */
  immunityMillis: number | undefined;
  /** When an admin took the transaction up again; 0 when none did. */
  resumedTimestamp: number;
  uniqKey: string | undefined;
  /** The message waits once more after the commit. */
  isDelayed: boolean;
}

/** A record of a half message. */
export interface Half extends HalfFacts {
  layout: RecordLayout;
  /** Views into the record. */
  message: MessageToStore;
}

/** Whether a message begins a transaction. Clients before 4.6.1 leave the mark in those that they send back. */
export function isTransactional(properties: string, reconsumeTimes: number): boolean {
  if (findProperty(properties, TRAN_MSG)?.toLowerCase() !== "true") return false;
  return reconsumeTimes === 0 || !(Number(findProperty(properties, DELAY) ?? 0) > 0);
}

/**
 * The half message of a message.
 * @param producerGroup whom to ask about it, for clients that do not say it in the properties.
 * @param uniqKey makes a unique key for a message that has none; transactions are told apart by them.
 */
export function halfMessage(
  message: MessageToStore,
  producerGroup: string,
  uniqKey: () => string,
): MessageToStore {
  const { topic, queueId } = message;
  let { properties } = message;
  const key = findProperty(properties, UNIQ_KEY) || uniqKey();
  const added: [string, string][] = [[TRANSACTION_ID, key], [REAL_TOPIC, topic], [
    REAL_QID,
    String(queueId),
  ]];
  if (isPlain(properties)) {
    properties += (properties.endsWith("\u0002") ? "" : "\u0002") + printProperties(added);
  } else {
    const map = withDelaysRenamed(parseProperties(properties));
    for (const name of [TRANSACTION_CHECK_TIMES, TRAN_PREPARED_QUEUE_OFFSET]) map.delete(name);
    if (!map.get(PGROUP)) map.set(PGROUP, producerGroup);
    for (const [name, value] of [[UNIQ_KEY, key] as const, ...added]) map.set(name, value);
    properties = printProperties(map);
  }
  return {
    ...message,
    topic: SystemTopic.TRANS_HALF,
    queueId: HALF_QUEUE_ID,
    sysFlag: message.sysFlag & ~MessageSysFlag.TRANSACTION_ROLLBACK,
    properties,
  };
}

/** Names that a half message's properties must not have from before, as those of a message that is sent on do. */
// deno-lint-ignore no-control-regex -- it is the separator
const SPECIAL = /REAL_|TRANSACTION_CHECK|TRAN_PREPARED|__transactionId__|COMET_|DELAY\u0001|TIMER_/;

/** Whether the properties of a message can stay as they are. */
function isPlain(properties: string): boolean {
  return !SPECIAL.test(properties) && properties.includes("UNIQ_KEY\u0001") &&
    !!findProperty(properties, PGROUP) && !!findProperty(properties, UNIQ_KEY);
}

/** The properties with our names for delays. Of one that has waited for its time already, that is over. */
function withDelaysRenamed(properties: ReadonlyMap<string, string>): Map<string, string> {
  const map = new Map<string, string>();
  const hasWaited = properties.has(TIMER_OUT_MS);
  for (const [name, value] of properties) {
    if (name.startsWith(OWN_PREFIX) || hasWaited && name.startsWith("TIMER_")) continue;
    map.set(DELAYS.some((delay) => delay === name) ? OWN_PREFIX + name : name, value);
  }
  return map;
}

/** Reads what the properties of a half message say; undefined when they do not say enough. */
export function halfFacts(properties: string): HalfFacts | undefined {
  const topic = findProperty(properties, REAL_TOPIC);
  const producerGroup = findProperty(properties, PGROUP);
  const queueId = numberOf(properties, REAL_QID);
  if (!topic || producerGroup === undefined || queueId === undefined) return undefined;
  const immunity = numberOf(properties, CHECK_IMMUNITY_TIME_IN_SECONDS);
  const isOwn = properties.includes(OWN_PREFIX);
  return {
    topic,
    queueId,
    producerGroup,
    original: numberOf(properties, TRAN_PREPARED_QUEUE_OFFSET),
    checks: numberOf(properties, TRANSACTION_CHECK_TIMES) ?? 0,
    immunityMillis: immunity === undefined ? undefined : immunity * 1_000,
    resumedTimestamp: isOwn ? numberOf(properties, RESUMED) ?? 0 : 0,
    uniqKey: findProperty(properties, UNIQ_KEY),
    isDelayed: isOwn && DELAYS.some((name) => properties.includes(OWN_PREFIX + name)),
  };
}

function numberOf(properties: string, name: string): number | undefined {
  const text = findProperty(properties, name);
  if (text === undefined || !/^\d{1,15}$/.test(text)) return undefined;
  return Number(text);
}

/** Reads the record of a half message; undefined when it is none, or lost what it needs. Views. */
export function readHalf(record: Uint8Array, topic: string): Half | undefined {
  const { layout, message } = messageOf(record);
  if (layout.topic !== topic) return undefined;
  const facts = halfFacts(message.properties);
  return facts && { ...facts, layout, message };
}

/** The message of a transaction that is committed, for its own topic; it keeps what Apache leaves in its properties. */
export function finalMessage({ message, layout, topic, queueId }: Half): MessageToStore {
  return {
    ...message,
    topic,
    queueId,
    sysFlag: message.sysFlag | MessageSysFlag.TRANSACTION_COMMIT,
    preparedTransactionOffset: layout.physicalOffset,
    properties: ownNamesRestored(message.properties),
  };
}

/** Properties as the producer sent them. */
function ownNamesRestored(properties: string): string {
  if (!properties.includes(OWN_PREFIX)) return properties;
  const map = parseProperties(properties);
  for (const name of DELAYS) {
    const value = map.get(OWN_PREFIX + name);
    if (value !== undefined) map.set(name, value);
    map.delete(OWN_PREFIX + name);
  }
  map.delete(RESUMED);
  return printProperties(map);
}

/** The next record of a half message; where its properties have no room for more, it is like the one before. */
export function nextRecord({ message }: Half, original: number, checks: number): MessageToStore {
  const map = parseProperties(message.properties);
  if (checks > 0) map.set(TRANSACTION_CHECK_TIMES, String(checks));
  map.set(TRAN_PREPARED_QUEUE_OFFSET, String(original));
  const properties = printProperties(map);
  const isTooLong = properties.length > SHORT_LENGTH &&
    encodeUtf8(properties).length + CRC_PROPERTY_BYTES > PROPERTIES_BYTES_MAX;
  return isTooLong ? message : { ...message, properties };
}

/** What becomes of a half message about which nobody is asked any more. */
export function discardedMessage(half: Half, original: number): MessageToStore {
  const message = nextRecord(half, original, half.checks);
  return { ...message, topic: SystemTopic.TRANS_CHECK_MAX_TIME, queueId: 0 };
}

/** The half message that a discarded one becomes again. */
export function resumedMessage({ message }: Half, now: number): MessageToStore {
  const map = parseProperties(message.properties);
  map.set(TRANSACTION_CHECK_TIMES, "0");
  map.set(RESUMED, String(now));
  return {
    ...message,
    topic: SystemTopic.TRANS_HALF,
    queueId: HALF_QUEUE_ID,
    properties: printProperties(map),
  };
}

/** The message as a producer that is asked about it sees it. */
export function askedMessage({ message, topic, queueId }: Half): MessageToStore {
  return { ...message, topic, queueId, properties: ownNamesRestored(message.properties) };
}
