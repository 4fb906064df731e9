/**
 * What changes transactions on the disk. Each change is one or two messages that follow each other in the log: the
 * message that the end of a transaction brings (its final one, or the copy of one that is given up) or the next record
 * of its half message, and behind it the op message that ends the record before. A stop between the two leaves the
 * transaction open; whether its message was delivered then shows when it is next looked at.
 */

import type { HostBytes } from "../../../client/protocol/message.ts";
import type { MessageToStore } from "../../../client/protocol/message_record.ts";
import type { MessageStore, PutMessageResult } from "../../../store/message_store.ts";
import type { HeldReplies } from "../held_replies.ts";
import type { OpenTable, OpenTransaction } from "./open_table.ts";
import { opMessage } from "./op_message.ts";
import type { Progress } from "./progress.ts";

export interface Change {
  open: OpenTransaction;
  /** `end`: the transaction is over. `renew`: its half message gets its next record. */
  kind: "end" | "renew";
  /** What precedes the op message. */
  message: MessageToStore | undefined;
  /** How often a producer has been asked after this. */
  checks: number;
}

export interface ChangesOptions {
  store: Pick<MessageStore, "putMessage" | "commit">;
  held: HeldReplies;
  table: OpenTable;
  progress: Progress;
  storeHost: () => HostBytes;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Where a message is in the log. */
export type Put = Extract<PutMessageResult, { status: "PUT_OK" }>;

type Settle = (failure: Error | undefined) => void;

export class Changes {
  readonly #options: ChangesOptions;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  /**
   * Puts a change, and calls back when it is as safe as was promised, or with why it is not. Its transaction is busy
   * until then. The store must commit after this.
   */
  put(change: Change, finish: (failure: Error | undefined) => void): void {
    const { table } = this.#options;
    change.open.isBusy = true;
    this.#put(change, (failure) => {
      finish(failure);
      table.free(change.open);
    });
  }

  /**
   * Puts several, and commits; `onSettled` is called for each.
   * @returns why some could not be put; undefined when all are as safe as was promised.
   */
  putAll(
    changes: readonly Change[],
    onSettled: (change: Change, failure: Error | undefined) => void,
  ): Promise<Error | undefined> {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    let failure: Error | undefined;
    let left = changes.length;
    if (left === 0) resolve(undefined);
    for (const change of changes) {
      this.put(change, (error) => {
        failure ??= error;
        onSettled(change, error);
        if (--left === 0) resolve(failure);
      });
    }
    this.#options.store.commit();
    return promise;
  }

  #put(change: Change, settle: Settle): void {
    const { open } = change;
    const message = open.isEnded ? undefined : change.message;
    const put = message && this.#tryToPut(message);
    if (put instanceof Error) return settle(put);
    const { storeHost, now } = this.#options;
    const op = this.#tryToPut(opMessage(open.queueOffset, now(), storeHost()));
    new PutChange(this.#options, change, settle).hold(put, op);
  }

  #tryToPut(message: MessageToStore): Put | Error {
    try {
      const result = this.#options.store.putMessage(message);
      if (result.status === "PUT_OK") return result;
      return new Error(result.status === "SERVICE_NOT_AVAILABLE" ? result.reason : result.status);
    } catch (error) {
      return error as Error;
    }
  }
}

/** A change whose messages are in the log; the first may stay there when a write of the second one fails. */
class PutChange {
  readonly #options: ChangesOptions;
  readonly #change: Change;
  readonly #settle: Settle;
  /** The record that the op message ends. */
  readonly #halfOffset: number;
  #isMessagePending = false;
  #messageFailure: Error | undefined;
  #opFailure: Error | undefined;

  constructor(options: ChangesOptions, change: Change, settle: Settle) {
    this.#options = options;
    this.#change = change;
    this.#settle = settle;
    this.#halfOffset = change.open.queueOffset;
  }

  hold(put: Put | undefined, op: Put | Error): void {
    const { held } = this.#options;
    if (put !== undefined) {
      this.#isMessagePending = true;
      const { endOffset } = put;
      held.hold({ endOffset, finish: (failure) => this.#messageDone(put, failure) });
    }
    if (op instanceof Error) return this.#opFailed(op);
    const finish = (failure: Error | undefined) =>
      failure === undefined ? this.#opDone(op) : this.#opFailed(failure);
    held.hold({ endOffset: op.endOffset, finish });
  }

  #messageDone(put: Put, failure: Error | undefined): void {
    this.#isMessagePending = false;
    if (failure === undefined) this.#apply(put);
    else this.#messageFailure = failure;
    if (this.#opFailure !== undefined) this.#opFailed(this.#opFailure);
  }

  #apply({ queueOffset, physicalOffset, endOffset }: Put): void {
    const { table, progress } = this.#options;
    const { open, kind, checks } = this.#change;
    if (kind === "end") {
      open.isEnded = true;
      return;
    }
    progress.halfIsAt(queueOffset, endOffset);
    table.move(open, { queueOffset, physicalOffset, size: endOffset - physicalOffset });
    open.checks = checks;
  }

  #opDone(op: Put): void {
    const { table, progress } = this.#options;
    const { open, kind } = this.#change;
    progress.opIsAt(op.queueOffset, this.#halfOffset, op.endOffset);
    if (kind === "end") table.remove(open);
    this.#settle(undefined);
  }

  /** What precedes it counts for itself, once it is known to be safe or not. */
  #opFailed(failure: Error): void {
    this.#opFailure = failure;
    if (this.#isMessagePending) return;
    const isRenewed = this.#change.kind === "renew" && this.#messageFailure === undefined;
    this.#settle(isRenewed ? undefined : failure);
  }
}
