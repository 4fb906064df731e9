/**
 * The filters that groups have subscribed by with expressions, kept in `config/consumerFilter.json` as Apache has it. A
 * group that goes leaves its filters behind for filterDataCleanTimeSpan.
 */

import { isTagType, type SubscriptionData } from "../../client/protocol/heartbeat.ts";
import type { FileSystem } from "../../store/file_system.ts";
import { memberOf, type PersistedTable } from "../../store/json_file.ts";
import type { Log } from "../log.ts";
import { bloomFilterData } from "./filter/bloom_filter_data.ts";
import type { SqlFilterCache } from "./filter/sql_filter.ts";
import { expressionFilterOf, type RecordFilter } from "./message_filter.ts";
import { persistedTable } from "./persisted_table.ts";

export interface ConsumerFilterTableOptions {
  /** The folder of `consumerFilter.json`. */
  folder: string;
  fileSystem: FileSystem;
  /** Read when it is needed. */
  settings: Readonly<{ filterDataCleanTimeSpan: number }>;
  filterCache: SqlFilterCache;
  now: () => number;
  log: Log;
}

/** One group's filter on one topic. Times are in milliseconds since the epoch. */
export interface ConsumerFilterData {
  readonly topic: string;
  readonly consumerGroup: string;
  readonly expression: string;
  readonly expressionType: string;
  readonly filter: RecordFilter;
  readonly bornTime: number;
  /** When the group went; 0 while it is there. */
  deadTime: number;
  /** The subscription's version. */
  clientVersion: number;
}

/** What a subscription says, or the file. */
type FilterFields = Omit<ConsumerFilterData, "filter">;

/** Apache writes its file so often. */
const SAVE_DELAY_MILLIS = 10_000;
/** Groups that the file says are there have been gone for so long, at the least, when it is read. */
const DEAD_MILLIS_AT_START = 30_000;

export class ConsumerFilterTable implements AsyncDisposable {
  readonly #options: ConsumerFilterTableOptions;
  /** By topic and group. */
  readonly #topics = new Map<string, Map<string, ConsumerFilterData>>();
  readonly #persisted: PersistedTable<FilterFields[]>;

  /** Loads the filters. @throws {CorruptStoreError} when they cannot be read. */
  constructor(options: ConsumerFilterTableOptions) {
    this.#options = options;
    this.#persisted = persistedTable(options, "consumerFilter.json", {
      parse: parseFilterFile,
      snapshot: () => this.toJson(),
      delayMillis: SAVE_DELAY_MILLIS,
    });
    const deadTime = options.now() - DEAD_MILLIS_AT_START;
    for (const fields of this.#persisted.load() ?? []) {
      this.#create({ ...fields, deadTime: fields.deadTime || Math.max(deadTime, fields.bornTime) });
    }
  }

  /** The filter of a group on a topic. Also of a group that has gone. */
  get(topic: string, consumerGroup: string): ConsumerFilterData | undefined {
    return this.#topics.get(topic)?.get(consumerGroup);
  }

  /**
   * Takes all subscriptions of a group. Filters on other topics die. What cannot be a filter is logged, and its older
   * one is dropped, so that the group's pulls are refused.
   */
  register(consumerGroup: string, subscriptions: readonly SubscriptionData[]): void {
    const expressions = subscriptions.filter(({ expressionType }) => !isTagType(expressionType));
    for (const subscription of expressions) this.#take(consumerGroup, subscription);
    const topics = new Set(expressions.map(({ topic }) => topic));
    for (const data of this.#ofGroup(consumerGroup)) {
      if (!topics.has(data.topic)) this.#kill(data);
    }
  }

  /** A group has gone. */
  unregister(consumerGroup: string): void {
    for (const data of this.#ofGroup(consumerGroup)) this.#kill(data);
  }

  /** Forgets filters that have been dead for filterDataCleanTimeSpan. To be called every so often. */
  expire(): void {
    const { now, settings } = this.#options;
    const oldest = now() - settings.filterDataCleanTimeSpan;
    for (const filters of this.#topics.values()) {
      for (const data of filters.values()) {
        if (data.deadTime > 0 && data.deadTime <= oldest) this.#remove(data);
      }
    }
  }

  /** The document of `consumerFilter.json`. */
  toJson(): Record<string, unknown> {
    const filterDataByTopic: Record<string, unknown> = {};
    for (const [topic, filters] of this.#topics) {
      const groupFilterData: Record<string, unknown> = {};
      for (const [group, data] of filters) groupFilterData[group] = printFilterData(data);
      filterDataByTopic[topic] = { groupFilterData, topic };
    }
    return { filterDataByTopic };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#persisted[Symbol.asyncDispose]();
  }

  *#ofGroup(consumerGroup: string): Generator<ConsumerFilterData> {
    for (const filters of this.#topics.values()) {
      const data = filters.get(consumerGroup);
      if (data !== undefined) yield data;
    }
  }

  #take(consumerGroup: string, subscription: SubscriptionData): void {
    const { topic, subString: expression, expressionType, subVersion } = subscription;
    const existing = this.get(topic, consumerGroup);
    if (existing !== undefined) {
      const isAlive = existing.deadTime === 0;
      // Clients that send no version, which reads as 0, mean what they said last.
      if (isAlive && subVersion <= existing.clientVersion && subVersion > 0) return;
      if (existing.expression === expression && existing.expressionType === expressionType) {
        if (isAlive && existing.clientVersion === subVersion) return;
        existing.clientVersion = subVersion;
        existing.deadTime = 0;
        this.#persisted.markDirty();
        return;
      }
      this.#remove(existing);
    }
    const bornTime = this.#options.now();
    const version = { bornTime, deadTime: 0, clientVersion: subVersion };
    if (!this.#create({ topic, consumerGroup, expression, expressionType, ...version })) return;
    this.#options.log.info("a group filters", { group: consumerGroup, topic, expression });
    this.#persisted.markDirty();
  }

  /** Returns whether the expression can be a filter. */
  #create(fields: FilterFields): boolean {
    const { topic, consumerGroup: group, expression, expressionType } = fields;
    const { filterCache, log } = this.#options;
    let filter: RecordFilter;
    try {
      filter = expressionFilterOf(filterCache, expressionType, expression);
    } catch (error) {
      const { message: reason } = error as Error;
      log.warn("a group's filter is refused", { group, topic, expression, reason });
      return false;
    }
    let filters = this.#topics.get(topic);
    if (filters === undefined) this.#topics.set(topic, filters = new Map());
    filters.set(group, { ...fields, filter });
    return true;
  }

  #kill(data: ConsumerFilterData): void {
    if (data.deadTime > 0) return;
    data.deadTime = Math.max(this.#options.now(), data.bornTime);
    this.#persisted.markDirty();
  }

  #remove({ topic, consumerGroup }: ConsumerFilterData): void {
    const filters = this.#topics.get(topic);
    filters?.delete(consumerGroup);
    if (filters?.size === 0) this.#topics.delete(topic);
    this.#persisted.markDirty();
  }
}

/** The Go client's versions count nanoseconds, of which the last 8 bits get lost here. */
const VERSION_ROUNDING = 256;

/** As Apache writes it, which has `dead` for a person who looks. */
function printFilterData(
  { filter: _filter, ...data }: ConsumerFilterData,
): Record<string, unknown> {
  const { clientVersion, consumerGroup, topic } = data;
  const isExact = Number.isSafeInteger(clientVersion);
  return {
    ...data,
    // Rather too small than too great, so that the client's own counts as newer.
    clientVersion: isExact ? clientVersion : clientVersion - VERSION_ROUNDING,
    bloomFilterData: bloomFilterData(consumerGroup, topic),
    dead: data.deadTime >= data.bornTime,
  };
}

/** Entries that lack what makes a filter are left out. */
function parseFilterFile(json: unknown): FilterFields[] {
  return Object.values(memberOf(json, "filterDataByTopic")).flatMap((ofTopic) => {
    const { groupFilterData } = (ofTopic ?? {}) as { groupFilterData?: Record<string, unknown> };
    return Object.values(groupFilterData ?? {}).flatMap(parseFilterData);
  });
}

function parseFilterData(value: unknown): FilterFields[] {
  const json = (value ?? {}) as Record<string, unknown>;
  const { topic, consumerGroup, expression, expressionType } = json as Record<string, string>;
  const texts = [topic, consumerGroup, expression, expressionType];
  if (texts.some((text) => typeof text !== "string" || text === "")) return [];
  const [bornTime, deadTime, clientVersion] = ["bornTime", "deadTime", "clientVersion"]
    .map((name) => Number.isInteger(json[name]) ? json[name] as number : 0);
  return [{
    topic: topic!,
    consumerGroup: consumerGroup!,
    expression: expression!,
    expressionType: expressionType!,
    bornTime: bornTime!,
    deadTime: deadTime!,
    clientVersion: clientVersion!,
  }];
}
