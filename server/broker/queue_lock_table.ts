/** Locks on queues: at most one client of a group consumes a queue in order. They end by themselves. */

export class QueueLockTable {
  readonly #liveMillis: number;
  readonly #locks = new Map<string, { clientId: string; until: number }>();

  /** @param liveMillis how long a lock lasts unless its owner locks again. */
  constructor(liveMillis: number) {
    this.#liveMillis = liveMillis;
  }

  /** Whether the client has the lock now. */
  lock(group: string, queue: string, clientId: string, now: number): boolean {
    const key = `${group}@${queue}`;
    const held = this.#locks.get(key);
    if (held !== undefined && held.clientId !== clientId && held.until > now) return false;
    this.#locks.set(key, { clientId, until: now + this.#liveMillis });
    return true;
  }

  /** Gives the lock back, if the client has it. */
  unlock(group: string, queue: string, clientId: string): void {
    const key = `${group}@${queue}`;
    if (this.#locks.get(key)?.clientId === clientId) this.#locks.delete(key);
  }
}
