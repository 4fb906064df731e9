/** Topics as the API takes and answers them. */

import { MESSAGE_TYPES } from "../../client/protocol/topic_config.ts";
import { z } from "@hono/zod-openapi";
import { TOPIC_TYPES } from "../../client/admin/topics.ts";
import {
  brokerChoice,
  BrokerSchema,
  failures,
  flag,
  long,
  pageOf,
  pageQuery,
  search,
  sortQuery,
  timestamp,
  topicName,
  wholeNumber,
} from "./schemas.ts";

const QUEUE_NUMS_MAX = 65_535;
const topicType = z.enum(TOPIC_TYPES);
const queueNums = z.number().int().min(1).max(QUEUE_NUMS_MAX);
/** 4 read + 2 write + 1 inherit. */
const perm = z.number().int().min(0).max(7);
const attributeName = z.string().regex(/^[\w.-]{1,64}$/);
/** Changes travel as `+name=value` with commas between. */
const attributeValue = z.string().regex(/^[^,=\s]{1,255}$/);

export const TopicSchema = z.object({
  topic: z.string(),
  type: topicType,
  messageType: z.string(),
  readQueueNums: long.describe("Of all brokers together"),
  writeQueueNums: long,
  perm: long.describe("What at least one broker allows: 4 read + 2 write + 1 inherit"),
  order: z.boolean(),
  brokers: z.array(BrokerSchema.extend({
    readQueueNums: long,
    writeQueueNums: long,
    perm: long,
    topicFilterType: z.string(),
    topicSysFlag: long,
    order: z.boolean(),
    attributes: z.record(z.string(), z.string()),
  })),
}).openapi("Topic");

export const TopicAnswerSchema = TopicSchema.extend({ failures });
export const TopicPageSchema = pageOf(TopicSchema).openapi("TopicPage");

export const topicListQuery = z.object({
  ...pageQuery,
  search,
  type: topicType.optional(),
  messageType: z.enum(MESSAGE_TYPES).optional(),
  sort: sortQuery(["topic", "type", "messageType", "readQueueNums", "writeQueueNums", "perm"]),
});

const settings = {
  readQueueNums: queueNums,
  writeQueueNums: queueNums,
  perm: perm.optional(),
  order: z.boolean().optional(),
  messageType: z.enum(MESSAGE_TYPES).optional(),
};

/** A topic in a document of definitions: everything is said. */
export const topicDefinitionFields = {
  readQueueNums: queueNums,
  writeQueueNums: queueNums,
  perm,
  order: z.boolean(),
  attributes: z.record(attributeName, attributeValue),
};

export const TopicCreateSchema = z.strictObject({
  topic: topicName,
  ...settings,
  attributes: z.record(attributeName, attributeValue).optional(),
  ...brokerChoice,
}).openapi("TopicCreate");

export const TopicUpdateSchema = z.strictObject({
  ...settings,
  readQueueNums: queueNums.optional(),
  writeQueueNums: queueNums.optional(),
  attributes: z.record(attributeName, attributeValue.nullable()).optional().describe(
    "Changes; null takes an attribute away",
  ),
  brokerNames: brokerChoice.brokerNames,
}).openapi("TopicUpdate");

export const topicDeleteQuery = z.object({
  clusterName: brokerChoice.clusterName,
  dryRun: flag(false),
});

export const TopicDeletedSchema = z.object({
  topic: z.string(),
  dryRun: z.boolean(),
  brokerNames: z.array(z.string()),
  messageCount: long.describe("Messages that are lost by it"),
  groups: z.array(z.string()).describe("Groups that have consumed it or subscribe to it"),
  failures,
}).openapi("TopicDeleted");

export const RouteSchema = z.object({
  topic: z.string(),
  brokerDatas: z.array(z.object({
    cluster: z.string(),
    brokerName: z.string(),
    brokerAddrs: z.record(z.string(), z.string()).describe(
      "Addresses by brokerId; the master has 0",
    ),
  })),
  queueDatas: z.array(z.object({
    brokerName: z.string(),
    readQueueNums: long,
    writeQueueNums: long,
    perm: long,
    topicSysFlag: long,
  })),
  orderTopicConf: z.string().optional().describe(
    "Queues of an ordered topic as an admin fixed them: `brokerName:queueNums;…`",
  ),
}).openapi("TopicRoute");

export const TopicStatsSchema = z.object({
  topic: z.string(),
  messageCount: long.describe("Messages that are there"),
  putTps: z.number().describe("Messages and bytes that came in each second of the last minute"),
  putBytesPerSecond: z.number(),
  putCountDay: long.describe("Messages of the last day"),
  queues: z.array(z.object({
    brokerName: z.string(),
    queueId: long,
    minOffset: long,
    maxOffset: long,
    messageCount: long,
    lastUpdateTimestamp: long.describe("When the last message was stored; 0 without one"),
  })),
  failures,
}).openapi("TopicStats");

export const TopicConsumersSchema = pageOf(z.object({
  group: z.string(),
  diffTotal: long.describe("Messages that the group has before it in this topic"),
  consumeTps: z.number().describe("Messages that it was given each second of the last minute"),
  lastTimestamp: long.describe(
    "When the newest message was stored that it has consumed; 0 when it has consumed none",
  ),
})).openapi("TopicConsumers");

export const topicOffsetsQuery = z.object({
  timestamp: wholeNumber({ max: 8_640_000_000_000_000 }).optional().describe(
    "A moment: where in each queue that is",
  ),
  offset: wholeNumber().optional().describe(
    "A queueOffset: when that message was stored, in each queue",
  ),
  brokerName: z.string().max(255).optional(),
  queueId: wholeNumber({ max: QUEUE_NUMS_MAX }).optional(),
});

export const TopicOffsetsSchema = z.object({
  topic: z.string(),
  timestamp: timestamp.optional(),
  queues: z.array(z.object({
    brokerName: z.string(),
    queueId: long,
    minOffset: long,
    maxOffset: long,
    offset: long.describe(
      "The first message that was stored at the timestamp or later, or what was asked for; maxOffset when there is none",
    ),
    storeTimestamp: long.optional().describe(
      "When the message at `offset` was stored; absent when there is none",
    ),
    minTimestamp: long.optional().describe("The same of the first and of the last message"),
    maxTimestamp: long.optional(),
  })),
  failures,
}).openapi("TopicOffsets");
