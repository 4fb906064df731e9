/**
 * How far each group has consumed each queue, kept in `config/consumerOffset.json` as Apache has it. With enableLmq
 * Apache has all of them in `lmqConsumerOffset.json` instead, those of light groups in a table of their own: that one is
 * written as well then, with a member that is not there any more when Apache has written it, and read then.
 */

import {
  type DataVersion,
  firstDataVersion,
  nextVersion,
  parseDataVersion,
} from "../../client/protocol/data_version.ts";
import { isLmq, LMQ_QUEUE_ID } from "../../client/protocol/multi_dispatch.ts";
import type { FileSystem } from "../../store/file_system.ts";
import { memberOf, type PersistedTable } from "../../store/json_file.ts";
import type { Log } from "../log.ts";
import { persistedTable } from "./persisted_table.ts";
import { QueueOffsets } from "./queue_offsets.ts";

export interface OffsetTableOptions {
  /** The folder of `consumerOffset.json`. */
  folder: string;
  fileSystem: FileSystem;
  settings: Readonly<{ flushConsumerOffsetInterval: number; enableLmq: boolean }>;
  now: () => number;
  /**
   * A group is to go on elsewhere, whatever is recorded of what it popped before. Resolves when that is on record too,
   * which a reset has to wait for; undefined when nothing has to be.
   */
  onReset?: (
    group: string,
    topic: string,
    queueId: number,
    queueOffset: number,
  ) => Promise<void> | undefined;
  /** A group or a topic is gone. */
  onRemove?: (gone: { group: string } | { topic: string }) => void;
  log: Log;
}

/** An offset that was past the end of its queue. */
export interface ClampedOffset {
  group: string;
  topic: string;
  queueId: number;
  queueOffset: number;
  maxOffset: number;
}

interface OffsetsFile {
  dataVersion: DataVersion;
  offsets: QueueOffsets;
}

interface LmqOffsetsFile extends OffsetsFile {
  /** Apache has written it since Comet, or Comet never has. */
  isApaches: boolean;
}

const WRITTEN_BY = "Comet";
/** Between topic and group in the keys of the file; neither can have it in its name. */
const TOPIC_GROUP_SEPARATOR = "@";
/** consumerOffsetUpdateVersionStep: after so many commits the data version changes. */
const VERSION_STEP = 500;

export class OffsetTable implements AsyncDisposable {
  /** How far groups have pulled, which is further than they have consumed; not kept over a restart. */
  readonly pulled = new QueueOffsets();
  readonly #options: OffsetTableOptions;
  readonly #committed: QueueOffsets;
  /** Where an admin wants a group to go on; counts until the group's next pull. */
  readonly #reset = new QueueOffsets();
  readonly #persisted: PersistedTable<OffsetsFile>;
  readonly #persistedForLmq: PersistedTable<LmqOffsetsFile> | undefined;
  #dataVersion: DataVersion;
  #commitCount = 0;
  /** Those that are not on record yet. */
  readonly #resets = new Set<Promise<void>>();

  /** Loads the offsets. @throws {CorruptStoreError} when they cannot be read. */
  constructor(options: OffsetTableOptions) {
    const { settings, now } = options;
    this.#options = options;
    this.#persisted = persistedTable(options, "consumerOffset.json", {
      parse: parseOffsetsFile,
      snapshot: () => this.toJson(),
      delayMillis: settings.flushConsumerOffsetInterval,
    });
    this.#persistedForLmq = settings.enableLmq
      ? persistedTable(options, "lmqConsumerOffset.json", {
        parse: parseLmqOffsetsFile,
        snapshot: () => this.#toLmqJson(),
        delayMillis: settings.flushConsumerOffsetInterval,
      })
      : undefined;
    const forLmq = this.#persistedForLmq?.load();
    const file = forLmq?.isApaches ? forLmq : this.#persisted.load();
    this.#dataVersion = file?.dataVersion ?? firstDataVersion(now());
    this.#committed = file?.offsets ?? new QueueOffsets();
    // Each of the two files must be as new as the other when Apache comes.
    if (settings.enableLmq) this.#markDirty();
  }

  /** What groups have committed, to look at. */
  get committed(): Pick<QueueOffsets, "get" | "topicsOf" | "groupsOf" | typeof Symbol.iterator> {
    return this.#committed;
  }

  get dataVersion(): DataVersion {
    return this.#dataVersion;
  }

  /** Sets an offset; it is on disk within flushConsumerOffsetInterval. */
  commitOffset(group: string, topic: string, queueId: number, queueOffset: number): void {
    this.#committed.set(group, topic, queueId, queueOffset);
    if (++this.#commitCount % VERSION_STEP === 0) {
      this.#dataVersion = nextVersion(this.#dataVersion, this.#options.now());
    }
    this.#markDirty();
  }

  /** Where a group goes on: at its reset offset, else at what it has committed; -1 for neither. */
  queryOffset(group: string, topic: string, queueId: number): number {
    return this.#reset.get(group, topic, queueId) ?? this.#committed.get(group, topic, queueId) ??
      -1;
  }

  /** Makes a group go on at `queueOffset` with its next pull, whatever it commits until then. */
  assignResetOffset(group: string, topic: string, queueId: number, queueOffset: number): void {
    this.#reset.set(group, topic, queueId, queueOffset);
    this.commitOffset(group, topic, queueId, queueOffset);
    this.#tellReset(group, topic, queueId, queueOffset);
  }

  #tellReset(group: string, topic: string, queueId: number, queueOffset: number): void {
    const recorded = this.#options.onReset?.(group, topic, queueId, queueOffset);
    if (recorded === undefined) return;
    this.#resets.add(recorded);
    // Whoever flushes hears of its failure.
    recorded.catch(() => {}).finally(() => this.#resets.delete(recorded));
  }

  hasOffsetReset(group: string, topic: string, queueId: number): boolean {
    return this.#reset.get(group, topic, queueId) !== undefined;
  }

  /** The reset offset for a pull, which then has been obeyed; undefined when there is none. */
  takeResetOffset(group: string, topic: string, queueId: number): number | undefined {
    return this.#reset.take(group, topic, queueId);
  }

  /** Gives one group the offsets of another. */
  cloneOffsets(fromGroup: string, toGroup: string, topic: string): void {
    for (const [queueId, queueOffset] of this.#committed.topicsOf(fromGroup).get(topic) ?? []) {
      this.commitOffset(toGroup, topic, queueId, queueOffset);
    }
  }

  /** Forgets all about a group. */
  removeGroup(group: string): void {
    for (const [topic, queues] of this.#committed.topicsOf(group)) {
      for (const queueId of queues.keys()) this.#tellReset(group, topic, queueId, 0);
    }
    for (const offsets of [this.#committed, this.#reset, this.pulled]) offsets.removeGroup(group);
    this.#markDirty();
    this.#options.onRemove?.({ group });
  }

  /** Forgets all about a topic. */
  removeTopic(topic: string): void {
    for (const group of this.#committed.groupsOf(topic)) {
      for (const queueId of this.#committed.topicsOf(group).get(topic)!.keys()) {
        this.#tellReset(group, topic, queueId, 0);
      }
    }
    for (const offsets of [this.#committed, this.#reset, this.pulled]) offsets.removeTopic(topic);
    this.#markDirty();
    this.#options.onRemove?.({ topic });
  }

  /**
   * Takes every offset that is past the end of its queue back to there, since the messages that it counts are gone and
   * others will take their offsets. Returns what was changed.
   */
  clamp(maxOffsetOf: (topic: string, queueId: number) => number): ClampedOffset[] {
    const clamped: ClampedOffset[] = [];
    for (const [group, topic, queues] of this.#committed) {
      for (const [queueId, queueOffset] of queues) {
        const maxOffset = maxOffsetOf(topic, queueId);
        if (queueOffset <= maxOffset) continue;
        queues.set(queueId, maxOffset);
        clamped.push({ group, topic, queueId, queueOffset, maxOffset });
      }
    }
    if (clamped.length > 0) this.#markDirty();
    return clamped;
  }

  /** Resolves when all commits and resets so far are on disk. @throws when they cannot be saved. */
  async flush(): Promise<void> {
    await Promise.all(this.#resets);
    await this.#persisted.flush();
    await this.#persistedForLmq?.flush();
  }

  /** The document of `consumerOffset.json`. */
  toJson(): Record<string, unknown> {
    const offsetTable: [string, Record<string, number>][] = [];
    for (const [group, topic, queues] of this.#committed) {
      offsetTable.push([topic + TOPIC_GROUP_SEPARATOR + group, Object.fromEntries(queues)]);
    }
    return { dataVersion: this.#dataVersion, offsetTable: Object.fromEntries(offsetTable) };
  }

  /** The document of `lmqConsumerOffset.json`. */
  #toLmqJson(): Record<string, unknown> {
    const { dataVersion, offsetTable } = this.toJson();
    const isOfLmq = ([key]: [string, unknown]) =>
      isLmq(key.slice(key.indexOf(TOPIC_GROUP_SEPARATOR) + 1));
    const rows = Object.entries(offsetTable as Record<string, Record<string, number>>);
    const light = rows.filter(isOfLmq).map(([key, queues]) => [key, queues[LMQ_QUEUE_ID] ?? 0]);
    return {
      writtenBy: WRITTEN_BY,
      dataVersion,
      lmqOffsetTable: Object.fromEntries(light),
      offsetTable: Object.fromEntries(rows.filter((row) => !isOfLmq(row))),
    };
  }

  #markDirty(): void {
    this.#persisted.markDirty();
    this.#persistedForLmq?.markDirty();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#persisted[Symbol.asyncDispose]();
    await this.#persistedForLmq?.[Symbol.asyncDispose]();
  }
}

function parseLmqOffsetsFile(json: unknown): LmqOffsetsFile {
  const { dataVersion, offsets } = parseOffsetsFile(json);
  const { lmqOffsetTable, writtenBy } = json as Record<string, unknown>;
  for (const [key, queueOffset] of Object.entries(lmqOffsetTable ?? {})) {
    const [topic, group, ...rest] = key.split(TOPIC_GROUP_SEPARATOR);
    if (!topic || !group || rest.length > 0 || !Number.isSafeInteger(queueOffset)) continue;
    offsets.set(group, topic, LMQ_QUEUE_ID, queueOffset as number);
  }
  return { dataVersion, offsets, isApaches: writtenBy !== WRITTEN_BY };
}

/** Keys that are no topic and group, and values that are no offsets, are left out, as Java does. */
function parseOffsetsFile(json: unknown): OffsetsFile {
  const { dataVersion } = json as Record<string, unknown>;
  const offsets = new QueueOffsets();
  const keys = Object.entries(memberOf(json, "offsetTable"));
  // The file of the delay levels has a table of this name too.
  if (keys.length > 0 && !keys.some(([key]) => key.includes(TOPIC_GROUP_SEPARATOR))) {
    throw new TypeError("the file has no offsets of consumer groups");
  }
  for (const [key, queues] of keys) {
    const [topic, group, ...rest] = key.split(TOPIC_GROUP_SEPARATOR);
    if (!topic || !group || rest.length > 0) continue;
    for (const [queueId, queueOffset] of Object.entries(queues as Record<string, unknown>)) {
      if (/^\d+$/.test(queueId) && Number.isSafeInteger(queueOffset)) {
        offsets.set(group, topic, Number(queueId), queueOffset as number);
      }
    }
  }
  return { dataVersion: parseDataVersion(dataVersion), offsets };
}
