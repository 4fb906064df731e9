/**
 * Answers that wait until their message is as safe as was promised. Messages get safe in the order in which they were
 * put, so this is a queue.
 */

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

  /** Refuses every message that lies after `offset`. */
  failed(offset: number, error: Error): void {
    this.promised(offset);
    const refused = this.#held.slice(this.#head);
    this.#held = [];
    this.#head = 0;
    for (const reply of refused) reply.finish(error);
  }
}
