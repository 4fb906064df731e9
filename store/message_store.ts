/** The store: everything that is on disk, as one thing. The only class of this folder that the server builds. */

import { findProperty, MessageProperty } from "../client/protocol/message.ts";
import type { MessageToStore, StoredMessage } from "../client/protocol/message_record.ts";
import { readApacheCheckpoint, readCheckpoint } from "./checkpoint.ts";
import { CheckpointTask } from "./checkpoint_task.ts";
import { CommitLog } from "./commit_log.ts";
import type { ConsumeQueue } from "./consume_queue.ts";
import {
  type DelayLevels,
  type DispatchEntry,
  dispatchEntry,
  DispatchQueue,
  entryOf,
  isQueued,
  tagsCodeOf,
} from "./dispatch.ts";
import type { FileSystem } from "./file_system.ts";
import { lockFolder, overwriteText } from "./folder.ts";
import { type FlushDiskType, GroupCommit } from "./flush.ts";
import { getMessage, type GetMessageOptions, type GetMessageResult } from "./get_message.ts";
import type { MessageSource } from "./get_message.ts";
import {
  type BoundaryType,
  type KeyQuery,
  messageAt,
  offsetByTime,
  recordAt,
  recordsByKey,
  storeTimestampOf,
} from "./lookup.ts";
import { MessageIndex } from "./message_index.ts";
import { QueueTable } from "./queue_table.ts";
import { type DamageReport, mendQueue } from "./mend.ts";
import { scanLog, scanStart } from "./recovery.ts";
import { type DeletedFile, Retention, type RetentionSettings } from "./retention.ts";

/** The settings that the store reads, under Apache's names. */
export interface StoreSettings extends RetentionSettings {
  storePathRootDir: string;
  /** The commit log's folder; empty for `commitlog` in the data folder. */
  storePathCommitLog: string;
  mappedFileSizeCommitLog: number;
  mappedFileSizeConsumeQueue: number;
  maxHashSlotNum: number;
  maxIndexNum: number;
  messageIndexEnable: boolean;
  enabledAppendPropCRC: boolean;
  flushDiskType: FlushDiskType;
  flushIntervalCommitLog: number;
  /** How often old files and the space on the disk are looked at. */
  cleanResourceInterval: number;
}

export interface StoreOptions {
  settings: StoreSettings;
  fileSystem: FileSystem;
  /** Milliseconds since the epoch. */
  now: () => number;
  delayLevels: DelayLevels;
  /** A message has become visible to consumers. */
  onArrival: (entry: DispatchEntry) => void;
  /** The log has reached the promised level up to this offset: whoever waits for it can be answered. */
  onPromised: (offset: number) => void;
  /** What was appended after `offset` could not be written and is forgotten; later sends may succeed again. */
  onWriteFailed: (offset: number, error: Error) => void;
  /** Messages were damaged on disk; they were mended, or are passed over from now on. */
  onDamage: (report: DamageReport) => void;
  /** Old log files are gone. Queues begin later now. */
  onDeleted: (files: DeletedFile[]) => void;
  /** The disk takes no more messages for the reason given, or (undefined) takes them again. */
  onDiskFull: (reason: string | undefined) => void;
  /** A checkpoint or the deletion of old files failed. Nothing is lost by it; it is tried again. */
  onUpkeepFailed: (error: Error) => void;
  /** An fsync failed: nothing is written or acknowledged any more, the process should end. */
  onFatal: (error: Error) => void;
}

/** Where a message went, or why it did not. */
export type PutMessageResult =
  | {
    status: "PUT_OK";
    physicalOffset: number;
    queueOffset: number;
    /** Once the promised level reaches this offset, the message is safe. */
    endOffset: number;
  }
  | { status: "PROPERTIES_SIZE_EXCEEDED" }
  | { status: "SERVICE_NOT_AVAILABLE"; reason: string };

/** Counters since the start, and places in the log. */
export interface StoreStats {
  /** Messages that were put; divided by `syncCount` it says how many share an fdatasync. */
  putCount: number;
  syncCount: number;
  minOffset: number;
  maxOffset: number;
  durableOffset: number;
}

/** What a start found. */
export interface RecoveryReport {
  clean: boolean;
  scannedRecords: number;
  endOffset: number;
  torn: string | undefined;
  millis: number;
}

/** The log's newest part that stays in memory for consumers that keep up. */
const TAIL_BYTES_MAX = 16 * 1024 * 1024;

export class MessageStore implements AsyncDisposable {
  readonly recovery: RecoveryReport;
  readonly #options: StoreOptions;
  readonly #folder: string;
  readonly #lock: Disposable;
  readonly #log: CommitLog;
  readonly #queues: QueueTable;
  readonly #index: MessageIndex | undefined;
  readonly #flush: GroupCommit;
  readonly #dispatchQueue = new DispatchQueue();
  readonly #retention: Retention;
  /** Queues that are being mended. */
  readonly #mending = new Map<ConsumeQueue, Promise<void>>();
  readonly #source: MessageSource;
  #dispatchedOffset: number;
  #lastRecordOffset: number;
  #lastStoreTimestamp: number;
  readonly #checkpoint: CheckpointTask;
  readonly #retentionTimer: ReturnType<typeof setInterval>;
  #deleting: Promise<void> | undefined;
  #diskFull: string | undefined;
  #putCount = 0;
  #unwritable: string | undefined;

  /**
   * Opens the store in a folder and recovers it.
   * @throws {StoreUnwritableError} when another process has the folder or it cannot be written.
   * @throws {CorruptStoreError} when what is on disk is damaged.
   */
  constructor(options: StoreOptions) {
    const { settings, fileSystem } = options;
    const started = performance.now();
    this.#options = options;
    this.#folder = settings.storePathRootDir;
    this.#lock = lockFolder(fileSystem, this.#folder);
    this.#log = new CommitLog({
      fileSystem,
      folder: settings.storePathCommitLog || `${this.#folder}/commitlog`,
      segmentBytes: settings.mappedFileSizeCommitLog,
      appendCrc: settings.enabledAppendPropCRC,
      tailBytesMax: TAIL_BYTES_MAX,
    });
    this.#queues = new QueueTable({
      fileSystem,
      folder: `${this.#folder}/consumequeue`,
      segmentBytes: settings.mappedFileSizeConsumeQueue,
      physicalOffsetMin: () => this.#log.minOffset,
    });
    if (settings.messageIndexEnable) {
      this.#index = new MessageIndex({
        fileSystem,
        folder: `${this.#folder}/index`,
        slotCount: settings.maxHashSlotNum,
        unitCount: settings.maxIndexNum,
      });
    }
    const abortFile = `${this.#folder}/abort`;
    const clean = !fileSystem.existsSync(abortFile);
    const checkpoint = readCheckpoint(fileSystem, this.#folder);
    const apacheTimestamp = readApacheCheckpoint(fileSystem, this.#folder);
    const start = scanStart(this.#log, checkpoint, apacheTimestamp);
    const whole = clean && checkpoint?.endOffset === start;
    if (!whole) {
      this.#queues.physicalOffsetMax = start;
      this.#index?.truncate(start);
    }
    const touched = new Set<ConsumeQueue>();
    const scan = scanLog(this.#log, start, (bytes, record) => {
      const queue = this.#queues.get(record.topic, record.queueId);
      if (!touched.has(queue) && isQueued(record.sysFlag)) {
        touched.add(queue);
        queue.truncate(record.queueOffset);
      }
      dispatchEntry(entryOf(bytes, record, queue, options.delayLevels), this.#index);
    });
    this.#log.startAt(scan.endOffset);
    this.#dispatchedOffset = scan.endOffset;
    this.#lastRecordOffset = scan.lastRecordOffset >= 0
      ? scan.lastRecordOffset
      : checkpoint?.lastRecordOffset ?? -1;
    this.#lastStoreTimestamp = Math.max(scan.lastStoreTimestamp, apacheTimestamp);
    overwriteText(fileSystem, abortFile, String(Deno.pid));
    this.#flush = new GroupCommit({
      flushDiskType: settings.flushDiskType,
      intervalMillis: settings.flushIntervalCommitLog,
      writtenOffset: () => this.#log.writtenOffset,
      sync: () => this.#log.sync(),
      onPromised: (offset) => this.#promised(offset),
      onFailure: (error) => this.#fail(error),
    });
    this.#checkpoint = new CheckpointTask({
      fileSystem,
      folder: this.#folder,
      log: this.#log,
      flush: this.#flush,
      queues: this.#queues,
      index: this.#index,
      dispatched: () => ({
        endOffset: this.#dispatchedOffset,
        lastRecordOffset: this.#lastRecordOffset,
        storeTimestamp: this.#lastStoreTimestamp,
      }),
      startOffset: start,
      indexedTimestamp: apacheTimestamp,
      onFailed: options.onUpkeepFailed,
    });
    this.#source = { log: this.#log, mend: (queue, queueOffset) => this.#mend(queue, queueOffset) };
    fileSystem.makeFolderSync(this.#log.segments.folder);
    this.#retention = new Retention({
      settings,
      log: this.#log,
      now: options.now,
      diskSpace: () => fileSystem.diskSpaceSync(this.#log.segments.folder),
      neededFrom: () => this.#checkpoint.checkpointOffset,
    });
    this.#diskChecked();
    this.#retentionTimer = setInterval(
      () => this.deleteExpiredFiles(),
      settings.cleanResourceInterval,
    );
    this.recovery = {
      clean,
      scannedRecords: scan.recordCount,
      endOffset: scan.endOffset,
      torn: scan.torn,
      millis: Math.round(performance.now() - started),
    };
  }

  /**
   * Appends a message. It is neither written nor visible before `commit`, and not safe before the promised level has
   * reached `endOffset`.
   */
  putMessage(message: MessageToStore): PutMessageResult {
    const refusal = this.#unwritable ?? this.#diskFull;
    if (refusal !== undefined) return { status: "SERVICE_NOT_AVAILABLE", reason: refusal };
    const queue = this.#queues.get(message.topic, message.queueId);
    const queueOffset = queue.nextOffset;
    const storeTimestamp = this.#nextStoreTimestamp();
    const appended = this.#log.append(message, queueOffset, storeTimestamp);
    if (appended.status !== "appended") return { status: "PROPERTIES_SIZE_EXCEEDED" };
    if (isQueued(message.sysFlag)) queue.nextOffset++;
    this.#putCount++;
    const { topic, properties } = message;
    const { physicalOffset, size } = appended;
    this.#dispatchQueue.push({
      topic,
      queueId: message.queueId,
      queue,
      queueOffset,
      physicalOffset,
      size,
      sysFlag: message.sysFlag,
      storeTimestamp,
      tagsCode: tagsCodeOf(topic, properties, storeTimestamp, this.#options.delayLevels),
      keys: findProperty(properties, MessageProperty.KEYS),
      uniqKey: findProperty(properties, MessageProperty.UNIQ_KEY),
    });
    return { status: "PUT_OK", physicalOffset, queueOffset, endOffset: physicalOffset + size };
  }

  /** Store times never go back, even when the clock does: lookups by time halve a queue. */
  #nextStoreTimestamp(): number {
    return this.#lastStoreTimestamp = Math.max(this.#lastStoreTimestamp, this.#options.now());
  }

  /** Writes all that was put since the last call, in one piece, and lets the flush begin. */
  commit(): void {
    const before = this.#log.writtenOffset;
    if (this.#log.appendOffset === before) return;
    try {
      this.#log.write();
    } catch (error) {
      this.#undo(this.#log.writtenOffset, error as Error);
    }
    if (this.#log.writtenOffset > before) this.#flush.written();
  }

  /** A write failed, as on a full disk: the messages that it was to write are refused, later ones are tried again. */
  #undo(offset: number, error: Error): void {
    for (const entry of this.#dispatchQueue.undo(offset)) {
      if (isQueued(entry.sysFlag)) entry.queue.nextOffset = entry.queueOffset;
    }
    this.#log.undo(offset);
    this.#flush.undo(offset);
    this.#options.onWriteFailed(offset, error);
  }

  #fail(error: Error): void {
    this.#unwritable = `the disk failed: ${error.message}`;
    this.#options.onFatal(error);
  }

  #promised(offset: number): void {
    for (;;) {
      const entry = this.#dispatchQueue.take(offset);
      if (entry === undefined) break;
      dispatchEntry(entry, this.#index);
      this.#lastRecordOffset = entry.physicalOffset;
      this.#options.onArrival(entry);
    }
    this.#dispatchedOffset = offset;
    this.#options.onPromised(offset);
  }

  /** See `getMessage`. */
  getMessage(
    topic: string,
    queueId: number,
    options: GetMessageOptions,
  ): GetMessageResult | Promise<GetMessageResult> {
    return getMessage(this.#source, this.#queues.find(topic, queueId), options);
  }

  /** One at a time for a queue; who comes meanwhile waits for that one. */
  #mend(queue: ConsumeQueue, queueOffset: number): Promise<void> {
    let mending = this.#mending.get(queue);
    if (mending === undefined) {
      mending = mendQueue(this.#log, queue, queueOffset, this.#options.delayLevels)
        .then((report) => this.#options.onDamage(report))
        .finally(() => this.#mending.delete(queue));
      this.#mending.set(queue, mending);
    }
    return mending;
  }

  /** The queue of a topic, if it ever had a message. */
  findQueue(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.#queues.find(topic, queueId);
  }

  getMinOffsetInQueue(topic: string, queueId: number): number {
    return this.#queues.find(topic, queueId)?.minOffset ?? 0;
  }

  /** The offset of the next message. `committed`: that consumers can see; else also what is not yet safe. */
  getMaxOffsetInQueue(topic: string, queueId: number, committed = true): number {
    const queue = this.#queues.find(topic, queueId);
    return (committed ? queue?.maxOffset : queue?.nextOffset) ?? 0;
  }

  /** Whether a message can be had without reading a file. */
  isInMemory(topic: string, queueId: number, queueOffset: number): boolean {
    const units = this.#queues.find(topic, queueId)?.read(queueOffset, 1);
    return units?.count === 1 && units.physicalOffset(0) >= this.#log.tailStart;
  }

  /** See `offsetByTime`. 0 for a queue that never had a message. */
  getOffsetInQueueByTime(
    topic: string,
    queueId: number,
    timestamp: number,
    boundary: BoundaryType,
  ): number {
    const queue = this.#queues.find(topic, queueId);
    return queue === undefined ? 0 : offsetByTime(this.#log, queue, timestamp, boundary);
  }

  /** When the oldest message of a queue was stored; -1 when there is none. */
  getEarliestMessageTime(topic: string, queueId: number): number {
    const queue = this.#queues.find(topic, queueId);
    return queue === undefined ? -1 : storeTimestampOf(this.#log, queue, queue.minOffset);
  }

  /** The message whose record begins at `physicalOffset`; undefined when none does. */
  lookMessageByOffset(physicalOffset: number): Promise<StoredMessage | undefined> {
    return messageAt(this.#log, physicalOffset);
  }

  /** The bytes of the record that begins at `physicalOffset`; undefined when none does. */
  selectMessageByOffset(physicalOffset: number): Promise<Uint8Array | undefined> {
    return recordAt(this.#log, physicalOffset);
  }

  /** Records of messages by key or unique key, newest first; every one really has the key. */
  async queryMessage(query: KeyQuery): Promise<Uint8Array[]> {
    return this.#index === undefined ? [] : await recordsByKey(this.#log, this.#index, query);
  }

  /** The newest message in the index. */
  get indexEnd(): { timestamp: number; physicalOffset: number } {
    return this.#index?.end ?? { timestamp: 0, physicalOffset: 0 };
  }

  /** Counters for people and dashboards. */
  get stats(): StoreStats {
    return {
      putCount: this.#putCount,
      minOffset: this.#log.minOffset,
      maxOffset: this.#log.writtenOffset,
      durableOffset: this.#flush.durableOffset,
      syncCount: this.#flush.syncCount,
    };
  }

  /**
   * Deletes log files as fileReservedTime, deleteWhen and the space on the disk say. Runs by itself; never rejects.
   * @param evenNow deletes what has expired at any hour.
   */
  deleteExpiredFiles(evenNow = false): Promise<void> {
    return this.#deleting ??= this.#deleteExpiredFiles(evenNow)
      .catch(this.#options.onUpkeepFailed)
      .finally(() => this.#deleting = undefined);
  }

  async #deleteExpiredFiles(evenNow: boolean): Promise<void> {
    const files = await this.#retention.deleteExpiredFiles(evenNow);
    this.#diskChecked();
    if (files.length === 0) return;
    this.#options.onDeleted(files);
    await this.checkpoint();
  }

  #diskChecked(): void {
    const { full } = this.#retention.disk;
    if ((full === undefined) !== (this.#diskFull === undefined)) this.#options.onDiskFull(full);
    this.#diskFull = full;
  }

  /** Brings queues and index to disk and notes how far they go. Runs by itself; never rejects. */
  checkpoint(): Promise<void> {
    return this.#checkpoint.run();
  }

  /** Brings everything to disk and closes. A start after this reads nothing twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#retentionTimer);
    await this.#deleting;
    this.commit();
    const writable = this.#unwritable === undefined;
    this.#unwritable ??= "the store is closed";
    await this.#flush.flush();
    this.#flush.stop();
    await this.#checkpoint.stop();
    if (writable && await this.#checkpoint.finish()) {
      this.#options.fileSystem.removeSync(`${this.#folder}/abort`);
    }
    this.#queues.close();
    this.#index?.close();
    this.#log.close();
    this.#lock[Symbol.dispose]();
  }
}
