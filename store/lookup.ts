/** Finding messages and offsets by place, key and time. */

import { decodeUtf8, getInt64, viewOf } from "../client/protocol/bytes.ts";
import { findProperty, MessageProperty } from "../client/protocol/message.ts";
import { isLmq } from "../client/protocol/multi_dispatch.ts";
import { checkRecord, copyMessage, type StoredMessage } from "../client/protocol/message_record.ts";
import type { CommitLog } from "./commit_log.ts";
import type { ConsumeQueue } from "./consume_queue.ts";
import { CorruptStoreError } from "./errors.ts";
import type { MessageIndex } from "./message_index.ts";

/** Which offset a time between or on messages stands for: the first one not before it, or the last not after it. */
export type BoundaryType = "LOWER" | "UPPER";

/** Most messages are no longer than this, so that one read suffices. */
const FIRST_READ_BYTES = 4096;
/** Enough of a record to hold its storeTimestamp. */
const STORE_TIMESTAMP_READ_BYTES = 91;

/** The message whose record begins at `physicalOffset`; undefined when none does. */
export async function messageAt(
  log: CommitLog,
  physicalOffset: number,
): Promise<StoredMessage | undefined> {
  const record = await recordAt(log, physicalOffset);
  if (record === undefined) return undefined;
  const check = checkRecord(record, viewOf(record), 0, record.length);
  return check.kind === "message" ? copyMessage(record, check.record) : undefined;
}

/** The bytes of the record at `physicalOffset`, of which this proves that they are one; undefined when they are none. */
export async function recordAt(
  log: CommitLog,
  physicalOffset: number,
): Promise<Uint8Array | undefined> {
  if (physicalOffset < log.minOffset || physicalOffset >= log.writtenOffset) return undefined;
  let bytes = await log.read(physicalOffset, FIRST_READ_BYTES);
  let check = checkRecord(bytes, viewOf(bytes), 0, bytes.length);
  if (check.kind === "short") {
    if (physicalOffset + check.needed > log.writtenOffset) return undefined;
    bytes = await log.read(physicalOffset, check.needed);
    check = checkRecord(bytes, viewOf(bytes), 0, bytes.length);
  }
  if (check.kind !== "message" || check.record.physicalOffset !== physicalOffset) return undefined;
  return bytes.subarray(0, check.record.size);
}

/** When the message of a queue was stored, in milliseconds since the epoch; -1 when it cannot be read. */
export function storeTimestampOf(log: CommitLog, queue: ConsumeQueue, queueOffset: number): number {
  const units = queue.read(queueOffset, 1);
  if (units.count === 0 || units.physicalOffset(0) < log.minOffset) return -1;
  const physicalOffset = units.physicalOffset(0);
  const bytes = log.readTail(physicalOffset, STORE_TIMESTAMP_READ_BYTES) ??
    log.readSync(physicalOffset, STORE_TIMESTAMP_READ_BYTES);
  const view = viewOf(bytes);
  if (bytes.length < STORE_TIMESTAMP_READ_BYTES) return -1;
  // A unit that is damaged points to something else. In a light queue a message has another offset than in its own.
  const isOther = getInt64(view, 20) !== queueOffset && !isLmq(queue.topic);
  if (isOther || getInt64(view, 28) !== physicalOffset) return -1;
  const bornHostBytes = (view.getInt32(36) & 16) === 0 ? 8 : 20;
  return getInt64(view, 48 + bornHostBytes);
}

/**
 * The queueOffset that stands for a time. Before the first message that is the first, after the last one it is the end
 * of the queue (LOWER) or the last message (UPPER).
 */
export function offsetByTime(
  log: CommitLog,
  queue: ConsumeQueue,
  timestamp: number,
  boundary: BoundaryType,
): number {
  let low = queue.minOffset;
  let high = queue.maxOffset;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    // A message that cannot be read counts as stored when the next one was.
    let at = middle;
    let stored = storeTimestampOf(log, queue, at);
    while (stored < 0 && ++at < high) stored = storeTimestampOf(log, queue, at);
    const isBefore = stored < timestamp || (boundary === "UPPER" && stored === timestamp);
    if (stored >= 0 && isBefore) low = at + 1;
    else high = middle;
  }
  return boundary === "LOWER" ? low : Math.max(queue.minOffset, low - 1);
}

export interface KeyQuery {
  topic: string;
  key: string;
  maxNum: number;
  /** Store times in milliseconds, both included. */
  beginTimestamp: number;
  endTimestamp: number;
}

/**
 * Records of messages that have this key or unique key, newest first.
 * @throws {CorruptStoreError} when there is none, but damage where one could be.
 */
export async function recordsByKey(
  log: CommitLog,
  index: MessageIndex,
  query: KeyQuery,
): Promise<Uint8Array[]> {
  const records: Uint8Array[] = [];
  const seen = new Set<number>();
  let unreadable = -1;
  const { topic, key, beginTimestamp, endTimestamp } = query;
  await index.check(beginTimestamp, endTimestamp);
  for (const physicalOffset of index.query(topic, key, beginTimestamp, endTimestamp)) {
    if (records.length >= query.maxNum) break;
    if (seen.has(physicalOffset)) continue;
    seen.add(physicalOffset);
    const record = await recordAt(log, physicalOffset);
    if (record === undefined && physicalOffset >= log.minOffset) unreadable = physicalOffset;
    if (record !== undefined && hasKey(record, query)) records.push(record);
  }
  if (records.length > 0 || unreadable < 0) return records;
  throw new CorruptStoreError(
    `Cannot read the message in ${log.segments.folder} at offset ${unreadable}, which may have ` +
      `this key; comet store verify tells more`,
  );
}

function hasKey(bytes: Uint8Array, query: KeyQuery): boolean {
  const check = checkRecord(bytes, viewOf(bytes), 0, bytes.length);
  if (check.kind !== "message" || check.record.topic !== query.topic) return false;
  const { storeTimestamp, propertiesStart, propertiesLength } = check.record;
  if (storeTimestamp < query.beginTimestamp || storeTimestamp > query.endTimestamp) return false;
  const properties = decodeUtf8(bytes, propertiesStart, propertiesStart + propertiesLength);
  if (findProperty(properties, MessageProperty.UNIQ_KEY) === query.key) return true;
  const keys = findProperty(properties, MessageProperty.KEYS);
  return keys === query.key || (keys?.split(" ").includes(query.key) ?? false);
}
