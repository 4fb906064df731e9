/** Looking at groups and their clients, and deleting groups. */

import { RequestCode } from "../request_code.ts";
import { bool, command, fallback, group, optional, str, topic } from "../header_schema.ts";

/** The body is a SubscriptionGroupList. */
export const UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST = command({
  name: "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST",
  code: RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST,
  access: "CREATE",
  request: {},
});

export const DELETE_SUBSCRIPTIONGROUP = command({
  name: "DELETE_SUBSCRIPTIONGROUP",
  code: RequestCode.DELETE_SUBSCRIPTIONGROUP,
  access: "DELETE",
  request: {
    groupName: group,
    /** Whether the group's offsets go as well. */
    cleanOffset: fallback(bool, false),
  },
});

/** Whether a group may read a topic; asked and, with `readable`, changed. The answer's body is a GroupForbidden. */
export const UPDATE_AND_GET_GROUP_FORBIDDEN = command({
  name: "UPDATE_AND_GET_GROUP_FORBIDDEN",
  code: RequestCode.UPDATE_AND_GET_GROUP_FORBIDDEN,
  access: "UPDATE",
  request: { group, topic, readable: optional(bool) },
});

/** The answer's body is a ConsumerConnection. */
export const GET_CONSUMER_CONNECTION_LIST = command({
  name: "GET_CONSUMER_CONNECTION_LIST",
  code: RequestCode.GET_CONSUMER_CONNECTION_LIST,
  access: "GET",
  request: { consumerGroup: group },
});

/** The answer's body is a ProducerConnection. */
export const GET_PRODUCER_CONNECTION_LIST = command({
  name: "GET_PRODUCER_CONNECTION_LIST",
  code: RequestCode.GET_PRODUCER_CONNECTION_LIST,
  access: "GET",
  request: { producerGroup: str },
});

/** The answer's body is a ProducerTableInfo. */
export const GET_ALL_PRODUCER_INFO = command({
  name: "GET_ALL_PRODUCER_INFO",
  code: RequestCode.GET_ALL_PRODUCER_INFO,
  access: "GET",
  request: {},
});

/** The answer's body is a TopicList: what a group has offsets of. */
export const QUERY_TOPICS_BY_CONSUMER = command({
  name: "QUERY_TOPICS_BY_CONSUMER",
  code: RequestCode.QUERY_TOPICS_BY_CONSUMER,
  access: "GET",
  request: { group },
});

/** The answer's body is a QuerySubscriptionResponseBody. */
export const QUERY_SUBSCRIPTION_BY_CONSUMER = command({
  name: "QUERY_SUBSCRIPTION_BY_CONSUMER",
  code: RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER,
  access: "GET",
  request: { group, topic },
});
