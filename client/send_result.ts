/** What becomes of a message that is sent. */

import type { MessageQueue } from "./message.ts";

/** How far a message that was taken has come. */
export type SendStatus =
  | "SEND_OK"
  | "FLUSH_DISK_TIMEOUT"
  | "FLUSH_SLAVE_TIMEOUT"
  | "SLAVE_NOT_AVAILABLE";

export interface SendResult {
  readonly sendStatus: SendStatus;
  /** The unique key. */
  readonly msgId: string;
  /** Where it is stored; empty for a batch, which has one each. */
  readonly offsetMsgId: string;
  readonly queue: MessageQueue;
  readonly queueOffset: number;
  readonly transactionId: string | undefined;
  /** With which a timer message can be taken back. */
  readonly recallHandle: string | undefined;
}

export type TransactionOutcome = "COMMIT" | "ROLLBACK" | "UNKNOWN";
