/** When messages were stored: looked up once as long as somebody asks for them again, and not too many at a time. */

import type { MessageStore } from "../../store/message_store.ts";

/** Looking one up may read from a file. */
const LOOKUPS_MAX = 10_000;
/** After so long all are looked up anew: a topic may have been deleted, and one of its name be there again. */
const KEPT_MILLIS = 600_000;

export class StoreTimes {
  readonly #store: Pick<MessageStore, "getMessageTime">;
  #before = new Map<string, number>();
  #now = new Map<string, number>();
  #lookups = 0;
  #keptSince = 0;

  constructor(store: Pick<MessageStore, "getMessageTime">) {
    this.#store = store;
  }

  /** Begins a round; what nobody asked for in the last one is forgotten. */
  begin(now: number): void {
    const isOld = now - this.#keptSince > KEPT_MILLIS;
    if (isOld) this.#keptSince = now;
    this.#before = isOld ? new Map() : this.#now;
    this.#now = new Map();
    this.#lookups = 0;
  }

  /** Infinity at the end of the queue, for what cannot be read, and for what there was no time for in this round. */
  at(topic: string, queueId: number, queueOffset: number, maxOffset: number): number {
    if (queueOffset >= maxOffset || queueOffset < 0) return Infinity;
    const key = `${queueId}@${queueOffset}@${topic}`;
    let time = this.#now.get(key) ?? this.#before.get(key);
    if (time === undefined) {
      if (this.#lookups++ >= LOOKUPS_MAX) return Infinity;
      time = this.#store.getMessageTime(topic, queueId, queueOffset);
    }
    this.#now.set(key, time);
    return time > 0 ? time : Infinity;
  }
}
