/** Keeps the index on disk behind what happens, and leaves to Apache's broker what it needs to go on from there. */

import type { FileSystem } from "../../../store/file_system.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import {
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
  /** What `timercheck` is on the disk; undefined when Apache's broker, or our last stop, has written it. */
  #apacheCheckpoint: TimerCheckpoint | undefined;

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
    const { store, timerStore, intake, settings } = this.#options;
    if (store.findQueue(TIMER_TOPIC, 0) === undefined) return false;
    const { index } = timerStore;
    const lagBytes = store.stats.durableOffset - intake.flushed.physicalOffset;
    const isBehind = lagBytes >= Math.min(LAG_BYTES_MAX, settings.mappedFileSizeCommitLog);
    if (!this.#isDirty && !isBehind) return true;
    const lagRecords = intake.nextOffset - intake.flushed.queueOffset;
    if (index.freshCount === 0 || lagRecords >= LAG_RECORDS || isBehind) intake.flush(true);
    if (index.count === 0) this.firstQueueOffset = intake.nextOffset;
    const isKnown = this.#apacheCheckpoint?.lastTimerQueueOffset === this.firstQueueOffset;
    if (isKnown) return await this.#write(this.#apacheCheckpoint!);
    const isSaved = await this.#write(this.#runningCheckpoint());
    // Apache's timer log is of no use any more, and soon it would be wrong.
    if (isSaved) removeTimerLog(this.#options.fileSystem, this.#options.storeFolder);
    return isSaved;
  }

  /** Should this process die, Apache's broker is to read all messages that may wait from the queue again. */
  #runningCheckpoint(): TimerCheckpoint {
    const { firstQueueOffset } = this;
    return {
      lastReadTimeMs: this.#options.clock.now(),
      lastTimerLogFlushPos: 0,
      lastTimerQueueOffset: firstQueueOffset,
      masterTimerQueueOffset: firstQueueOffset,
    };
  }

  /** Saves the index together with what `timercheck` is going to be, then writes that. */
  async #write(
    apacheCheckpoint: TimerCheckpoint,
    before: () => Promise<void> = () => Promise.resolve(),
  ): Promise<boolean> {
    const { timerStore, intake, fileSystem, storeFolder } = this.#options;
    const { firstQueueOffset } = this;
    const fields = { ...intake.flushed, firstQueueOffset, apacheCheckpoint };
    this.#isDirty = false;
    if (!await timerStore.save(fields, this.#untilDurable())) {
      this.#isDirty = true;
      return false;
    }
    if (this.#apacheCheckpoint === apacheCheckpoint) return true;
    await before();
    await writeTimerCheckpoint(fileSystem, storeFolder, apacheCheckpoint);
    this.#apacheCheckpoint = apacheCheckpoint;
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
    const { store, timerStore, intake, settings, clock, log } = this.#options;
    await this.#saving;
    if (store.findQueue(TIMER_TOPIC, 0) === undefined) return;
    try {
      intake.flush(true);
      if (timerStore.index.count === 0) this.firstQueueOffset = intake.nextOffset;
      const now = clock.now();
      const checkpoint = {
        lastReadTimeMs: now - now % slotMillis(settings.timerPrecisionMs),
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
