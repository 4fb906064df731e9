/** What a dead letter says of where it comes from. */

import { MessageProperty } from "../../client/protocol/message.ts";

/**
 * Adds DLQ_ORIGIN_TOPIC and DLQ_ORIGIN_MESSAGE_ID, which Apache's proxy hands on: the topic that the message was sent to
 * first, and its id there. Both are known from RETRY_TOPIC and ORIGIN_MESSAGE_ID, if at all.
 */
export function addDeadLetterOrigin(properties: Map<string, string>): void {
  for (
    const [name, from] of [
      [MessageProperty.DLQ_ORIGIN_TOPIC, MessageProperty.RETRY_TOPIC],
      [MessageProperty.DLQ_ORIGIN_MESSAGE_ID, MessageProperty.ORIGIN_MESSAGE_ID],
    ] as const
  ) {
    const value = properties.get(from);
    if (value !== undefined && !properties.has(name)) properties.set(name, value);
  }
}
