/**
 * Message types: what a topic is for, by its attribute `message.type`, and what a message is, by its properties.
 * Source: TopicMessageType.java and DefaultTopicMessageTypeValidator.java of Apache RocketMQ 5.3.3.
 */

import { findProperty, MessageProperty } from "../../client/protocol/message.ts";
import type { MessageType, TopicConfig } from "../../client/protocol/topic_config.ts";
import { DLQ_GROUP_TOPIC_PREFIX, RETRY_GROUP_TOPIC_PREFIX } from "./topic_name.ts";

const { TRAN_MSG, DELAY, TIMER_DELIVER_MS, TIMER_DELAY_SEC, TIMER_DELAY_MS, SHARDING_KEY } =
  MessageProperty;
const DELAYS = [DELAY, TIMER_DELIVER_MS, TIMER_DELAY_SEC, TIMER_DELAY_MS];

/** What a message with these properties is. */
function messageTypeOf(properties: string): MessageType {
  const has = (name: string) => findProperty(properties, name) !== undefined;
  if (findProperty(properties, TRAN_MSG) === "true") return "TRANSACTION";
  if (DELAYS.some(has)) return "DELAY";
  return has(SHARDING_KEY) ? "FIFO" : "NORMAL";
}

/**
 * Why a message with these properties is not one for the topic; undefined when it is. A topic that does not say what it
 * is for takes normal messages. What the broker or a consumer sends on is not looked at.
 */
export function typeConflict(
  { topicName, attributes }: TopicConfig,
  properties: string,
): string | undefined {
  const isGroups = topicName.startsWith(RETRY_GROUP_TOPIC_PREFIX) ||
    topicName.startsWith(DLQ_GROUP_TOPIC_PREFIX);
  if (isGroups || findProperty(properties, MessageProperty.TRANSFER_FLAG) !== undefined) {
    return undefined;
  }
  const expected = attributes["message.type"] ?? "NORMAL";
  const actual = messageTypeOf(properties);
  if (expected === "MIXED" || expected === actual) return undefined;
  return "TopicMessageType validate failed, the expected type is " +
    `${expected}, but actual type is ${actual}`;
}
