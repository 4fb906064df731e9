/** Gives a message that was not managed back to the broker, which delivers it again later or makes it a dead letter. */

import type { ReceivedMessage } from "./message.ts";
import type { MqClient } from "./mq_client.ts";
import { CONSUMER_SEND_MSG_BACK } from "./protocol/commands/send.ts";
import { MessageProperty } from "./protocol/message.ts";

/** The broker chooses the delay by how often the message was tried; -1 would make it a dead letter at once. */
const BROKER_CHOOSES = 0;
const DEAD_LETTER = -1;

export interface SendBackSettings {
  readonly group: string;
  readonly orderly: boolean;
  readonly maxReconsumeTimes: number | undefined;
}

/** @throws {RemotingError} when the broker refuses; {UnreachableError} when it does not answer. */
export async function sendBack(
  client: MqClient,
  { group, orderly, maxReconsumeTimes }: SendBackSettings,
  message: ReceivedMessage,
): Promise<void> {
  await client.invoke(message.brokerName, CONSUMER_SEND_MSG_BACK, {
    offset: message.physicalOffset,
    group,
    delayLevel: orderly ? DEAD_LETTER : BROKER_CHOOSES,
    originMsgId: message.properties[MessageProperty.ORIGIN_MESSAGE_ID] ?? message.offsetMsgId,
    originTopic: message.topic,
    unitMode: false,
    maxReconsumeTimes,
  });
}
