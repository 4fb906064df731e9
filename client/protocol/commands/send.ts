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

/** A consumer's answer to a message that was sent as a request; the broker takes it to who asked. */
export const SEND_REPLY_MESSAGE = command({
  name: "SEND_REPLY_MESSAGE",
  code: RequestCode.SEND_REPLY_MESSAGE,
  access: "PUB",
  request: sendFields,
  response: sendResponse,
});

export const SEND_REPLY_MESSAGE_V2 = command({
  name: "SEND_REPLY_MESSAGE_V2",
  code: RequestCode.SEND_REPLY_MESSAGE_V2,
  access: "PUB",
  request: renamed(sendFields, "abcdefghijklmn"),
  response: sendResponse,
});

const { maxReconsumeTimes: _, batch: __, brokerName: ___, ...replyFields } = sendFields;

/** Broker to client: the answer to a request of yours. */
export const PUSH_REPLY_MESSAGE_TO_CLIENT = command({
  name: "PUSH_REPLY_MESSAGE_TO_CLIENT",
  code: RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT,
  access: "ANY",
  request: { ...replyFields, bornHost: str, storeHost: str, storeTimestamp: long },
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

/** Takes a timer message back before it is due. */
export const RECALL_MESSAGE = command({
  name: "RECALL_MESSAGE",
  code: RequestCode.RECALL_MESSAGE,
  access: "PUB",
  request: {
    producerGroup: optional(str),
    topic,
    /** See recall_handle.ts. */
    recallHandle: str,
  },
  response: {
    /** The unique key of the message. */
    msgId: str,
  },
});
