/** Admins create topics, change them and look at them. */

import * as commands from "../../client/protocol/commands/topic.ts";
import type { DataVersion } from "../../client/protocol/data_version.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import type { TopicConfig, TopicFilterType } from "../../client/protocol/topic_config.ts";
import { type Route, route } from "../dispatcher.ts";
import { jsonBody } from "./json_body.ts";
import { parseAttributeChanges } from "./topic_attributes.ts";
import { invalidTopicReason } from "./topic_name.ts";
import type { TopicTable } from "./topic_table.ts";

export interface TopicDeps {
  config: TopicSettings;
  topics: Pick<
    TopicTable,
    "get" | "update" | "published" | "isSystemTopic" | "systemTopics" | "toJson"
  >;
}

/** Read when they are needed. */
export type TopicSettings = Readonly<{ enableMixedMessageType: boolean }>;

const QUEUE_NUMS_MAX = 65_535;
const PERM_MAX = 7;
/** Static topics are not served; slaves of Apache's want the fields. */
const NO_MAPPINGS = {
  mappingDataVersion: { counter: 0, stateVersion: 0, timestamp: 0 } satisfies DataVersion,
  topicQueueMappingDetailMap: {},
  topicQueueMappingInfoMap: {},
};

/** UPDATE_AND_CREATE_TOPIC, GET_ALL_TOPIC_CONFIG, GET_TOPIC_CONFIG and GET_SYSTEM_TOPIC_LIST_FROM_BROKER. */
export function topicRoutes({ config: settings, topics }: TopicDeps): Route[] {
  return [
    route(commands.UPDATE_AND_CREATE_TOPIC, async ({ header }) => {
      const { topic, readQueueNums, writeQueueNums, perm, topicSysFlag, order } = header;
      const reason = invalidTopicConfigReason(topics, { ...header, topicName: topic });
      if (reason !== undefined) throw refuse(ResponseCode.INVALID_PARAMETER, reason);
      const config = {
        topicName: topic,
        readQueueNums,
        writeQueueNums,
        perm,
        topicFilterType: parseTopicFilterType(header.topicFilterType),
        topicSysFlag,
        order,
      };
      updateTopic(
        { config: settings, topics },
        config,
        () => parseAttributeChanges(header.attributes),
      );
      await topics.published();
      return {};
    }),
    route(
      commands.GET_ALL_TOPIC_CONFIG,
      () => ({ body: jsonBody({ ...topics.toJson(), ...NO_MAPPINGS }) }),
    ),
    route(commands.GET_TOPIC_CONFIG, ({ header }) => {
      const config = topics.get(header.topic);
      if (config !== undefined) return { body: jsonBody(config) };
      throw refuse(
        ResponseCode.TOPIC_NOT_EXIST,
        `No topic in this broker. topic: ${header.topic}`,
      );
    }),
    route(
      commands.GET_SYSTEM_TOPIC_LIST_FROM_BROKER,
      () => ({ body: jsonBody({ topicList: [...topics.systemTopics] }) }),
    ),
  ];
}

/** Why no topic may be like that; undefined when it may. */
export function invalidTopicConfigReason(
  topics: Pick<TopicTable, "isSystemTopic">,
  config: Pick<TopicConfig, "topicName" | "readQueueNums" | "writeQueueNums" | "perm">,
): string | undefined {
  const { topicName } = config;
  return invalidTopicReason(topicName) ??
    (topics.isSystemTopic(topicName)
      ? `The topic[${topicName}] is conflict with system topic.`
      : invalidNumbersReason(config));
}

/** Creates or changes a topic. @throws {RemotingError} when an attribute may not change so. */
export function updateTopic(
  { config: settings, topics }: { config: TopicSettings; topics: Pick<TopicTable, "update"> },
  config: Omit<TopicConfig, "attributes">,
  attributeChanges: () => ReadonlyMap<string, string>,
): void {
  try {
    const changes = attributeChanges();
    if (!settings.enableMixedMessageType && changes.get("+message.type") === "MIXED") {
      throw refuse(ResponseCode.INVALID_PARAMETER, "MIXED message type is not supported.");
    }
    topics.update(config, changes);
  } catch (error) {
    throw error instanceof RangeError ? refuse(ResponseCode.SYSTEM_ERROR, error.message) : error;
  }
}

function invalidNumbersReason(
  header: { readQueueNums: number; writeQueueNums: number; perm: number },
): string | undefined {
  for (const name of ["readQueueNums", "writeQueueNums"] as const) {
    if (header[name] < 0 || header[name] > QUEUE_NUMS_MAX) {
      return `${name} is ${header[name]}, expected 0 to ${QUEUE_NUMS_MAX}`;
    }
  }
  if (header.perm < 0 || header.perm > PERM_MAX) {
    return `perm is ${header.perm}, expected 0 to ${PERM_MAX}`;
  }
  return undefined;
}

function parseTopicFilterType(text: string): TopicFilterType {
  if (text === "SINGLE_TAG" || text === "MULTI_TAG") return text;
  throw refuse(ResponseCode.SYSTEM_ERROR, `topicFilterType = [${text}] value invalid`);
}
