/**
 * When what was written becomes durable. SYNC_FLUSH: an fdatasync runs whenever something waits for one; while it runs,
 * the next group gathers. ASYNC_FLUSH: one runs at an interval and nobody waits.
 */

export const FLUSH_DISK_TYPES = ["SYNC_FLUSH", "ASYNC_FLUSH"] as const;
export type FlushDiskType = (typeof FLUSH_DISK_TYPES)[number];

export interface FlushOptions {
  flushDiskType: FlushDiskType;
  /** flushIntervalCommitLog, for ASYNC_FLUSH. */
  intervalMillis: number;
  /** Offset up to which the log is in the files. */
  writtenOffset: () => number;
  /** Runs one fdatasync; gives the offset up to which the log is durable then. */
  sync: () => Promise<number>;
  /** The level that senders were promised has reached this offset. */
  onPromised: (offset: number) => void;
  /** An fdatasync failed. Nothing may be written any more: the kernel may have dropped what it could not write. */
  onFailure: (error: Error) => void;
}

export class GroupCommit {
  readonly #options: FlushOptions;
  #durableOffset: number;
  #running: Promise<void> | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #failed = false;
  /** How many fdatasyncs have run. */
  syncCount = 0;

  constructor(options: FlushOptions) {
    this.#options = options;
    this.#durableOffset = options.writtenOffset();
    if (options.flushDiskType === "ASYNC_FLUSH") {
      this.#timer = setInterval(() => this.#run(), options.intervalMillis);
    }
  }

  get durableOffset(): number {
    return this.#durableOffset;
  }

  /** Something was written. */
  written(): void {
    if (this.#failed) return;
    if (this.#options.flushDiskType === "SYNC_FLUSH") this.#run();
    else this.#options.onPromised(this.#options.writtenOffset());
  }

  /** Waits until all that is written now is durable, or the disk has failed. */
  async flush(): Promise<void> {
    const target = this.#options.writtenOffset();
    while (this.#durableOffset < target && !this.#failed) await this.#run();
  }

  #run(): Promise<void> {
    return this.#running ??= this.#syncUntilNothingIsNew().finally(() => {
      this.#running = undefined;
      // Whoever was just told may have written more before this turn's end.
      const isBehind = this.#durableOffset < this.#options.writtenOffset() && !this.#failed;
      if (isBehind && this.#options.flushDiskType === "SYNC_FLUSH") this.#run();
    });
  }

  async #syncUntilNothingIsNew(): Promise<void> {
    while (this.#durableOffset < this.#options.writtenOffset() && !this.#failed) {
      try {
        const offset = await this.#options.sync();
        // Meanwhile something else of the disk may have failed.
        if (this.#failed) return;
        this.#durableOffset = offset;
        this.syncCount++;
        if (this.#options.flushDiskType === "SYNC_FLUSH") this.#options.onPromised(offset);
      } catch (error) {
        this.#failed = true;
        this.#options.onFailure(error instanceof Error ? error : new Error(String(error)));
        return;
      }
    }
  }

  /** Forgets that bytes after `offset` were written. */
  undo(offset: number): void {
    this.#durableOffset = Math.min(this.#durableOffset, offset);
  }

  /** Ends it: nothing is promised any more. */
  fail(): void {
    this.#failed = true;
    this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
