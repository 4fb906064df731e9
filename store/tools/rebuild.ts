/** Makes consume queues and the index anew from a log that is sound. */

import { decodeUtf8 } from "../../client/protocol/bytes.ts";
import { findProperty, MessageProperty, MessageSysFlag } from "../../client/protocol/message.ts";
import { isLmq, LMQ_QUEUE_ID, lmqPlacesOf } from "../../client/protocol/multi_dispatch.ts";
import type { RecordLayout } from "../../client/protocol/message_record.ts";
import { ConsumeQueue } from "../consume_queue.ts";
import { type DelayLevels, isQueued, tagsCodeOf } from "../dispatch.ts";
import { CorruptStoreError } from "../errors.ts";
import type { FileSystem } from "../file_system.ts";
import { makeRoomFor } from "../queue_rebuild.ts";
import { MessageIndex } from "../message_index.ts";
import { LogScanner } from "./log_scanner.ts";
import type { QueueName } from "./repair_plan.ts";
import type { StoreFiles } from "./store_files.ts";

export interface RebuildOptions {
  fileSystem: FileSystem;
  /** As it lies on the disk now. */
  files: StoreFiles;
  /** Queues whose files are gone. */
  queues: readonly QueueName[];
  /** Whether to make the index, whose files are gone. */
  index: boolean;
  delayLevels: DelayLevels;
  /** Told now and then how far it is, in bytes of the log. */
  onProgress: (bytesDone: number) => void;
}

/** Index files that are full wait in memory until they are synced; queues keep their newest units there. */
const SYNC_RECORDS = 500_000;
const AWAKE_MAX = 1024;

/**
 * Goes through the log and puts every message where it belongs; all is on disk when it resolves.
 * @throws {CorruptStoreError} when the log is not sound.
 */
export async function rebuild(options: RebuildOptions): Promise<void> {
  const { fileSystem, files: { log } } = options;
  if (options.queues.length === 0 && !options.index) return;
  using scanner = new LogScanner(fileSystem, log);
  const queues = new QueueBuilder(options);
  const index = options.index ? openIndex(options) : undefined;
  let records = 0;
  for (let offset = log.minOffset; offset < log.endOffset;) {
    const place = scanner.at(offset);
    if (place.kind === "message") {
      const { record } = place;
      const start = record.propertiesStart;
      const properties = decodeUtf8(scanner.bytes, start, start + record.propertiesLength);
      if (isQueued(record.sysFlag)) {
        queues.put(record, properties);
        for (const place of lmqPlacesOf(record.topic, properties)) {
          queues.put({ ...record, ...place, queueId: LMQ_QUEUE_ID }, properties);
        }
      }
      if (index !== undefined) putKeys(index, record, properties);
      if (++records % SYNC_RECORDS === 0) {
        options.onProgress(offset - log.minOffset);
        queues.rest();
        await index?.syncUnits();
      }
      offset = place.next;
    } else if (place.kind === "blank") {
      offset = place.next;
    } else {
      if (scanner.nextSound(offset) === undefined) break;
      throw new CorruptStoreError(`The log is damaged at offset ${offset}`);
    }
  }
  await queues.close();
  await index?.sync();
  index?.close();
}

function openIndex({ fileSystem, files: { index } }: RebuildOptions): MessageIndex {
  const { folder, slotCount, unitCount } = index;
  return new MessageIndex({ fileSystem, folder, slotCount, unitCount });
}

function putKeys(index: MessageIndex, record: RecordLayout, properties: string): void {
  const rollback = MessageSysFlag.TRANSACTION_ROLLBACK;
  if ((record.sysFlag & rollback) === rollback) return;
  index.put(
    record.topic,
    findProperty(properties, MessageProperty.KEYS),
    findProperty(properties, MessageProperty.UNIQ_KEY),
    record.physicalOffset,
    record.storeTimestamp,
  );
}

/** The queues that are being made. */
class QueueBuilder {
  readonly #options: RebuildOptions;
  readonly #names: ReadonlySet<string>;
  readonly #queues = new Map<string, ConsumeQueue>();

  constructor(options: RebuildOptions) {
    this.#options = options;
    this.#names = new Set(options.queues.map(({ topic, queueId }) => `${topic}/${queueId}`));
  }

  put(record: RecordLayout, properties: string): void {
    const { topic, queueId, queueOffset, physicalOffset, size, storeTimestamp } = record;
    const name = `${topic}/${queueId}`;
    const deletedUpTo = this.#options.files.deletedUpTo.get(topic) ?? 0;
    if (!this.#names.has(name) || physicalOffset < deletedUpTo) return;
    let queue = this.#queues.get(name) ?? this.#open(name, record);
    // The topic was deleted and created again.
    if (queueOffset === 0 && queue.maxOffset > 0) queue = this.#beginAgain(name, record);
    const { delayLevels } = this.#options;
    const tagsCode = tagsCodeOf(topic, properties, storeTimestamp, delayLevels);
    // What a light queue has lost is marked in no record of its own.
    if (isLmq(topic)) makeRoomFor(queue, queueOffset, { physicalOffset, size, tagsCode });
    queue.put(queueOffset, physicalOffset, size, tagsCode);
  }

  #open(name: string, { topic, queueId }: RecordLayout): ConsumeQueue {
    const { fileSystem, files } = this.#options;
    const queue = new ConsumeQueue({
      fileSystem,
      topic,
      queueId,
      folder: `${files.queueFolder}/${name}`,
      segmentBytes: files.queueSegmentBytes,
      physicalOffsetMax: Infinity,
      physicalOffsetMin: () => files.log.minOffset,
    });
    this.#queues.set(name, queue);
    return queue;
  }

  #beginAgain(name: string, record: RecordLayout): ConsumeQueue {
    const { fileSystem, files } = this.#options;
    const folder = `${files.queueFolder}/${name}`;
    this.#queues.get(name)?.closeFiles();
    for (const file of fileSystem.listSync(folder)) fileSystem.removeSync(`${folder}/${file}`);
    return this.#open(name, record);
  }

  /** Frees the memory of the queues when there are many. */
  rest(): void {
    if (this.#queues.size <= AWAKE_MAX) return;
    for (const queue of this.#queues.values()) queue.rest();
  }

  /** Brings all to disk. */
  async close(): Promise<void> {
    for (const queue of this.#queues.values()) {
      await queue.sync();
      queue.closeFiles();
    }
  }
}
