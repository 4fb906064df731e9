/** One queue of a topic at a broker, as clients, brokers and tools name it (MessageQueue.java). */

import { javaHashCode } from "./message.ts";

export interface MessageQueue {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
}

/** The order in which queues are listed and shared out: by topic, broker and number. */
export function compareQueues(left: MessageQueue, right: MessageQueue): number {
  return compareText(left.topic, right.topic) || compareText(left.brokerName, right.brokerName) ||
    left.queueId - right.queueId;
}

/** As Java compares: by code units, the same everywhere. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** One text for each queue: no topic has a space in it, and no number. */
export function queueKey({ topic, brokerName, queueId }: MessageQueue): string {
  return `${topic} ${brokerName} ${queueId}`;
}

/** The queue of a sharding key: the same as long as there are the same queues. There has to be one. */
export function chooseByKey<Q extends MessageQueue>(queues: readonly Q[], shardingKey: string): Q {
  return queues[Math.abs(javaHashCode(shardingKey)) % queues.length]!;
}

/** What one member of a group asks for. */
export interface Allocation {
  clientId: string;
  /** In ascending order. */
  clientIds: readonly string[];
  /** In the order of `compareQueues`. */
  queues: readonly MessageQueue[];
}

/**
 * Each client has a stretch of queues next to each other; the first ones have one more where it does not come out even
 * (AllocateMessageQueueAveragely.java). All clients of a group must ask with the same lists in the same order.
 */
export function averagely({ clientId, clientIds, queues }: Allocation): MessageQueue[] {
  const index = clientIds.indexOf(clientId);
  if (index < 0) return [];
  const rest = queues.length % clientIds.length;
  const size = Math.floor(queues.length / clientIds.length) + (index < rest ? 1 : 0);
  const start = index * size + (index < rest ? 0 : rest);
  return queues.slice(start, start + size);
}
