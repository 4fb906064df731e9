/** Keeps the index on disk behind what happens, and leaves to Apache's broker what it needs to go on from there. */

import type { FileSystem } from "../../../store/file_system.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import {
  readTimerCheckpoint,
  removeTimerLog,
  type TimerCheckpoint,
  writeTimerCheckpoint,
} from "../../../store/timer/apache_files.ts";
import type { TimerStore } from "../../../store/timer/timer_store.ts";
import type { Log } from "../../log.ts";
import type { Clock } from "../pop/due_timer.ts";
import { exportTimers, slotMillis, type TimerExportSettings } from "./timer_export.ts";
import type { TimerIntake } from "./timer_intake.ts";
import { TIMER_TOPIC } from "./timer_message.ts";

export interface TimerSaverOptions {
  store: Pick<MessageStore, "stats" | "checkpoint" | "findQueue">;
  timerStore: TimerStore;
  intake: TimerIntake;
  settings: TimerExportSettings & { mappedFileSizeCommitLog: number };
  fileSystem: FileSystem;
  storeFolder: string;
  clock: Clock;
  log: Log;
}

/** How often what has changed is saved. */
const SAVE_MILLIS = 5_000;
/** A start after a crash reads not much more than so many records of the timer topic, and so much of the log. */
const LAG_RECORDS = 20_000;
const LAG_BYTES_MAX = 64 * 1024 * 1024;
/** Others may bring the log to disk at the same time, for what came before. */
const DURABLE_TRIES = 3;

export class TimerSaver implements Disposable {
  readonly #options: TimerSaverOptions;
  /** None that waits was stored before this offset of the timer topic's queue. */
  firstQueueOffset = 0;
  #isDirty = false;
  #timer: Disposable | undefined;
  #saving: Promise<boolean> | undefined;
  #isTimerLogGone = false;

  constructor(options: TimerSaverOptions) {
    this.#options = options;
  }

  /** Saves from now on, and at once if there is something. */
  async start(firstQueueOffset: number): Promise<void> {
    this.firstQueueOffset = firstQueueOffset;
    this.#isDirty = true;
    await this.save();
    this.#saveLater();
  }

  /** The index has changed. */
  markDirty(): void {
    this.#isDirty = true;
  }

  #saveLater(): void {
    this.#timer = this.#options.clock.after(SAVE_MILLIS, () => {
      this.save().finally(() => {
        if (this.#timer !== undefined) this.#saveLater();
      });
    });
  }

  /** Saves what has changed. Not to be called while a delivery is being noted. Never rejects. */
  save(): Promise<boolean> {
    return this.#saving ??= this.#save().catch((error) => {
      this.#isDirty = true;
      this.#options.log.error("cannot save the index of the timer messages", { error });
      return false;
    }).finally(() => this.#saving = undefined);
  }

  async #save(): Promise<boolean> {
    const { store, timerStore, intake, settings, clock, fileSystem, storeFolder } = this.#options;
    if (store.findQueue(TIMER_TOPIC, 0) === undefined) return false;
    const { index } = timerStore;
    const lagBytes = store.stats.durableOffset - intake.flushed.physicalOffset;
    const isBehind = lagBytes >= Math.min(LAG_BYTES_MAX, settings.mappedFileSizeCommitLog);
    if (!this.#isDirty && !isBehind) return true;
    const lagRecords = intake.nextOffset - intake.flushed.queueOffset;
    if (index.freshCount === 0 || lagRecords >= LAG_RECORDS || isBehind) intake.flush(true);
    if (index.count === 0) this.firstQueueOffset = intake.nextOffset;
    const { firstQueueOffset } = this;
    const isSaved = await this.#write({
      lastReadTimeMs: this.#readTime(Math.min(clock.now(), index.firstDue - 1)),
      lastTimerLogFlushPos: 0,
      lastTimerQueueOffset: firstQueueOffset,
      masterTimerQueueOffset: firstQueueOffset,
    });
    if (isSaved && !this.#isTimerLogGone) {
      // It is of no use any more, and soon it would be wrong.
      removeTimerLog(fileSystem, storeFolder);
      this.#isTimerLogGone = true;
    }
    return isSaved;
  }

  /** How far the timers have come, for a slave: none that is due before `lastReadTimeMs` waits any more. */
  checkpoint(): TimerCheckpoint {
    const { timerStore, intake, clock } = this.#options;
    return {
      lastReadTimeMs: this.#readTime(Math.min(clock.now(), timerStore.index.firstDue - 1)),
      lastTimerLogFlushPos: 0,
      lastTimerQueueOffset: intake.nextOffset,
      masterTimerQueueOffset: intake.nextOffset,
    };
  }

  /** The beginning of Apache's slot of a time. */
  #readTime(time: number): number {
    return time - time % slotMillis(this.#options.settings.timerPrecisionMs);
  }

  /** Saves the index together with what `timercheck` is going to be, then writes that. */
  async #write(
    apacheCheckpoint: TimerCheckpoint,
    before: () => Promise<void> = () => Promise.resolve(),
  ): Promise<boolean> {
    const { timerStore, intake, fileSystem, storeFolder } = this.#options;
    const { firstQueueOffset } = this;
    const previous = readTimerCheckpoint(fileSystem, storeFolder);
    const apacheCheckpoints = [apacheCheckpoint, ...(previous === undefined ? [] : [previous])];
    const fields = { ...intake.flushed, firstQueueOffset, apacheCheckpoints };
    this.#isDirty = false;
    if (!await timerStore.save(fields, this.#untilDurable())) {
      this.#isDirty = true;
      return false;
    }
    await before();
    await writeTimerCheckpoint(fileSystem, storeFolder, apacheCheckpoint);
    return true;
  }

  #untilDurable(): () => Promise<boolean> {
    const { store } = this.#options;
    const end = store.stats.maxOffset;
    return async () => {
      for (let tries = 0; tries < DURABLE_TRIES && store.stats.durableOffset < end; tries++) {
        await store.checkpoint();
      }
      return store.stats.durableOffset >= end;
    };
  }

  /** The last save: leaves the messages that wait to whichever broker comes next. Never rejects. */
  async finish(): Promise<void> {
    const { store, timerStore, intake, clock, log } = this.#options;
    await this.#saving;
    if (store.findQueue(TIMER_TOPIC, 0) === undefined) return;
    try {
      intake.flush(true);
      if (timerStore.index.count === 0) this.firstQueueOffset = intake.nextOffset;
      const now = clock.now();
      const checkpoint = {
        lastReadTimeMs: this.#readTime(now),
        lastTimerLogFlushPos: 0,
        lastTimerQueueOffset: intake.nextOffset,
        masterTimerQueueOffset: intake.nextOffset,
      };
      await this.#write(checkpoint, () => exportTimers({ ...this.#options, now }));
    } catch (error) {
      log.error("cannot leave the timer messages to Apache's broker", { error });
    }
  }

  /** Saves no longer by itself. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }
}
