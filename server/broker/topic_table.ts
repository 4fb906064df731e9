/** The broker's topics, kept in `config/topics.json` as Apache has it. */

import {
  type DataVersion,
  firstDataVersion,
  nextVersion,
  parseDataVersion,
} from "../../client/protocol/data_version.ts";
import {
  createTopicConfig,
  isInherited,
  parseTopicConfig,
  PermName,
  type TopicConfig,
} from "../../client/protocol/topic_config.ts";
import { isLmqName } from "../../client/protocol/multi_dispatch.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import type { FileSystem } from "../../store/file_system.ts";
import { memberOf, type PersistedTable } from "../../store/json_file.ts";
import type { Log } from "../log.ts";
import { persistedTable, withUnknownFields } from "./persisted_table.ts";
import {
  autoCreateTopicConfig,
  systemTopicConfigs,
  type SystemTopicSettings,
} from "./system_topics.ts";
import { changeAttributes, TOPIC_ATTRIBUTES } from "./topic_attributes.ts";
import { SYSTEM_TOPIC_PREFIX, SystemTopic } from "./topic_name.ts";

export interface TopicTableOptions {
  /** The folder of `topics.json`. */
  folder: string;
  fileSystem: FileSystem;
  /** Read when they are needed: two of them may change. */
  settings: Readonly<SystemTopicSettings & { enableLmq: boolean }>;
  now: () => number;
  /** Topics have changed. Resolves when whoever should know does, such as the name servers; never rejects. */
  onChange: () => Promise<void>;
  log: Log;
}

/** What a send says about a topic that is not there. */
export interface TopicCreation {
  topic: string;
  /** The topic whose settings to take; Java's clients name TBW102. */
  defaultTopic: string;
  /** The most queues that the client wants. */
  clientDefaultTopicQueueNums: number;
  topicSysFlag: number;
  /** For the log. */
  remoteAddress: string;
}

/** What the broker says about a group's retry or dead-letter topic. */
export interface GroupTopicCreation {
  topic: string;
  queueNums: number;
  topicSysFlag?: number;
  perm?: number;
  order?: boolean;
}

interface TopicsFile {
  dataVersion: DataVersion;
  topics: TopicConfig[];
}

export class TopicTable implements AsyncDisposable {
  readonly #options: TopicTableOptions;
  readonly #topics = new Map<string, TopicConfig>();
  readonly #systemTopics: ReadonlySet<string>;
  readonly #persisted: PersistedTable<TopicsFile>;
  #dataVersion: DataVersion;
  #announced: Promise<void> = Promise.resolve();
  /** Topics whose last change is not on disk or not announced yet. */
  readonly #unpublished = new Set<string>();

  /** Loads the topics. @throws {CorruptStoreError} when they cannot be read. */
  constructor(options: TopicTableOptions) {
    const { settings, now } = options;
    this.#options = options;
    this.#persisted = persistedTable(options, "topics.json", {
      parse: parseTopicsFile,
      snapshot: () => this.toJson(),
      delayMillis: 0,
    });
    const systemTopics = systemTopicConfigs(settings);
    this.#systemTopics = new Set([
      ...Object.values(SystemTopic),
      ...systemTopics.map(({ topicName }) => topicName),
    ]);
    const file = this.#persisted.load();
    this.#dataVersion = file?.dataVersion ?? firstDataVersion(now());
    for (const topic of [...systemTopics, ...file?.topics ?? []]) {
      this.#topics.set(topic.topicName, topic);
    }
    this.#followSettings();
  }

  /** The topics by name. */
  get topics(): ReadonlyMap<string, TopicConfig> {
    return this.#topics;
  }

  get dataVersion(): DataVersion {
    return this.#dataVersion;
  }

  /** The names that are the broker's own. */
  get systemTopics(): ReadonlySet<string> {
    return this.#systemTopics;
  }

  /** The topic. Light ones (LMQ) are in no table: there is one of each name. */
  get(topic: string): TopicConfig | undefined {
    return this.#topics.get(topic) ?? (this.#isLight(topic) ? lightTopic(topic) : undefined);
  }

  #isLight(topic: string): boolean {
    return this.#options.settings.enableLmq && isLmqName(topic);
  }

  isSystemTopic(topic: string): boolean {
    return this.#systemTopics.has(topic) || topic.startsWith(SYSTEM_TOPIC_PREFIX);
  }

  /** The topic of a send, created after its default topic when it is not there; undefined when that may not be. */
  createTopicInSendMessage(creation: TopicCreation): TopicConfig | undefined {
    const { topic, defaultTopic } = creation;
    const existing = this.#topics.get(topic);
    if (existing !== undefined) return existing;
    const model = this.#topics.get(defaultTopic);
    if (model === undefined || !isInherited(model.perm)) {
      this.#options.log.warn("cannot create a topic after its default topic", {
        topic,
        defaultTopic,
        reason: model === undefined ? "it does not exist" : "its perm does not allow it",
        remote: creation.remoteAddress,
      });
      return undefined;
    }
    const queueNums = Math.min(creation.clientDefaultTopicQueueNums, model.writeQueueNums);
    const created = createTopicConfig(topic, {
      readQueueNums: Math.max(0, queueNums),
      writeQueueNums: Math.max(0, queueNums),
      perm: model.perm & ~PermName.INHERIT,
      topicSysFlag: creation.topicSysFlag,
      topicFilterType: model.topicFilterType,
    });
    this.#put(created, "created a topic for a send", { remote: creation.remoteAddress });
    return created;
  }

  /** A group's own topic, created when it is not there. */
  createTopicInSendMessageBack(creation: GroupTopicCreation): TopicConfig {
    const { topic, queueNums, topicSysFlag = 0, order = false } = creation;
    const existing = this.#topics.get(topic);
    if (existing?.order === order) return existing;
    const perm = creation.perm ?? (PermName.READ | PermName.WRITE);
    const changed = existing !== undefined ? { ...existing, order } : createTopicConfig(topic, {
      readQueueNums: queueNums,
      writeQueueNums: queueNums,
      perm,
      topicSysFlag,
      order,
    });
    this.#put(changed, "created or changed a group's topic", {});
    return changed;
  }

  /**
   * Creates or changes a topic; its attributes are what the changes make of the present ones. The same again changes
   * nothing.
   * @throws {RangeError} when an attribute may not change so.
   */
  update(
    config: Omit<TopicConfig, "attributes">,
    attributeChanges: ReadonlyMap<string, string>,
  ): void {
    // They are as they are.
    if (this.#isLight(config.topicName)) return;
    const existing = this.#topics.get(config.topicName);
    const attributes = changeAttributes(TOPIC_ATTRIBUTES, existing?.attributes, attributeChanges);
    const changed: TopicConfig = { ...existing, ...config, attributes };
    if (existing !== undefined && isSame(existing, changed)) return;
    this.#put(changed, existing === undefined ? "created a topic" : "changed a topic", {});
  }

  /** Removes a topic from the table; its messages are the store's affair. False when it is not there. */
  delete(topic: string): boolean {
    if (!this.#topics.delete(topic)) return false;
    this.#options.log.info("deleted a topic", { topic });
    this.#changed();
    return true;
  }

  /** To be called when autoCreateTopicEnable or defaultTopicQueueNums has changed. */
  settingsChanged(): void {
    if (this.#followSettings()) this.#changed();
  }

  /** Resolves when all changes so far are on disk and announced. @throws when they cannot be saved. */
  async published(): Promise<void> {
    const announced = this.#announced;
    await this.#persisted.flush();
    await announced;
    if (announced === this.#announced) this.#unpublished.clear();
  }

  /** Whether a topic as it is now is on disk, and known to whoever should know. */
  isPublished(topic: string): boolean {
    return !this.#unpublished.has(topic);
  }

  /** The document of `topics.json`. */
  toJson(): Record<string, unknown> {
    return {
      dataVersion: this.#dataVersion,
      topicConfigTable: Object.fromEntries(this.#topics),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#persisted[Symbol.asyncDispose]();
  }

  /**
   * TBW102 is what the settings say, not what the file does: it is there exactly when topics are created by themselves.
   * Returns whether something changed.
   */
  #followSettings(): boolean {
    const { settings } = this.#options;
    const existing = this.#topics.get(SystemTopic.AUTO_CREATE_TOPIC_KEY);
    if (!settings.autoCreateTopicEnable) {
      return this.#topics.delete(SystemTopic.AUTO_CREATE_TOPIC_KEY);
    }
    const wanted = autoCreateTopicConfig(settings);
    this.#topics.set(wanted.topicName, wanted);
    return existing === undefined || !isSame(existing, wanted);
  }

  #put(config: TopicConfig, message: string, fields: Record<string, unknown>): void {
    const { topicName: topic, writeQueueNums, readQueueNums, perm } = config;
    this.#topics.set(topic, config);
    this.#unpublished.add(topic);
    this.#options.log.info(message, { topic, writeQueueNums, readQueueNums, perm, ...fields });
    this.#changed();
    // When it fails, whoever sends to the topic tries again and hears of it.
    this.published().catch(() => {});
  }

  #changed(): void {
    this.#dataVersion = nextVersion(this.#dataVersion, this.#options.now());
    this.#persisted.markDirty();
    this.#announced = this.#options.onChange();
  }
}

function lightTopic(topic: string): TopicConfig {
  return createTopicConfig(topic, { readQueueNums: 1, writeQueueNums: 1 });
}

/** The topic. @throws {RemotingError} TOPIC_NOT_EXIST */
export function topicOrRefuse(topics: Pick<TopicTable, "get">, name: string): TopicConfig {
  const topic = topics.get(name);
  if (topic !== undefined) return topic;
  throw refuse(ResponseCode.TOPIC_NOT_EXIST, `topic[${name}] not exist`);
}

function parseTopicsFile(json: unknown): TopicsFile {
  const { dataVersion } = json as Record<string, unknown>;
  return {
    dataVersion: parseDataVersion(dataVersion),
    topics: Object.values(memberOf(json, "topicConfigTable")).map((row) => {
      const topic = parseTopicConfig(row);
      return withUnknownFields(row, topic, Object.keys(topic));
    }),
  };
}

function isSame(left: TopicConfig, right: TopicConfig): boolean {
  return left.readQueueNums === right.readQueueNums &&
    left.writeQueueNums === right.writeQueueNums && left.perm === right.perm &&
    left.topicFilterType === right.topicFilterType && left.topicSysFlag === right.topicSysFlag &&
    left.order === right.order && isSameRecord(left.attributes, right.attributes);
}

function isSameRecord(
  left: Readonly<Record<string, string>>,
  right: Readonly<Record<string, string>>,
): boolean {
  const entries = Object.entries(left);
  return entries.length === Object.keys(right).length &&
    entries.every(([key, value]) => right[key] === value);
}
