/**
 * Acknowledgements on their way into the revive log. Those of one checkpoint that come in one chunk become one record, and
 * while records are being brought to disk the next ones gather: what comes meanwhile could not be safe any earlier.
 */

import type { MessageStore } from "../../../store/message_store.ts";
import type { PopPolling } from "./pop_polling.ts";
import type { CheckPoint } from "./pop_queue.ts";
import type { PopTable } from "./pop_table.ts";
import type { Recorded, ReviveLog } from "./revive_log.ts";

/** Messages of one checkpoint. */
export interface AckedMessages {
  checkPoint: CheckPoint;
  bits: number;
}

interface Waiting {
  messages: readonly AckedMessages[];
  finish: (failure: Error | undefined) => void;
}

export interface AckGroupDeps {
  store: Pick<MessageStore, "commit">;
  table: PopTable;
  reviveLog: ReviveLog;
  polling: Pick<PopPolling, "wake">;
}

export class AckGroup {
  readonly #deps: AckGroupDeps;
  /** What the next group records. */
  #bits = new Map<CheckPoint, number>();
  #waiting: Waiting[] = [];
  #isRecording = false;

  constructor(deps: AckGroupDeps) {
    this.#deps = deps;
  }

  /** Acknowledges messages, and says when that is as safe as was promised or why it is not. `flush` begins it. */
  ack(messages: readonly AckedMessages[], finish: (failure: Error | undefined) => void): void {
    for (const { checkPoint, bits } of messages) {
      const fresh = bits & ~checkPoint.closed;
      if (fresh === 0) continue;
      checkPoint.closed |= fresh;
      this.#bits.set(checkPoint, (this.#bits.get(checkPoint) ?? 0) | fresh);
    }
    this.#waiting.push({ messages, finish });
  }

  /** To be called before the store commits a chunk. */
  flush(): void {
    if (this.#waiting.length > 0 && !this.#isRecording) this.#record();
  }

  #record(): void {
    const { reviveLog } = this.#deps;
    const group = this.#bits;
    const waiting = this.#waiting;
    this.#bits = new Map();
    this.#waiting = [];
    let first: Recorded | undefined;
    let endOffset = 0;
    const recorded: AckedMessages[] = [];
    for (const [checkPoint, bits] of group) {
      const place = reviveLog.putAck(checkPoint, bits);
      if (place === undefined) {
        this.#takeBack(checkPoint, bits);
        continue;
      }
      first ??= place;
      endOffset = place.endOffset;
      recorded.push({ checkPoint, bits });
    }
    if (first === undefined) return finishAll(waiting, undefined);
    this.#isRecording = true;
    reviveLog.whenSafe(first, endOffset, (failure) => {
      this.#isRecording = false;
      for (const { checkPoint, bits } of recorded) {
        if (failure === undefined) this.#close(checkPoint, bits, endOffset);
        else this.#takeBack(checkPoint, bits);
      }
      finishAll(waiting, failure);
      if (this.#waiting.length > 0) this.#recordSoon();
    });
  }

  /** Those that gathered, in a turn of their own: this one may still be telling of failures. */
  #recordSoon(): void {
    queueMicrotask(() => {
      this.flush();
      this.#deps.store.commit();
    });
  }

  #close(checkPoint: CheckPoint, bits: number, endOffset: number): void {
    const { table, reviveLog, polling } = this.#deps;
    const { queue } = checkPoint;
    if (table.close(checkPoint, bits)) reviveLog.release(checkPoint, endOffset);
    if (!queue.isAwaited || queue.isReading) return;
    queue.isAwaited = false;
    polling.wake(queue.topic, queue.group, queue.queueId);
  }

  /** The messages are not acknowledged after all; what was due meanwhile is due now. */
  #takeBack(checkPoint: CheckPoint, bits: number): void {
    checkPoint.closed &= ~bits;
    this.#deps.table.due.add(checkPoint);
  }
}

/** Tells everybody what became of their messages. */
function finishAll(waiting: readonly Waiting[], failure: Error | undefined): void {
  for (const { messages, finish } of waiting) {
    const isSafe = messages.every(({ checkPoint, bits }) => (checkPoint.safe & bits) === bits);
    finish(isSafe ? undefined : failure ?? new Error("the store takes no messages"));
  }
}
