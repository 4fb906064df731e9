/** Finding single messages: by unique key, by offsetMsgId, by key. */

import { viewOf } from "../protocol/bytes.ts";
import { QUERY_MESSAGE, VIEW_MESSAGE_BY_ID } from "../protocol/commands/query.ts";
import { createMessageId, hostText, MessageProperty, parseMessageId } from "../protocol/message.ts";
import {
  checkRecord,
  copyMessage,
  readRecord,
  type StoredMessage,
} from "../protocol/message_record.ts";
import { refuse, RemotingError, ResponseCode } from "../protocol/response_code.ts";
import type { AdminClient, BrokerAddress } from "./admin_client.ts";
import { fanOut } from "./fan_out.ts";
import { type Message, messageOf, recordsOf } from "./message.ts";
import { firstAddress } from "./queue_reading.ts";

/** Times that leave no message out. */
export const ALL_TIMES = { begin: 0, end: Number.MAX_SAFE_INTEGER } as const;

/** A record that was found, and the broker that has it. */
interface FoundRecord {
  readonly brokerName: string;
  readonly brokerAddr: string;
  readonly bytes: Uint8Array;
}

/** A message as it is stored, and the broker that has it. */
export interface FoundMessage extends StoredMessage {
  readonly brokerName: string;
  readonly brokerAddr: string;
}

export interface KeyQuery {
  topic: string;
  key: string;
  /** Whether the key is a unique key, and no other will do. */
  isUniqueKey?: boolean;
  /** Store times in milliseconds, both included. */
  begin?: number;
  end?: number;
  maxNum: number;
  bodyLimit?: number;
}

export interface KeyResult {
  /** Newest first; only messages that really have the key. */
  readonly messages: readonly Message[];
  /** Some broker may have more. */
  readonly isFull: boolean;
}

/** Apache's brokers give no more at once (maxMsgsNumBatch). */
const QUERY_MAX = 64;

/**
 * The messages of a topic that have a key.
 * @throws {RemotingError} TOPIC_NOT_EXIST.
 */
export async function queryByKey(admin: AdminClient, query: KeyQuery): Promise<KeyResult> {
  const brokers = await brokersOf(admin, query.topic);
  const { answers } = await fanOut(
    brokers,
    ({ brokerAddr }) => askForKey(admin, brokerAddr, query),
  );
  const found: Message[] = [];
  // Up to here a broker that may have more has told all.
  let oldest = 0;
  let isFull = false;
  for (const { broker, value } of answers) {
    const candidates = [...recordsOf(value)].map((record) =>
      messageOf(value, record, broker.brokerName, query.bodyLimit)
    );
    found.push(...candidates.filter((message) => hasKey(message, query)));
    if (candidates.length < Math.min(query.maxNum, QUERY_MAX)) continue;
    isFull = true;
    oldest = Math.max(oldest, Math.min(...candidates.map((message) => message.storeTimestamp)));
  }
  const messages = found.filter(({ storeTimestamp }) => storeTimestamp >= oldest)
    .sort((a, b) => b.storeTimestamp - a.storeTimestamp || b.queueOffset - a.queueOffset);
  return { messages, isFull };
}

async function askForKey(
  admin: AdminClient,
  brokerAddr: string,
  query: KeyQuery,
): Promise<Uint8Array> {
  const { topic, key, maxNum, begin = ALL_TIMES.begin, end = ALL_TIMES.end } = query;
  const header = { topic, key, maxNum, beginTimestamp: begin, endTimestamp: end };
  const unique = query.isUniqueKey ? { _UNIQUE_KEY_QUERY: true } : {};
  const accept = [ResponseCode.QUERY_NOT_FOUND];
  const { body } = await admin.invoke(brokerAddr, QUERY_MESSAGE, { ...header, ...unique }, {
    accept,
  });
  return body;
}

/** Apache's brokers answer with all messages whose key has the same hash, in times to the second. */
function hasKey(message: Message, { key, isUniqueKey, begin, end }: KeyQuery): boolean {
  const { storeTimestamp } = message;
  if (storeTimestamp < (begin ?? 0) || storeTimestamp > (end ?? Infinity)) return false;
  if (message.properties[MessageProperty.UNIQ_KEY] === key) return true;
  return !isUniqueKey && (message.keys.includes(key) || message.properties["KEYS"] === key);
}

/** The brokers of a topic, one of each name. @throws {RemotingError} TOPIC_NOT_EXIST. */
export async function brokersOf(admin: AdminClient, topic: string): Promise<BrokerAddress[]> {
  const { brokerDatas } = await admin.route(topic);
  return brokerDatas.flatMap((broker) => {
    const brokerAddr = firstAddress(broker);
    if (brokerAddr === undefined) return [];
    const { cluster: clusterName, brokerName } = broker;
    return [{ clusterName, brokerName, brokerId: 0, brokerAddr }];
  });
}

/**
 * The message with this id: a unique key, for which the topic has to be known, or an offsetMsgId. Of several messages
 * with one unique key the newest.
 * @throws {RemotingError} QUERY_NOT_FOUND when there is none.
 */
export async function findMessage(
  admin: AdminClient,
  id: string,
  topic?: string,
  bodyLimit?: number,
): Promise<Message> {
  const { bytes, brokerName } = await findRecord(admin, id, topic);
  return messageOf(bytes, readRecord(bytes, viewOf(bytes), 0), brokerName, bodyLimit);
}

/** The same message, as it is stored. */
export async function findStored(
  admin: AdminClient,
  id: string,
  topic?: string,
): Promise<FoundMessage> {
  const { bytes, brokerName, brokerAddr } = await findRecord(admin, id, topic);
  const stored = copyMessage(bytes, readRecord(bytes, viewOf(bytes), 0));
  return { ...stored, brokerName, brokerAddr };
}

async function findRecord(admin: AdminClient, id: string, topic?: string): Promise<FoundRecord> {
  const found = (topic === undefined ? undefined : await findByUniqueKey(admin, id, topic)) ??
    (isOffsetMsgId(id) ? await findByOffset(admin, id, topic) : undefined);
  if (found !== undefined) return found;
  const where = topic === undefined
    ? "; an id that a producer gave (msgId) can only be found with its topic"
    : ` in the topic ${topic}`;
  throw refuse(ResponseCode.QUERY_NOT_FOUND, `There is no message ${id}${where}`);
}

async function findByUniqueKey(
  admin: AdminClient,
  id: string,
  topic: string,
): Promise<FoundRecord | undefined> {
  const query = { topic, key: id, isUniqueKey: true, maxNum: QUERY_MAX };
  const brokers = await brokersOf(admin, topic);
  const { answers } = await fanOut(
    brokers,
    ({ brokerAddr }) => askForKey(admin, brokerAddr, query),
  );
  let newest: FoundRecord | undefined;
  let newestTimestamp = -1;
  for (const { broker: { brokerName, brokerAddr }, value: bytes } of answers) {
    for (const record of recordsOf(bytes)) {
      if (record.storeTimestamp <= newestTimestamp) continue;
      const message = messageOf(bytes, record, brokerName, 0);
      if (!hasKey(message, query)) continue;
      const { start, size } = record;
      newest = { brokerName, brokerAddr, bytes: bytes.subarray(start, start + size) };
      newestTimestamp = record.storeTimestamp;
    }
  }
  return newest;
}

/** Whether a text may be an offsetMsgId; a unique key of Java's client may be one as well. */
export function isOffsetMsgId(id: string): boolean {
  return /^([0-9A-Fa-f]{32}|[0-9A-Fa-f]{56})$/.test(id);
}

/**
 * Only brokers of the cluster are asked, never the address that an id names: somebody made it up, perhaps. That the id
 * names the address under which the broker is known is not certain either.
 */
async function findByOffset(
  admin: AdminClient,
  id: string,
  topic: string | undefined,
): Promise<FoundRecord | undefined> {
  const { storeHost, physicalOffset } = parseMessageId(id);
  if (!Number.isSafeInteger(physicalOffset) || physicalOffset < 0) return undefined;
  const address = hostText(storeHost);
  const masters = await admin.masters();
  const named = masters.filter(({ brokerAddr }) => brokerAddr === address);
  const { answers } = await fanOut(
    named.length > 0 ? named : masters,
    ({ brokerAddr }) => viewRecord(admin, brokerAddr, physicalOffset, topic),
  );
  for (const { broker: { brokerName, brokerAddr }, value: bytes } of answers) {
    if (bytes === undefined) continue;
    // Apache's brokers send whatever is at the offset, be it a message or not.
    const check = checkRecord(bytes, viewOf(bytes), 0, bytes.length);
    if (check.kind !== "message" || check.record.physicalOffset !== physicalOffset) continue;
    if (createMessageId(check.record.storeHost, physicalOffset) !== id.toUpperCase()) continue;
    return { brokerName, brokerAddr, bytes };
  }
  return undefined;
}

async function viewRecord(
  admin: AdminClient,
  brokerAddr: string,
  offset: number,
  topic: string | undefined,
): Promise<Uint8Array | undefined> {
  try {
    return (await admin.invoke(brokerAddr, VIEW_MESSAGE_BY_ID, { topic, offset })).body;
  } catch (error) {
    // So brokers say that there is no message at the offset.
    if (error instanceof RemotingError && error.code === ResponseCode.SYSTEM_ERROR) {
      return undefined;
    }
    throw error;
  }
}
