/**
 * The topics of popped messages that come again: one for each group and topic, in two spellings. The second cannot be
 * mistaken for another group's, since no name may have a plus in it. Source: KeyBuilder.java of Apache RocketMQ 5.3.3.
 */

import { RetryFlag } from "../../../client/protocol/pop_handle.ts";
import { RETRY_GROUP_TOPIC_PREFIX } from "../topic_name.ts";

const SEPARATOR_V1 = "_";
const SEPARATOR_V2 = "+";

export function popRetryTopicV1(topic: string, group: string): string {
  return RETRY_GROUP_TOPIC_PREFIX + group + SEPARATOR_V1 + topic;
}

export function popRetryTopicV2(topic: string, group: string): string {
  return RETRY_GROUP_TOPIC_PREFIX + group + SEPARATOR_V2 + topic;
}

/** Where messages of a topic go that come again. */
export function popRetryTopicOf(
  { enableRetryTopicV2 }: Readonly<{ enableRetryTopicV2: boolean }>,
  topic: string,
  group: string,
): string {
  return enableRetryTopicV2 ? popRetryTopicV2(topic, group) : popRetryTopicV1(topic, group);
}

/** What a handle says about messages from this topic. */
export function retryFlagOf(topic: string): RetryFlag {
  if (!topic.startsWith(RETRY_GROUP_TOPIC_PREFIX)) return RetryFlag.NORMAL;
  return topic.includes(SEPARATOR_V2) ? RetryFlag.V2 : RetryFlag.V1;
}

/** The topic that a batch ack means. */
export function realTopicOf(topic: string, group: string, retry: RetryFlag): string {
  if (retry === RetryFlag.V1) return popRetryTopicV1(topic, group);
  return retry === RetryFlag.V2 ? popRetryTopicV2(topic, group) : topic;
}

/** The topic that the group subscribes to, whose messages come again through `topic` if that is a retry topic. */
export function normalTopicOf(topic: string, group: string): string {
  if (!topic.startsWith(RETRY_GROUP_TOPIC_PREFIX)) return topic;
  const normal = topic.slice(RETRY_GROUP_TOPIC_PREFIX.length + group.length + SEPARATOR_V1.length);
  // The group's own retry topic, which is popped like any other.
  return normal === "" ? topic : normal;
}
