/** Topics of a cluster: what there is, creating, changing and deleting. */

import * as adminTopic from "../protocol/commands/admin_topic.ts";
import * as commands from "../protocol/commands/topic.ts";
import { DLQ_GROUP_TOPIC_PREFIX, RETRY_GROUP_TOPIC_PREFIX } from "../protocol/names.ts";
import { SYSTEM_TOPIC_PREFIX, SystemTopic } from "../protocol/names.ts";
import { refuse, RemotingError, ResponseCode } from "../protocol/response_code.ts";
import { parseTopicConfig, PermName, type TopicConfig } from "../protocol/topic_config.ts";
import { type AdminClient, type BrokerAddress, parseJson } from "./admin_client.ts";
import { type BrokerFailure, type FanOut, fanOut } from "./fan_out.ts";
import { deleteTopicAtNameServers } from "./namesrv.ts";
import { compareText } from "../protocol/message_queue.ts";
import { named } from "./queues.ts";

/** What a topic is for, as its name says; `normal` is a user's own. */
export const TOPIC_TYPES = ["normal", "retry", "dlq", "system"] as const;
export type TopicType = (typeof TOPIC_TYPES)[number];

/** A topic as one broker has it. */
export type BrokerTopic = BrokerAddress & Omit<TopicConfig, "topicName">;

/** A topic with all brokers that have it. */
export interface Topic {
  readonly topic: string;
  readonly type: TopicType;
  /** The attribute message.type; NORMAL without it, as in Java. */
  readonly messageType: string;
  /** Of all brokers together. */
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  /** What at least one broker allows, as bits of `PermName`. */
  readonly perm: number;
  readonly order: boolean;
  readonly brokers: readonly BrokerTopic[];
}

export interface TopicList {
  /** By name. */
  readonly topics: readonly Topic[];
  readonly failures: readonly BrokerFailure[];
}

const MESSAGE_TYPE = "message.type";
const MESSAGE_TYPE_ABSENT = "NORMAL";
/** Names that Apache's brokers and ours give topics of their own, beside those that they list. */
const REPLY_TOPIC_SUFFIX = "_REPLY_TOPIC";
/** What Java's admin client says here; brokers read no meaning into it. */
const CREATE_TOPIC_KEY = SystemTopic.AUTO_CREATE_TOPIC_KEY;

/** All topics of all masters: two requests to each broker, however many topics there are. */
export async function listTopics(admin: AdminClient): Promise<TopicList> {
  const masters = await admin.masters();
  const { answers, failures } = await fanOut(masters, async ({ brokerAddr }) => {
    const [topics, system] = await Promise.all([
      admin.invoke(brokerAddr, commands.GET_ALL_TOPIC_CONFIG, {}),
      systemTopics(admin, brokerAddr),
    ]);
    const { topicConfigTable } = (parseJson(topics.body) ?? {}) as Record<string, object>;
    return { configs: Object.values(topicConfigTable ?? {}).map(parseTopicConfig), system };
  });
  const system = ownNames(masters);
  const byName = new Map<string, BrokerTopic[]>();
  for (const { broker, value } of answers) {
    for (const name of value.system) system.add(name);
    for (const config of value.configs) {
      const known = byName.get(config.topicName);
      if (known === undefined) byName.set(config.topicName, [brokerTopic(broker, config)]);
      else known.push(brokerTopic(broker, config));
    }
  }
  const topics = [...byName].map(([topic, brokers]) => topicOf(topic, brokers, system))
    .sort((left, right) => compareText(left.topic, right.topic));
  return { topics, failures };
}

/** One topic. @throws {RemotingError} TOPIC_NOT_EXIST when no broker has it. */
export async function findTopic(
  admin: AdminClient,
  topic: string,
): Promise<{ topic: Topic; failures: readonly BrokerFailure[] }> {
  const masters = await admin.masters();
  const accept = [ResponseCode.TOPIC_NOT_EXIST];
  const { answers, failures } = await fanOut(masters, async ({ brokerAddr }) => {
    const [{ code, body }, system] = await Promise.all([
      admin.invoke(brokerAddr, commands.GET_TOPIC_CONFIG, { topic }, { accept }),
      systemTopics(admin, brokerAddr),
    ]);
    const config = code === ResponseCode.SUCCESS ? parseTopicConfig(parseJson(body)) : undefined;
    return { config, system };
  });
  const brokers = answers.flatMap(({ broker, value: { config } }) =>
    config === undefined ? [] : [brokerTopic(broker, config)]
  );
  if (brokers.length === 0) {
    throw refuse(ResponseCode.TOPIC_NOT_EXIST, `No broker has a topic ${topic}`);
  }
  const system = ownNames(masters);
  for (const { value } of answers) for (const name of value.system) system.add(name);
  return { topic: topicOf(topic, brokers, system), failures };
}

/** The same, undefined when no broker has it. */
export async function findTopicOrNone(
  admin: AdminClient,
  topic: string,
): Promise<Topic | undefined> {
  try {
    return (await findTopic(admin, topic)).topic;
  } catch (error) {
    if ((error as { code?: number }).code === ResponseCode.TOPIC_NOT_EXIST) return undefined;
    throw error;
  }
}

async function systemTopics(admin: AdminClient, brokerAddr: string): Promise<readonly string[]> {
  const { body } = await admin.invoke(brokerAddr, commands.GET_SYSTEM_TOPIC_LIST_FROM_BROKER, {});
  return ((parseJson(body) ?? {}) as { topicList?: string[] }).topicList ?? [];
}

/** Brokers have topics of the names of theirs and of their cluster. */
function ownNames(masters: readonly BrokerAddress[]): Set<string> {
  return new Set(masters.flatMap(({ brokerName, clusterName }) => [
    brokerName,
    clusterName,
    clusterName + REPLY_TOPIC_SUFFIX,
  ]));
}

function brokerTopic(broker: BrokerAddress, { topicName: _, ...config }: TopicConfig): BrokerTopic {
  return { ...broker, ...config };
}

function topicOf(
  topic: string,
  brokers: readonly BrokerTopic[],
  system: ReadonlySet<string>,
): Topic {
  const sum = (of: "readQueueNums" | "writeQueueNums") =>
    brokers.reduce((total, broker) => total + broker[of], 0);
  return {
    topic,
    type: typeOf(topic, system),
    messageType: brokers[0]?.attributes[MESSAGE_TYPE] ?? MESSAGE_TYPE_ABSENT,
    readQueueNums: sum("readQueueNums"),
    writeQueueNums: sum("writeQueueNums"),
    perm: brokers.reduce((bits, { perm }) => bits | perm, 0),
    order: brokers.some(({ order }) => order),
    brokers,
  };
}

function typeOf(topic: string, system: ReadonlySet<string>): TopicType {
  if (topic.startsWith(RETRY_GROUP_TOPIC_PREFIX)) return "retry";
  if (topic.startsWith(DLQ_GROUP_TOPIC_PREFIX)) return "dlq";
  return system.has(topic) || topic.startsWith(SYSTEM_TOPIC_PREFIX) ? "system" : "normal";
}

/** What can be said about a topic; what is left out stays as it is, or has Java's default for a new one. */
export interface TopicSettings {
  readonly readQueueNums?: number | undefined;
  readonly writeQueueNums?: number | undefined;
  /** Bits of `PermName`. */
  readonly perm?: number | undefined;
  readonly order?: boolean | undefined;
  readonly messageType?: string | undefined;
  /** Changes of attributes; null takes one away. */
  readonly attributes?: Readonly<Record<string, string | null>> | undefined;
}

/** Which masters are meant: those of a cluster, those of some names, or all. */
export interface BrokerChoice {
  readonly clusterName?: string | undefined;
  readonly brokerNames?: readonly string[] | undefined;
}

/** The masters that are meant. @throws {RemotingError} BROKER_NOT_EXIST when one that is named is not there, or none is. */
export async function chooseMasters(
  admin: AdminClient,
  { clusterName, brokerNames }: BrokerChoice,
): Promise<BrokerAddress[]> {
  const chosen = named(await admin.masters(clusterName), brokerNames);
  const missing = brokerNames?.find((name) =>
    !chosen.some(({ brokerName }) => brokerName === name)
  );
  if (missing === undefined && chosen.length > 0) return chosen;
  const where = clusterName === undefined ? "" : ` in the cluster ${clusterName}`;
  const who = missing === undefined ? "No broker" : `No broker ${missing}`;
  throw refuse(ResponseCode.BROKER_NOT_EXIST, `${who} is registered${where}`);
}

/** Creates a topic, or sets what `settings` say where it is there. @throws {RemotingError} */
export async function createTopic(
  admin: AdminClient,
  topic: string,
  settings: TopicSettings,
  choice: BrokerChoice = {},
): Promise<FanOut<void>> {
  const masters = await chooseMasters(admin, choice);
  return await fanOut(
    masters,
    ({ brokerAddr }) => putTopic(admin, { ...NEW_TOPIC, brokerAddr, topic }, settings),
  );
}

/** Changes a topic at the brokers that have it. @throws {RemotingError} TOPIC_NOT_EXIST, or the brokers' reason. */
export async function updateTopic(
  admin: AdminClient,
  topic: Topic,
  settings: TopicSettings,
  { brokerNames }: Pick<BrokerChoice, "brokerNames"> = {},
): Promise<FanOut<void>> {
  const brokers = topic.brokers.filter(({ brokerName }) =>
    brokerNames === undefined || brokerNames.includes(brokerName)
  );
  if (brokers.length === 0) {
    throw refuse(ResponseCode.TOPIC_NOT_EXIST, `No such broker has the topic ${topic.topic}`);
  }
  return await fanOut(
    brokers,
    (broker) => putTopic(admin, { ...broker, topic: topic.topic }, settings),
  );
}

const NEW_TOPIC = {
  readQueueNums: 8,
  writeQueueNums: 8,
  perm: PermName.READ | PermName.WRITE,
  order: false,
  topicFilterType: "SINGLE_TAG",
  topicSysFlag: 0,
};

async function putTopic(
  admin: AdminClient,
  existing: typeof NEW_TOPIC & { brokerAddr: string; topic: string },
  settings: TopicSettings,
): Promise<void> {
  const attributes = attributeChanges(settings);
  try {
    await admin.invoke(existing.brokerAddr, commands.UPDATE_AND_CREATE_TOPIC, {
      topic: existing.topic,
      defaultTopic: CREATE_TOPIC_KEY,
      readQueueNums: settings.readQueueNums ?? existing.readQueueNums,
      writeQueueNums: settings.writeQueueNums ?? existing.writeQueueNums,
      perm: settings.perm ?? existing.perm,
      topicFilterType: existing.topicFilterType,
      topicSysFlag: existing.topicSysFlag,
      order: settings.order ?? existing.order,
      ...(attributes === "" ? {} : { attributes }),
    });
  } catch (error) {
    // Brokers call an attribute that they do not take an error of their own.
    const isAttribute = attributes !== "" && error instanceof RemotingError &&
      error.code === ResponseCode.SYSTEM_ERROR;
    throw isAttribute ? refuse(ResponseCode.INVALID_PARAMETER, error.message) : error;
  }
}

/** `+key=value,-key`, as brokers want it. */
function attributeChanges({ messageType, attributes }: TopicSettings): string {
  const changes = {
    ...attributes,
    ...(messageType === undefined ? {} : { [MESSAGE_TYPE]: messageType }),
  };
  return Object.entries(changes)
    .map(([name, value]) => value === null ? `-${name}` : `+${name}=${value}`).join(",");
}

/** Deletes a topic at the masters and then at all name servers, as mqadmin does. @throws {RemotingError} */
export async function deleteTopic(
  admin: AdminClient,
  topic: string,
  choice: Pick<BrokerChoice, "clusterName"> = {},
): Promise<FanOut<void>> {
  const masters = await chooseMasters(admin, choice);
  const result = await fanOut(masters, async ({ brokerAddr }) => {
    await admin.invoke(brokerAddr, adminTopic.DELETE_TOPIC_IN_BROKER, { topic });
  });
  await deleteTopicAtNameServers(admin, topic, choice.clusterName);
  return result;
}
