/**
 * Pops that found nothing and wait: one of a group is woken when a message arrives that it may want, and the next one
 * by it when there is more than it could take.
 */

import type { Connection } from "../../../client/remoting/connection.ts";
import type { Arrival } from "../long_polling.ts";
import type { Clock } from "./due_timer.ts";
import { popRetryTopicV1, popRetryTopicV2 } from "./retry_topic.ts";

export interface PopWaiter {
  connection: Pick<Connection, "closed">;
  /** Whether it wants this message; undefined when it wants every one. */
  matches: ((arrival: Arrival) => boolean) | undefined;
  /** When its client stops to wait, in milliseconds since the epoch. */
  deadline: number;
  /** Tries again. `lastTry`: answer even when nothing is found. */
  retry: (lastTry: boolean) => void;
}

/** The settings that bound it, under Apache's names. */
export interface PopPollingSettings {
  /** The most waiters of one group at one queue, or at all queues. */
  popPollingSize: number;
  /** The most queues and groups for which there are waiters. */
  popPollingMapSize: number;
  /** The most waiters. */
  maxPopPollingSize: number;
}

export interface PolledQueue {
  topic: string;
  consumerGroup: string;
  /** -1 for all queues. */
  queueId: number;
}

interface WaitList extends PolledQueue {
  /** Oldest first, each with its timer. */
  waiters: Map<PopWaiter, Disposable>;
  /** The topics whose messages it waits for. */
  topics: readonly string[];
  isWaking: boolean;
}

/** The longest that a timer can wait. */
const HOLD_MILLIS_MAX = 0x7fff_ffff;

export class PopPolling implements Disposable {
  readonly #settings: Readonly<PopPollingSettings>;
  readonly #clock: Clock;
  readonly #lists = new Map<string, WaitList>();
  readonly #byTopic = new Map<string, Set<WaitList>>();
  #count = 0;
  #isStopped = false;

  constructor(settings: Readonly<PopPollingSettings>, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Lets a pop wait until its deadline. False when it cannot, because too many do. */
  park(queue: PolledQueue, waiter: PopWaiter): boolean {
    const { popPollingSize, popPollingMapSize, maxPopPollingSize } = this.#settings;
    const existing = this.#lists.get(keyOf(queue));
    if (this.#isStopped || this.#count >= maxPopPollingSize) return false;
    if (existing === undefined && this.#lists.size >= popPollingMapSize) return false;
    if (existing !== undefined && existing.waiters.size > popPollingSize) return false;
    const list = existing ?? this.#createList(queue);
    const holdMillis = Math.max(0, waiter.deadline - this.#clock.now());
    const timer = this.#clock.after(Math.min(holdMillis, HOLD_MILLIS_MAX), () => {
      this.#remove(list, waiter);
      waiter.retry(true);
    });
    list.waiters.set(waiter, timer);
    this.#count++;
    return true;
  }

  #createList(queue: PolledQueue): WaitList {
    const { topic, consumerGroup, queueId } = queue;
    const topics = [
      topic,
      popRetryTopicV1(topic, consumerGroup),
      popRetryTopicV2(topic, consumerGroup),
    ];
    const list = { topic, consumerGroup, queueId, topics, waiters: new Map(), isWaking: false };
    this.#lists.set(keyOf(queue), list);
    for (const name of topics) {
      const lists = this.#byTopic.get(name);
      if (lists === undefined) this.#byTopic.set(name, new Set([list]));
      else lists.add(list);
    }
    return list;
  }

  /** How many wait in all. */
  get count(): number {
    return this.#count;
  }

  /** How many wait for a queue. */
  size(queue: PolledQueue): number {
    return this.#lists.get(keyOf(queue))?.waiters.size ?? 0;
  }

  /** A message has become visible. */
  arrived(arrival: Arrival): void {
    if (this.#count === 0) return;
    const { topic, queueId } = arrival;
    for (const list of this.#byTopic.get(topic) ?? []) {
      // A retry topic has queues of its own; whatever queue a client asked for, it gets messages from there.
      const isAsked = list.queueId < 0 || list.queueId === queueId || list.topic !== topic;
      if (!isAsked || list.isWaking) continue;
      const [first] = list.waiters.keys();
      if (first?.matches?.(arrival) !== false) this.#wakeSoon(list);
    }
  }

  /** There may be something: wakes those who wait for the queue, or for all of the topic. */
  wake(topic: string, consumerGroup: string, queueId: number): void {
    if (this.#count === 0) return;
    for (const list of this.#byTopic.get(topic) ?? []) {
      if (list.consumerGroup !== consumerGroup) continue;
      if (list.queueId < 0 || list.queueId === queueId || list.topic !== topic) {
        this.#wakeSoon(list);
      }
    }
  }

  /** Wakes the next one that asked for just this. */
  wakeNext(queue: PolledQueue): void {
    const list = this.#lists.get(keyOf(queue));
    if (list !== undefined) this.#wakeSoon(list);
  }

  /** In a turn of its own: more messages of the same write may follow, and the answer takes them along. */
  #wakeSoon(list: WaitList): void {
    if (list.isWaking) return;
    list.isWaking = true;
    queueMicrotask(() => {
      list.isWaking = false;
      for (const waiter of list.waiters.keys()) {
        this.#remove(list, waiter);
        if (waiter.connection.closed) continue;
        waiter.retry(false);
        return;
      }
    });
  }

  #remove(list: WaitList, waiter: PopWaiter): void {
    const timer = list.waiters.get(waiter);
    if (timer === undefined) return;
    timer[Symbol.dispose]();
    list.waiters.delete(waiter);
    this.#count--;
    if (list.waiters.size > 0) return;
    this.#lists.delete(keyOf(list));
    for (const name of list.topics) {
      const lists = this.#byTopic.get(name)!;
      lists.delete(list);
      if (lists.size === 0) this.#byTopic.delete(name);
    }
  }

  /** Answers all, because the broker stops. */
  [Symbol.dispose](): void {
    this.#isStopped = true;
    for (const list of [...this.#lists.values()]) {
      for (const waiter of [...list.waiters.keys()]) {
        this.#remove(list, waiter);
        waiter.retry(true);
      }
    }
  }
}

function keyOf({ topic, consumerGroup, queueId }: PolledQueue): string {
  return `${topic}@${consumerGroup}@${queueId}`;
}
