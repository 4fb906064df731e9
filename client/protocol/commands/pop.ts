/** Popping: messages go to whoever asks and stay invisible to others until they are acknowledged or their time is over. */

import { RequestCode } from "../request_code.ts";
import {
  bool,
  command,
  fallback,
  group,
  int,
  long,
  optional,
  str,
  topic,
} from "../header_schema.ts";

export const POP_MESSAGE = command({
  name: "POP_MESSAGE",
  code: RequestCode.POP_MESSAGE,
  access: "SUB",
  request: {
    consumerGroup: group,
    topic,
    /** -1 for all queues. */
    queueId: int,
    maxMsgNums: int,
    invisibleTime: long,
    /** How long to wait for a message, in milliseconds. */
    pollTime: long,
    bornTime: fallback(long, 0),
    /** Where a group begins that has no offset: one of `ConsumeInitMode`. */
    initMode: int,
    expType: optional(str),
    exp: optional(str),
    order: fallback(bool, false),
    /** The same again gets the same messages of an orderly group again. */
    attemptId: optional(str),
  },
  response: {
    popTime: long,
    invisibleTime: long,
    reviveQid: int,
    restNum: long,
    startOffsetInfo: optional(str),
    msgOffsetInfo: optional(str),
    orderCountInfo: optional(str),
  },
});

/** Where a group begins that has no offset (ConsumeInitMode.java). */
export const ConsumeInitMode = { MIN: 0, MAX: 1 } as const;

export const ACK_MESSAGE = command({
  name: "ACK_MESSAGE",
  code: RequestCode.ACK_MESSAGE,
  access: "SUB",
  request: {
    consumerGroup: group,
    topic,
    queueId: int,
    /** The message's handle, see `pop_handle.ts`. */
    extraInfo: str,
    offset: long,
  },
});

/** The body is JSON, see `parseBatchAck`. */
export const BATCH_ACK_MESSAGE = command({
  name: "BATCH_ACK_MESSAGE",
  code: RequestCode.BATCH_ACK_MESSAGE,
  access: "SUB",
  request: {},
});

export const PEEK_MESSAGE = command({
  name: "PEEK_MESSAGE",
  code: RequestCode.PEEK_MESSAGE,
  access: "SUB",
  request: { consumerGroup: group, topic, queueId: int, maxMsgNums: int },
  // Java's answer has POP_MESSAGE's header with only the last of these set.
  response: { popTime: long, invisibleTime: long, reviveQid: int, restNum: long },
});

export const CHANGE_MESSAGE_INVISIBLETIME = command({
  name: "CHANGE_MESSAGE_INVISIBLETIME",
  code: RequestCode.CHANGE_MESSAGE_INVISIBLETIME,
  access: "SUB",
  request: {
    consumerGroup: group,
    topic,
    queueId: int,
    extraInfo: str,
    offset: long,
    invisibleTime: long,
  },
  response: { popTime: optional(long), invisibleTime: optional(long), reviveQid: optional(int) },
});

export const NOTIFICATION = command({
  name: "NOTIFICATION",
  code: RequestCode.NOTIFICATION,
  access: "SUB",
  request: {
    consumerGroup: group,
    topic,
    queueId: int,
    pollTime: long,
    bornTime: fallback(long, 0),
    order: fallback(bool, false),
    attemptId: optional(str),
  },
  response: { hasMsg: bool, pollingFull: bool },
});

export const POLLING_INFO = command({
  name: "POLLING_INFO",
  code: RequestCode.POLLING_INFO,
  access: "SUB",
  request: { consumerGroup: group, topic, queueId: int },
  response: { pollingNum: int },
});

/** Which queues a client has, and how it gets messages from them; the body is JSON, as the answer's. */
export const QUERY_ASSIGNMENT = command({
  name: "QUERY_ASSIGNMENT",
  code: RequestCode.QUERY_ASSIGNMENT,
  access: "SUB",
  request: {},
});

/** Sets for a group and a topic whether messages are pulled or popped; the body is JSON. */
export const SET_MESSAGE_REQUEST_MODE = command({
  name: "SET_MESSAGE_REQUEST_MODE",
  code: RequestCode.SET_MESSAGE_REQUEST_MODE,
  access: "UPDATE",
  request: {},
});

/** The answer's body is the document of `messageRequestMode.json`. */
export const GET_ALL_MESSAGE_REQUEST_MODE = command({
  name: "GET_ALL_MESSAGE_REQUEST_MODE",
  code: RequestCode.GET_ALL_MESSAGE_REQUEST_MODE,
  access: "LIST",
  request: {},
});
