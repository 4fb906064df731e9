/** Brings queues and index to disk in their own time, notes how far they go, and lets them follow a log that lost its beginning. */

import { type CheckpointTimestamps, syncCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import type { CommitLog } from "./commit_log.ts";
import { SyncError } from "./errors.ts";
import type { FileSystem } from "./file_system.ts";
import type { GroupCommit } from "./flush.ts";
import type { MessageIndex } from "./message_index.ts";
import type { QueueTable } from "./queue_table.ts";

/** How often that happens while messages come in. */
const INTERVAL_MILLIS = 5_000;
/** A run with very many queues takes long; it may take the disk for this part of the time. */
const BUSY_PART = 0.2;
/** It rests no longer than this: a start after a crash reads what was put meanwhile. */
const REST_MILLIS_MAX = 30_000;

/** What has been dispatched to queues and index. */
export interface Dispatched {
  /** Every record before this physicalOffset is in its queue and in the index, if not yet on disk. */
  endOffset: number;
  /** Where the last of them begins; -1 for none. */
  lastRecordOffset: number;
  /** When the newest message was stored; milliseconds. */
  storeTimestamp: number;
}

export interface CheckpointTaskOptions {
  fileSystem: FileSystem;
  /** The data folder. */
  folder: string;
  log: CommitLog;
  flush: GroupCommit;
  queues: QueueTable;
  index: MessageIndex | undefined;
  dispatched: () => Dispatched;
  /** Up to where queues and index are on disk already. */
  startOffset: number;
  /**
   * It did not work. Nothing is lost by that, but a start after a crash reads the log from where the last run came to.
   * The next run tries again, except after an fsync that failed: what it was to cover could be missing ever after.
   */
  onFailed: (error: Error) => void;
}

export class CheckpointTask {
  readonly #options: CheckpointTaskOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #running: Promise<void> | undefined;
  /** Not before this time (performance.now) a run begins by itself. */
  #restsUntil = 0;
  #checkpointOffset: number;
  /** Where the log began when queues and index last followed it. */
  #followedOffset = 0;
  /** An fsync has failed: no run before the next start, which makes anew what is missing. */
  #isBroken = false;

  constructor(options: CheckpointTaskOptions) {
    this.#options = options;
    this.#checkpointOffset = options.startOffset;
    this.#timer = setInterval(() => {
      if (performance.now() >= this.#restsUntil) this.run();
    }, INTERVAL_MILLIS);
  }

  /** A start after a crash reads the log from here on. */
  get checkpointOffset(): number {
    return this.#checkpointOffset;
  }

  /** Runs when there is something new. Never rejects. */
  run(): Promise<void> {
    const { dispatched, log, onFailed } = this.#options;
    const isNew = dispatched().endOffset > this.#checkpointOffset ||
      log.minOffset > this.#followedOffset;
    if (!isNew || this.#isBroken) return this.#running ?? Promise.resolve();
    return this.#running ??= this.#write(false)
      .catch((error) => {
        this.#isBroken = error instanceof SyncError;
        onFailed(this.#isBroken ? noMoreUntilRestart(error) : error);
      })
      .finally(() => this.#running = undefined);
  }

  /** Does something to the queues while no run does. @throws what `work` throws. */
  async between(work: () => Promise<void>): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    const working = work();
    this.#running = working.catch(() => {}).finally(() => this.#running = undefined);
    await working;
  }

  async #write(closing: boolean): Promise<void> {
    const { fileSystem, folder, flush, queues, index, dispatched } = this.#options;
    const started = performance.now();
    const { endOffset, lastRecordOffset, storeTimestamp } = dispatched();
    const indexEndOffset = index?.end.physicalOffset ?? -1;
    await flush.flush();
    if (flush.durableOffset < endOffset) return;
    await queues.sync();
    if (closing) await index?.sync();
    else await index?.syncUnits();
    const checkpoint = { endOffset, lastRecordOffset, indexEndOffset };
    const whole = { storeTimestamp, indexedTimestamp: storeTimestamp };
    const timestamps = closing ? whole : timestampsForApache(index, storeTimestamp);
    writeCheckpoint(fileSystem, folder, checkpoint, timestamps);
    await syncCheckpoint(fileSystem, folder);
    this.#checkpointOffset = endOffset;
    await this.#followLog();
    const now = performance.now();
    this.#restsUntil = now + Math.min(REST_MILLIS_MAX, (now - started) * (1 / BUSY_PART - 1));
  }

  /** Queues and index lose what the log has lost. A file that a crash leaves behind goes after the next start. */
  async #followLog(): Promise<void> {
    const { log, index, queues } = this.#options;
    const { minOffset } = log;
    if (minOffset <= this.#followedOffset) return;
    index?.dropBefore(minOffset);
    await queues.dropOldFiles();
    this.#followedOffset = minOffset;
  }

  /** Ends the runs; waits for the one under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /**
   * The last run, which makes the index whole.
   * @returns whether all that was dispatched is on disk now. @throws when the disk refuses.
   */
  async finish(): Promise<boolean> {
    if (this.#isBroken) return false;
    await this.#write(true);
    return this.#checkpointOffset === this.#options.dispatched().endOffset;
  }
}

/**
 * What Apache is to know if it opens the folder after a crash: it must read again what it cannot have in its index.
 * @param storeTimestamp up to when all is in the queues.
 * @param physicalOffset from there on the index is going to be made anew.
 */
export function timestampsForApache(
  index: MessageIndex | undefined,
  storeTimestamp: number,
  physicalOffset = Infinity,
): CheckpointTimestamps {
  if (index === undefined) return { storeTimestamp, indexedTimestamp: storeTimestamp };
  const { wholeUntil, incompleteFrom } = index.completeness(physicalOffset);
  return {
    storeTimestamp: Math.min(storeTimestamp, incompleteFrom),
    indexedTimestamp: wholeUntil,
  };
}

function noMoreUntilRestart(cause: Error): Error {
  return new Error("An fsync failed: queues and index are not brought to disk before a restart", {
    cause,
  });
}
