/** Pulls that found nothing and wait: woken when a message arrives that they want, or when their time is over. */

import type { DispatchEntry } from "../../store/dispatch.ts";

/** A message that has become visible. */
export type Arrival = Pick<
  DispatchEntry,
  "topic" | "queueId" | "queueOffset" | "tagsCode" | "physicalOffset" | "size"
>;

export interface ParkedPull {
  /** The queueOffset that it waits for. */
  readonly queueOffset: number;
  /** Whether it wants this message; undefined when it wants every one. */
  readonly matches: ((arrival: Arrival) => boolean) | undefined;
  /** Tries again, from `queueOffset` on. `lastTry`: answer even when nothing is found. */
  readonly retry: (lastTry: boolean, queueOffset: number) => void;
  /** Answers when an admin took the group elsewhere; whether it did. */
  readonly answerReset: () => boolean;
}

interface Parked {
  readonly pull: ParkedPull;
  /** Goes on with every message that the pull does not want, so that none of them is looked at again. */
  queueOffset: number;
  timer: ReturnType<typeof setTimeout>;
}

export class LongPolling {
  readonly #parked = new Map<string, Set<Parked>>();
  /** How many wait. */
  count = 0;

  /** Parks a pull for at most `holdMillis`. */
  park(topic: string, queueId: number, pull: ParkedPull, holdMillis: number): void {
    const key = `${topic}@${queueId}`;
    let waiting = this.#parked.get(key);
    if (waiting === undefined) this.#parked.set(key, waiting = new Set());
    const parked: Parked = {
      pull,
      queueOffset: pull.queueOffset,
      timer: setTimeout(() => {
        this.#remove(key, parked);
        pull.retry(true, parked.queueOffset);
      }, holdMillis),
    };
    waiting.add(parked);
    this.count++;
  }

  /** A message has become visible: wakes all who wait for it. */
  arrived(arrival: Arrival): void {
    if (this.#parked.size === 0) return;
    const { queueOffset } = arrival;
    const key = `${arrival.topic}@${arrival.queueId}`;
    for (const parked of this.#parked.get(key) ?? []) {
      if (parked.queueOffset > queueOffset) continue;
      if (parked.queueOffset === queueOffset && parked.pull.matches?.(arrival) === false) {
        parked.queueOffset++;
        continue;
      }
      this.#remove(key, parked);
      // In a turn of its own: more messages of the same write may follow, and the answer takes them along.
      queueMicrotask(() => parked.pull.retry(false, parked.queueOffset));
    }
  }

  /** An admin took a group elsewhere in a queue: its pulls need not wait for what they asked for. */
  wasReset(topic: string, queueId: number): void {
    const key = `${topic}@${queueId}`;
    for (const parked of this.#parked.get(key) ?? []) {
      if (parked.pull.answerReset()) this.#remove(key, parked);
    }
  }

  #remove(key: string, parked: Parked): void {
    clearTimeout(parked.timer);
    const waiting = this.#parked.get(key);
    if (waiting?.delete(parked)) this.count--;
    if (waiting?.size === 0) this.#parked.delete(key);
  }

  /** Answers all, because the broker stops. */
  [Symbol.dispose](): void {
    for (const [key, waiting] of [...this.#parked]) {
      for (const parked of [...waiting]) {
        this.#remove(key, parked);
        parked.pull.retry(true, parked.queueOffset);
      }
    }
  }
}
