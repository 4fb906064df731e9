/** Topics of a broker: create, change, look at. */

import { RequestCode } from "../request_code.ts";
import { bool, command, fallback, int, optional, str, topic } from "../header_schema.ts";

export const UPDATE_AND_CREATE_TOPIC = command({
  name: "UPDATE_AND_CREATE_TOPIC",
  code: RequestCode.UPDATE_AND_CREATE_TOPIC,
  access: "CREATE",
  request: {
    topic,
    defaultTopic: optional(str),
    readQueueNums: int,
    writeQueueNums: int,
    /** Bits of `PermName`. */
    perm: int,
    topicFilterType: str,
    topicSysFlag: fallback(int, 0),
    order: fallback(bool, false),
    /** Changes of the topic's attributes: `+key=value,-key`. */
    attributes: optional(str),
    force: fallback(bool, false),
  },
});

/** The answer's body is all topics with their data version. */
export const GET_ALL_TOPIC_CONFIG = command({
  name: "GET_ALL_TOPIC_CONFIG",
  code: RequestCode.GET_ALL_TOPIC_CONFIG,
  access: "LIST",
  request: {},
});

/** The answer's body is a TopicConfig. */
export const GET_TOPIC_CONFIG = command({
  name: "GET_TOPIC_CONFIG",
  code: RequestCode.GET_TOPIC_CONFIG,
  access: "GET",
  request: { topic },
});

/** The answer's body is a TopicList. */
export const GET_SYSTEM_TOPIC_LIST_FROM_BROKER = command({
  name: "GET_SYSTEM_TOPIC_LIST_FROM_BROKER",
  code: RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER,
  access: "LIST",
  request: {},
});
