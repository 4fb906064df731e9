/** Queues as Java's bodies have them: maps whose keys are MessageQueues. */

import { compareText } from "./queues.ts";

/** A queue of a topic at a broker. */
export interface MessageQueue {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
}

/** The entries of a parsed map whose keys are queues; entries whose key is none are left out. */
export function queueEntries(
  table: unknown,
): { queue: MessageQueue; value: Record<string, unknown> }[] {
  if (typeof table !== "object" || table === null) return [];
  return Object.entries(table).flatMap(([key, value]) => {
    const queue = parseQueue(key);
    return queue === undefined ? [] : [{ queue, value: value ?? {} }];
  });
}

function parseQueue(key: string): MessageQueue | undefined {
  if (!key.startsWith("{")) return undefined;
  const { topic, brokerName, queueId } = JSON.parse(key) as Record<string, unknown>;
  if (typeof topic !== "string" || typeof brokerName !== "string") return undefined;
  return { topic, brokerName, queueId: numberOf(queueId) };
}

/** By topic, broker and queue. */
export function compareQueues(left: MessageQueue, right: MessageQueue): number {
  return compareText(left.topic, right.topic) || compareText(left.brokerName, right.brokerName) ||
    left.queueId - right.queueId;
}

/** A number of a parsed body; 0 when it is none. */
export function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

/** A queue as a key of a Map. */
export function queueKey({ topic, brokerName, queueId }: MessageQueue): string {
  return `${topic} ${brokerName} ${queueId}`;
}
