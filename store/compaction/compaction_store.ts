/**
 * Compaction topics (`cleanup.policy=COMPACTION`): of each key the newest message stays, however old it is. All of them
 * put together: copying, runs, and what consumers read. README.md beside this file tells how it works.
 */

import type { ConsumeQueue } from "../consume_queue.ts";
import { SyncError } from "../errors.ts";
import type { FileSystem } from "../file_system.ts";
import { getMessage, type GetMessageOptions, type GetMessageResult } from "../get_message.ts";
import type { MessageSource } from "../get_message.ts";
import type { BoundaryType } from "../lookup.ts";
import type { QueueTable } from "../queue_table.ts";
import type { CompactionLog } from "./compaction_log.ts";
import { compact, type RunReport } from "./compaction_run.ts";
import { copyMessages } from "./copy.ts";
import { type CompactionFolders, compactionFolders, type CompactionSettings } from "./folders.ts";
import { getCompacted } from "./get_compacted.ts";
import { LogTable } from "./log_table.ts";
import { Pacer } from "./pacer.ts";
import { PositionCheckpoint } from "./position_checkpoint.ts";
import { commitLogStart, compactedOffsetByTime, earliestTime, minOffsetOf } from "./queue_view.ts";
import { redoSwap, removeCompacting, removeJournal, type Swap } from "./swap.ts";

/** What the broker says about compaction. */
export interface CompactionOptions {
  settings: CompactionSettings;
  /** The names of the compaction topics there are now; asked every few seconds. */
  topics: () => Iterable<string>;
  /** A run has compacted a queue. */
  onCompacted: (report: RunReport) => void;
  /** Something did not work; it is tried again by itself, but after a failed fsync. */
  onFailed: (error: Error) => void;
}

/** What compaction needs of the store that it belongs to. */
export interface CompactionDeps extends CompactionOptions {
  fileSystem: FileSystem;
  /** The data folder. */
  storeFolder: string;
  source: MessageSource;
  queues: QueueTable;
  /** What lies before this physicalOffset is on disk. */
  durableOffset: () => number;
  /** Whether the last stop was a clean one. */
  clean: boolean;
}

/** How often what is new is copied. */
const COPY_INTERVAL_MILLIS = 2_000;
/** How long a store that closes copies what is left, for Apache's sake. We would copy it after the next start. */
const CLOSING_COPY_MILLIS = 10_000;

export class CompactionStore implements AsyncDisposable {
  readonly #deps: CompactionDeps;
  readonly #folders: CompactionFolders;
  readonly #positions: PositionCheckpoint;
  readonly #logs: LogTable;
  readonly #copyPacer = new Pacer();
  readonly #runPacer = new Pacer();
  readonly #timers: ReturnType<typeof setInterval>[];
  #copying: Promise<void> | undefined;
  #compacting: Promise<void> | undefined;
  /** The rest of a swap that could not be ended yet. */
  #unfinishedSwap: (() => Promise<void>) | undefined;
  /** The disk has failed: nothing it says can be trusted any more. */
  #hasFailed = false;
  #isClosing = false;
  /** When copying has to end, by `performance.now`. */
  #copyingEnds = Infinity;

  /**
   * Opens the compaction logs and ends what a crash has left.
   * @throws {CorruptStoreError} when what is on disk is damaged.
   */
  constructor(deps: CompactionDeps) {
    this.#deps = deps;
    const { fileSystem, storeFolder, settings } = deps;
    this.#folders = compactionFolders(fileSystem, storeFolder, settings);
    const swap = redoSwap(this.#folders);
    this.#positions = new PositionCheckpoint(fileSystem, this.#folders.root, deps.onFailed);
    if (swap === undefined) removeCompacting(this.#folders);
    else this.#noteSwap(swap);
    this.#logs = new LogTable({
      folders: this.#folders,
      positions: this.#positions,
      queues: deps.queues,
      commitLog: deps.source.log,
      topics: deps.topics,
      clean: deps.clean,
    });
    this.#timers = [
      setInterval(() => this.copy(), COPY_INTERVAL_MILLIS),
      setInterval(() => this.compact(), settings.compactionScheduleInternal),
    ];
  }

  /** A crash came between a swap and its end. The position counts at once; the rest comes before the next run. */
  #noteSwap({ topic, queueId, position }: Swap): void {
    const saved = this.#positions.set(topic, queueId, position);
    saved.catch(() => {});
    this.#unfinishedSwap = async () => {
      await this.#positions.set(topic, queueId, position);
      await removeJournal(this.#folders);
    };
  }

  #queueOf({ topic, queueId }: CompactionLog): ConsumeQueue {
    return this.#deps.queues.get(topic, queueId);
  }

  /** An fsync has failed: a start must not trust the files as it does after a clean stop. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Copies what is new in the queues of compaction topics, and brings it to disk. Runs by itself; never rejects. */
  copy(): Promise<void> {
    return this.#copying ??= this.#copyAll().finally(() => this.#copying = undefined);
  }

  async #copyAll(): Promise<void> {
    this.#logs.follow(this.#deps.onFailed);
    for (const log of [...this.#logs]) {
      if (this.#hasFailed) return;
      await this.#attempt(() =>
        copyMessages(log, this.#queueOf(log), {
          source: this.#deps.source,
          durableOffset: this.#deps.durableOffset,
          pacer: this.#copyPacer,
          isStopped: () => performance.now() > this.#copyingEnds,
        })
      );
      // Also what was copied before a failure.
      await this.#attempt(() => log.sync());
    }
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#hasFailed ||= error instanceof SyncError;
      this.#deps.onFailed(
        this.#hasFailed
          ? new Error("Nothing more is copied or compacted until a restart", { cause: error })
          : error as Error,
      );
    }
  }

  /** Compacts the queues where that is worth it. Runs by itself; never rejects. */
  compact(): Promise<void> {
    return this.#compacting ??= this.#compactAll().finally(() => this.#compacting = undefined);
  }

  async #compactAll(): Promise<void> {
    for (const log of [...this.#logs]) {
      if (this.#hasFailed || this.#isClosing) return;
      if (log.isClosed || !this.#isWorthIt(log)) continue;
      await this.#attempt(() => this.#compactOne(log));
    }
  }

  /** A run reads and writes everything that there is of a queue, so enough of it must be new. */
  #isWorthIt(log: CompactionLog): boolean {
    const { dirty, clean } = log.bytes;
    return dirty > 0 && (dirty >= this.#folders.logBytes || dirty >= clean);
  }

  async #compactOne(log: CompactionLog): Promise<void> {
    await this.#unfinishedSwap?.();
    this.#unfinishedSwap = undefined;
    const report = await compact(log, {
      folders: this.#folders,
      positions: this.#positions,
      pacer: this.#runPacer,
      maxOffsetMapSize: this.#deps.settings.maxOffsetMapSize,
      isStopped: () => this.#isClosing,
      onJournal: (finish) => this.#unfinishedSwap = finish,
    });
    this.#unfinishedSwap = undefined;
    if (report !== undefined) this.#deps.onCompacted(report);
  }

  /**
   * The physicalOffset from which on the commit log is still needed: what lies before it is copied and on disk, or of
   * another topic.
   */
  compactedUpTo(): number {
    let needed = this.#deps.durableOffset();
    for (const topic of this.#deps.topics()) {
      for (const queueId of this.#deps.queues.queueIds(topic)) {
        const queue = this.#deps.queues.get(topic, queueId);
        const syncedOffset = this.#logs.find(topic, queueId)?.syncedOffset ?? 0;
        const first = Math.max(syncedOffset, queue.minOffset);
        if (first >= queue.maxOffset) continue;
        needed = Math.min(needed, queue.read(first, 1).physicalOffset(0));
      }
    }
    return needed;
  }

  /** Removes all that there is of a topic. Resolves when it is gone. */
  async deleteTopic(topic: string): Promise<void> {
    const logs = this.#logs.take(topic);
    await Promise.all([this.#copying, this.#compacting]);
    for (const log of logs) {
      log.delete();
      await this.#positions.set(topic, log.queueId, undefined);
    }
  }

  /** As `getMessage` of the store; undefined when the queue is no compaction topic's. */
  getMessage(
    topic: string,
    queueId: number,
    options: GetMessageOptions,
  ): GetMessageResult | Promise<GetMessageResult> | undefined {
    const log = this.#logs.find(topic, queueId);
    if (log === undefined) return undefined;
    const queue = this.#queueOf(log);
    const minOffset = minOffsetOf(log, queue);
    const withEnds = (result: GetMessageResult): GetMessageResult => {
      result.minOffset = minOffset;
      result.maxOffset = queue.maxOffset;
      return result;
    };
    const start = commitLogStart(log, queue);
    let from = options;
    if (options.queueOffset < start) {
      const compacted = getCompacted(log, options, start, this.#deps.onFailed);
      if (compacted !== undefined) return compacted.then(withEnds);
      from = { ...options, queueOffset: start };
    }
    const result = getMessage(this.#deps.source, queue, from);
    return result instanceof Promise ? result.then(withEnds) : withEnds(result);
  }

  /** queueOffset of the oldest message there is; undefined when the queue is no compaction topic's. */
  getMinOffset(topic: string, queueId: number): number | undefined {
    const log = this.#logs.find(topic, queueId);
    return log && minOffsetOf(log, this.#queueOf(log));
  }

  /** When the oldest message was stored, -1 for none; undefined when the queue is no compaction topic's. */
  getEarliestMessageTime(topic: string, queueId: number): number | undefined {
    const log = this.#logs.find(topic, queueId);
    return log && earliestTime(log, this.#queueOf(log), this.#deps.source.log);
  }

  /** As `offsetByTime`; undefined when the queue is no compaction topic's. */
  getOffsetByTime(
    topic: string,
    queueId: number,
    timestamp: number,
    boundary: BoundaryType,
  ): number | undefined {
    const log = this.#logs.find(topic, queueId);
    return log &&
      compactedOffsetByTime(log, this.#queueOf(log), this.#deps.source.log, timestamp, boundary);
  }

  /** Copies what is left, so that Apache finds all of it, and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#copyingEnds = performance.now() + CLOSING_COPY_MILLIS;
    for (const timer of this.#timers) clearInterval(timer);
    this.#copyPacer.hurry();
    this.#runPacer.hurry();
    await this.#compacting;
    await this.#copying;
    await this.copy();
    for (const log of this.#logs) {
      if (log.copiedOffset < this.#queueOf(log).maxOffset) this.#deps.onFailed(leftOver(log));
      log.close();
    }
  }
}

function leftOver({ topic, queueId, copiedOffset }: CompactionLog): Error {
  return new Error(
    `Queue ${queueId} of ${topic} is not in the compaction log from message ${copiedOffset} on. The ` +
      "next start goes on with it; Apache's broker would not find these messages",
  );
}
