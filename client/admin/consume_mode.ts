/** Whether a group's clients pull a topic's messages or the broker hands them out (popping). */

import { encodeUtf8 } from "../protocol/bytes.ts";
import { SET_MESSAGE_REQUEST_MODE } from "../protocol/commands/pop.ts";
import type { AdminClient } from "./admin_client.ts";

export const CONSUME_MODES = ["PULL", "POP"] as const;

export interface ConsumeMode {
  readonly topic: string;
  readonly consumerGroup: string;
  readonly mode: (typeof CONSUME_MODES)[number];
  /** With how many other clients a client shares its queues when popping; 0 with all. */
  readonly popShareQueueNum: number;
}

/** Sets it at one broker. @throws {RemotingError} */
export async function setConsumeMode(
  admin: AdminClient,
  brokerAddr: string,
  mode: ConsumeMode,
): Promise<void> {
  const body = encodeUtf8(JSON.stringify(mode));
  await admin.invoke(brokerAddr, SET_MESSAGE_REQUEST_MODE, {}, { body });
}
