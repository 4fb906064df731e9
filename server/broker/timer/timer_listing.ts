/** What waits, for people and tools: listed by when it is due, a page at a time. */

import { findProperty, MessageProperty } from "../../../client/protocol/message.ts";
import type { Due } from "../../../store/timer/due_heap.ts";
import type { TimerStore } from "../../../store/timer/timer_store.ts";
import { readTimerProperties, readTimerRecord } from "./timer_message.ts";
import { TimerReader, type TimerReaderStore } from "./timer_reader.ts";

/** A timer message that waits. */
export interface WaitingTimer {
  /** When it is due; milliseconds since the epoch. */
  due: number;
  /** The topic and queue that it goes to. */
  topic: string;
  queueId: number;
  uniqKey: string | undefined;
  keys: string | undefined;
  tags: string | undefined;
  bodyBytes: number;
  bornTimestamp: number;
  /** How often it has been stored anew. */
  rollTimes: number;
  /** Where it waits: in the timer topic's queue, and in the log. */
  queueOffset: number;
  physicalOffset: number;
}

export interface TimerQuery {
  /** Of all topics when it is absent. */
  topic?: string;
  /** Due at this time or later; milliseconds since the epoch. */
  dueFrom?: number;
  /** Behind the last one of the page before, in place of `dueFrom`. */
  after?: Pick<WaitingTimer, "due" | "queueOffset">;
  limit: number;
}

const PAGE_MAX = 1_000;

/** The first messages that a query means, in the order in which they are due; at most PAGE_MAX. */
export async function listTimers(
  { store, timerStore }: { store: TimerReaderStore; timerStore: TimerStore },
  query: TimerQuery,
): Promise<WaitingTimer[]> {
  const { dueFrom = 0, topic } = query;
  const after: Pick<Due, "due" | "queueOffset"> = query.after ?? { due: dueFrom, queueOffset: -1 };
  const limit = Math.min(query.limit, PAGE_MAX);
  const entries = await timerStore.index.list(after, limit, topic);
  const reader = new TimerReader(store);
  const found: WaitingTimer[] = [];
  for (const entry of entries) {
    await reader.load([entry]);
    const bytes = reader.find(entry);
    if (bytes === undefined || bytes === "GONE") continue;
    const { layout, text } = readTimerRecord(bytes);
    const timer = readTimerProperties(text)!;
    const { due, queueOffset, physicalOffset } = entry;
    const { topic, queueId, uniqKey, rollTimes } = timer;
    found.push({
      due,
      topic,
      queueId,
      uniqKey,
      keys: findProperty(text, MessageProperty.KEYS),
      tags: findProperty(text, MessageProperty.TAGS),
      bodyBytes: layout.bodyLength,
      bornTimestamp: layout.bornTimestamp,
      rollTimes,
      queueOffset,
      physicalOffset,
    });
  }
  return found;
}
