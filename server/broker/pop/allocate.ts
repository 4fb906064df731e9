/**
 * Which queues of a topic each client of a group has, when the broker shares them out. The strategies are those that
 * clients use when they do it themselves (AllocateMessageQueueAveragely.java, …ByCircle.java, and for pops
 * QueryAssignmentProcessor.java of Apache RocketMQ 5.3.3).
 */

import {
  type Allocation,
  averagely,
  type MessageQueue,
} from "../../../client/protocol/message_queue.ts";

export type AllocateStrategy = (allocation: Allocation) => MessageQueue[];

/** By the names that clients give them. */
export const ALLOCATE_STRATEGIES: ReadonlyMap<string, AllocateStrategy> = new Map([
  ["AVG", averagely],
  ["AVG_BY_CIRCLE", averagelyByCircle],
]);

/** One queue for each client in turn. */
function averagelyByCircle({ clientId, clientIds, queues }: Allocation): MessageQueue[] {
  const index = clientIds.indexOf(clientId);
  if (index < 0) return [];
  return queues.filter((_, queue) => queue % clientIds.length === index);
}

/**
 * For pops, where queues can be shared: all queues of every broker, as queueId -1, or with `popShareQueueNum` the client's
 * own and those of so many clients after it.
 */
export function allocateForPop(
  strategy: AllocateStrategy,
  allocation: Allocation,
  popShareQueueNum: number,
): MessageQueue[] {
  const { clientId, clientIds, queues } = allocation;
  if (popShareQueueNum <= 0 || popShareQueueNum >= clientIds.length - 1) {
    return allQueuesOf(queues);
  }
  const index = clientIds.indexOf(clientId);
  if (clientIds.length > queues.length) {
    return index < 0 ? [] : [queues[index % queues.length]!];
  }
  const shared = strategy(allocation);
  for (let step = 1; index >= 0 && step <= popShareQueueNum; step++) {
    const other = clientIds[(index + step) % clientIds.length]!;
    shared.push(...strategy({ ...allocation, clientId: other }));
  }
  return shared;
}

function allQueuesOf(queues: readonly MessageQueue[]): MessageQueue[] {
  const brokers = new Map(queues.map(({ topic, brokerName }) => [brokerName, topic]));
  return [...brokers].map(([brokerName, topic]) => ({ topic, brokerName, queueId: -1 }));
}
