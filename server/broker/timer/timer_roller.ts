/**
 * Keeps log files that are to go from taking timer messages with them: a message that has waited for long is stored anew
 * at the end of the log ("roll" in Java), and a file goes only when none in it waits any more. So a message that waits
 * for a year costs a copy of itself every other day, not a year of log; and none is lost, whatever fileReservedTime is.
 */

import type { MessageStore } from "../../../store/message_store.ts";
import type { TimerEntry } from "../../../store/timer/timer_entry.ts";
import type { TimerStore } from "../../../store/timer/timer_store.ts";
import type { Log } from "../../log.ts";
import type { HeldReplies } from "../held_replies.ts";
import type { Clock } from "../pop/due_timer.ts";
import type { TimerIntake } from "./timer_intake.ts";
import { readTimerRecord, rolled, TIMER_TOPIC } from "./timer_message.ts";
import { putTimers } from "./timer_put.ts";
import { TimerReader, type TimerReaderStore } from "./timer_reader.ts";
import type { TimerSaver } from "./timer_saver.ts";

/** The settings that say how long files stay, under Apache's names. */
export interface TimerRollSettings {
  timerRollWindowSlot: number;
  timerPrecisionMs: number;
  /** Hours. */
  fileReservedTime: number;
  mappedFileSizeCommitLog: number;
}

export interface TimerRollerOptions {
  store:
    & TimerReaderStore
    & Pick<
      MessageStore,
      "putMessage" | "commit" | "findQueue" | "getOffsetInQueueByTime" | "stats"
    >;
  timerStore: TimerStore;
  intake: TimerIntake;
  saver: TimerSaver;
  held: HeldReplies;
  /** A message that may be cancelled is left alone: its copy must not come after what cancels it. */
  isCancelling: (entry: TimerEntry) => boolean;
  settings: TimerRollSettings;
  clock: Clock;
  log: Log;
}

const HOUR_MILLIS = 3_600_000;
const INTERVAL_MILLIS_MIN = 60_000;
/** What is due so soon is not worth it. */
const SOON_MILLIS = 60_000;
const BATCH_MAX = 256;
const BATCH_BYTES_MAX = 1024 * 1024;

export class TimerRoller implements AsyncDisposable {
  readonly #options: TimerRollerOptions;
  /** Copies of these have been put, but are not in the index yet; by queueOffset. */
  readonly #rolling = new Set<number>();
  #timer: Disposable | undefined;
  #running: Promise<void> | undefined;
  #isStarted = false;
  #isStopped = false;

  constructor(options: TimerRollerOptions) {
    this.#options = options;
  }

  /** Looks now and then from now on. */
  start(): void {
    this.#isStarted = true;
    this.#rollLater();
  }

  /** Messages that were stored earlier than so long ago are stored anew. */
  get #ageMillis(): number {
    const { timerRollWindowSlot, timerPrecisionMs, fileReservedTime } = this.#options.settings;
    return Math.min(timerRollWindowSlot * timerPrecisionMs, fileReservedTime * HOUR_MILLIS / 2);
  }

  #rollLater(): void {
    const wait = Math.max(INTERVAL_MILLIS_MIN, this.#ageMillis / 8);
    this.#timer = this.#options.clock.after(Math.min(wait, HOUR_MILLIS), () => {
      this.rollOld().finally(() => {
        if (!this.#isStopped) this.#rollLater();
      });
    });
  }

  /** Whether a copy of this message is on its way. */
  isRolling(entry: TimerEntry): boolean {
    return this.#rolling.size > 0 && this.#rolling.has(entry.queueOffset);
  }

  /** Files of the log that reach past this physicalOffset have messages that wait. */
  neededFrom(): number {
    if (!this.#isStarted) return 0;
    const { store, timerStore, saver, settings } = this.#options;
    if (timerStore.index.count === 0) return Infinity;
    const first = store.findQueue(TIMER_TOPIC, 0)?.read(saver.firstQueueOffset, 1);
    if (first === undefined || first.count === 0) return Infinity;
    const physicalOffset = first.physicalOffset(0);
    const fileBytes = settings.mappedFileSizeCommitLog;
    // Who asks wants the oldest file to go, before it is its time: as on a disk that is nearly full.
    if (physicalOffset < store.stats.minOffset + fileBytes) {
      this.#roll(this.#firstBehind((Math.floor(physicalOffset / fileBytes) + 1) * fileBytes));
    }
    return physicalOffset;
  }

  /** queueOffset of the first message that lies at a physicalOffset or behind it. */
  #firstBehind(physicalOffset: number): number {
    const queue = this.#options.store.findQueue(TIMER_TOPIC, 0)!;
    let low = queue.minOffset;
    let high = queue.maxOffset;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (queue.read(middle, 1).physicalOffset(0) < physicalOffset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Stores anew what has waited for long. Never rejects. */
  rollOld(): Promise<void> {
    const { store, clock } = this.#options;
    const time = clock.now() - this.#ageMillis;
    return this.#roll(store.getOffsetInQueueByTime(TIMER_TOPIC, 0, time, "LOWER"));
  }

  /** Stores anew what waits and was stored before `queueOffset`. Never rejects. */
  #roll(queueOffset: number): Promise<void> {
    return this.#running ??= this.#rollBefore(queueOffset).catch((error) => {
      this.#options.log.error("cannot store timer messages anew, trying again later", { error });
    }).finally(() => this.#running = undefined);
  }

  async #rollBefore(end: number): Promise<void> {
    const { timerStore, intake, saver, clock, log } = this.#options;
    const queueOffset = Math.min(end, intake.nextOffset);
    if (queueOffset <= saver.firstQueueOffset || timerStore.index.count === 0) return;
    let left = Infinity;
    let count = 0;
    const leave = (entry: TimerEntry) => left = Math.min(left, entry.queueOffset);
    for await (const entries of timerStore.index.olderThan(queueOffset)) {
      const soon = clock.now() + SOON_MILLIS;
      const far = entries.filter((entry) => entry.due > soon || void leave(entry));
      for (const batch of batchesOf(far)) {
        if (this.#isStopped) return;
        count += await this.#rollBatch(batch, leave);
      }
    }
    saver.firstQueueOffset = Math.min(queueOffset, left);
    saver.markDirty();
    if (count > 0) log.info("stored timer messages anew, since their files are old", { count });
  }

  /** @throws when one of them cannot be put. */
  async #rollBatch(
    batch: readonly TimerEntry[],
    leave: (entry: TimerEntry) => void,
  ): Promise<number> {
    const { store, timerStore, intake, held, isCancelling, clock } = this.#options;
    let rest = batch;
    let putCount = 0;
    const reader = new TimerReader(store);
    while (rest.length > 0) {
      await reader.load(rest);
      const now = clock.now();
      const { count, failure } = await putTimers({ store, held }, rest, (entry) => {
        const bytes = reader.find(entry);
        if (bytes === undefined) return undefined;
        // What cannot be read is told when it is due.
        if (bytes === "GONE" || !timerStore.index.isWaiting(entry)) return "SKIP";
        if (isCancelling(entry)) {
          leave(entry);
          return "SKIP";
        }
        this.#rolling.add(entry.queueOffset);
        putCount++;
        return rolled(readTimerRecord(bytes), now);
      });
      await intake.caughtUp();
      for (const entry of rest) this.#rolling.delete(entry.queueOffset);
      if (failure !== undefined) throw failure;
      rest = rest.slice(count);
    }
    return putCount;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    this.#timer?.[Symbol.dispose]();
    await this.#running;
  }
}

function* batchesOf(entries: readonly TimerEntry[]): Generator<TimerEntry[]> {
  let batch: TimerEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (batch.length === BATCH_MAX || batch.length > 0 && bytes + entry.size > BATCH_BYTES_MAX) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(entry);
    bytes += entry.size;
  }
  if (batch.length > 0) yield batch;
}
