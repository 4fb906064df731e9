/**
 * From the log to the consume queues and the index ("reput" in Java): what has reached the promised level becomes
 * visible to consumers, in log order.
 */

import { decodeUtf8 } from "../client/protocol/bytes.ts";
import {
  findProperty,
  javaHashCode,
  MessageProperty,
  MessageSysFlag,
} from "../client/protocol/message.ts";
import type { RecordLayout } from "../client/protocol/message_record.ts";
import { isLmq, LMQ_QUEUE_ID, lmqPlacesOf } from "../client/protocol/multi_dispatch.ts";
import { SystemTopic } from "../client/protocol/names.ts";
import type { ConsumeQueue } from "./consume_queue.ts";
import type { MessageIndex } from "./message_index.ts";

/** The topic whose queues hold messages until their delay is over, one queue for each delay level. */
export const SCHEDULE_TOPIC = SystemTopic.SCHEDULE;

/** One record on its way to its queue. */
export interface DispatchEntry {
  topic: string;
  queueId: number;
  queue: ConsumeQueue;
  queueOffset: number;
  physicalOffset: number;
  size: number;
  sysFlag: number;
  storeTimestamp: number;
  tagsCode: number;
  keys: string | undefined;
  uniqKey: string | undefined;
  /** The same message in each light queue that it is in. */
  multiDispatch: DispatchEntry[] | undefined;
}

/** The time that each delay level waits, in milliseconds; level 1 is the first. */
export type DelayLevels = readonly number[];

/** What consumers' filters compare with: the tags' hash, or in a schedule queue the time of delivery. */
export function tagsCodeOf(
  topic: string,
  properties: string,
  storeTimestamp: number,
  delayLevels: DelayLevels,
): number {
  if (topic === SCHEDULE_TOPIC) {
    const level = Number(findProperty(properties, MessageProperty.DELAY) ?? 0);
    if (level > 0 && delayLevels.length > 0) {
      return storeTimestamp + delayLevels[Math.min(level, delayLevels.length) - 1]!;
    }
  }
  const tags = findProperty(properties, MessageProperty.TAGS);
  return tags === undefined ? 0 : javaHashCode(tags);
}

/** Whether messages with this sysFlag go to a consume queue: half and rolled back ones do not. */
export function isQueued(sysFlag: number): boolean {
  const transaction = sysFlag & MessageSysFlag.TRANSACTION_ROLLBACK;
  return transaction === 0 || transaction === MessageSysFlag.TRANSACTION_COMMIT;
}

/** The properties of a record in the buffer that it lies in. */
export function propertiesOf(bytes: Uint8Array, record: RecordLayout): string {
  const { propertiesStart, propertiesLength } = record;
  return decodeUtf8(bytes, propertiesStart, propertiesStart + propertiesLength);
}

/** The offset of a sound record in a queue; undefined when it is not in it. */
export function queueOffsetIn(
  queue: Pick<ConsumeQueue, "topic" | "queueId">,
  record: RecordLayout,
  properties: () => string,
): number | undefined {
  const { topic, queueId } = queue;
  if (record.topic === topic && record.queueId === queueId) return record.queueOffset;
  if (!isLmq(topic) || queueId !== LMQ_QUEUE_ID) return undefined;
  return lmqPlacesOf(record.topic, properties()).find((place) => place.topic === topic)
    ?.queueOffset;
}

/** The entry for a record that was read back from the log, without what it is in light queues. */
export function entryOf(
  properties: string,
  record: RecordLayout,
  queue: ConsumeQueue,
  delayLevels: DelayLevels,
): DispatchEntry {
  return {
    topic: record.topic,
    queueId: record.queueId,
    queue,
    queueOffset: record.queueOffset,
    physicalOffset: record.physicalOffset,
    size: record.size,
    sysFlag: record.sysFlag,
    storeTimestamp: record.storeTimestamp,
    tagsCode: tagsCodeOf(record.topic, properties, record.storeTimestamp, delayLevels),
    keys: findProperty(properties, MessageProperty.KEYS),
    uniqKey: findProperty(properties, MessageProperty.UNIQ_KEY),
    multiDispatch: undefined,
  };
}

/** Puts one record into its queues and the index. */
export function dispatchEntry(entry: DispatchEntry, index: MessageIndex | undefined): void {
  if (isQueued(entry.sysFlag)) {
    putUnit(entry);
    if (entry.multiDispatch !== undefined) {
      for (const light of entry.multiDispatch) putUnit(light);
    }
  }
  if (index !== undefined && isIndexed(entry.sysFlag)) {
    index.put(entry.topic, entry.keys, entry.uniqKey, entry.physicalOffset, entry.storeTimestamp);
  }
}

/** Puts the unit of a record into one of its queues. */
export function putUnit(entry: DispatchEntry): void {
  entry.queue.put(entry.queueOffset, entry.physicalOffset, entry.size, entry.tagsCode);
}

function isIndexed(sysFlag: number): boolean {
  const rollback = MessageSysFlag.TRANSACTION_ROLLBACK;
  return (sysFlag & rollback) !== rollback;
}

/** Puts a record that was read back from the log into the index only. */
export function indexRecord(bytes: Uint8Array, record: RecordLayout, index: MessageIndex): void {
  if (!isIndexed(record.sysFlag)) return;
  const properties = propertiesOf(bytes, record);
  const keys = findProperty(properties, MessageProperty.KEYS);
  const uniqKey = findProperty(properties, MessageProperty.UNIQ_KEY);
  index.put(record.topic, keys, uniqKey, record.physicalOffset, record.storeTimestamp);
}

/** Records that wait for the promised level, oldest first. */
export class DispatchQueue {
  #entries: DispatchEntry[] = [];
  #head = 0;

  push(entry: DispatchEntry): void {
    this.#entries.push(entry);
  }

  /** Takes the next record, if it ends at or before `offset`. */
  take(offset: number): DispatchEntry | undefined {
    const entry = this.#entries[this.#head];
    if (entry === undefined || entry.physicalOffset + entry.size > offset) return undefined;
    this.#head++;
    if (this.#head === this.#entries.length) {
      this.#entries = [];
      this.#head = 0;
    }
    return entry;
  }

  /** Takes back every record after `offset`, newest first. */
  *undo(offset: number): Generator<DispatchEntry> {
    while (this.#entries.length > this.#head) {
      const entry = this.#entries.at(-1)!;
      if (entry.physicalOffset < offset) return;
      this.#entries.pop();
      yield entry;
    }
  }
}
