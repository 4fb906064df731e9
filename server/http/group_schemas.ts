/** Groups as the API takes and answers them. */

import { z } from "@hono/zod-openapi";
import { GROUP_TYPES, type GroupSettings } from "../../client/admin/groups.ts";
import {
  brokerChoice,
  failures,
  flag,
  groupName,
  long,
  pageOf,
  pageQuery,
  search,
  sortQuery,
  timestamp,
  topicName,
} from "./schemas.ts";

const INT_MAX = 0x7fff_ffff;
const positive = z.number().int().min(0).max(INT_MAX);
const millis = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** When a message comes again (GroupRetryPolicy.java). */
const RetryPolicySchema = z.strictObject({
  type: z.enum(["CUSTOMIZED", "EXPONENTIAL"]),
  exponentialRetryPolicy: z.strictObject({
    initial: millis,
    max: millis,
    multiplier: z.number().int().min(1).max(1_000),
  }).optional(),
  customizedRetryPolicy: z.strictObject({ next: z.array(millis).min(1).max(1_000) }).optional(),
}).openapi("GroupRetryPolicy");

const settings = {
  consumeEnable: z.boolean(),
  consumeFromMinEnable: z.boolean(),
  consumeBroadcastEnable: z.boolean(),
  consumeMessageOrderly: z.boolean(),
  retryQueueNums: positive.max(65_535),
  retryMaxTimes: positive,
  groupRetryPolicy: RetryPolicySchema,
  brokerId: millis,
  whichBrokerWhenConsumeSlowly: millis,
  notifyConsumerIdsChangedEnable: z.boolean(),
  groupSysFlag: positive,
  consumeTimeoutMinute: positive,
};

const partialSettings = z.strictObject(settings).partial().shape;

/** What brokers say, which may be more than we would take. */
const saidSettings = {
  ...settings,
  retryQueueNums: long,
  retryMaxTimes: long,
  groupRetryPolicy: z.object({
    type: z.string(),
    exponentialRetryPolicy: z.object({ initial: long, max: long, multiplier: long }).optional(),
    customizedRetryPolicy: z.object({ next: z.array(long) }).optional(),
  }),
  brokerId: long,
  whichBrokerWhenConsumeSlowly: long,
  groupSysFlag: long,
  consumeTimeoutMinute: long,
};

export const GroupSchema = z.object({
  group: z.string(),
  type: z.enum(GROUP_TYPES),
  ...saidSettings,
  attributes: z.record(z.string(), z.string()),
  brokerNames: z.array(z.string()),
  differingBrokerNames: z.array(z.string()).describe(
    "Brokers that have other settings than those that are shown, which are the first one's",
  ),
}).openapi("Group");

export const GroupAnswerSchema = GroupSchema.extend({ failures });

const GroupItemSchema = GroupSchema.extend({
  diffTotal: long.optional().describe(
    "Messages that the group has before it in all its topics; with `progress=true`",
  ),
  consumeTps: z.number().optional().describe(
    "Messages that it was given each second of the last minute; with `progress=true`",
  ),
  topicCount: long.optional(),
  clientCount: long.optional().describe("Members that are there; with `clients=true`"),
});
export const GroupPageSchema = pageOf(GroupItemSchema).openapi("GroupPage");

export const groupListQuery = z.object({
  ...pageQuery,
  search,
  type: z.enum(GROUP_TYPES).optional(),
  progress: flag(false).describe(
    "Whether it is said how far each group is; sorting by diffTotal and consumeTps needs it",
  ),
  clients: flag(false).describe(
    "Whether it is said how many members of each group of the page are there",
  ),
  sort: sortQuery(["group", "type", "retryMaxTimes", "diffTotal", "consumeTps", "topicCount"]),
});

export const GroupCreateSchema = z.strictObject({
  group: groupName,
  ...partialSettings,
  ...brokerChoice,
}).openapi("GroupCreate");

export const GroupUpdateSchema = z.strictObject(partialSettings).openapi("GroupUpdate");

/** A policy has no field without a value in it: brokers read those as policies too. */
export function asGroupSettings(
  { groupRetryPolicy, ...settings }: z.infer<typeof GroupUpdateSchema>,
): GroupSettings {
  if (groupRetryPolicy === undefined) return settings;
  const { type, exponentialRetryPolicy, customizedRetryPolicy } = groupRetryPolicy;
  return {
    ...settings,
    groupRetryPolicy: {
      type,
      ...(exponentialRetryPolicy === undefined ? {} : { exponentialRetryPolicy }),
      ...(customizedRetryPolicy === undefined ? {} : { customizedRetryPolicy }),
    },
  };
}

export const groupDeleteQuery = z.object({
  cleanOffset: flag(true).describe("Whether its offsets go as well"),
  deleteTopics: flag(true).describe("Whether its retry topic and its dead letters go as well"),
  dryRun: flag(false),
});

export const GroupDeletedSchema = z.object({
  group: z.string(),
  dryRun: z.boolean(),
  brokerNames: z.array(z.string()),
  topics: z.array(z.string()).describe("Topics that go with it"),
  clientCount: long.describe("Members that are there"),
  failures,
}).openapi("GroupDeleted");

export const progressQuery = z.object({
  topic: topicName.optional(),
  owners: flag(true).describe("Whether clients are asked which queues they have"),
});

export const ProgressSchema = z.object({
  group: z.string(),
  consumeTps: z.number().describe(
    "Messages that the group was given each second of the last minute",
  ),
  diffTotal: long,
  inflightTotal: long,
  delayMillisMax: long.describe("Of the message that waits longest"),
  queues: z.array(z.object({
    topic: z.string(),
    brokerName: z.string(),
    queueId: long,
    brokerOffset: long,
    consumerOffset: long,
    pullOffset: long,
    lastTimestamp: long.describe(
      "When the last message was stored that it has consumed; 0 when it has consumed none",
    ),
    diff: long.describe("Messages that the group has not consumed"),
    inflight: long.describe("Messages that it was given and has not committed"),
    delayMillis: long.describe("How long the next message has been waiting for the group"),
    clientId: z.string().optional().describe(
      "Who has the queue; absent when nobody has it, or nobody says so",
    ),
  })),
  failures,
}).openapi("GroupProgress");

const SubscriptionSchema = z.object({
  topic: z.string(),
  subString: z.string().describe("`*`, tags with || between them, or an expression"),
  expressionType: z.string().describe("TAG or SQL92"),
  subVersion: long,
}).openapi("Subscription");

export const ClientSchema = z.object({
  clientId: z.string(),
  clientAddr: z.string(),
  language: z.string(),
  version: z.string().describe("Of its library, as in V5_3_3"),
  brokerNames: z.array(z.string()),
}).openapi("Client");

export const ConnectionsSchema = z.object({
  group: z.string(),
  clients: z.array(ClientSchema),
  consumeType: z.string().optional(),
  messageModel: z.string().optional(),
  consumeFromWhere: z.string().optional(),
  subscriptions: z.array(SubscriptionSchema),
  failures,
}).openapi("GroupConnections");

export const SubscriptionsSchema = z.object({
  group: z.string(),
  subscriptions: z.array(SubscriptionSchema).describe(
    "What brokers take the group to want: what the last heartbeat said",
  ),
  answeredClientIds: z.array(z.string()).describe("Clients that said what they want"),
  /** Topics of which members want different things: each gets only a part of what it wants. */
  mismatches: z.array(z.object({
    topic: z.string(),
    variants: z.array(z.object({
      subString: z.string().optional().describe(
        "Absent when the clients do not subscribe to the topic",
      ),
      expressionType: z.string().optional(),
      clientIds: z.array(z.string()),
    })),
  })),
  failures,
}).openapi("GroupSubscriptions");

export const clientParams = z.object({
  group: groupName,
  clientId: z.string().min(1).max(1_000),
});

const queue = { topic: z.string(), brokerName: z.string(), queueId: long };

export const RunningInfoSchema = z.object({
  group: z.string(),
  clientId: z.string(),
  properties: z.record(z.string(), z.string()),
  subscriptions: z.array(SubscriptionSchema),
  queues: z.array(z.object({
    ...queue,
    commitOffset: long,
    cachedMsgMinOffset: long,
    cachedMsgMaxOffset: long,
    cachedMsgCount: long,
    cachedMsgSizeInMiB: long,
    locked: z.boolean(),
    droped: z.boolean(),
    lastPullTimestamp: long,
    lastConsumeTimestamp: long,
  })),
  popQueues: z.array(z.object({
    ...queue,
    waitAckCount: long,
    droped: z.boolean(),
    lastPopTimestamp: long,
  })),
  /** Rates each second, times in milliseconds. */
  status: z.array(z.object({
    topic: z.string(),
    pullRT: z.number(),
    pullTPS: z.number(),
    consumeRT: z.number(),
    consumeOKTPS: z.number(),
    consumeFailedTPS: z.number(),
    consumeFailedMsgs: long.describe("Of the last hour"),
  })),
  jstack: z.string().optional().describe("The stacks of its threads; with `jstack=true`"),
}).openapi("ConsumerRunningInfo");

const resetCommon = {
  topic: topicName,
  force: z.boolean().default(true).describe("Whether the group may be taken ahead as well as back"),
  dryRun: z.boolean().default(false),
};

export const ResetRequestSchema = z.union([
  z.strictObject({ ...resetCommon, timestamp }),
  z.strictObject({ ...resetCommon, to: z.enum(["earliest", "latest"]) }),
  z.strictObject({
    ...resetCommon,
    offsets: z.record(z.string().min(1).max(300), millis).describe(
      "By `brokerName:queueId`, or `queueId` where one broker has the topic; other queues stay where they are",
    ),
  }),
]).openapi("ResetRequest");

export const SkipRequestSchema = z.strictObject({
  topic: topicName.optional().describe(
    "All topics that the group has consumed when it is left out",
  ),
  dryRun: z.boolean().default(false),
}).openapi("SkipRequest");

const QueueResetSchema = z.object({
  brokerName: z.string(),
  queueId: long,
  minOffset: long,
  maxOffset: long,
  oldOffset: long.optional().describe("Absent when the group has no offset there"),
  newOffset: long,
  replayCount: long.describe("Messages that the group gets again"),
  skipCount: long.describe("Messages that the group never gets"),
});

export const ResetAnswerSchema = z.object({
  group: z.string(),
  topic: z.string(),
  dryRun: z.boolean(),
  online: z.boolean().describe("Whether members of the group are there"),
  replayCount: long,
  skipCount: long,
  queues: z.array(QueueResetSchema),
  failures,
}).openapi("ResetAnswer");

export const SkipAnswerSchema = z.object({
  group: z.string(),
  resets: z.array(ResetAnswerSchema),
}).openapi("SkipAnswer");

export const CloneRequestSchema = z.strictObject({
  destGroup: groupName.describe("The group that gets the offsets; it has to be there"),
  topic: topicName.optional().describe(
    "All topics that the group has consumed when it is left out",
  ),
  dryRun: z.boolean().default(false),
}).openapi("CloneRequest");

export const CloneAnswerSchema = z.object({
  srcGroup: z.string(),
  destGroup: z.string(),
  dryRun: z.boolean(),
  topics: z.array(z.object({
    topic: z.string(),
    queues: z.array(z.object({
      brokerName: z.string(),
      queueId: long,
      oldOffset: long.optional().describe("Absent when the group has no offset there"),
      newOffset: long,
    })),
  })),
  failures,
}).openapi("CloneAnswer");
