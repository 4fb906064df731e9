/** Which brokers have queues of which topic: the topic half of the route table. In memory, no I/O. */

import type { QueueData } from "../../client/protocol/route_data.ts";

export class TopicQueueTable {
  /** QueueData by brokerName by topic; a topic without brokers is not kept. */
  readonly #topics = new Map<string, Map<string, QueueData>>();

  /** How many topics there are. */
  get size(): number {
    return this.#topics.size;
  }

  /** The queues of a topic by brokerName. */
  queuesOf(topic: string): ReadonlyMap<string, QueueData> | undefined {
    return this.#topics.get(topic);
  }

  /** Puts or replaces the queues that a topic has on one broker. */
  put(topic: string, queueData: QueueData): void {
    let queues = this.#topics.get(topic);
    if (queues === undefined) this.#topics.set(topic, queues = new Map());
    queues.set(queueData.brokerName, queueData);
  }

  /** Forgets a topic, everywhere or on the given brokers only. */
  delete(topic: string, brokerNames?: Iterable<string>): void {
    const queues = this.#topics.get(topic);
    if (queues === undefined) return;
    for (const brokerName of brokerNames ?? []) queues.delete(brokerName);
    if (brokerNames === undefined || queues.size === 0) this.#topics.delete(topic);
  }

  /** Forgets the topics of a broker, all or those that `isObsolete` picks. */
  deleteBroker(brokerName: string, isObsolete: (topic: string) => boolean = () => true): void {
    for (const [topic, queues] of this.#topics) {
      if (queues.has(brokerName) && isObsolete(topic)) this.delete(topic, [brokerName]);
    }
  }

  /** Changes the perm of all topics of a broker. Returns their number. */
  changePerm(brokerName: string, change: (perm: number) => number): number {
    let count = 0;
    for (const queues of this.#topics.values()) {
      const queueData = queues.get(brokerName);
      if (queueData === undefined) continue;
      queues.set(brokerName, { ...queueData, perm: change(queueData.perm) });
      count++;
    }
    return count;
  }

  /** All topics, or those of which the queues on some broker satisfy `isWanted`. */
  topics(isWanted: (queueData: QueueData) => boolean = () => true): string[] {
    return [...this.#topics]
      .filter(([, queues]) => [...queues.values()].some(isWanted))
      .map(([topic]) => topic);
  }

  /** Topics picked by the topicSysFlag of the broker that was first to register them, which is what Java looks at. */
  topicsBySysFlag(isWanted: (topicSysFlag: number) => boolean): string[] {
    return [...this.#topics]
      .filter(([, queues]) => isWanted([...queues.values()][0]!.topicSysFlag))
      .map(([topic]) => topic);
  }
}
