/** The store: everything that is on disk, as one thing. The only class of this folder that the server builds. */

import { findProperty, MessageProperty } from "../client/protocol/message.ts";
import { mayMultiDispatch } from "../client/protocol/multi_dispatch.ts";
import type { MessageToStore, StoredMessage } from "../client/protocol/message_record.ts";
import { CheckpointTask } from "./checkpoint_task.ts";
import type { CommitLog } from "./commit_log.ts";
import { type CompactionOptions, CompactionStore } from "./compaction/compaction_store.ts";
import type { ConsumeQueue } from "./consume_queue.ts";
import {
  type DispatchEntry,
  dispatchEntry,
  DispatchQueue,
  isQueued,
  tagsCodeOf,
} from "./dispatch.ts";
import { SyncError } from "./errors.ts";
import { markClosed } from "./folder.ts";
import { GroupCommit } from "./flush.ts";
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
import { type PlacedRecord, soundRecords } from "./log_end.ts";
import { soundRecordAt } from "./log_reader.ts";
import type { MessageIndex } from "./message_index.ts";
import { LightQueues } from "./light_queues.ts";
import { type OpenStore, openStore } from "./open_store.ts";
import type { QueueTable } from "./queue_table.ts";
import type { RecoveryReport, StoreStats } from "./store_report.ts";
import { TopicDeletion } from "./topic_deletion.ts";
import { mendQueue } from "./mend.ts";
import { Retention } from "./retention.ts";
import type { PutMessageResult, StoreOptions } from "./store_options.ts";

export type { StoreSettings } from "./open_store.ts";
export type { PutMessageResult, StoreOptions } from "./store_options.ts";
export type { RecoveryReport, StoreStats } from "./store_report.ts";

export class MessageStore implements AsyncDisposable {
  readonly recovery: RecoveryReport;
  readonly #options: StoreOptions;
  readonly #folder: string;
  readonly #open: OpenStore;
  readonly #log: CommitLog;
  readonly #queues: QueueTable;
  readonly #index: MessageIndex | undefined;
  readonly #lightQueues: LightQueues;
  #compaction: CompactionStore | undefined;
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
  readonly #deletion: TopicDeletion;
  #putCount = 0;
  #unwritable: string | undefined;
  #failed = false;

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
    this.#open = openStore(options);
    const { plan, found: { scan, from } } = this.#open;
    this.#log = this.#open.log;
    this.#queues = this.#open.queues;
    this.#index = this.#open.index;
    this.#dispatchedOffset = scan.endOffset;
    this.#lastRecordOffset = scan.lastRecordOffset >= 0
      ? scan.lastRecordOffset
      : plan.checkpoint?.lastRecordOffset ?? -1;
    this.#lastStoreTimestamp = Math.max(scan.lastStoreTimestamp, plan.storeTimestamp);
    this.#flush = new GroupCommit({
      flushDiskType: settings.flushDiskType,
      intervalMillis: settings.flushIntervalCommitLog,
      writtenOffset: () => this.#log.writtenOffset,
      sync: () => this.#syncLog(),
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
      startOffset: from,
      onFailed: options.onUpkeepFailed,
    });
    this.#deletion = new TopicDeletion({
      queues: this.#queues,
      checkpoint: this.#checkpoint,
      mending: this.#mending,
      settle: () => this.#settled(),
      deleteCompacted: async (topic) => await this.#compaction?.deleteTopic(topic),
    });
    this.#lightQueues = new LightQueues({
      settings,
      queues: this.#queues,
      isBeingDeleted: (topic) => this.#deletion.concerns(topic),
    });
    this.#source = { log: this.#log, mend: (queue, queueOffset) => this.#mend(queue, queueOffset) };
    this.#retention = new Retention({
      settings,
      log: this.#log,
      now: options.now,
      diskSpace: () => fileSystem.diskSpaceSync(this.#log.segments.folder),
      neededFrom: () =>
        Math.min(
          this.#checkpoint.checkpointOffset,
          this.#compaction?.compactedUpTo() ?? Infinity,
          options.neededFrom?.() ?? Infinity,
        ),
    });
    this.#diskChecked();
    this.#retentionTimer = setInterval(
      () => this.deleteExpiredFiles(),
      settings.cleanResourceInterval,
    );
    this.recovery = {
      clean: plan.clean,
      scannedRecords: scan.recordCount,
      endOffset: scan.endOffset,
      torn: scan.torn,
      madeAnewFrom: from < plan.start ? from : undefined,
      millis: Math.round(performance.now() - started),
    };
  }

  /** Whether messages may go to light queues of these names; `maxLmqConsumeQueueNum` says how many there may be. */
  haveRoomForLightQueues(names: Iterable<string>): boolean {
    return this.#lightQueues.haveRoomFor(names);
  }

  /**
   * Appends a message. It is neither written nor visible before `commit`, and not safe before the promised level has
   * reached `endOffset`.
   */
  putMessage(message: MessageToStore): PutMessageResult {
    const refusal = this.#unwritable ?? this.#diskFull;
    if (refusal !== undefined) return { status: "SERVICE_NOT_AVAILABLE", reason: refusal };
    if (this.#deletion.concerns(message.topic)) {
      return { status: "SERVICE_NOT_AVAILABLE", reason: `${message.topic} is being deleted` };
    }
    if (!mayMultiDispatch(message.properties)) return this.#put(message, undefined);
    const dispatched = this.#lightQueues.dispatched(message);
    return "status" in dispatched ? dispatched : this.#put(dispatched.message, dispatched.queues);
  }

  #put(
    message: MessageToStore,
    lightQueues: readonly ConsumeQueue[] | undefined,
  ): PutMessageResult {
    const { topic, queueId, sysFlag, properties } = message;
    const queue = this.#queues.get(topic, queueId);
    const queueOffset = queue.nextOffset;
    const storeTimestamp = this.#nextStoreTimestamp();
    const appended = this.#log.append(message, queueOffset, storeTimestamp);
    if (appended.status !== "appended") return { status: "PROPERTIES_SIZE_EXCEEDED" };
    if (isQueued(sysFlag)) queue.nextOffset++;
    this.#putCount++;
    this.#lightQueues.note(topic);
    const { physicalOffset, size } = appended;
    const entry: DispatchEntry = {
      topic,
      queueId,
      queue,
      queueOffset,
      physicalOffset,
      size,
      sysFlag,
      storeTimestamp,
      tagsCode: tagsCodeOf(topic, properties, storeTimestamp, this.#options.delayLevels),
      keys: findProperty(properties, MessageProperty.KEYS),
      uniqKey: findProperty(properties, MessageProperty.UNIQ_KEY),
      multiDispatch: undefined,
    };
    if (lightQueues !== undefined) this.#lightQueues.take(lightQueues, entry);
    this.#dispatchQueue.push(entry);
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
      for (const light of entry.multiDispatch ?? []) light.queue.nextOffset = light.queueOffset;
    }
    this.#flush.undo(offset);
    try {
      this.#log.undo(offset);
    } catch (undoError) {
      // What may be left in the file must not get messages behind it, and a start may find it.
      return this.#fail(undoError as Error);
    }
    this.#options.onWriteFailed(offset, error);
    if (error instanceof SyncError) this.#fail(error);
  }

  async #syncLog(): Promise<number> {
    const offset = await this.#log.sync();
    this.#open.mark.set(offset);
    return offset;
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#flush.fail();
    this.#unwritable = `the disk failed: ${causesOf(error)}`;
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

  /** Serves compaction topics from now on; to be called before the first message. @throws {CorruptStoreError} */
  startCompaction(options: CompactionOptions): CompactionStore {
    return this.#compaction = new CompactionStore({
      ...options,
      fileSystem: this.#options.fileSystem,
      storeFolder: this.#folder,
      source: this.#source,
      queues: this.#queues,
      durableOffset: () => this.#flush.durableOffset,
      clean: this.recovery.clean,
    });
  }

  /** See `getMessage`. */
  getMessage(
    topic: string,
    queueId: number,
    options: GetMessageOptions,
  ): GetMessageResult | Promise<GetMessageResult> {
    const compacted = this.#compaction?.getMessage(topic, queueId, options);
    if (compacted !== undefined) return compacted;
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

  /** The bytes of a record that is still in memory: a view, valid until the next await. */
  readTail(physicalOffset: number, size: number): Uint8Array | undefined {
    return this.#log.readTail(physicalOffset, size);
  }

  /** The queue of a topic, if it ever had a message. */
  findQueue(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.#queues.find(topic, queueId);
  }

  getMinOffsetInQueue(topic: string, queueId: number): number {
    return this.#compaction?.getMinOffset(topic, queueId) ??
      this.#queues.find(topic, queueId)?.minOffset ?? 0;
  }

  /** The offset of the next message. `committed`: that consumers can see; else also what is not yet safe. */
  getMaxOffsetInQueue(topic: string, queueId: number, committed = true): number {
    const queue = this.#queues.peek(topic, queueId);
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
    const compacted = this.#compaction?.getOffsetByTime(topic, queueId, timestamp, boundary);
    if (compacted !== undefined) return compacted;
    const queue = this.#queues.find(topic, queueId);
    return queue === undefined ? 0 : offsetByTime(this.#log, queue, timestamp, boundary);
  }

  /** When the message of a queue with this offset was stored; -1 when it is not there. */
  getMessageTime(topic: string, queueId: number, queueOffset: number): number {
    const queue = this.#queues.find(topic, queueId);
    if (queue === undefined || queueOffset < queue.minOffset || queueOffset >= queue.maxOffset) {
      return -1;
    }
    return storeTimestampOf(this.#log, queue, queueOffset);
  }

  /** When the oldest message of the log was stored; -1 when there is none. */
  getEarliestStoreTime(): number {
    return soundRecordAt(this.#log, this.#log.minOffset)?.storeTimestamp ?? -1;
  }

  /** When the oldest message of a queue was stored; -1 when there is none. */
  getEarliestMessageTime(topic: string, queueId: number): number {
    const compacted = this.#compaction?.getEarliestMessageTime(topic, queueId);
    if (compacted !== undefined) return compacted;
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

  /** The sound records of the log from `physicalOffset` on; see `soundRecords`. Reads on the event loop: for a start. */
  soundRecords(physicalOffset: number): Generator<PlacedRecord> {
    const { minOffset, writtenOffset } = this.#log;
    return soundRecords(this.#log, Math.max(physicalOffset, minOffset), writtenOffset);
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

  /** Percent of the log's disk that is in use, as of the last look. */
  get diskUsedRatio(): number {
    return this.#retention.disk.usedRatio;
  }

  /** Every topic with queues on disk, also those that nobody knows any more. */
  topicsOnDisk(): string[] {
    return this.#queues.topicsOnDisk();
  }

  /**
   * Deletes the queues of a topic; a new topic of that name begins at offset 0, also after a crash. The messages go with
   * the log's files, and until then can be found by id and by key. Meanwhile the topic takes none.
   * @throws when the disk refuses; the topic may then be whole, and can be deleted again.
   */
  async deleteTopic(topic: string): Promise<void> {
    try {
      await this.#deletion.delete(topic);
      this.#lightQueues.forget(topic);
    } catch (error) {
      if (error instanceof SyncError) this.#fail(error);
      throw error;
    }
  }

  async #settled(): Promise<number> {
    this.commit();
    const offset = this.#log.writtenOffset;
    await this.#flush.flush();
    if (this.#dispatchedOffset >= offset) return offset;
    throw new Error(this.#unwritable ?? "the disk is busy, try again");
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
    this.#unwritable ??= "the store is closed";
    try {
      await this.#flush.flush();
      this.#flush.stop();
      await this.#compaction?.[Symbol.asyncDispose]();
      await this.#checkpoint.stop();
      const isOnDisk = !this.#failed && !this.#compaction?.hasFailed &&
        await this.#checkpoint.finish();
      if (isOnDisk) markClosed(this.#options.fileSystem, this.#folder);
    } finally {
      this.#open.mark.close();
      this.#queues.close();
      this.#index?.close();
      this.#log.close();
      this.#open.lock[Symbol.dispose]();
    }
  }
}

/** What went wrong, with all that led to it. */
function causesOf(error: Error): string {
  const cause = error.cause instanceof Error ? `: ${causesOf(error.cause)}` : "";
  return error.message + cause;
}
