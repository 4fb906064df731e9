/**
 * Messages that wait for their time of delivery. No request of Apache's lists them, so the topic in which they wait is
 * read, which works with every broker: all of it, since it is not in the order of their times.
 */

import { TIMER_TOPIC } from "../protocol/names.ts";
import { GET_TIMER_METRICS } from "../protocol/commands/admin_broker.ts";
import { RECALL_MESSAGE } from "../protocol/commands/send.ts";
import { decodeUtf8 } from "../protocol/bytes.ts";
import { createMessageId, findProperty, keysOf, MessageProperty } from "../protocol/message.ts";
import type { RecordLayout } from "../protocol/message_record.ts";
import { parseRecallHandle, printRecallHandle } from "../protocol/recall_handle.ts";
import { refuse, ResponseCode } from "../protocol/response_code.ts";
import { type AdminClient, parseJson } from "./admin_client.ts";
import { fanOut } from "./fan_out.ts";
import { numberOf } from "./message_queue.ts";
import type { SearchQuery } from "./search_types.ts";

/** A message that waits. */
export interface PendingTimer {
  /** When it is due; milliseconds since the epoch. */
  readonly deliverAt: number;
  /** Where it goes to. */
  readonly topic: string;
  readonly msgId: string;
  /** Where it waits. */
  readonly offsetMsgId: string;
  readonly brokerName: string;
  readonly keys: readonly string[];
  readonly tags?: string;
  readonly bodyLength: number;
  readonly bornTimestamp: number;
  /** With which it can be taken back; a message without a unique key cannot. */
  readonly recallHandle?: string;
}

const { TIMER_OUT_MS, TIMER_DEL_UNIQKEY, REAL_TOPIC, UNIQ_KEY, KEYS, TAGS } = MessageProperty;
/** So many cancellations are remembered; who cancels more within a broker's memory of them sees some that are gone. */
const CANCELS_MAX = 1_000_000;

export interface PendingOptions {
  now: number;
  /** Of all topics without it. */
  topic?: string;
  /** Due at this time or later. */
  dueFrom: number;
  limit: number;
}

/** Gathers the first messages that are due, out of all that wait, in whatever order they are read. */
export class PendingTimers {
  readonly #options: PendingOptions;
  /** By where they belong to: broker and unique key. */
  readonly #kept = new Map<string, PendingTimer>();
  readonly #cancelled = new Set<string>();
  #latestKept = Infinity;

  constructor(options: PendingOptions) {
    this.#options = options;
  }

  /** What has to be searched, one broker at a time. */
  query(brokerName: string): SearchQuery {
    const matches = (bytes: Uint8Array, record: RecordLayout) => {
      this.#look(bytes, record, brokerName);
      return false;
    };
    return { topic: TIMER_TOPIC, brokerName, order: "asc", bodyLimit: 0, filter: { matches } };
  }

  /** In the order in which they are due. */
  get timers(): PendingTimer[] {
    return [...this.#kept].filter(([key]) => !this.#cancelled.has(key))
      .map(([, timer]) => timer)
      .sort((a, b) => a.deliverAt - b.deliverAt)
      .slice(0, this.#options.limit);
  }

  #look(bytes: Uint8Array, record: RecordLayout, brokerName: string): void {
    const { propertiesStart, propertiesLength } = record;
    const text = decodeUtf8(bytes, propertiesStart, propertiesStart + propertiesLength);
    const cancelled = findProperty(text, TIMER_DEL_UNIQKEY);
    if (cancelled !== undefined) {
      // Apache writes the topic before the key, with a plus sign between.
      const key = cancelled.slice(cancelled.indexOf("+") + 1);
      if (this.#cancelled.size < CANCELS_MAX) this.#cancelled.add(`${brokerName} ${key}`);
      return;
    }
    // The property is one less than the time, in Apache's brokers as well.
    const deliverAt = Number(findProperty(text, TIMER_OUT_MS)) + 1;
    const topic = findProperty(text, REAL_TOPIC);
    if (!Number.isSafeInteger(deliverAt) || topic === undefined) return;
    const { dueFrom, now, limit } = this.#options;
    if (deliverAt < Math.max(now, dueFrom) || deliverAt >= this.#latestKept) return;
    if (this.#options.topic !== undefined && topic !== this.#options.topic) return;
    const timer = timerOf(record, text, brokerName, topic, deliverAt);
    this.#kept.set(`${brokerName} ${timer.msgId}`, timer);
    if (this.#kept.size > 4 * limit + 1_000) this.#shed(2 * limit + 500);
  }

  /** Forgets those that are due last. */
  #shed(count: number): void {
    const sorted = [...this.#kept].sort(([, a], [, b]) => a.deliverAt - b.deliverAt);
    for (const [key] of sorted.slice(count)) this.#kept.delete(key);
    this.#latestKept = sorted[count]![1].deliverAt;
  }
}

function timerOf(
  record: RecordLayout,
  properties: string,
  brokerName: string,
  topic: string,
  deliverAt: number,
): PendingTimer {
  const uniqKey = findProperty(properties, UNIQ_KEY);
  const tags = findProperty(properties, TAGS);
  const offsetMsgId = createMessageId(record.storeHost, record.physicalOffset);
  return {
    deliverAt,
    topic,
    msgId: uniqKey ?? offsetMsgId,
    offsetMsgId,
    brokerName,
    keys: keysOf(findProperty(properties, KEYS)),
    ...(tags === undefined ? {} : { tags }),
    bodyLength: record.bodyLength,
    bornTimestamp: record.bornTimestamp,
    ...(uniqKey === undefined
      ? {}
      : { recallHandle: printRecallHandle({ topic, brokerName, timestamp: deliverAt, uniqKey }) }),
  };
}

/** How many messages wait for each topic, where brokers count them. */
export async function timerCounts(admin: AdminClient): Promise<Record<string, number>> {
  const accept = [ResponseCode.SYSTEM_ERROR, ResponseCode.REQUEST_CODE_NOT_SUPPORTED];
  const { answers } = await fanOut(await admin.masters(), async ({ brokerAddr }) => {
    const { code, body } = await admin.invoke(brokerAddr, GET_TIMER_METRICS, {}, { accept });
    if (code !== ResponseCode.SUCCESS) return {};
    const { timingCount } = (parseJson(body) ?? {}) as Record<string, unknown>;
    return (timingCount ?? {}) as Record<string, { count?: unknown }>;
  });
  const counts: Record<string, number> = {};
  for (const { value } of answers) {
    for (const [topic, metric] of Object.entries(value)) {
      counts[topic] = (counts[topic] ?? 0) + numberOf(metric.count);
    }
  }
  return counts;
}

/**
 * Takes a message back before it is due; returns its unique key.
 * @throws {RemotingError} INVALID_PARAMETER for what is no handle; the broker's reason when it refuses.
 */
export async function recallTimer(admin: AdminClient, recallHandle: string): Promise<string> {
  const handle = parseRecallHandle(recallHandle);
  if (handle === undefined) {
    throw refuse(ResponseCode.INVALID_PARAMETER, "This is no recall handle");
  }
  const { brokerAddr } = await admin.master(handle.brokerName);
  const header = { topic: handle.topic, recallHandle };
  return (await admin.invoke(brokerAddr, RECALL_MESSAGE, header)).header.msgId;
}
