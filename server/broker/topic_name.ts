/** Names of topics and groups: which are allowed, which have a meaning. The reasons are in Java's words. */

import {
  DLQ_GROUP_TOPIC_PREFIX,
  GROUP_LENGTH_MAX,
  RETRY_GROUP_TOPIC_PREFIX,
  SYSTEM_TOPIC_PREFIX,
  TOPIC_LENGTH_MAX,
} from "../../client/protocol/names.ts";
import { SCHEDULE_TOPIC } from "../../store/dispatch.ts";

export { DLQ_GROUP_TOPIC_PREFIX, RETRY_GROUP_TOPIC_PREFIX, SYSTEM_TOPIC_PREFIX };

/** Topics with a meaning for every broker (TopicValidator.java). */
export const SystemTopic = {
  AUTO_CREATE_TOPIC_KEY: "TBW102",
  SCHEDULE: SCHEDULE_TOPIC,
  BENCHMARK: "BenchmarkTest",
  TRANS_HALF: "RMQ_SYS_TRANS_HALF_TOPIC",
  TRACE: "RMQ_SYS_TRACE_TOPIC",
  TRANS_OP_HALF: "RMQ_SYS_TRANS_OP_HALF_TOPIC",
  TRANS_CHECK_MAX_TIME: "TRANS_CHECK_MAX_TIME_TOPIC",
  SELF_TEST: "SELF_TEST_TOPIC",
  OFFSET_MOVED_EVENT: "OFFSET_MOVED_EVENT",
  ROCKSDB_OFFSET: "CHECKPOINT_TOPIC",
} as const;

const NOT_ALLOWED_SEND_TOPICS: ReadonlySet<string> = new Set([
  SystemTopic.SCHEDULE,
  SystemTopic.TRANS_HALF,
  SystemTopic.TRANS_OP_HALF,
  SystemTopic.TRANS_CHECK_MAX_TIME,
  SystemTopic.SELF_TEST,
  SystemTopic.OFFSET_MOVED_EVENT,
]);

const ILLEGAL_CHARACTER = /[^%|a-zA-Z0-9_-]/;

/** Why a topic may not have this name, or undefined when it may. */
export function invalidTopicReason(topic: string): string | undefined {
  if (topic.trim() === "") return "The specified topic is blank.";
  if (ILLEGAL_CHARACTER.test(topic)) {
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
  if (ILLEGAL_CHARACTER.test(group)) {
    return `the specified group[${group}] contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$`;
  }
  return undefined;
}

/** Why clients may not send to this topic, or undefined when they may. */
export function notAllowedSendReason(topic: string): string | undefined {
  if (!NOT_ALLOWED_SEND_TOPICS.has(topic)) return undefined;
  return `Sending message to topic[${topic}] is forbidden.`;
}

/** The topic of a group's messages that are to be consumed again. */
export function retryTopicOf(group: string): string {
  return RETRY_GROUP_TOPIC_PREFIX + group;
}

/** The topic of a group's messages that could not be consumed. */
export function dlqTopicOf(group: string): string {
  return DLQ_GROUP_TOPIC_PREFIX + group;
}
