/** Which client of an orderly consumer group has which queue. A lock ends by itself when it is not renewed. */

/** One queue of one broker, as clients name it. */
export interface MessageQueue {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
}

export interface QueueLockTableOptions {
  /** How long a lock lasts without being renewed. */
  rebalanceLockMaxLiveTime: number;
  now: () => number;
}

interface QueueLock {
  clientId: string;
  lastUpdateTimestamp: number;
}

export class QueueLockTable {
  readonly #options: QueueLockTableOptions;
  /** Locks by group and queue. */
  readonly #groups = new Map<string, Map<string, QueueLock>>();
  #sweptAt: number;

  constructor(options: QueueLockTableOptions) {
    this.#options = options;
    this.#sweptAt = options.now();
  }

  /** Locks or renews what is free, expired or the client's own. Returns the queues that the client has now. */
  lock(group: string, queues: readonly MessageQueue[], clientId: string): MessageQueue[] {
    const now = this.#options.now();
    this.#sweep(now);
    let locks = this.#groups.get(group);
    if (locks === undefined) this.#groups.set(group, locks = new Map());
    return queues.filter((queue) => {
      const key = keyOf(queue);
      const existing = locks.get(key);
      if (
        existing !== undefined && existing.clientId !== clientId && !this.#isExpired(existing, now)
      ) {
        return false;
      }
      locks.set(key, { clientId, lastUpdateTimestamp: now });
      return true;
    });
  }

  /** Gives up locks; those of other clients stay. */
  unlock(group: string, queues: readonly MessageQueue[], clientId: string): void {
    const locks = this.#groups.get(group);
    if (locks === undefined) return;
    for (const queue of queues) {
      const key = keyOf(queue);
      if (locks.get(key)?.clientId === clientId) locks.delete(key);
    }
    if (locks.size === 0) this.#groups.delete(group);
  }

  /** Whether nobody in the group has a lock. */
  isLockAllExpired(group: string): boolean {
    const now = this.#options.now();
    return [...this.#groups.get(group)?.values() ?? []].every((lock) => this.#isExpired(lock, now));
  }

  #isExpired(lock: QueueLock, now: number): boolean {
    return now - lock.lastUpdateTimestamp > this.#options.rebalanceLockMaxLiveTime;
  }

  /** Forgets expired locks, so that the table does not grow with groups that are gone. */
  #sweep(now: number): void {
    if (now - this.#sweptAt <= this.#options.rebalanceLockMaxLiveTime) return;
    this.#sweptAt = now;
    for (const [group, locks] of this.#groups) {
      for (const [key, lock] of locks) if (this.#isExpired(lock, now)) locks.delete(key);
      if (locks.size === 0) this.#groups.delete(group);
    }
  }
}

/** Topics have no white space in their names. */
function keyOf(queue: MessageQueue): string {
  return `${queue.topic} ${queue.queueId} ${queue.brokerName}`;
}
