/** Cancels timer messages, by a message in the timer topic as Apache's broker does. */

import { encodeUtf8 } from "../../../client/protocol/bytes.ts";
import { findProperty, type HostBytes, MessageProperty } from "../../../client/protocol/message.ts";
import type { MessageToStore } from "../../../client/protocol/message_record.ts";
import type { MessageStore, PutMessageResult } from "../../../store/message_store.ts";
import type { TimerStore } from "../../../store/timer/timer_store.ts";
import type { HeldReplies } from "../held_replies.ts";
import type { PendingCancels } from "./pending_cancels.ts";
import {
  cancelProperties,
  slotOf,
  timed,
  TIMER_TOPIC,
  timerName,
  type TimerSettings,
} from "./timer_message.ts";

export interface TimerCancelOptions {
  store: Pick<MessageStore, "putMessage" | "commit">;
  timerStore: TimerStore;
  pendingCancels: PendingCancels;
  held: HeldReplies;
  settings: TimerSettings;
  storeHost: () => HostBytes;
  now: () => number;
}

/** The message to cancel. */
export interface CancelRequest {
  /** The topic that it goes to. */
  topic: string;
  uniqKey: string;
  /** When it is due; milliseconds since the epoch. */
  due: number;
  producerGroup: string | undefined;
  /** Who cancels it. */
  bornHost: HostBytes;
}

/** Apache's body of such a message. */
const CANCEL_BODY = encodeUtf8("0");

export class TimerCancel {
  readonly #options: TimerCancelOptions;

  constructor(options: TimerCancelOptions) {
    this.#options = options;
  }

  /**
   * Puts what cancels a message; calls back once it is as safe as was promised, or says why it is not. The caller
   * commits.
   * @throws {RemotingError} when the message is due already.
   */
  put(request: CancelRequest, finish: (failure: Error | undefined) => void): void {
    const { held, settings, storeHost, now } = this.#options;
    const message = {
      topic: request.topic,
      queueId: 0,
      flag: 0,
      sysFlag: 0,
      bornTimestamp: now(),
      bornHost: request.bornHost,
      storeHost: storeHost(),
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: CANCEL_BODY,
      properties: cancelProperties({ ...request, now: now() }),
    };
    const result = this.putTimer(timed(message, settings, now()));
    if (result.status === "PUT_OK") held.hold({ endOffset: result.endOffset, finish });
    else {
      const { status } = result;
      finish(new Error(status === "SERVICE_NOT_AVAILABLE" ? result.reason : status));
    }
  }

  /** Puts a message that `timed` has made. What it may cancel is not delivered until that is decided. */
  putTimer(message: MessageToStore): PutMessageResult {
    const { store, pendingCancels } = this.#options;
    const result = store.putMessage(message);
    if (result.status !== "PUT_OK" || message.topic !== TIMER_TOPIC) return result;
    const name = findProperty(message.properties, MessageProperty.TIMER_DEL_UNIQKEY);
    if (name !== undefined) pendingCancels.add(name, result.endOffset);
    return result;
  }

  /**
   * Cancels a message that waits. Resolves with whether there was one, once that is as safe as was promised.
   * @param due when it is known, to find it at once. @throws when it cannot be put.
   */
  async cancel(
    { topic, uniqKey, due }: { topic: string; uniqKey: string; due?: number | undefined },
  ): Promise<boolean> {
    const { store, storeHost, now } = this.#options;
    const dueTime = await this.#find(timerName(topic, uniqKey), due);
    if (dueTime === undefined || dueTime <= now()) return false;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const request = { topic, uniqKey, due: dueTime, producerGroup: undefined };
    this.put(
      { ...request, bornHost: storeHost() },
      (failure) => failure === undefined ? resolve() : reject(failure),
    );
    store.commit();
    await promise;
    return true;
  }

  /** When the message of this name is due; undefined when none waits. */
  async #find(name: string, due: number | undefined): Promise<number | undefined> {
    const { index } = this.#options.timerStore;
    const key = index.keyOf(name);
    if (due === undefined) return (await index.findKeyAnywhere(key))?.due;
    const { from, until } = slotOf(due - 1);
    return index.findKey(key, from, until)[0]?.due;
  }
}
