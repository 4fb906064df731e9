/** Queue offsets by group, topic and queue: maps in maps, so that the hot path makes no key texts. */

export class QueueOffsets {
  readonly #groups = new Map<string, Map<string, Map<number, number>>>();

  get(group: string, topic: string, queueId: number): number | undefined {
    return this.#groups.get(group)?.get(topic)?.get(queueId);
  }

  set(group: string, topic: string, queueId: number, queueOffset: number): void {
    let topics = this.#groups.get(group);
    if (topics === undefined) this.#groups.set(group, topics = new Map());
    let queues = topics.get(topic);
    if (queues === undefined) topics.set(topic, queues = new Map());
    queues.set(queueId, queueOffset);
  }

  /** The offset of a queue, which is forgotten. */
  take(group: string, topic: string, queueId: number): number | undefined {
    const topics = this.#groups.get(group);
    const queues = topics?.get(topic);
    const queueOffset = queues?.get(queueId);
    if (queueOffset === undefined) return undefined;
    queues!.delete(queueId);
    if (queues!.size === 0) topics!.delete(topic);
    if (topics!.size === 0) this.#groups.delete(group);
    return queueOffset;
  }

  /** A group's offsets by topic and queue. */
  topicsOf(group: string): ReadonlyMap<string, ReadonlyMap<number, number>> {
    return this.#groups.get(group) ?? NOTHING;
  }

  /** The groups that have offsets for a topic. */
  groupsOf(topic: string): string[] {
    return [...this.#groups].filter(([, topics]) => topics.has(topic)).map(([group]) => group);
  }

  removeGroup(group: string): boolean {
    return this.#groups.delete(group);
  }

  removeTopic(topic: string): boolean {
    let isRemoved = false;
    for (const [group, topics] of this.#groups) {
      isRemoved = topics.delete(topic) || isRemoved;
      if (topics.size === 0) this.#groups.delete(group);
    }
    return isRemoved;
  }

  /** Every group and topic with the offsets of its queues. */
  *[Symbol.iterator](): Generator<[group: string, topic: string, queues: Map<number, number>]> {
    for (const [group, topics] of this.#groups) {
      for (const [topic, queues] of topics) yield [group, topic, queues];
    }
  }
}

const NOTHING: ReadonlyMap<string, ReadonlyMap<number, number>> = new Map();
