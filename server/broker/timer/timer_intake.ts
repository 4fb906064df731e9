/** What happens in the timer topic, on its way into the index: in the order of the queue, each record once. */

import type { DispatchEntry } from "../../../store/dispatch.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { FRESH_MAX } from "../../../store/timer/timer_index.ts";
import type { TimerPosition, TimerStore } from "../../../store/timer/timer_store.ts";
import { type Log, RateLimit } from "../../log.ts";
import { recordsOf } from "../pop/pop_records.ts";
import {
  dueTime,
  originOf,
  readTimerProperties,
  readTimerRecord,
  slotOf,
  TIMER_TOPIC,
  timerName,
  type TimerRecord,
} from "./timer_message.ts";

export interface TimerIntakeOptions {
  store: Pick<MessageStore, "readTail" | "getMessage" | "getMaxOffsetInQueue" | "stats">;
  timerStore: TimerStore;
  /** The index has changed. */
  onChange: () => void;
  /** A message for a topic has begun to wait, to be delivered so long after it was born. */
  onEnqueued?: (topic: string, delayMillis: number) => void;
  now: () => number;
  log: Log;
}

const READ_MESSAGES = 1_024;
const READ_BYTES = 1024 * 1024;
const WARN_MILLIS = 1_000;

export class TimerIntake {
  readonly #options: TimerIntakeOptions;
  readonly #warnings = new RateLimit(WARN_MILLIS);
  /** queueOffset of the next record. */
  #next = 0;
  /** Where the last one ends in the log, and where it begins; -1 for none. */
  #lastEnd = 0;
  #lastPhysicalOffset = -1;
  #catchingUp: Promise<void> | undefined;
  #isStarted = false;
  #isStopped = false;
  /** As many in memory make it try to write them. */
  #flushAt = FRESH_MAX;
  /** Up to where the index went when what was in memory was written last. */
  flushed: TimerPosition = { queueOffset: 0, physicalOffset: 0, lastPhysicalOffset: -1 };

  constructor(options: TimerIntakeOptions) {
    this.#options = options;
  }

  /** queueOffset of the next record. */
  get nextOffset(): number {
    return this.#next;
  }

  /** Goes on behind a position. */
  startAt(position: TimerPosition): void {
    this.flushed = position;
    this.#next = position.queueOffset;
    this.#lastPhysicalOffset = position.lastPhysicalOffset;
    this.#lastEnd = position.physicalOffset;
  }

  /** Takes in what comes from now on, and what has come until now. */
  async start(): Promise<void> {
    this.#isStarted = true;
    await this.#catchUp();
  }

  /** A record has become visible. */
  arrived({ queueId, queueOffset, physicalOffset, size }: DispatchEntry): void {
    if (queueId !== 0 || !this.#isStarted) return;
    const isNext = queueOffset === this.#next && this.#catchingUp === undefined;
    const bytes = isNext ? this.#options.store.readTail(physicalOffset, size) : undefined;
    if (bytes === undefined) {
      this.#catchUp();
      return;
    }
    this.take(readTimerRecord(bytes));
    this.#options.onChange();
  }

  /** Reads what was not in memory any more when its turn came. Never rejects. */
  #catchUp(): Promise<void> {
    return this.#catchingUp ??= this.#readOn().catch((error) => {
      this.#options.log.error("cannot read the timer topic", { queueOffset: this.#next, error });
    }).finally(() => {
      this.#catchingUp = undefined;
      this.#options.onChange();
    });
  }

  async #readOn(): Promise<void> {
    const { store } = this.#options;
    while (!this.#isStopped && this.#next < store.getMaxOffsetInQueue(TIMER_TOPIC, 0)) {
      const start = this.#next;
      const result = await store.getMessage(TIMER_TOPIC, 0, {
        queueOffset: start,
        maxMsgNums: READ_MESSAGES,
        maxMsgBytes: READ_BYTES,
        filter: undefined,
      });
      for (const bytes of recordsOf(result.parts, result.messageCount)) {
        this.take(readTimerRecord(bytes));
      }
      this.#next = Math.max(this.#next, start + 1, result.nextBeginOffset);
    }
  }

  /** Resolves when all that is visible has been taken in. */
  async caughtUp(): Promise<void> {
    await this.#catchingUp;
  }

  /** Takes in a record of the timer topic. */
  take(record: TimerRecord): void {
    const { layout } = record;
    const { queueOffset, physicalOffset, size } = layout;
    this.#next = queueOffset + 1;
    this.#lastPhysicalOffset = physicalOffset;
    this.#lastEnd = physicalOffset + size;
    this.#apply(record);
    const { index } = this.#options.timerStore;
    if (index.freshCount >= this.#flushAt) this.#flushFull();
  }

  #apply({ layout, text }: TimerRecord): void {
    const { timerStore, log, now } = this.#options;
    const { index } = timerStore;
    const { queueOffset, physicalOffset, size } = layout;
    const timer = readTimerProperties(text);
    if (timer === undefined) {
      const suppressed = this.#warnings.allow(now());
      if (suppressed !== undefined) {
        log.warn("a message in the timer topic has no time or topic", { queueOffset, suppressed });
      }
      return;
    }
    if (timer.cancels !== undefined) return this.cancel(timer.cancels, timer.outTime);
    const originOffset = originOf(layout, text);
    const origin = originOffset === undefined ? undefined : index.find(timer.due, originOffset);
    if (origin !== undefined) index.end(origin);
    const key = timer.uniqKey ? index.keyOf(timerName(timer.topic, timer.uniqKey)) : 0;
    index.add({ due: timer.due, queueOffset, physicalOffset, size }, timer.topic, key);
    // What a start finds, or is stored anew, began to wait before.
    if (!this.#isStarted || originOffset !== undefined) return;
    this.#options.onEnqueued?.(timer.topic, timer.due - layout.bornTimestamp);
  }

  /** Ends the messages with this name that are due in the slot of this time. */
  cancel(name: string, outTime: number): void {
    const { index } = this.#options.timerStore;
    const { from, until } = slotOf(outTime);
    for (const entry of index.findKey(index.keyOf(name), from, until)) index.end(entry);
  }

  /** A record of any other topic, which a start finds: it may be a timer message that was delivered. */
  takeDelivered({ layout, text }: TimerRecord): void {
    const { index } = this.#options.timerStore;
    const originOffset = originOf(layout, text);
    if (originOffset === undefined) return;
    const entry = index.find(dueTime(text)!, originOffset);
    if (entry !== undefined) index.end(entry);
  }

  #flushFull(): void {
    try {
      this.flush();
      this.#flushAt = FRESH_MAX;
    } catch (error) {
      this.#options.log.error("cannot write timers to disk, keeping them in memory", { error });
      this.#flushAt = this.#options.timerStore.index.freshCount + FRESH_MAX;
    }
  }

  /**
   * Writes what is in memory to a run.
   * @param isSettled whether no record is on its way here: of all that is durable, none is missing.
   * @throws when the disk refuses; nothing is lost then.
   */
  flush(isSettled = false): void {
    const { store, timerStore } = this.#options;
    timerStore.flush();
    const { durableOffset } = store.stats;
    const isComplete = isSettled && this.#catchingUp === undefined;
    this.flushed = {
      queueOffset: this.#next,
      physicalOffset: isComplete ? durableOffset : Math.min(durableOffset, this.#lastEnd),
      lastPhysicalOffset: this.#lastPhysicalOffset,
    };
  }

  /** Resolves when nothing is being read any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#catchingUp;
  }
}
