/** Pulling messages out of a queue. */

import { RequestCode } from "../request_code.ts";
import { command, group, int, long, optional, str, topic } from "../header_schema.ts";

const pullFields = {
  consumerGroup: group,
  topic,
  queueId: int,
  queueOffset: long,
  maxMsgNums: int,
  sysFlag: int,
  commitOffset: long,
  suspendTimeoutMillis: long,
  subscription: optional(str),
  subVersion: long,
  expressionType: optional(str),
  maxMsgBytes: optional(int),
  requestSource: optional(int),
  proxyFrowardClientId: optional(str),
};

const pullResponse = {
  suggestWhichBrokerId: long,
  nextBeginOffset: long,
  minOffset: long,
  maxOffset: long,
  offsetDelta: optional(long),
  topicSysFlag: optional(int),
  groupSysFlag: optional(int),
  forbiddenType: optional(int),
};

export const PULL_MESSAGE = command({
  name: "PULL_MESSAGE",
  code: RequestCode.PULL_MESSAGE,
  access: "SUB",
  request: pullFields,
  response: pullResponse,
});

/** PULL_MESSAGE for groups that assign themselves queues and need not be known to the broker. */
export const LITE_PULL_MESSAGE = command({
  name: "LITE_PULL_MESSAGE",
  code: RequestCode.LITE_PULL_MESSAGE,
  access: "SUB",
  request: pullFields,
  response: pullResponse,
});

/** Bits of a pull's sysFlag (PullSysFlag.java). */
export const PullSysFlag = {
  COMMIT_OFFSET: 1,
  SUSPEND: 2,
  SUBSCRIPTION: 4,
  CLASS_FILTER: 8,
  LITE_PULL_MESSAGE: 16,
} as const;
