/** Which queues a member of a group consumes. Pure: every member works it out for itself from the same lists. */

import { averagely, compareQueues, type MessageQueue } from "./protocol/message_queue.ts";

/** A member's share of queues, from lists in any order; Java's and Go's clients share out in the same way by default. */
export function allocateAveragely(
  clientId: string,
  clientIds: readonly string[],
  queues: readonly MessageQueue[],
): MessageQueue[] {
  return averagely({
    clientId,
    clientIds: [...clientIds].sort(),
    queues: [...queues].sort(compareQueues),
  });
}
