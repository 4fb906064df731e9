/** What becomes of a message that is sent. */

import type { MessageQueue } from "./protocol/message_queue.ts";
import { ResponseCode } from "./protocol/response_code.ts";

/** How far a message that was taken has come. */
export type SendStatus =
  | "SEND_OK"
  | "FLUSH_DISK_TIMEOUT"
  | "FLUSH_SLAVE_TIMEOUT"
  | "SLAVE_NOT_AVAILABLE";

/** What the code of a broker's answer says; with any other the message was not taken. */
export const SEND_STATUS: Readonly<Record<number, SendStatus>> = {
  [ResponseCode.SUCCESS]: "SEND_OK",
  [ResponseCode.FLUSH_DISK_TIMEOUT]: "FLUSH_DISK_TIMEOUT",
  [ResponseCode.FLUSH_SLAVE_TIMEOUT]: "FLUSH_SLAVE_TIMEOUT",
  [ResponseCode.SLAVE_NOT_AVAILABLE]: "SLAVE_NOT_AVAILABLE",
};
/** The codes of messages that were taken. */
export const TAKEN_CODES: readonly number[] = Object.keys(SEND_STATUS).map(Number);

export interface SendResult {
  readonly sendStatus: SendStatus;
  /** The unique key. */
  readonly msgId: string;
  /** Where it is stored; for a batch one each, with commas between. */
  readonly offsetMsgId: string;
  readonly queue: MessageQueue;
  readonly queueOffset: number;
  readonly transactionId: string | undefined;
  /** With which a timer message can be taken back. */
  readonly recallHandle: string | undefined;
}

export type TransactionOutcome = "COMMIT" | "ROLLBACK" | "UNKNOWN";
