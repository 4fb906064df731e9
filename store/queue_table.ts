/** The consume queues by topic and queueId, opened when first needed. */

import { ConsumeQueue } from "./consume_queue.ts";
import type { FileSystem } from "./file_system.ts";

export interface QueueTableOptions {
  fileSystem: FileSystem;
  /** The folder `consumequeue`. */
  folder: string;
  segmentBytes: number;
  /** Where the log begins. */
  physicalOffsetMin: () => number;
}

/** Queues that rest have no memory and no file handles; so many may be awake. */
const AWAKE_MAX = 1024;
/** How long work over all queues may hold up the event loop. */
const SLICE_MILLIS = 2;

export class QueueTable {
  readonly #options: QueueTableOptions;
  readonly #topics = new Map<string, ConsumeQueue[]>();
  /** Queues used since the last `rest`, which may hold memory and handles. */
  readonly #awake = new Set<ConsumeQueue>();
  /** See ConsumeQueueOptions: set by recovery before the first queue is opened. */
  physicalOffsetMax = Infinity;

  constructor(options: QueueTableOptions) {
    this.#options = options;
  }

  /** The queue, if it has ever had a message. */
  find(topic: string, queueId: number): ConsumeQueue | undefined {
    const queue = this.#topics.get(topic)?.[queueId];
    if (queue !== undefined) return this.#wake(queue);
    if (!isQueueId(queueId) || !isFolderName(topic)) return undefined;
    if (!this.#options.fileSystem.existsSync(this.#folderOf(topic, queueId))) return undefined;
    return this.#open(topic, queueId);
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
    const queue = new ConsumeQueue({
      fileSystem: this.#options.fileSystem,
      topic,
      queueId,
      folder: this.#folderOf(topic, queueId),
      segmentBytes: this.#options.segmentBytes,
      physicalOffsetMax: this.physicalOffsetMax,
      physicalOffsetMin: this.#options.physicalOffsetMin,
    });
    let queues = this.#topics.get(topic);
    if (queues === undefined) this.#topics.set(topic, queues = []);
    queues[queueId] = queue;
    return this.#wake(queue);
  }

  #wake(queue: ConsumeQueue): ConsumeQueue {
    this.#awake.add(queue);
    return queue;
  }

  #folderOf(topic: string, queueId: number): string {
    return `${this.#options.folder}/${topic}/${queueId}`;
  }

  /** Lets all queues on disk follow a log that has lost its beginning; in slices. Not while they are synced. */
  async dropOldFiles(): Promise<void> {
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
    const { fileSystem, folder } = this.#options;
    for (const topic of fileSystem.listSync(folder)) {
      for (const name of fileSystem.listSync(`${folder}/${topic}`)) {
        if (!/^\d+$/.test(name)) continue;
        const hasOldFiles = fileSystem.listSync(`${folder}/${topic}/${name}`).length > 1;
        if (hasOldFiles) yield { topic, queueId: Number(name) };
      }
    }
  }

  /** Every queue that is open. */
  *all(): Generator<ConsumeQueue> {
    for (const queues of this.#topics.values()) {
      for (const queue of queues) if (queue !== undefined) yield queue;
    }
  }

  /** Makes what is new in all queues survive a power loss, then lets those rest that are too many to stay awake. */
  async sync(): Promise<void> {
    for (const queue of [...this.#awake]) {
      if (queue.dirty) await queue.sync();
    }
    for (const queue of this.#awake) {
      if (this.#awake.size <= AWAKE_MAX) return;
      if (queue.dirty) continue;
      this.#rest(queue);
    }
  }

  #rest(queue: ConsumeQueue): void {
    queue.rest();
    this.#awake.delete(queue);
  }

  close(): void {
    for (const queue of this.all()) queue.close();
  }
}

function isQueueId(queueId: number): boolean {
  return Number.isInteger(queueId) && queueId >= 0 && queueId < 1 << 16;
}

/** A topic becomes a folder's name, so whatever its origin it must not lead elsewhere. */
function isFolderName(topic: string): boolean {
  return topic !== "" && topic !== "." && topic !== ".." && !/[/\\\0]/.test(topic);
}
