/** The consume queues by topic and queueId, opened when first needed. */

import { belongsTo } from "./cold_read.ts";
import type { CommitLog } from "./commit_log.ts";
import { ConsumeQueue } from "./consume_queue.ts";
import type { DelayLevels } from "./dispatch.ts";
import { SyncError } from "./errors.ts";
import type { FileSystem } from "./file_system.ts";
import { soundBytesAt } from "./log_reader.ts";
import type { DeletedTopics } from "./deleted_topics.ts";
import { type QueueEnd, QueueEnds } from "./queue_ends.ts";
import { rebuildQueue } from "./queue_rebuild.ts";

export interface QueueTableOptions {
  fileSystem: FileSystem;
  /** The data folder; the queues are in its folder `consumequeue`. */
  storeFolder: string;
  segmentBytes: number;
  log: CommitLog;
  delayLevels: DelayLevels;
  deleted: DeletedTopics;
  /** Somebody else has had the folder: what was noted of the queues' ends counts no more. */
  forgetEnds: boolean;
  /** The log is the one of which the ends were noted, for sure. */
  isSameLog: boolean;
}

/** Queues that rest have no memory for units; so many may be awake between two syncs. */
const AWAKE_MAX = 1024;
/** So many queues may have files open; each has one to three handles for a file. */
const WITH_FILES_MAX = 512;
/** So many queues are synced at a time: the file system brings them to disk together. */
const SYNCS_AT_ONCE = 16;
/** How long work over all queues may hold up the event loop. */
const SLICE_MILLIS = 2;

export class QueueTable {
  readonly #options: QueueTableOptions;
  readonly #folder: string;
  readonly #ends: QueueEnds;
  readonly #topics = new Map<string, ConsumeQueue[]>();
  /** Queues used since the last `rest`, which may hold memory. */
  readonly #awake = new Set<ConsumeQueue>();
  /** Queues that may have files open, the one that came first in front. */
  readonly #withFiles = new Set<ConsumeQueue>();
  /** After a crash: folders that have been synced since. */
  readonly #syncedFolders = new Set<string>();
  /** The queues that are being synced, whose files stay open. */
  readonly #syncing = new Set<ConsumeQueue>();
  /** See ConsumeQueueOptions: set by recovery before the first queue is opened. */
  physicalOffsetMax = Infinity;

  constructor(options: QueueTableOptions) {
    this.#options = options;
    this.#folder = `${options.storeFolder}/consumequeue`;
    this.#ends = new QueueEnds(options.fileSystem, options.storeFolder);
    if (options.forgetEnds) this.#ends.clear();
  }

  /** Whether there were queues and nothing of them is left: somebody has deleted them to have them made anew. */
  get areGone(): boolean {
    const known = [...this.#ends.topics()].filter((topic) => this.#knownQueueIds(topic).length > 0);
    if (known.length === 0) return false;
    const names = new Set(this.#options.fileSystem.listSync(this.#folder));
    return known.every((topic) => !names.has(topic));
  }

  /** The queue, if it has ever had a message. */
  find(topic: string, queueId: number): ConsumeQueue | undefined {
    const queue = this.#topics.get(topic)?.[queueId];
    if (queue !== undefined) return this.#wake(queue);
    if (!isQueueId(queueId) || !isFolderName(topic)) return undefined;
    const exists = this.#notedEnd(topic, queueId) !== undefined ||
      this.#options.fileSystem.existsSync(this.#folderOf(topic, queueId));
    return exists ? this.#open(topic, queueId) : undefined;
  }

  /** The same to look at its ends: it does not count as used. */
  peek(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.#topics.get(topic)?.[queueId] ?? this.find(topic, queueId);
  }

  /** The queue, which is created if need be. */
  get(topic: string, queueId: number): ConsumeQueue {
    const queue = this.#topics.get(topic)?.[queueId];
    return queue === undefined ? this.#open(topic, queueId) : this.#wake(queue);
  }

  #open(topic: string, queueId: number): ConsumeQueue {
    if (!isQueueId(queueId) || !isFolderName(topic)) {
      throw new RangeError(`There can be no queue ${queueId} of topic "${topic}"`);
    }
    const { fileSystem, segmentBytes, log, delayLevels, deleted } = this.#options;
    const { physicalOffsetMax } = this;
    const maxOffsetMin = this.#knownEnd(topic, queueId)?.maxOffset ?? 0;
    const queue = new ConsumeQueue({
      fileSystem,
      topic,
      queueId,
      folder: this.#folderOf(topic, queueId),
      segmentBytes,
      physicalOffsetMax,
      physicalOffsetMin: () => Math.max(log.minOffset, deleted.upTo(topic)),
      maxOffsetMin,
      isMessage: (...unit) => this.#isMessage({ topic, queueId }, ...unit),
    });
    if (queue.maxOffset < maxOffsetMin) {
      rebuildQueue(log, queue, { physicalOffsetMax, maxOffsetMin, delayLevels });
    }
    let queues = this.#topics.get(topic);
    if (queues === undefined) this.#topics.set(topic, queues = []);
    queues[queueId] = queue;
    return this.#wake(queue);
  }

  /** The end that was noted, unless it is of a topic that was deleted. */
  #notedEnd(topic: string, queueId: number): QueueEnd | undefined {
    const end = this.#ends.find(topic, queueId);
    const isOld = end !== undefined && end.physicalOffset < this.#options.deleted.upTo(topic);
    return isOld ? undefined : end;
  }

  #knownQueueIds(topic: string): number[] {
    return this.#ends.queueIds(topic).filter((queueId) => this.#notedEnd(topic, queueId));
  }

  /** The end that was noted, if it is one of this log. */
  #knownEnd(topic: string, queueId: number): QueueEnd | undefined {
    const end = this.#notedEnd(topic, queueId);
    if (end === undefined || end.physicalOffset >= this.physicalOffsetMax) return undefined;
    // Its last message may be damaged.
    if (this.#options.isSameLog) return end;
    const isTrue = this.#isMessage({ topic, queueId }, end.maxOffset - 1, end.physicalOffset);
    return isTrue ? end : undefined;
  }

  /** Whether the message of a queue is at a place, or was there before the log lost its beginning. */
  #isMessage(
    queue: Pick<ConsumeQueue, "topic" | "queueId">,
    queueOffset: number,
    physicalOffset: number,
    size?: number,
  ): boolean {
    const { log } = this.#options;
    if (physicalOffset < log.minOffset) return physicalOffset >= 0;
    const found = soundBytesAt(log, physicalOffset);
    return found !== undefined && (size === undefined || size === found.record.size) &&
      belongsTo(queue, queueOffset, found.record, found.bytes);
  }

  #wake(queue: ConsumeQueue): ConsumeQueue {
    this.#awake.add(queue);
    if (!this.#withFiles.has(queue)) this.#letHaveFiles(queue);
    return queue;
  }

  #letHaveFiles(queue: ConsumeQueue): void {
    this.#withFiles.add(queue);
    if (this.#withFiles.size <= WITH_FILES_MAX) return;
    for (const oldest of this.#withFiles) {
      if (this.#syncing.has(oldest)) continue;
      oldest.closeFiles();
      this.#withFiles.delete(oldest);
      return;
    }
  }

  #folderOf(topic: string, queueId: number): string {
    return `${this.#folder}/${topic}/${queueId}`;
  }

  /** Lets all queues on disk follow a log that has lost its beginning; in slices. Not while they are synced. */
  async dropOldFiles(): Promise<void> {
    this.#options.deleted.forgetBefore(this.#options.log.minOffset);
    let sliceEnd = performance.now() + SLICE_MILLIS;
    for (const { topic, queueId } of this.#withOldFiles()) {
      const isOpen = this.#topics.get(topic)?.[queueId] !== undefined;
      const queue = this.find(topic, queueId);
      queue?.dropOldFiles();
      if (queue !== undefined && !isOpen) this.#rest(queue);
      if (performance.now() < sliceEnd) continue;
      await new Promise((resolve) => setTimeout(resolve, 0));
      sliceEnd = performance.now() + SLICE_MILLIS;
    }
  }

  *#withOldFiles(): Generator<{ topic: string; queueId: number }> {
    const { fileSystem } = this.#options;
    for (const topic of fileSystem.listSync(this.#folder)) {
      for (const name of fileSystem.listSync(`${this.#folder}/${topic}`)) {
        if (!/^\d+$/.test(name)) continue;
        const hasOldFiles = fileSystem.listSync(`${this.#folder}/${topic}/${name}`).length > 1;
        if (hasOldFiles) yield { topic, queueId: Number(name) };
      }
    }
  }

  /** The queues that a topic has, in memory or on disk. */
  queueIds(topic: string): number[] {
    const names = this.#options.fileSystem.listSync(`${this.#folder}/${topic}`);
    const ids = new Set(names.filter((name) => /^\d+$/.test(name)).map(Number));
    for (const queueId of this.#knownQueueIds(topic)) ids.add(queueId);
    this.#topics.get(topic)?.forEach((_queue, queueId) => ids.add(queueId));
    return [...ids];
  }

  /** Every topic that has a folder for its queues. */
  topicsOnDisk(): string[] {
    return this.#options.fileSystem.listSync(this.#folder);
  }

  /**
   * Deletes the queues of a topic, of which no message at or behind `physicalOffset` is in the log. Not while queues are
   * synced. @throws {SyncError} when an fsync fails.
   */
  async delete(topic: string, physicalOffset: number): Promise<void> {
    if (!isFolderName(topic)) throw new RangeError(`There can be no topic "${topic}"`);
    if (this.queueIds(topic).length === 0) return;
    for (const queue of this.#topics.get(topic) ?? []) {
      if (queue === undefined) continue;
      queue.forget();
      this.#awake.delete(queue);
      this.#withFiles.delete(queue);
    }
    this.#topics.delete(topic);
    this.#ends.delete(topic);
    await this.#options.deleted.add(topic, physicalOffset);
  }

  /** Every queue that is open. */
  *all(): Generator<ConsumeQueue> {
    for (const queues of this.#topics.values()) {
      for (const queue of queues) if (queue !== undefined) yield queue;
    }
  }

  /** Makes what is new in all queues survive a power loss, then lets those rest that are too many to stay awake. */
  async sync(): Promise<void> {
    const dirty = [...this.#awake].filter((queue) => queue.dirty);
    await this.#writeAll(dirty);
    const syncParent = this.#parentSyncs();
    // A failure ends it for all.
    const next = oneByOne(dirty);
    const syncing = Array.from({ length: SYNCS_AT_ONCE }, async () => {
      for (const queue of next) await this.#syncQueue(queue, syncParent);
    });
    // Those under way end before anything else happens, when one has failed too.
    await Promise.allSettled(syncing);
    await Promise.all(syncing);
    await this.#ends.write();
    for (const queue of this.#awake) {
      if (this.#awake.size <= AWAKE_MAX) return;
      // A message that is on its way to the queue makes it dirty later, without waking it.
      if (queue.dirty || queue.nextOffset > queue.maxOffset) continue;
      this.#rest(queue);
    }
  }

  /** Writes what is new in queues, so that the syncs that follow find all of it. */
  async #writeAll(queues: readonly ConsumeQueue[]): Promise<void> {
    let sliceEnd = performance.now() + SLICE_MILLIS;
    for (const queue of queues) {
      this.#letHaveFiles(queue);
      queue.write();
      if (performance.now() < sliceEnd) continue;
      await new Promise((resolve) => setTimeout(resolve, 0));
      sliceEnd = performance.now() + SLICE_MILLIS;
    }
  }

  /** Syncs each folder once, in which queues that were written before have made theirs. */
  #parentSyncs(): (folder: string) => Promise<void> {
    const syncs = new Map<string, Promise<void>>();
    return (folder) => {
      let sync = syncs.get(folder);
      if (sync === undefined) {
        syncs.set(folder, sync = this.#options.fileSystem.syncFolder(folder));
      }
      return sync;
    };
  }

  async #syncQueue(
    queue: ConsumeQueue,
    syncParent: (folder: string) => Promise<void>,
  ): Promise<void> {
    this.#syncing.add(queue);
    this.#letHaveFiles(queue);
    try {
      if (this.physicalOffsetMax < Infinity) await this.#syncFolders(queue.topic);
      await queue.sync(syncParent);
    } finally {
      this.#syncing.delete(queue);
    }
    const end = queue.syncedEnd;
    if (end !== undefined) this.#ends.set(queue.topic, queue.queueId, end);
  }

  /** Folders may be there that a process has made which died before it could sync them. */
  async #syncFolders(topic: string): Promise<void> {
    const { fileSystem, storeFolder } = this.#options;
    for (const folder of [storeFolder, this.#folder, `${this.#folder}/${topic}`]) {
      if (this.#syncedFolders.has(folder) || !fileSystem.existsSync(folder)) continue;
      try {
        await fileSystem.syncFolder(folder);
      } catch (error) {
        throw new SyncError(folder, error);
      }
      this.#syncedFolders.add(folder);
    }
  }

  #rest(queue: ConsumeQueue): void {
    queue.rest();
    this.#awake.delete(queue);
    this.#withFiles.delete(queue);
  }

  /** Forgets every open queue, to begin anew with the files. */
  reset(): void {
    this.close();
    this.#topics.clear();
    this.#awake.clear();
    this.#withFiles.clear();
  }

  /** Frees the memory of all queues, in the middle of a long replay. */
  rest(): void {
    for (const queue of this.#awake) queue.rest();
  }

  close(): void {
    for (const queue of this.all()) queue.closeFiles();
  }
}

function* oneByOne<T>(items: readonly T[]): Generator<T> {
  yield* items;
}

function isQueueId(queueId: number): boolean {
  return Number.isInteger(queueId) && queueId >= 0 && queueId < 1 << 16;
}

/** A topic becomes a folder's name, so whatever its origin it must not lead elsewhere. */
function isFolderName(topic: string): boolean {
  return topic !== "" && topic !== "." && topic !== ".." && !/[/\\\0]/.test(topic);
}
