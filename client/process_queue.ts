/** The messages of one queue that were pulled and are not consumed yet. */

import type { ReceivedMessage } from "./message.ts";
import type { MessageQueue } from "./protocol/message_queue.ts";

export class ProcessQueue {
  readonly queue: MessageQueue;
  /** The queue belongs to another member now: what is still consumed here counts no more. */
  isDropped = false;
  lastPullTimestamp = 0;
  lastConsumeTimestamp = 0;
  /** By queueOffset, in order: pulls only go forwards. */
  readonly #messages = new Map<number, ReceivedMessage>();
  #nextOffset: number;
  #roomWaiters: (() => void)[] = [];
  readonly #dropped = Promise.withResolvers<void>();

  /** @param nextOffset where the first pull begins. */
  constructor(queue: MessageQueue, nextOffset: number) {
    this.queue = queue;
    this.#nextOffset = nextOffset;
  }

  /** Where the next pull begins. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  get count(): number {
    return this.#messages.size;
  }

  /** Everything before this offset is consumed. */
  get commitOffset(): number {
    for (const queueOffset of this.#messages.keys()) return queueOffset;
    return this.#nextOffset;
  }

  /** Takes what a pull has brought. */
  add(messages: readonly ReceivedMessage[], nextOffset: number): void {
    for (const message of messages) this.#messages.set(message.queueOffset, message);
    this.#nextOffset = nextOffset;
  }

  /** The first messages that are not consumed, at most `count`. */
  first(count: number): ReceivedMessage[] {
    const found: ReceivedMessage[] = [];
    for (const message of this.#messages.values()) {
      if (found.length === count) break;
      found.push(message);
    }
    return found;
  }

  /** These are done with. */
  remove(messages: readonly ReceivedMessage[]): void {
    for (const { queueOffset } of messages) this.#messages.delete(queueOffset);
    this.lastConsumeTimestamp = Date.now();
    this.#wake();
  }

  /** Gives the queue up. */
  drop(): void {
    this.isDropped = true;
    this.#dropped.resolve();
    this.#wake();
  }

  /** Calls `then` once the queue is dropped. */
  onDrop(then: () => void): void {
    this.#dropped.promise.then(then);
  }

  /** Waits for so long, or until the queue is dropped. */
  async dropped(millis: number): Promise<void> {
    const pause = Promise.withResolvers<void>();
    const timer = setTimeout(pause.resolve, millis);
    await Promise.race([pause.promise, this.#dropped.promise]);
    clearTimeout(timer);
  }

  /** Resolves when there are fewer messages than `countMax`, or the queue is dropped. */
  async room(countMax: number): Promise<void> {
    while (!this.isDropped && this.count >= countMax) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    }
  }

  #wake(): void {
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const resolve of waiters) resolve();
  }
}
