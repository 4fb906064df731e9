/** Delivers timer messages when they are due: reads them, puts them into their topics, goes on when they are safe there. */

import type { MessageStore } from "../../../store/message_store.ts";
import type { TimerEntry } from "../../../store/timer/timer_entry.ts";
import type { TimerStore } from "../../../store/timer/timer_store.ts";
import type { Log } from "../../log.ts";
import type { HeldReplies } from "../held_replies.ts";
import type { Clock } from "../pop/due_timer.ts";
import { delivered, readTimerRecord } from "./timer_message.ts";
import { putTimers, type TimerPutResult } from "./timer_put.ts";
import { TimerReader, type TimerReaderStore } from "./timer_reader.ts";

export interface TimerDeliveryOptions {
  store: TimerReaderStore & Pick<MessageStore, "putMessage" | "commit">;
  timerStore: TimerStore;
  held: HeldReplies;
  /** A message that may be cancelled or stored anew before it is due is held until that is decided. */
  isHeld: (entry: TimerEntry) => boolean;
  /** Messages have been delivered. */
  onDelivered: () => void;
  /** One of them, to a topic. */
  onDequeued?: (topic: string) => void;
  clock: Clock;
  log: Log;
}

/** So much is delivered at a time. */
const BATCH_MAX = 256;
const BATCH_BYTES_MAX = 1024 * 1024;
/** How long to wait after a delivery that failed, as on a full disk. */
const RETRY_MILLIS = 1_000;
/** What cannot be read so often is given up. */
const READS_MAX = 10;
/** A timer further away than this is set again on the way, since the clock may be set. */
const TIMER_MILLIS_MAX = 60_000;
/** How soon to look again whether what is due is still held. */
const HELD_MILLIS = 10;

export class TimerDelivery implements AsyncDisposable {
  readonly #options: TimerDeliveryOptions;
  #timer: Disposable | undefined;
  #timerAt = Infinity;
  /** Under way; never rejects. */
  #running: Promise<void> | undefined;
  #isStarted = false;
  #isStopped = false;
  /** Ends the wait after a failure. */
  #stopWaiting: (() => void) | undefined;

  constructor(options: TimerDeliveryOptions) {
    this.#options = options;
  }

  /** Begins to deliver. */
  start(): void {
    this.#isStarted = true;
    this.wake();
  }

  /** Something has come, or is no longer held. */
  wake(): void {
    if (!this.#isStarted || this.#isStopped || this.#running !== undefined) return;
    const { timerStore, clock } = this.#options;
    const { nextDue } = timerStore.index;
    if (nextDue === Infinity) return;
    const now = clock.now();
    if (nextDue <= now) {
      this.#running = this.#deliverDue().finally(() => {
        this.#running = undefined;
        this.#wakeLater();
      });
    } else {
      this.#setTimer(Math.min(nextDue, now + TIMER_MILLIS_MAX), now);
    }
  }

  #wakeLater(): void {
    const { timerStore, clock } = this.#options;
    const { nextDue } = timerStore.index;
    if (nextDue === Infinity || this.#isStopped) return;
    const now = clock.now();
    const at = nextDue > now ? Math.min(nextDue, now + TIMER_MILLIS_MAX) : now + HELD_MILLIS;
    this.#setTimer(at, now);
  }

  #setTimer(at: number, now: number): void {
    if (this.#timerAt <= at) return;
    this.#timer?.[Symbol.dispose]();
    this.#timerAt = at;
    this.#timer = this.#options.clock.after(at - now, () => {
      this.#timer = undefined;
      this.#timerAt = Infinity;
      this.wake();
    });
  }

  async #deliverDue(): Promise<void> {
    const { timerStore, clock, isHeld, log } = this.#options;
    const limits = { countMax: BATCH_MAX, bytesMax: BATCH_BYTES_MAX, isHeld };
    while (!this.#isStopped) {
      let batch: TimerEntry[];
      try {
        batch = timerStore.index.take(clock.now(), limits);
      } catch (error) {
        log.error("cannot read which timers are due, trying again", { error });
        await this.#pause();
        continue;
      }
      if (batch.length === 0) return;
      await this.#deliverBatch(batch);
    }
  }

  /** Delivers these, however often that takes. */
  async #deliverBatch(batch: readonly TimerEntry[]): Promise<void> {
    const { store, log } = this.#options;
    const reader = new TimerReader(store);
    let rest = batch;
    let readCount = 0;
    while (rest.length > 0 && !this.#isStopped) {
      try {
        await reader.load(rest, ++readCount >= READS_MAX);
        readCount = 0;
        const { count, failure } = await this.#put(rest, reader);
        rest = rest.slice(count);
        if (failure !== undefined) throw failure;
      } catch (error) {
        log.error("cannot deliver timer messages, trying again", { count: rest.length, error });
        await this.#pause();
      }
    }
  }

  /** Delivers the first of these; tells how many, and why no more. */
  async #put(batch: readonly TimerEntry[], reader: TimerReader): Promise<TimerPutResult> {
    const { store, timerStore, held, onDelivered, onDequeued, clock, log } = this.#options;
    const now = clock.now();
    const result = await putTimers({ store, held }, batch, (entry) => {
      const bytes = reader.find(entry);
      if (bytes === undefined) return undefined;
      const message = bytes === "GONE" ? undefined : delivered(readTimerRecord(bytes), now);
      if (message !== undefined) return message;
      const { queueOffset, physicalOffset } = entry;
      log.error("a timer message is lost: it cannot be read", { queueOffset, physicalOffset });
      return "SKIP";
    });
    const { index } = timerStore;
    for (const entry of batch.slice(0, result.count)) {
      const topic = index.topics.nameOf(entry.topic);
      index.end(entry);
      if (topic !== undefined) onDequeued?.(topic);
    }
    if (result.count > 0) onDelivered();
    return result;
  }

  #pause(): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(RETRY_MILLIS, resolve);
      this.#stopWaiting = () => {
        timer[Symbol.dispose]();
        resolve();
      };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    this.#timer?.[Symbol.dispose]();
    this.#stopWaiting?.();
    await this.#running;
  }
}
