/** A store with one compaction topic and files so small that a few messages fill several. */

import { decodeUtf8, viewOf } from "../../../client/protocol/bytes.ts";
import { findProperty } from "../../../client/protocol/message.ts";
import { readRecord } from "../../../client/protocol/message_record.ts";
import type { RunReport } from "../../../store/compaction/compaction_run.ts";
import type {
  CompactionOptions,
  CompactionStore,
} from "../../../store/compaction/compaction_store.ts";
import { denoFileSystem, type FileSystem } from "../../../store/file_system.ts";
import type { MessageFilter } from "../../../store/get_message.ts";
import type { MessageStore, StoreOptions, StoreSettings } from "../../../store/message_store.ts";
import { Disk } from "../../helpers/fault_disk.ts";
import { FaultFileSystem } from "../../helpers/fault_file_system.ts";
import { quietRandom } from "../../helpers/random.ts";
import { messageToStore, openStore } from "../../helpers/store.ts";

export const TOPIC = "Keyed";
/** The data folder on disks in memory. */
export const FOLDER = "/data";

/** A file system over a disk in memory, which tests can let fail. */
export function memoryFileSystem(disk = new Disk(), random = quietRandom(1)): FaultFileSystem {
  return new FaultFileSystem(disk, { random });
}

/** Twelve messages fill a file. */
export const SMALL_COMPACTION = {
  compactionScheduleInternal: 1_000_000,
  compactionMappedFileSize: 4096,
  compactionCqMappedFileSize: 46 * 13,
  maxOffsetMapSize: 1024 * 1024,
};

export interface Setup {
  fileSystem?: FileSystem;
  settings?: Partial<StoreSettings>;
  options?: Partial<StoreOptions>;
  compaction?: Partial<CompactionOptions["settings"]>;
  topics?: () => Iterable<string>;
  onFailed?: (error: Error) => void;
}

export interface KeyedMessage {
  queueOffset: number;
  key: string;
  value: string;
}

/** The store, what it does, and how a consumer sees it. */
export class KeyedStore implements AsyncDisposable {
  readonly store: MessageStore;
  readonly compaction: CompactionStore;
  readonly reports: RunReport[] = [];

  constructor(folder: string, setup: Setup = {}) {
    this.store = openStore(folder, { messageIndexEnable: false, ...setup.settings }, {
      fileSystem: setup.fileSystem ?? denoFileSystem,
      ...setup.options,
    });
    this.compaction = this.store.startCompaction({
      settings: { ...SMALL_COMPACTION, ...setup.compaction },
      topics: setup.topics ?? (() => [TOPIC]),
      onCompacted: (report) => this.reports.push(report),
      onFailed: setup.onFailed ?? ((error) => {
        throw error;
      }),
    });
  }

  /** Puts a message; an empty value deletes its key. */
  put(key: string, value: string, queueId = 0): void {
    const properties = `KEYS\u0001${key}\u0002TAGS\u0001tag${value.length % 2}\u0002`;
    this.store.putMessage(messageToStore(TOPIC, value, { queueId, properties }));
  }

  /** Puts messages `from` to `to`, of which message n has the key "key(n mod keys)" and the value "value n". */
  putMany(from: number, to: number, keys: number): void {
    for (let n = from; n < to; n++) this.put(`key${n % keys}`, `value ${n}`);
  }

  /** Makes what was put visible and safe. */
  async commit(): Promise<void> {
    this.store.commit();
    await this.store.checkpoint();
  }

  /** Copies what is new and compacts. */
  async compact(): Promise<void> {
    await this.commit();
    await this.compaction.copy();
    await this.compaction.compact();
  }

  /** What a consumer gets that starts at `queueOffset`, with a few messages in each pull. */
  async consume(queueId = 0, queueOffset = 0, filter?: MessageFilter): Promise<KeyedMessage[]> {
    const messages: KeyedMessage[] = [];
    for (let next = queueOffset;;) {
      const result = await this.store.getMessage(TOPIC, queueId, {
        queueOffset: next,
        maxMsgNums: 5,
        maxMsgBytes: 2_000,
        filter,
      });
      messages.push(...result.parts.flatMap(messagesIn));
      if (result.status === "FOUND" || result.status === "NO_MATCHED_MESSAGE") {
        if (result.nextBeginOffset <= next) throw new Error(`no progress at ${next}`);
        next = result.nextBeginOffset;
      } else if (result.status === "OFFSET_OVERFLOW_ONE" || result.maxOffset === 0) return messages;
      else throw new Error(`${result.status} at ${next}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
  }
}

function messagesIn(part: Uint8Array): KeyedMessage[] {
  const messages: KeyedMessage[] = [];
  for (let position = 0; position < part.length;) {
    const record = readRecord(part, viewOf(part), position);
    const { bodyStart, bodyLength, propertiesStart, propertiesLength } = record;
    const properties = decodeUtf8(part, propertiesStart, propertiesStart + propertiesLength);
    messages.push({
      queueOffset: record.queueOffset,
      key: findProperty(properties, "KEYS") ?? "",
      value: decodeUtf8(part, bodyStart, bodyStart + bodyLength),
    });
    position += record.size;
  }
  return messages;
}

/** The last value of each key, as somebody has it who has read all of these; deleted keys are not in it. */
export function lastValues(messages: readonly KeyedMessage[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const { key, value } of messages) {
    if (value === "") values.delete(key);
    else values.set(key, value);
  }
  return values;
}
