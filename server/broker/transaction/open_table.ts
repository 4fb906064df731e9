/**
 * The transactions that are open: half messages that are neither committed nor rolled back. In memory, about 250 bytes
 * each; a start makes the table anew from what the half topic and the op topic have after their committed offsets.
 */

import { type Clock, type Due, DueTimer } from "../pop/due_timer.ts";
import type { HalfFacts } from "./half_message.ts";

/** Transactions for one topic by one group of producers. */
export interface TransactionKind {
  readonly topic: string;
  readonly producerGroup: string;
  openCount: number;
  /** Those of them that wait for some producer of the group to be there. */
  waiting: Set<OpenTransaction>;
}

/** One that is open; `dueAt` is when somebody is asked about it. */
export interface OpenTransaction extends Due {
  readonly kind: TransactionKind;
  /** queueOffset of the half message's first record, which is known to who sent it. */
  readonly original: number;
  /** Where its newest record is. */
  queueOffset: number;
  physicalOffset: number;
  size: number;
  /** Its age counts from here; milliseconds since the epoch. */
  readonly startTimestamp: number;
  /** How often a producer has been asked. */
  checks: number;
  /** Its message may have been delivered before the start without a note of it. */
  isSuspect: boolean;
  /** The message that ends it is in the log, but for the op message behind it. */
  isEnded: boolean;
  /** Nobody is there to be asked; it is due when it is too old. The set that it is in. */
  waitsIn: Set<OpenTransaction> | undefined;
  /** Something is being written for it; `whenFree` waits for that. */
  isBusy: boolean;
}

/** Where a record of a half message is. */
export interface HalfPlace {
  queueOffset: number;
  physicalOffset: number;
  size: number;
}

/** What is known of a transaction that becomes one of the table. */
export interface Opening {
  place: HalfPlace;
  facts: HalfFacts;
  startTimestamp: number;
  dueAt: number;
  isSuspect: boolean;
}

export class OpenTable implements Disposable {
  readonly #due: DueTimer<OpenTransaction>;
  readonly #onDue: () => void;
  /** Those that have waited for somebody who is there now. */
  readonly #woken: Iterator<OpenTransaction>[] = [];
  /** By the queueOffset of the newest record, in its order. */
  readonly #open = new Map<number, OpenTransaction>();
  /** Those whose newest record is not the first, by the queueOffset of that one. */
  readonly #byOriginal = new Map<number, OpenTransaction>();
  readonly #kinds = new Map<string, TransactionKind>();
  readonly #waiters = new Map<OpenTransaction, PromiseWithResolvers<void>>();

  /** `onDue` is called when some are due; it takes them with `take`. */
  constructor(clock: Clock, onDue: () => void) {
    this.#due = new DueTimer(clock, onDue);
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Topics and producer groups with open transactions. */
  get kinds(): Iterable<Pick<TransactionKind, "topic" | "openCount">> {
    return this.#kinds.values();
  }

  /** Oldest first. */
  [Symbol.iterator](): Iterator<OpenTransaction> & Iterable<OpenTransaction> {
    return this.#open.values();
  }

  /** The oldest of the newest records. */
  get oldest(): OpenTransaction | undefined {
    return this.#open.values().next().value;
  }

  /** The transaction whose first or newest record has this queueOffset. */
  find(queueOffset: number): OpenTransaction | undefined {
    return this.#open.get(queueOffset) ?? this.#byOriginal.get(queueOffset);
  }

  add({ place, facts, startTimestamp, dueAt, isSuspect }: Opening): OpenTransaction {
    const kind = this.#kindOf(facts);
    kind.openCount++;
    const { queueOffset, physicalOffset, size } = place;
    const original = facts.original ?? queueOffset;
    const { checks } = facts;
    const open: OpenTransaction = {
      kind,
      original,
      queueOffset,
      physicalOffset,
      size,
      startTimestamp,
      checks,
      isSuspect,
      isEnded: false,
      waitsIn: undefined,
      isBusy: false,
      dueAt,
      heapIndex: -1,
      heapOrder: 0,
    };
    this.#open.set(queueOffset, open);
    if (original !== queueOffset) this.#byOriginal.set(original, open);
    this.#due.add(open);
    return open;
  }

  #kindOf({ topic, producerGroup }: HalfFacts): TransactionKind {
    const key = `${topic}\u0001${producerGroup}`;
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      this.#kinds.set(key, kind = { topic, producerGroup, openCount: 0, waiting: new Set() });
    }
    return kind;
  }

  /** The half message has a newer record. */
  move(open: OpenTransaction, { queueOffset, physicalOffset, size }: HalfPlace): void {
    this.#open.delete(open.queueOffset);
    open.queueOffset = queueOffset;
    open.physicalOffset = physicalOffset;
    open.size = size;
    this.#open.set(queueOffset, open);
    this.#byOriginal.set(open.original, open);
  }

  /** The transaction has ended. */
  remove(open: OpenTransaction): void {
    this.#open.delete(open.queueOffset);
    if (this.#byOriginal.get(open.original) === open) this.#byOriginal.delete(open.original);
    this.#takeOut(open);
    const { kind } = open;
    if (--kind.openCount === 0) this.#kinds.delete(`${kind.topic}\u0001${kind.producerGroup}`);
  }

  /** Lets somebody be asked about the transaction at a time. */
  dueAt(open: OpenTransaction, dueAt: number): void {
    this.#stopWaiting(open);
    open.dueAt = dueAt;
    this.#due.add(open);
  }

  /** Nobody is there to be asked. */
  wait(open: OpenTransaction, dueAt: number): void {
    this.dueAt(open, dueAt);
    open.waitsIn = open.kind.waiting;
    open.waitsIn.add(open);
  }

  #stopWaiting(open: OpenTransaction): void {
    open.waitsIn?.delete(open);
    open.waitsIn = undefined;
  }

  /** Somebody of a group is there: those that wait for that are due. */
  endWaiting(producerGroup: string): void {
    for (const kind of this.#kinds.values()) {
      if (kind.producerGroup !== producerGroup || kind.waiting.size === 0) continue;
      this.#woken.push(kind.waiting.values());
      kind.waiting = new Set();
    }
    if (this.#woken.length > 0) this.#onDue();
  }

  /** Takes one that is due; undefined for none. */
  take(): OpenTransaction | undefined {
    while (this.#woken.length > 0) {
      const { value, done } = this.#woken[0]!.next();
      if (done) {
        this.#woken.shift();
        continue;
      }
      this.#takeOut(value);
      return value;
    }
    return this.#due.take();
  }

  #takeOut(open: OpenTransaction): void {
    this.#due.remove(open);
    this.#stopWaiting(open);
  }

  /** Nothing is being written for the transaction any more. */
  free(open: OpenTransaction): void {
    open.isBusy = false;
    if (this.#waiters.size === 0) return;
    this.#waiters.get(open)?.resolve();
    this.#waiters.delete(open);
  }

  /** Waits for what is being written for a transaction. */
  async whenFree(open: OpenTransaction): Promise<void> {
    if (!open.isBusy) return;
    let waiter = this.#waiters.get(open);
    if (waiter === undefined) this.#waiters.set(open, waiter = Promise.withResolvers());
    await waiter.promise;
  }

  [Symbol.dispose](): void {
    this.#due[Symbol.dispose]();
  }
}
