/** Which queues a member of a group consumes. Pure: every member works it out for itself from the same lists. */

import type { MessageQueue } from "./message.ts";

/**
 * Shares queues out evenly, neighbours together; the first members get one more where it does not come out even. All
 * clients of a group have to share out in the same way: this is Java's and Go's default (AllocateMessageQueueAveragely).
 */
export function allocateAveragely(
  clientId: string,
  clientIds: readonly string[],
  queues: readonly MessageQueue[],
): MessageQueue[] {
  const members = [...clientIds].sort();
  const index = members.indexOf(clientId);
  if (index < 0) return [];
  const sorted = [...queues].sort(compareQueues);
  const rest = sorted.length % members.length;
  const size = Math.floor(sorted.length / members.length) + (index < rest ? 1 : 0);
  const start = index * size + (index < rest ? 0 : rest);
  return sorted.slice(start, start + size);
}

/** The order of Java's MessageQueue. */
function compareQueues(a: MessageQueue, b: MessageQueue): number {
  return compareTexts(a.topic, b.topic) || compareTexts(a.brokerName, b.brokerName) ||
    a.queueId - b.queueId;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
