/** Pulls that found nothing and wait: woken when a message arrives in their queue, or when their time is over. */

export interface ParkedPull {
  /** The queueOffset that it waits for. */
  queueOffset: number;
  /** Tries again. `lastTry`: answer even when nothing is found. */
  retry: (lastTry: boolean) => void;
}

interface Parked extends ParkedPull {
  timer: ReturnType<typeof setTimeout>;
}

export class LongPolling {
  readonly #parked = new Map<string, Set<Parked>>();

  /** Parks a pull for at most `holdMillis`. */
  park(topic: string, queueId: number, pull: ParkedPull, holdMillis: number): void {
    const key = `${topic}@${queueId}`;
    let waiting = this.#parked.get(key);
    if (waiting === undefined) this.#parked.set(key, waiting = new Set());
    const parked: Parked = {
      ...pull,
      timer: setTimeout(() => {
        this.#remove(key, parked);
        pull.retry(true);
      }, holdMillis),
    };
    waiting.add(parked);
  }

  /** A message has become visible: wakes all who wait for it. */
  arrived(topic: string, queueId: number, queueOffset: number): void {
    if (this.#parked.size === 0) return;
    const key = `${topic}@${queueId}`;
    for (const parked of this.#parked.get(key) ?? []) {
      if (parked.queueOffset > queueOffset) continue;
      this.#remove(key, parked);
      // In a turn of its own: more messages of the same write may follow, and the answer takes them along.
      queueMicrotask(() => parked.retry(false));
    }
  }

  #remove(key: string, parked: Parked): void {
    clearTimeout(parked.timer);
    const waiting = this.#parked.get(key);
    waiting?.delete(parked);
    if (waiting?.size === 0) this.#parked.delete(key);
  }

  /** Answers all, because the broker stops. */
  [Symbol.dispose](): void {
    for (const [key, waiting] of [...this.#parked]) {
      for (const parked of [...waiting]) {
        this.#remove(key, parked);
        parked.retry(true);
      }
    }
  }
}
