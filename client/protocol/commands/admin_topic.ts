/** Looking into topics, and deleting them. */

import { RequestCode } from "../request_code.ts";
import { command, fallback, group, int, long, optional, topic } from "../header_schema.ts";

/** The body is a CreateTopicListRequestBody: TopicConfigs whose attributes are changes. */
export const UPDATE_AND_CREATE_TOPIC_LIST = command({
  name: "UPDATE_AND_CREATE_TOPIC_LIST",
  code: RequestCode.UPDATE_AND_CREATE_TOPIC_LIST,
  access: "CREATE",
  request: {},
});

export const DELETE_TOPIC_IN_BROKER = command({
  name: "DELETE_TOPIC_IN_BROKER",
  code: RequestCode.DELETE_TOPIC_IN_BROKER,
  access: "DELETE",
  request: { topic },
});

/** The answer's body is a TopicStatsTable. */
export const GET_TOPIC_STATS_INFO = command({
  name: "GET_TOPIC_STATS_INFO",
  code: RequestCode.GET_TOPIC_STATS_INFO,
  access: "GET",
  request: { topic },
});

/** The answer's body is a GroupList: who has consumed the topic or subscribes to it. */
export const QUERY_TOPIC_CONSUME_BY_WHO = command({
  name: "QUERY_TOPIC_CONSUME_BY_WHO",
  code: RequestCode.QUERY_TOPIC_CONSUME_BY_WHO,
  access: "GET",
  request: { topic },
});

/** The answer's body is a QueryConsumeQueueResponseBody: units of a consume queue. */
export const QUERY_CONSUME_QUEUE = command({
  name: "QUERY_CONSUME_QUEUE",
  code: RequestCode.QUERY_CONSUME_QUEUE,
  access: "GET",
  request: {
    topic,
    queueId: fallback(int, 0),
    /** queueOffset of the first unit. */
    index: fallback(long, 0),
    count: fallback(int, 0),
    /** A group whose subscription is told as well. */
    consumerGroup: optional(group),
  },
});
