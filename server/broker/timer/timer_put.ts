/** Puts messages that are made of timer messages. */

import type { MessageToStore } from "../../../client/protocol/message_record.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { TimerEntry } from "../../../store/timer/timer_entry.ts";
import type { HeldReplies } from "../held_replies.ts";

export interface TimerPutDeps {
  store: Pick<MessageStore, "putMessage" | "commit">;
  held: HeldReplies;
}

/** How many, from the first on, are as safe as was promised or needed nothing; and why the next one is not. */
export interface TimerPutResult {
  count: number;
  failure: Error | undefined;
}

/**
 * Puts a message for each entry, in their order, and resolves when it is known which of them are safe. Unlike with
 * `putSafely` the first ones may be when others are not: those that are must not be put again.
 * @param messageOf makes the message, right before it is put; undefined ends it before this one, "SKIP" goes over it.
 */
export async function putTimers(
  { store, held }: TimerPutDeps,
  entries: readonly TimerEntry[],
  messageOf: (entry: TimerEntry) => MessageToStore | "SKIP" | undefined,
): Promise<TimerPutResult> {
  const isDone = new Array<boolean>(entries.length).fill(false);
  const put: Promise<void>[] = [];
  let failure: Error | undefined;
  for (const [index, entry] of entries.entries()) {
    const message = messageOf(entry);
    if (message === undefined) break;
    if (message === "SKIP") {
      isDone[index] = true;
      continue;
    }
    const result = store.putMessage(message);
    if (result.status !== "PUT_OK") {
      const { status } = result;
      failure = new Error(status === "SERVICE_NOT_AVAILABLE" ? result.reason : status);
      break;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    put.push(promise);
    held.hold({
      endOffset: result.endOffset,
      finish(error) {
        isDone[index] = error === undefined;
        failure ??= error;
        resolve();
      },
    });
  }
  store.commit();
  await Promise.all(put);
  const rest = isDone.indexOf(false);
  return { count: rest < 0 ? entries.length : rest, failure };
}
