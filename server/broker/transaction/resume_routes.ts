/** An admin takes a transaction up again that was given up: its message becomes a half message anew. */

import { parseMessageId } from "../../../client/protocol/message.ts";
import { RESUME_CHECK_HALF_MESSAGE } from "../../../client/protocol/commands/transaction.ts";
import {
  refuse,
  type RemotingError,
  ResponseCode,
} from "../../../client/protocol/response_code.ts";
import type { MessageToStore } from "../../../client/protocol/message_record.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { type Route, route } from "../../dispatcher.ts";
import { describeError } from "../../log.ts";
import type { HeldReplies } from "../held_replies.ts";
import { SystemTopic } from "../topic_name.ts";
import type { Put } from "./changes.ts";
import { type Half, resumedMessage } from "./half_message.ts";
import type { HalfReader } from "./half_reader.ts";
import type { OpenTable } from "./open_table.ts";

export interface ResumeDeps {
  store: Pick<MessageStore, "putMessage" | "commit">;
  held: HeldReplies;
  table: OpenTable;
  reader: HalfReader;
  now: () => number;
  /** The half message is safe in the log. */
  onResumed: (message: MessageToStore, put: Put) => void;
}

/** The handler of RESUME_CHECK_HALF_MESSAGE. */
export function resumeRoutes(deps: ResumeDeps): Route[] {
  // One after the other, so that a request that comes twice finds what the first one did.
  let last: Promise<unknown> = Promise.resolve();
  return [
    route(RESUME_CHECK_HALF_MESSAGE, ({ header }) => {
      const resuming = last.then(() => resume(deps, header.msgId ?? ""));
      last = resuming.catch(() => {});
      return resuming;
    }),
  ];
}

async function resume(deps: ResumeDeps, msgId: string): Promise<Record<never, never>> {
  const { table, reader } = deps;
  const discarded = await reader.at(physicalOffsetOf(msgId), SystemTopic.TRANS_CHECK_MAX_TIME);
  if (discarded === undefined) {
    throw failed(`there is no such message in ${SystemTopic.TRANS_CHECK_MAX_TIME}`);
  }
  if (discarded.original !== undefined && table.find(discarded.original) !== undefined) return {};
  if (await reader.wasDelivered(discarded)) throw failed("its transaction was committed");
  const failure = await put(deps, discarded);
  if (failure !== undefined) throw failed(describeError(failure));
  return {};
}

function physicalOffsetOf(msgId: string): number {
  try {
    return parseMessageId(msgId).physicalOffset;
  } catch (error) {
    throw failed(describeError(error));
  }
}

/** Resolves to why the half message could not be put. */
function put(
  { store, held, now, onResumed }: ResumeDeps,
  discarded: Half,
): Promise<Error | undefined> {
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  const message = resumedMessage(discarded, now());
  const result = store.putMessage(message);
  if (result.status !== "PUT_OK") {
    resolve(new Error(result.status === "SERVICE_NOT_AVAILABLE" ? result.reason : result.status));
    return promise;
  }
  held.hold({
    endOffset: result.endOffset,
    finish(failure) {
      if (failure === undefined) onResumed(message, result);
      resolve(failure);
    },
  });
  store.commit();
  return promise;
}

/** Apache's words, and why. */
function failed(reason: string): RemotingError {
  return refuse(
    ResponseCode.SYSTEM_ERROR,
    `Put message back to ${SystemTopic.TRANS_HALF} failed: ${reason}.`,
  );
}
