/**
 * Answers that wait until their message is as safe as was promised. Messages get safe in the order in which they were
 * put, so this is a queue.
 */

import type { MessageToStore } from "../../client/protocol/message_record.ts";
import type { MessageStore } from "../../store/message_store.ts";

export interface HeldReply {
  /** The log must have reached this offset. */
  endOffset: number;
  /** Sends the answer: undefined for success, else why the message is refused. */
  finish: (failure: Error | undefined) => void;
}

export class HeldReplies {
  #held: HeldReply[] = [];
  #head = 0;

  hold(reply: HeldReply): void {
    this.#held.push(reply);
  }

  /** Sends every answer whose message is safe now. */
  promised(offset: number): void {
    while (this.#head < this.#held.length && this.#held[this.#head]!.endOffset <= offset) {
      this.#held[this.#head++]!.finish(undefined);
    }
    if (this.#head === this.#held.length) {
      this.#held = [];
      this.#head = 0;
    }
  }

  /** Refuses every message that lies after `offset`. Those before it wait on: they are written, not yet safe. */
  failed(offset: number, error: Error): void {
    let first = this.#held.length;
    while (first > this.#head && this.#held[first - 1]!.endOffset > offset) first--;
    for (const reply of this.#held.splice(first)) reply.finish(error);
  }
}

/**
 * Puts messages that the broker itself sends, and resolves with the bytes of each when they are as safe as was promised.
 * @throws when they are not: then they are not in the log, but for those that were safe before the failure.
 */
export function putSafely(
  store: Pick<MessageStore, "putMessage" | "commit">,
  held: HeldReplies,
  messages: readonly MessageToStore[],
): Promise<number[]> {
  const { promise, resolve, reject } = Promise.withResolvers<number[]>();
  const sizes: number[] = [];
  let endOffset = 0;
  for (const message of messages) {
    const result = store.putMessage(message);
    if (result.status !== "PUT_OK") {
      reject(new Error(result.status === "SERVICE_NOT_AVAILABLE" ? result.reason : result.status));
      return promise;
    }
    endOffset = result.endOffset;
    sizes.push(endOffset - result.physicalOffset);
  }
  held.hold({
    endOffset,
    finish: (failure) => failure === undefined ? resolve(sizes) : reject(failure),
  });
  store.commit();
  return promise;
}
