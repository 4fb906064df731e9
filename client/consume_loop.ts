/** What consumes the messages of one queue: all at once, or one after the other. */

import type { ReceivedMessage } from "./message.ts";
import type { ProcessQueue } from "./process_queue.ts";

export type ConsumeLoop = (processQueue: ProcessQueue) => {
  /** These have been pulled. */
  take(messages: readonly ReceivedMessage[]): void;
  /** Ends when the queue is dropped and no listener works for it any more. */
  readonly ended: Promise<void>;
};
