/**
 * Delay levels: a message with one waits in the queue of its level in SCHEDULE_TOPIC_XXXX and goes to its own topic when
 * the time is over. The queue keeps the time of delivery in place of the tags' hash, and all messages of a level wait
 * equally long, so only the front of each queue has to be looked at.
 */

import { decodeUtf8, viewOf } from "../../client/protocol/bytes.ts";
import {
  findProperty,
  MessageProperty,
  parseProperties,
  printProperties,
} from "../../client/protocol/message.ts";
import { type MessageToStore, readRecord } from "../../client/protocol/message_record.ts";
import type { ConsumeQueue } from "../../store/consume_queue.ts";
import { SCHEDULE_TOPIC } from "../../store/dispatch.ts";
import type { FileSystem } from "../../store/file_system.ts";
import { memberOf, type PersistedTable } from "../../store/json_file.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { Log } from "../log.ts";
import { type HeldReplies, putSafely } from "./held_replies.ts";
import { persistedTable } from "./persisted_table.ts";

export interface ScheduleOptions {
  store: Pick<MessageStore, "putMessage" | "commit" | "findQueue" | "selectMessageByOffset">;
  held: HeldReplies;
  /** The folder of `delayOffset.json`. */
  folder: string;
  fileSystem: FileSystem;
  levelCount: number;
  now: () => number;
  /** A message with so many bytes has come to the topic that it was sent to. */
  onDelivered?: (topic: string, bytes: number) => void;
  log: Log;
}

export interface DelayOffsetFile {
  /** level → queueOffset of the next message to deliver */
  offsetTable: Record<string, number>;
  /** Apache's, which counts in a cluster of Apache's only. */
  dataVersion?: unknown;
}

/** So much is delivered for one level before others have their turn. */
const BATCH_MAX = 256;
const BATCH_BYTES_MAX = 1024 * 1024;
/** How long to wait after a delivery that failed, as on a full disk. */
const RETRY_MILLIS = 1_000;
const SAVE_DELAY_MILLIS = 5_000;
/** A timer further away than this is set again on the way, since timers hold 2^31 milliseconds at most. */
const TIMER_MILLIS_MAX = 3_600_000;

/** Reads "1s 5s 10s 1m …" into milliseconds; level 1 is the first. */
export function parseDelayLevels(text: string): number[] {
  const unit: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  return text.trim().split(/\s+/).map((level) => Number(level.slice(0, -1)) * unit[level.at(-1)!]!);
}

/** Sends a message with a delay level the long way round; others stay as they are. */
export function scheduled(
  message: MessageToStore,
  level: number,
  levelCount: number,
): MessageToStore {
  if (level <= 0) return message;
  const capped = Math.min(level, levelCount);
  const properties = parseProperties(message.properties);
  properties.set(MessageProperty.DELAY, String(capped));
  properties.set(MessageProperty.REAL_TOPIC, message.topic);
  properties.set(MessageProperty.REAL_QID, String(message.queueId));
  return {
    ...message,
    topic: SCHEDULE_TOPIC,
    queueId: capped - 1,
    properties: printProperties(properties),
  };
}

/** The same by the level in its properties. */
export function delayedByLevel(message: MessageToStore, levelCount: number): MessageToStore {
  const level = Number(findProperty(message.properties, MessageProperty.DELAY) ?? 0);
  return scheduled(message, level, levelCount);
}

function parseDelayOffsets(json: unknown): DelayOffsetFile {
  for (const [level, queueOffset] of Object.entries(memberOf(json, "offsetTable"))) {
    if (/^\d+$/.test(level) && Number.isSafeInteger(queueOffset)) continue;
    throw new TypeError(`"${level}" with ${queueOffset} is no delay level with its offset`);
  }
  return json as DelayOffsetFile;
}

export class Schedule implements AsyncDisposable {
  readonly #options: ScheduleOptions;
  readonly #persisted: PersistedTable<DelayOffsetFile>;
  readonly #offsets = new Map<number, number>();
  #dataVersion: unknown;
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();
  /** Deliveries under way, by level; they never reject. */
  readonly #delivering = new Map<number, Promise<void>>();
  #stopped = false;

  /** Begins to deliver what waits from before. */
  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#persisted = persistedTable(options, "delayOffset.json", {
      parse: parseDelayOffsets,
      snapshot: () => this.toJson(),
      delayMillis: SAVE_DELAY_MILLIS,
    });
    const loaded = this.#persisted.load();
    this.#dataVersion = loaded?.dataVersion;
    this.#load(loaded?.offsetTable ?? {});
    for (let level = 1; level <= options.levelCount; level++) this.wake(level);
  }

  /** An offset past the end of its queue goes back there: other messages will have the offsets of those that are gone. */
  #load(offsetTable: DelayOffsetFile["offsetTable"]): void {
    const { store, log } = this.#options;
    for (const [level, queueOffset] of Object.entries(offsetTable)) {
      const maxOffset = store.findQueue(SCHEDULE_TOPIC, Number(level) - 1)?.maxOffset ?? 0;
      this.#offsets.set(Number(level), Math.min(queueOffset, maxOffset));
      if (queueOffset <= maxOffset) continue;
      log.warn("a delay level was past the end of its queue", { level, queueOffset, maxOffset });
    }
  }

  /** queueOffset of the next message to deliver, by level. */
  get offsets(): ReadonlyMap<number, number> {
    return this.#offsets;
  }

  /** The document of `delayOffset.json`. */
  toJson(): DelayOffsetFile {
    return { dataVersion: this.#dataVersion, offsetTable: Object.fromEntries(this.#offsets) };
  }

  /** Looks at a level's queue: something has arrived, or its time has come. */
  wake(level: number): void {
    if (this.#stopped || this.#delivering.has(level)) return;
    clearTimeout(this.#timers.get(level));
    const queue = this.#options.store.findQueue(SCHEDULE_TOPIC, level - 1);
    if (queue === undefined) return;
    const offset = Math.max(this.#offsets.get(level) ?? 0, queue.minOffset);
    if (offset >= queue.maxOffset) return;
    const wait = queue.read(offset, 1).tagsCode(0) - this.#options.now();
    if (wait > 0) {
      const timer = setTimeout(() => this.wake(level), Math.min(wait, TIMER_MILLIS_MAX));
      this.#timers.set(level, timer);
      return;
    }
    const delivery = this.#deliver(level, queue, offset).then(() => 0, (error) => {
      this.#options.log.error("cannot deliver delayed messages, trying again", { level, error });
      return RETRY_MILLIS;
    }).then((pauseMillis) => {
      this.#delivering.delete(level);
      if (this.#stopped) return;
      this.#timers.set(level, setTimeout(() => this.wake(level), pauseMillis));
    });
    this.#delivering.set(level, delivery);
  }

  /** Delivers what is due; the level goes on behind it once it is safe in its own topics. */
  async #deliver(level: number, queue: ConsumeQueue, start: number): Promise<void> {
    const { store, held, now, onDelivered } = this.#options;
    const due: MessageToStore[] = [];
    let offset = start;
    let bytes = 0;
    while (offset < queue.maxOffset && due.length < BATCH_MAX && bytes < BATCH_BYTES_MAX) {
      const unit = queue.read(offset, 1);
      if (unit.tagsCode(0) > now()) break;
      const record = await store.selectMessageByOffset(unit.physicalOffset(0));
      if (this.#stopped) return;
      offset++;
      // A record that is gone was deleted by age; the level goes on with the next.
      if (record === undefined) continue;
      due.push(restored(record));
      bytes += record.length;
    }
    const sizes = due.length > 0 ? await putSafely(store, held, due) : [];
    for (const [index, bytes] of sizes.entries()) onDelivered?.(due[index]!.topic, bytes);
    this.#offsets.set(level, offset);
    this.#persisted.markDirty();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.all(this.#delivering.values());
    await this.#persisted[Symbol.asyncDispose]();
  }
}

/** The message as it was before it was scheduled. */
function restored(record: Uint8Array): MessageToStore {
  const layout = readRecord(record, viewOf(record), 0);
  const { propertiesStart, propertiesLength, bodyStart, bodyLength } = layout;
  const properties = parseProperties(
    decodeUtf8(record, propertiesStart, propertiesStart + propertiesLength),
  );
  const topic = properties.get(MessageProperty.REAL_TOPIC) ?? layout.topic;
  const queueId = Number(properties.get(MessageProperty.REAL_QID) ?? 0);
  for (
    const name of [MessageProperty.DELAY, MessageProperty.REAL_TOPIC, MessageProperty.REAL_QID]
  ) {
    properties.delete(name);
  }
  return {
    topic,
    queueId,
    flag: layout.flag,
    sysFlag: layout.sysFlag,
    bornTimestamp: layout.bornTimestamp,
    bornHost: layout.bornHost,
    storeHost: layout.storeHost,
    reconsumeTimes: layout.reconsumeTimes,
    preparedTransactionOffset: 0,
    body: record.subarray(bodyStart, bodyStart + bodyLength),
    properties: printProperties(properties),
  };
}
