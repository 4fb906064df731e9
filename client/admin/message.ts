/** A message as tools show it: its parts in Java's names, its body decompressed and, when it is long, cut. */

import { decodeUtf8, viewOf } from "../protocol/bytes.ts";
import { compressionOf, type CompressionType, decompressBody } from "../protocol/compression.ts";
import {
  createMessageId,
  hostText,
  keysOf,
  MessageProperty,
  parseProperties,
} from "../protocol/message.ts";
import { readRecord, type RecordLayout } from "../protocol/message_record.ts";

/** What a message is to be shown with. */
export interface Message {
  readonly brokerName: string;
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  /** The unique key that its producer gave it, or the offsetMsgId when it has none. */
  readonly msgId: string;
  readonly offsetMsgId: string;
  readonly tags?: string;
  readonly keys: readonly string[];
  /** All properties, those included that have fields of their own here. */
  readonly properties: Readonly<Record<string, string>>;
  readonly sysFlag: number;
  readonly flag: number;
  readonly bornTimestamp: number;
  readonly bornHost: string;
  readonly storeTimestamp: number;
  readonly storeHost: string;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
  /** Bytes of the whole record. */
  readonly storeSize: number;
  /** The body, decompressed and cut; as it is stored when it cannot be decompressed. */
  readonly body: Uint8Array;
  /** Bytes of the body before it was cut. */
  readonly bodyLength: number;
  readonly compression?: CompressionType;
  /** Why the body could not be decompressed. */
  readonly bodyProblem?: string;
}

/** No body grows beyond this when it is decompressed. */
export const BODY_BYTES_MAX = 32 * 1024 * 1024;

/** Copies what is shown of a record out of the buffer that holds it; of the body at most `bodyLimit` bytes. */
export function messageOf(
  bytes: Uint8Array,
  record: RecordLayout,
  brokerName: string,
  bodyLimit = Infinity,
): Message {
  const { bodyStart, propertiesStart, propertiesLength } = record;
  const text = decodeUtf8(bytes, propertiesStart, propertiesStart + propertiesLength);
  const properties = parseProperties(text);
  const tags = properties.get(MessageProperty.TAGS);
  const offsetMsgId = createMessageId(record.storeHost, record.physicalOffset);
  const stored = bytes.subarray(bodyStart, bodyStart + record.bodyLength);
  return {
    brokerName,
    topic: record.topic,
    queueId: record.queueId,
    queueOffset: record.queueOffset,
    physicalOffset: record.physicalOffset,
    msgId: properties.get(MessageProperty.UNIQ_KEY) ?? offsetMsgId,
    offsetMsgId,
    ...(tags === undefined ? {} : { tags }),
    keys: keysOf(properties.get(MessageProperty.KEYS)),
    properties: Object.fromEntries(properties),
    sysFlag: record.sysFlag,
    flag: record.flag,
    bornTimestamp: record.bornTimestamp,
    bornHost: hostText(record.bornHost),
    storeTimestamp: record.storeTimestamp,
    storeHost: hostText(record.storeHost),
    reconsumeTimes: record.reconsumeTimes,
    preparedTransactionOffset: record.preparedTransactionOffset,
    storeSize: record.size,
    ...bodyOf(record.sysFlag, stored, bodyLimit),
  };
}

/** The messages in the body of an answer. */
export function messagesOf(
  body: Uint8Array,
  brokerName: string,
  bodyLimit = Infinity,
): Message[] {
  const messages: Message[] = [];
  for (const record of recordsOf(body)) {
    messages.push(messageOf(body, record, brokerName, bodyLimit));
  }
  return messages;
}

/** Where the records in the body of an answer are. */
export function* recordsOf(body: Uint8Array): Generator<RecordLayout> {
  const view = viewOf(body);
  for (let position = 0; position < body.length;) {
    const record = readRecord(body, view, position);
    yield record;
    position += record.size;
  }
}

function bodyOf(
  sysFlag: number,
  stored: Uint8Array,
  bodyLimit: number,
): Pick<Message, "body" | "bodyLength" | "compression" | "bodyProblem"> {
  const compression = compressionOf(sysFlag);
  const kind = compression === undefined ? {} : { compression };
  try {
    const body = decompressBody(sysFlag, stored, BODY_BYTES_MAX);
    return { body: body.slice(0, bodyLimit), bodyLength: body.length, ...kind };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const problem = { bodyProblem: error.message };
    return { body: stored.slice(0, bodyLimit), bodyLength: stored.length, ...kind, ...problem };
  }
}
