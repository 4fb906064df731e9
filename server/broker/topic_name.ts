/** Names of topics and groups: which are allowed, which have a meaning. The reasons are in Java's words. */

import {
  DLQ_GROUP_TOPIC_PREFIX,
  dlqTopicOf,
  GROUP_LENGTH_MAX,
  NAME_PATTERN,
  RETRY_GROUP_TOPIC_PREFIX,
  retryTopicOf,
  SYSTEM_TOPIC_PREFIX,
  SystemTopic,
  TOPIC_LENGTH_MAX,
} from "../../client/protocol/names.ts";

export {
  DLQ_GROUP_TOPIC_PREFIX,
  dlqTopicOf,
  RETRY_GROUP_TOPIC_PREFIX,
  retryTopicOf,
  SYSTEM_TOPIC_PREFIX,
  SystemTopic,
};

const NOT_ALLOWED_SEND_TOPICS: ReadonlySet<string> = new Set([
  SystemTopic.SCHEDULE,
  SystemTopic.TRANS_HALF,
  SystemTopic.TRANS_OP_HALF,
  SystemTopic.TRANS_CHECK_MAX_TIME,
  SystemTopic.SELF_TEST,
  SystemTopic.OFFSET_MOVED_EVENT,
]);

/** Why a topic may not have this name, or undefined when it may. */
export function invalidTopicReason(topic: string): string | undefined {
  if (topic.trim() === "") return "The specified topic is blank.";
  if (!NAME_PATTERN.test(topic)) {
    return "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$";
  }
  if (topic.length > TOPIC_LENGTH_MAX) {
    return "The specified topic is longer than topic max length.";
  }
  return undefined;
}

/** Why a group may not have this name, or undefined when it may. */
export function invalidGroupReason(group: string): string | undefined {
  if (group.trim() === "") return "the specified group is blank";
  if (group.length > GROUP_LENGTH_MAX) {
    return `the specified group is longer than group max length ${GROUP_LENGTH_MAX}.`;
  }
  if (!NAME_PATTERN.test(group)) {
    return `the specified group[${group}] contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$`;
  }
  return undefined;
}

/** Why clients may not send to this topic, or undefined when they may. */
export function notAllowedSendReason(topic: string): string | undefined {
  if (!NOT_ALLOWED_SEND_TOPICS.has(topic)) return undefined;
  return `Sending message to topic[${topic}] is forbidden.`;
}
