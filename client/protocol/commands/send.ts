/** Sending: producers' messages, and messages that a consumer gives back. */

import { RequestCode } from "../request_code.ts";
import {
  bool,
  command,
  fallback,
  group,
  int,
  long,
  optional,
  renamed,
  str,
  topic,
} from "../header_schema.ts";

const sendFields = {
  producerGroup: str,
  topic,
  defaultTopic: str,
  defaultTopicQueueNums: int,
  queueId: int,
  sysFlag: int,
  bornTimestamp: long,
  flag: int,
  properties: fallback(str, ""),
  reconsumeTimes: fallback(int, 0),
  unitMode: fallback(bool, false),
  maxReconsumeTimes: optional(int),
  batch: fallback(bool, false),
  brokerName: optional(str),
};

const sendResponse = {
  msgId: str,
  queueId: int,
  queueOffset: long,
  transactionId: optional(str),
  batchUniqId: optional(str),
  recallHandle: optional(str),
};

export const SEND_MESSAGE = command({
  name: "SEND_MESSAGE",
  code: RequestCode.SEND_MESSAGE,
  access: "PUB",
  request: sendFields,
  response: sendResponse,
});

/** The same fields under one-letter names, which is what clients send today. */
export const SEND_MESSAGE_V2 = command({
  name: "SEND_MESSAGE_V2",
  code: RequestCode.SEND_MESSAGE_V2,
  access: "PUB",
  request: renamed(sendFields, "abcdefghijklmn"),
  response: sendResponse,
});

export const SEND_BATCH_MESSAGE = command({
  name: "SEND_BATCH_MESSAGE",
  code: RequestCode.SEND_BATCH_MESSAGE,
  access: "PUB",
  request: renamed(sendFields, "abcdefghijklmn"),
  response: sendResponse,
});

export const CONSUMER_SEND_MSG_BACK = command({
  name: "CONSUMER_SEND_MSG_BACK",
  code: RequestCode.CONSUMER_SEND_MSG_BACK,
  access: "SUB",
  request: {
    /** The physical offset of the message in the commit log. */
    offset: long,
    group,
    delayLevel: int,
    originMsgId: optional(str),
    originTopic: optional(topic),
    unitMode: fallback(bool, false),
    maxReconsumeTimes: optional(int),
  },
});
