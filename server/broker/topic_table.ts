/** The topics of this broker, kept in `config/topics.json` as Apache does. */

import {
  type DataVersion,
  firstDataVersion,
  nextVersion,
  parseDataVersion,
} from "../../client/protocol/data_version.ts";
import { parseFastjson } from "../../client/protocol/fastjson.ts";
import {
  createTopicConfig,
  isInherited,
  parseTopicConfig,
  PermName,
  type TopicConfig,
} from "../../client/protocol/topic_config.ts";
import type { FileSystem } from "../../store/file_system.ts";
import { JsonFile } from "../../store/json_file.ts";
import type { Config } from "../config.ts";

/** The topic whose settings automatically created ones take. */
export const AUTO_CREATE_TOPIC_KEY_TOPIC = "TBW102";
export const RETRY_GROUP_TOPIC_PREFIX = "%RETRY%";
export const DLQ_GROUP_TOPIC_PREFIX = "%DLQ%";

/** Topics that only the broker itself writes to (TopicValidator.java). */
const NOT_ALLOWED_SEND_TOPICS = new Set([
  "SCHEDULE_TOPIC_XXXX",
  "RMQ_SYS_TRANS_HALF_TOPIC",
  "RMQ_SYS_TRANS_OP_HALF_TOPIC",
  "TRANS_CHECK_MAX_TIME_TOPIC",
  "SELF_TEST_TOPIC",
  "OFFSET_MOVED_EVENT",
]);
const TOPIC_LENGTH_MAX = 127;

/** Why a topic cannot have this name, with Java's words; undefined when it can. */
export function invalidTopicReason(topic: string): string | undefined {
  if (topic.trim() === "") return "The specified topic is blank.";
  if (!/^[%|a-zA-Z0-9_-]+$/.test(topic)) {
    return "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$";
  }
  if (topic.length > TOPIC_LENGTH_MAX) {
    return "The specified topic is longer than topic max length.";
  }
  return undefined;
}

/** Whether clients may send to the topic. */
export function isNotAllowedSendTopic(topic: string): boolean {
  return NOT_ALLOWED_SEND_TOPICS.has(topic);
}

interface TopicsFile {
  dataVersion: DataVersion;
  topicConfigTable: Record<string, TopicConfig>;
}

export class TopicTable {
  readonly #config: Config;
  readonly #file: JsonFile<TopicsFile>;
  readonly #table = new Map<string, TopicConfig>();
  #dataVersion: DataVersion = firstDataVersion(Date.now());
  /** Called after every change. */
  onChange: () => void = () => {};

  /** Reads the table and adds the system's topics. @throws when the file is damaged and has no good copy. */
  constructor(config: Config, fileSystem: FileSystem) {
    this.#config = config;
    this.#file = new JsonFile(fileSystem, `${config.storePathRootDir}/config`, "topics.json");
    const loaded = this.#file.load((text) => parseFastjson(text) as TopicsFile);
    for (const value of Object.values(loaded?.topicConfigTable ?? {})) {
      const topic = parseTopicConfig(value);
      this.#table.set(topic.topicName, topic);
    }
    if (loaded !== undefined) this.#dataVersion = parseDataVersion(loaded.dataVersion);
    for (const topic of systemTopics(config)) {
      if (!this.#table.has(topic.topicName)) this.#table.set(topic.topicName, topic);
    }
  }

  get table(): ReadonlyMap<string, TopicConfig> {
    return this.#table;
  }

  get dataVersion(): DataVersion {
    return this.#dataVersion;
  }

  get(topic: string): TopicConfig | undefined {
    return this.#table.get(topic);
  }

  /** Adds or replaces a topic; on disk when this returns. */
  put(topic: TopicConfig): TopicConfig {
    this.#table.set(topic.topicName, topic);
    this.#dataVersion = nextVersion(this.#dataVersion, Date.now());
    this.save();
    this.onChange();
    return topic;
  }

  save(): void {
    this.#file.save({
      dataVersion: this.#dataVersion,
      topicConfigTable: Object.fromEntries(this.#table),
    });
  }

  /**
   * The topic, created if the topic that the client names as its pattern allows it; undefined when it does not.
   * Apache's rules: the pattern must have the inherit bit, which the new topic does not get, and neither more queues
   * than the pattern nor more than the client wants.
   */
  getOrCreate(topic: string, defaultTopic: string, queueNums: number): TopicConfig | undefined {
    const existing = this.#table.get(topic);
    if (existing !== undefined) return existing;
    const pattern = this.#table.get(defaultTopic);
    if (pattern === undefined || !isInherited(pattern.perm)) return undefined;
    if (defaultTopic === AUTO_CREATE_TOPIC_KEY_TOPIC && !this.#config.autoCreateTopicEnable) {
      return undefined;
    }
    const count = Math.max(0, Math.min(queueNums, pattern.writeQueueNums));
    return this.put(createTopicConfig(topic, {
      readQueueNums: count,
      writeQueueNums: count,
      perm: pattern.perm & ~PermName.INHERIT,
      topicFilterType: pattern.topicFilterType,
    }));
  }

  /** A topic that the broker itself needs, as %RETRY% and %DLQ% are. */
  getOrCreateInternal(topic: string, queueNums: number): TopicConfig {
    return this.#table.get(topic) ?? this.put(createTopicConfig(topic, {
      readQueueNums: queueNums,
      writeQueueNums: queueNums,
      perm: PermName.READ | PermName.WRITE,
    }));
  }
}

function systemTopics(config: Config): TopicConfig[] {
  const topic = (name: string, queueNums: number, perm = PermName.READ | PermName.WRITE) =>
    createTopicConfig(name, { readQueueNums: queueNums, writeQueueNums: queueNums, perm });
  const all = PermName.READ | PermName.WRITE | PermName.INHERIT;
  const clusterPerm = PermName.INHERIT |
    (config.clusterTopicEnable ? PermName.READ | PermName.WRITE : 0);
  const brokerPerm = PermName.INHERIT |
    (config.brokerTopicEnable ? PermName.READ | PermName.WRITE : 0);
  return [
    topic("SELF_TEST_TOPIC", 1),
    ...(config.autoCreateTopicEnable
      ? [topic(AUTO_CREATE_TOPIC_KEY_TOPIC, config.defaultTopicQueueNums, all)]
      : []),
    topic("BenchmarkTest", 1024),
    topic(config.brokerClusterName, 16, clusterPerm),
    topic(config.brokerName, 1, brokerPerm),
    topic("OFFSET_MOVED_EVENT", 1),
    topic("SCHEDULE_TOPIC_XXXX", 18),
    ...(config.traceTopicEnable ? [topic(config.msgTraceTopicName, 1)] : []),
    topic(`${config.brokerClusterName}_REPLY_TOPIC`, 1),
  ];
}
