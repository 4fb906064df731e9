/** Looking messages and offsets up. */

import { RequestCode } from "../request_code.ts";
import { bool, command, fallback, int, long, optional, str, topic } from "../header_schema.ts";

export const QUERY_MESSAGE = command({
  name: "QUERY_MESSAGE",
  code: RequestCode.QUERY_MESSAGE,
  access: "GET",
  request: {
    topic,
    key: str,
    maxNum: int,
    beginTimestamp: long,
    endTimestamp: long,
    /** "true" when `key` is a unique key, which then has the whole result set to itself. */
    _UNIQUE_KEY_QUERY: fallback(bool, false),
  },
  response: { indexLastUpdateTimestamp: long, indexLastUpdatePhyoffset: long },
});

export const VIEW_MESSAGE_BY_ID = command({
  name: "VIEW_MESSAGE_BY_ID",
  code: RequestCode.VIEW_MESSAGE_BY_ID,
  access: "GET",
  request: { topic: optional(topic), offset: long },
});

/** Which of several messages of one millisecond is meant; Java sends the enum's name, some clients its word. */
export const SEARCH_OFFSET_BY_TIMESTAMP = command({
  name: "SEARCH_OFFSET_BY_TIMESTAMP",
  code: RequestCode.SEARCH_OFFSET_BY_TIMESTAMP,
  access: "GET",
  request: { topic, queueId: int, timestamp: long, boundaryType: optional(str) },
  response: { offset: long },
});

export const GET_MAX_OFFSET = command({
  name: "GET_MAX_OFFSET",
  code: RequestCode.GET_MAX_OFFSET,
  access: "GET",
  request: { topic, queueId: int, committed: fallback(bool, true) },
  response: { offset: long },
});

export const GET_MIN_OFFSET = command({
  name: "GET_MIN_OFFSET",
  code: RequestCode.GET_MIN_OFFSET,
  access: "GET",
  request: { topic, queueId: int },
  response: { offset: long },
});

export const GET_EARLIEST_MSG_STORETIME = command({
  name: "GET_EARLIEST_MSG_STORETIME",
  code: RequestCode.GET_EARLIEST_MSG_STORETIME,
  access: "GET",
  request: { topic, queueId: int },
  response: { timestamp: long },
});
