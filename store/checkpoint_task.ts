/** Brings queues and index to disk in their own time, notes how far they go, and lets them follow a log that lost its beginning. */

import { writeCheckpoint } from "./checkpoint.ts";
import type { CommitLog } from "./commit_log.ts";
import type { FileSystem } from "./file_system.ts";
import type { GroupCommit } from "./flush.ts";
import type { MessageIndex } from "./message_index.ts";
import type { QueueTable } from "./queue_table.ts";

/** How often that happens while messages come in. */
const INTERVAL_MILLIS = 5_000;

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
  /** Up to when the index files are whole on disk, as Apache reads them; milliseconds. */
  indexedTimestamp: number;
  /** It did not work; what is in memory stays there and the next run tries again. */
  onFailed: (error: Error) => void;
}

export class CheckpointTask {
  readonly #options: CheckpointTaskOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #running: Promise<void> | undefined;
  #checkpointOffset: number;
  #indexedTimestamp: number;
  /** Where the log began when queues and index last followed it. */
  #followedOffset = 0;

  constructor(options: CheckpointTaskOptions) {
    this.#options = options;
    this.#checkpointOffset = options.startOffset;
    this.#indexedTimestamp = options.indexedTimestamp;
    this.#timer = setInterval(() => this.run(), INTERVAL_MILLIS);
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
    if (!isNew) return this.#running ?? Promise.resolve();
    return this.#running ??= this.#write(false)
      .catch(onFailed)
      .finally(() => this.#running = undefined);
  }

  async #write(closing: boolean): Promise<void> {
    const { fileSystem, folder, flush, queues, index, dispatched } = this.#options;
    const { endOffset, lastRecordOffset, storeTimestamp } = dispatched();
    await flush.flush();
    if (flush.durableOffset < endOffset) return;
    await queues.sync();
    if (closing) await index?.sync();
    else await index?.syncUnits();
    if (closing) this.#indexedTimestamp = storeTimestamp;
    writeCheckpoint(fileSystem, folder, { endOffset, lastRecordOffset }, {
      storeTimestamp,
      indexedTimestamp: this.#indexedTimestamp,
    });
    this.#checkpointOffset = endOffset;
    await this.#followLog();
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
    await this.#write(true);
    return this.#checkpointOffset === this.#options.dispatched().endOffset;
  }
}
