/** How far groups have come, and taking them elsewhere; also what the broker asks of consumers for an admin. */

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

/** The answer's body is a ConsumeStats. */
export const GET_CONSUME_STATS = command({
  name: "GET_CONSUME_STATS",
  code: RequestCode.GET_CONSUME_STATS,
  access: "GET",
  request: {
    consumerGroup: group,
    topic: optional(topic),
    /** Topics with `;` between them. */
    topicList: optional(str),
  },
});

/** The answer's body is a QueryConsumeTimeSpanBody. */
export const QUERY_CONSUME_TIME_SPAN = command({
  name: "QUERY_CONSUME_TIME_SPAN",
  code: RequestCode.QUERY_CONSUME_TIME_SPAN,
  access: "GET",
  request: { topic, group },
});

/** The answer's body is a QueryCorrectionOffsetBody. */
export const QUERY_CORRECTION_OFFSET = command({
  name: "QUERY_CORRECTION_OFFSET",
  code: RequestCode.QUERY_CORRECTION_OFFSET,
  access: "GET",
  request: {
    /** Groups with `,` between them that do not count. */
    filterGroups: optional(str),
    compareGroup: group,
    topic,
  },
});

export const CLONE_GROUP_OFFSET = command({
  name: "CLONE_GROUP_OFFSET",
  code: RequestCode.CLONE_GROUP_OFFSET,
  access: "UPDATE",
  request: {
    srcGroup: str,
    destGroup: group,
    /** All topics of the group without it. */
    topic: optional(topic),
    /** Whether topics count that the group does not subscribe to. */
    offline: fallback(bool, false),
  },
});

const resetFields = {
  group,
  topic,
  /** All queues when it is negative. */
  queueId: fallback(int, -1),
  /** Where to go on; -1 is the same as none. */
  offset: optional(long),
  /** Milliseconds since the epoch; negative for the end of the queue. */
  timestamp: long,
  /** Whether a group may be taken ahead as well as back. */
  isForce: fallback(bool, false),
};

/** The answer's body is a ResetOffsetBody. */
export const INVOKE_BROKER_TO_RESET_OFFSET = command({
  name: "INVOKE_BROKER_TO_RESET_OFFSET",
  code: RequestCode.INVOKE_BROKER_TO_RESET_OFFSET,
  access: "UPDATE",
  request: resetFields,
});

/** Broker to client: go on there. The body is a ResetOffsetBody, for C++ a ResetOffsetBodyForC. */
export const RESET_CONSUMER_CLIENT_OFFSET = command({
  name: "RESET_CONSUMER_CLIENT_OFFSET",
  code: RequestCode.RESET_CONSUMER_CLIENT_OFFSET,
  access: "SUB",
  request: resetFields,
});

/** The answer's body is a GetConsumerStatusBody with its `consumerTable`. */
export const INVOKE_BROKER_TO_GET_CONSUMER_STATUS = command({
  name: "INVOKE_BROKER_TO_GET_CONSUMER_STATUS",
  code: RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS,
  access: "GET",
  request: {
    topic,
    group,
    /** The id of one client; all are asked without it. */
    clientAddr: optional(str),
  },
});

/** Broker to client: how far are you? The answer's body is a GetConsumerStatusBody with its `messageQueueTable`. */
export const GET_CONSUMER_STATUS_FROM_CLIENT = command({
  name: "GET_CONSUMER_STATUS_FROM_CLIENT",
  code: RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT,
  access: "SUB",
  request: { topic, group },
});

/** Passed on to the client, whose answer is passed back. */
export const GET_CONSUMER_RUNNING_INFO = command({
  name: "GET_CONSUMER_RUNNING_INFO",
  code: RequestCode.GET_CONSUMER_RUNNING_INFO,
  access: "GET",
  request: { consumerGroup: group, clientId: str, jstackEnable: fallback(bool, false) },
});

/** Passed on to the client with the message, to be consumed again; its answer is passed back. */
export const CONSUME_MESSAGE_DIRECTLY = command({
  name: "CONSUME_MESSAGE_DIRECTLY",
  code: RequestCode.CONSUME_MESSAGE_DIRECTLY,
  access: "SUB",
  request: {
    consumerGroup: group,
    clientId: optional(str),
    /** An offsetMsgId. */
    msgId: optional(str),
    brokerName: optional(str),
    topic: optional(topic),
    topicSysFlag: optional(int),
    groupSysFlag: optional(int),
  },
});
