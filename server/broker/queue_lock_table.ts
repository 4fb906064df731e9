/**
 * Which client of an orderly consumer group has which queue. A lock ends by itself when it is not renewed.
 *
 * Who has which one is kept in `config/comet-queue-locks.json`. A client goes on with its queues while the broker
 * restarts; in Apache, which forgets the locks then, another one gets them meanwhile, and messages are consumed out of
 * order.
 */

import type { MessageQueue } from "../../client/protocol/message_queue.ts";
import { memberOf, type PersistedTable } from "../../store/json_file.ts";
import { persistedTable, type TableFolder } from "./persisted_table.ts";

export interface QueueLockTableOptions extends TableFolder {
  /** How long a lock lasts without being renewed. */
  rebalanceLockMaxLiveTime: number;
  now: () => number;
}

interface QueueLock {
  clientId: string;
  lastUpdateTimestamp: number;
}

interface LocksFile {
  /** When the broker stopped in order; milliseconds. */
  stoppedAt: number | undefined;
  /** group → queue → clientId */
  groups: Map<string, Map<string, string>>;
}

/** So long after it has renewed a lock a client takes it for its own. */
const CLIENT_LOCK_MILLIS = 30_000;

export class QueueLockTable implements AsyncDisposable {
  readonly #options: QueueLockTableOptions;
  readonly #persisted: PersistedTable<LocksFile>;
  #stoppedAt: number | undefined;
  /** Locks by group and queue. */
  readonly #groups = new Map<string, Map<string, QueueLock>>();
  #sweptAt: number;

  /** Loads what clients had when the broker stopped. */
  constructor(options: QueueLockTableOptions) {
    this.#options = options;
    this.#sweptAt = options.now();
    this.#persisted = persistedTable(options, "comet-queue-locks.json", {
      parse: parseLocksFile,
      snapshot: () => this.#toJson(),
      delayMillis: 0,
    });
    this.#load();
  }

  #load(): void {
    const { rebalanceLockMaxLiveTime, now, log } = this.#options;
    let file: LocksFile | undefined;
    try {
      file = this.#persisted.load();
    } catch (error) {
      // Without them order is as good as Apache's.
      log.warn("cannot read the locks of queues, beginning without", { error: error as Error });
    }
    if (file === undefined || file.groups.size === 0) return;
    // As if last renewed so that they end when the client's own do.
    const endsAt = (file.stoppedAt ?? now()) + CLIENT_LOCK_MILLIS;
    const lastUpdateTimestamp = endsAt - rebalanceLockMaxLiveTime;
    for (const [group, queues] of file.groups) {
      const locks = [...queues].map(([key, clientId]) =>
        [key, { clientId, lastUpdateTimestamp }] as const
      );
      this.#groups.set(group, new Map(locks));
    }
    // A kill from now on is none at `stoppedAt`.
    this.#persisted.markDirty();
  }

  /**
   * Locks or renews what is free, expired or the client's own. Returns the queues that the client has now; who has what
   * is on disk after `saved`.
   */
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
      if (existing?.clientId !== clientId) this.#persisted.markDirty();
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
      if (locks.get(key)?.clientId !== clientId) continue;
      locks.delete(key);
      this.#persisted.markDirty();
    }
    if (locks.size === 0) this.#groups.delete(group);
  }

  /** Resolves when all changes are on disk. Never rejects: a full disk must not end what is consumed in order. */
  async saved(): Promise<void> {
    await this.#persisted.flush().catch(() => {});
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
      for (const [key, lock] of locks) {
        if (!this.#isExpired(lock, now)) continue;
        locks.delete(key);
        this.#persisted.markDirty();
      }
      if (locks.size === 0) this.#groups.delete(group);
    }
  }

  #toJson(): Record<string, unknown> {
    const groups = [...this.#groups].map(([group, locks]) => {
      const rows = [...locks].map(([key, { clientId }]) => [key, clientId]);
      return [group, Object.fromEntries(rows)];
    });
    return { stoppedAt: this.#stoppedAt, lockTable: Object.fromEntries(groups) };
  }

  /** Notes when the locks counted last. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stoppedAt = this.#options.now();
    if (this.#groups.size > 0) this.#persisted.markDirty();
    await this.#persisted[Symbol.asyncDispose]().catch((error) =>
      this.#options.log.warn("cannot save the locks of queues", { error })
    );
  }
}

function parseLocksFile(json: unknown): LocksFile {
  const { stoppedAt } = json as Record<string, unknown>;
  const groups = new Map<string, Map<string, string>>();
  for (const [group, queues] of Object.entries(memberOf(json, "lockTable"))) {
    const rows = Object.entries(queues as Record<string, unknown>)
      .filter((row): row is [string, string] => typeof row[1] === "string");
    groups.set(group, new Map(rows));
  }
  return { stoppedAt: Number.isSafeInteger(stoppedAt) ? stoppedAt as number : undefined, groups };
}

/** Topics have no white space in their names. */
function keyOf(queue: MessageQueue): string {
  return `${queue.topic} ${queue.queueId} ${queue.brokerName}`;
}
