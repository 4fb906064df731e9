/**
 * A producer ends a transaction. Codes and remarks are Apache's (EndTransactionProcessor.java of 5.3.3), with these
 * differences: a transaction ends once, whoever says so however often; what has ended already is answered by how it
 * ended; and every request is answered, also one that does not know.
 */

import { MessageSysFlag } from "../../../client/protocol/message.ts";
import type { MessageToStore } from "../../../client/protocol/message_record.ts";
import { END_TRANSACTION } from "../../../client/protocol/commands/transaction.ts";
import type { HeaderOf } from "../../../client/protocol/header_schema.ts";
import { refuse, ResponseCode } from "../../../client/protocol/response_code.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { PARKED, type Reply, type Route, route } from "../../dispatcher.ts";
import { describeError } from "../../log.ts";
import type { Changes } from "./changes.ts";
import { finalMessage, type Half } from "./half_message.ts";
import type { HalfReader } from "./half_reader.ts";
import type { OpenTable, OpenTransaction } from "./open_table.ts";

export interface EndDeps {
  store: Pick<MessageStore, "commit">;
  table: OpenTable;
  reader: HalfReader;
  changes: Changes;
  /** What becomes of a message that is to be delivered: one with a delay waits in another topic first. */
  delayed: (message: MessageToStore) => MessageToStore;
  /** A transaction for a topic has ended, so long after its message was born. */
  onEnded?: (topic: string, isCommit: boolean, ageMillis: number) => void;
  /** Milliseconds since the epoch. */
  now: () => number;
}

type EndHeader = HeaderOf<typeof END_TRANSACTION.request.fields>;
type Outcome = "commit" | "rollback";

/** The handler of END_TRANSACTION. */
export function endRoutes(deps: EndDeps): Route[] {
  const { table, reader } = deps;
  return [
    route(END_TRANSACTION, ({ header, respond }) => {
      const outcome = outcomeOf(header.commitOrRollback);
      if (outcome === undefined) return {};
      const open = table.find(header.tranStateTableOffset);
      const isPlain = open !== undefined && isNewest(open, header) && !open.isBusy &&
        !open.isSuspect && !open.isEnded;
      const half = isPlain ? reader.inMemory(open) : undefined;
      if (half === undefined) return endAfterReading(deps, header, outcome);
      const { topic } = open!.kind;
      const { bornTimestamp } = half.layout;
      const finish = (failure?: Error) => {
        if (failure === undefined) tellEnded(deps, topic, outcome, bornTimestamp);
        respond(failure ? unavailable(failure) : {});
      };
      end(deps, open!, messageFor(deps, half, outcome), finish);
      return PARKED;
    }),
  ];
}

/** undefined: not known yet. @throws {RemotingError} */
function outcomeOf(commitOrRollback: number): Outcome | undefined {
  if (commitOrRollback === MessageSysFlag.TRANSACTION_COMMIT) return "commit";
  if (commitOrRollback === MessageSysFlag.TRANSACTION_ROLLBACK) return "rollback";
  if (commitOrRollback === 0) return undefined;
  throw refuse(ResponseCode.SYSTEM_ERROR, "commitOrRollback field wrong");
}

function isNewest(open: OpenTransaction, header: EndHeader): boolean {
  return open.queueOffset === header.tranStateTableOffset &&
    open.physicalOffset === header.commitLogOffset &&
    open.kind.producerGroup === header.producerGroup;
}

/** What an end delivers. @throws {RemotingError} when its time of delivery makes no sense. */
function messageFor(
  { delayed }: EndDeps,
  half: Half,
  outcome: Outcome,
): MessageToStore | undefined {
  return outcome === "commit" ? delayed(finalMessage(half)) : undefined;
}

/** Writes the end. The message may lie in views: the store has it at once. */
function end(
  { changes }: EndDeps,
  open: OpenTransaction,
  message: MessageToStore | undefined,
  finish: (failure: Error | undefined) => void,
): void {
  const change = { open, kind: "end" as const, message, checks: 0 };
  changes.put(change, finish);
}

function tellEnded(
  { onEnded, now }: EndDeps,
  topic: string,
  outcome: Outcome,
  bornTimestamp: number,
): void {
  onEnded?.(topic, outcome === "commit", now() - bornTimestamp);
}

function unavailable(failure: Error): Reply {
  const remark = `service not available now: ${describeError(failure)}`;
  return { code: ResponseCode.SERVICE_NOT_AVAILABLE, remark };
}

/** Ends a transaction whose half message is not in memory, or of which more has to be found out. */
async function endAfterReading(
  deps: EndDeps,
  header: EndHeader,
  outcome: Outcome,
): Promise<Reply> {
  const { table, reader, store } = deps;
  const named = checkedHalf(await reader.at(header.commitLogOffset), header);
  const original = named.original ?? named.layout.queueOffset;
  for (;;) {
    const open = table.find(original);
    if (open === undefined) return await answerToEnded(deps, named, outcome);
    if (open.isBusy) {
      await table.whenFree(open);
      continue;
    }
    open.isBusy = true;
    let message: MessageToStore | undefined;
    let hasEnded: boolean;
    try {
      const half = open.queueOffset === named.layout.queueOffset ? named : await reader.of(open);
      if (half === undefined) throw notFound();
      hasEnded = await reader.hasEnded(open, half);
      if (!hasEnded) message = messageFor(deps, half, outcome);
    } catch (error) {
      table.free(open);
      throw error;
    }
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    end(deps, open, message, resolve);
    store.commit();
    const failure = await promise;
    if (failure !== undefined) return unavailable(failure);
    if (!hasEnded) tellEnded(deps, open.kind.topic, outcome, named.layout.bornTimestamp);
    return hasEnded ? await answerToEnded(deps, named, outcome) : {};
  }
}

/** @throws {RemotingError} unless it is the half message that the request names. */
function checkedHalf(half: Half | undefined, header: EndHeader): Half {
  if (half === undefined) throw notFound();
  if (half.producerGroup !== header.producerGroup) {
    throw refuse(ResponseCode.SYSTEM_ERROR, "The producer group wrong");
  }
  if (half.layout.queueOffset !== header.tranStateTableOffset) {
    throw refuse(ResponseCode.SYSTEM_ERROR, "The transaction state table offset wrong");
  }
  return half;
}

function notFound(): Error {
  return refuse(ResponseCode.SYSTEM_ERROR, "Find prepared transaction message failed");
}

/** The answer to who ends what has ended: as if it had just been done, if it ended so. */
async function answerToEnded({ reader }: EndDeps, half: Half, outcome: Outcome): Promise<Reply> {
  const wasDelivered = await reader.wasDelivered(half);
  if (wasDelivered === undefined) {
    throw refuse(
      ResponseCode.SYSTEM_ERROR,
      "the transaction has ended already; how is not known, since messageIndexEnable is false",
    );
  }
  if (wasDelivered === (outcome === "commit")) return {};
  const ending = wasDelivered ? "was committed" : "was rolled back or given up";
  throw refuse(ResponseCode.ILLEGAL_OPERATION, `the transaction has ended already: it ${ending}`);
}
