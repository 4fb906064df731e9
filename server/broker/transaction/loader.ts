/** Learns at a start which transactions are open, from the half messages and the op messages after their offsets. */

import { getInt64, viewOf } from "../../../client/protocol/bytes.ts";
import type { HostBytes } from "../../../client/protocol/message.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { Log } from "../../log.ts";
import type { HeldReplies } from "../held_replies.ts";
import type { OffsetTable } from "../offset_table.ts";
import { messageOf, recordsOf } from "../pop/pop_records.ts";
import { SystemTopic } from "../topic_name.ts";
import type { CheckTimes } from "./check_times.ts";
import { type Half, HALF_QUEUE_ID, readHalf } from "./half_message.ts";
import type { OpenTable, OpenTransaction } from "./open_table.ts";
import { offsetsOf, opMessage } from "./op_message.ts";
import { type Progress, TRANSACTION_GROUP } from "./progress.ts";

export interface LoaderDeps {
  store: Pick<
    MessageStore,
    | "getMessage"
    | "getMinOffsetInQueue"
    | "getMaxOffsetInQueue"
    | "putMessage"
    | "commit"
    | "recovery"
  >;
  offsets: Pick<OffsetTable, "queryOffset" | "commitOffset">;
  held: HeldReplies;
  table: OpenTable;
  progress: Progress;
  times: CheckTimes;
  storeHost: () => HostBytes;
  now: () => number;
  log: Log;
}

/** In a record. */
const QUEUE_OFFSET_AT = 20;
/** Has as its offset the half message from which on no message can have been delivered without a note. */
const SUSPECT_GROUP = "CID_RMQ_SYS_COMET_TRANS";
const READ_MESSAGES = 1_024;
const READ_BYTES = 1024 * 1024;
/** Of so many the log names the places. */
const NAMED_MAX = 20;

interface Range {
  start: number;
  end: number;
}

export class Loader {
  readonly #deps: LoaderDeps;
  /** queueOffsets of half messages that have ended. */
  readonly #ended = new Set<number>();
  /** Open transactions by their unique keys, to know records of the same one that do not say so. */
  readonly #byKey = new Map<string, OpenTransaction>();
  /** Records that others follow without an op message. */
  readonly #superseded: number[] = [];
  readonly #unreadable: number[] = [];
  /** Whether transactions may have ended without an op message that says so, since the last start. */
  #isSuspect: boolean;
  /** The same for half messages before this queueOffset, since any start. */
  #suspectUpTo = 0;

  constructor(deps: LoaderDeps) {
    this.#deps = deps;
    const { clean, scannedRecords } = deps.store.recovery;
    // Apache writes op messages seconds later, and an end in order may lose them too.
    this.#isSuspect = !clean || scannedRecords > 0;
  }

  /** Fills the table. To be called once. */
  async run(): Promise<void> {
    const { progress, table, log } = this.#deps;
    const halves = this.#range(SystemTopic.TRANS_HALF);
    const ops = this.#range(SystemTopic.TRANS_OP_HALF);
    progress.startAt(halves.start, ops.start);
    await this.#readOps(ops, halves.start);
    this.#suspect(halves);
    await this.#readHalves(halves);
    progress.halfIsAt(halves.end - 1, 0);
    this.#endSuperseded();
    this.#report();
    const halfMessages = halves.end - halves.start;
    if (halfMessages === 0) return;
    log.info("read which transactions are open", { halfMessages, open: table.size });
  }

  #range(topic: string): Range {
    const { store, offsets, log } = this.#deps;
    const end = store.getMaxOffsetInQueue(topic, HALF_QUEUE_ID);
    const min = store.getMinOffsetInQueue(topic, HALF_QUEUE_ID);
    const committed = offsets.queryOffset(TRANSACTION_GROUP, topic, HALF_QUEUE_ID);
    if (committed >= 0 && committed < min) {
      log.warn("messages about transactions were deleted by age", { topic, committed, min });
    }
    return { start: Math.min(Math.max(committed, min), end), end };
  }

  async #readOps(ops: Range, halfStart: number): Promise<void> {
    const { progress } = this.#deps;
    let next = ops.start;
    await this.#read(SystemTopic.TRANS_OP_HALF, ops, (queueOffset, record) => {
      // One that cannot be read may have been about any transaction.
      this.#isSuspect ||= queueOffset !== next;
      next = queueOffset + 1;
      const offsets = offsetsOf(messageOf(record).message);
      for (const offset of offsets) if (offset >= halfStart) this.#ended.add(offset);
      progress.opIsAt(queueOffset, Math.max(-1, ...offsets), 0);
    });
    this.#isSuspect ||= next !== ops.end;
  }

  /** A start in order must not forget what one after a crash has left in doubt. */
  #suspect({ start, end }: Range): void {
    const { offsets } = this.#deps;
    const place = [SUSPECT_GROUP, SystemTopic.TRANS_HALF, HALF_QUEUE_ID] as const;
    this.#suspectUpTo = offsets.queryOffset(...place);
    if (!this.#isSuspect || start === end) return;
    this.#suspectUpTo = end;
    offsets.commitOffset(...place, end);
  }

  async #readHalves(halves: Range): Promise<void> {
    let next = halves.start;
    const missingUpTo = (queueOffset: number) => {
      for (; next < queueOffset; next++) if (!this.#ended.has(next)) this.#unreadable.push(next);
    };
    await this.#read(SystemTopic.TRANS_HALF, halves, (queueOffset, record) => {
      missingUpTo(queueOffset);
      next = queueOffset + 1;
      if (!this.#ended.has(queueOffset)) this.#take(queueOffset, record);
    });
    missingUpTo(halves.end);
  }

  async #read(
    topic: string,
    { start, end }: Range,
    onRecord: (queueOffset: number, record: Uint8Array) => void,
  ): Promise<void> {
    for (let queueOffset = start; queueOffset < end;) {
      const result = await this.#deps.store.getMessage(topic, HALF_QUEUE_ID, {
        queueOffset,
        maxMsgNums: READ_MESSAGES,
        maxMsgBytes: READ_BYTES,
        filter: undefined,
      });
      for (const record of recordsOf(result.parts, result.messageCount)) {
        onRecord(getInt64(viewOf(record), QUEUE_OFFSET_AT), record);
      }
      queueOffset = Math.max(queueOffset + 1, result.nextBeginOffset);
    }
  }

  #take(queueOffset: number, record: Uint8Array): void {
    const { table, times } = this.#deps;
    const half = readHalf(record, SystemTopic.TRANS_HALF);
    if (half === undefined) return void this.#unreadable.push(queueOffset);
    const { layout, uniqKey } = half;
    const { physicalOffset, size, bornTimestamp, storeTimestamp } = layout;
    const place = { queueOffset, physicalOffset, size };
    const earlier = this.#earlierOf(half);
    const startTimestamp = earlier?.startTimestamp ??
      times.startTimestamp(half, bornTimestamp, storeTimestamp);
    const dueAt = times.found(half, layout, startTimestamp);
    if (earlier !== undefined) {
      this.#superseded.push(earlier.queueOffset);
      table.move(earlier, place);
      earlier.checks = half.checks;
      return table.dueAt(earlier, dueAt);
    }
    const isSuspect = queueOffset < this.#suspectUpTo;
    const open = table.add({ place, facts: half, startTimestamp, dueAt, isSuspect });
    if (uniqKey !== undefined) this.#byKey.set(`${uniqKey} ${bornTimestamp}`, open);
  }

  /** The same transaction with an earlier record: a stop came between its new record and what ends the one before. */
  #earlierOf({ original, checks, uniqKey, layout }: Half): OpenTransaction | undefined {
    const { table } = this.#deps;
    if (original !== undefined) {
      const found = table.find(original);
      if (found !== undefined) return found;
    }
    // Apache's records do not name the first one.
    if (checks === 0 || uniqKey === undefined) return undefined;
    const found = this.#byKey.get(`${uniqKey} ${layout.bornTimestamp}`);
    return found !== undefined && table.find(found.queueOffset) === found ? found : undefined;
  }

  #endSuperseded(): void {
    const { store, held, progress, storeHost, now } = this.#deps;
    for (const halfOffset of this.#superseded) {
      const result = store.putMessage(opMessage(halfOffset, now(), storeHost()));
      // The next start finds it out again.
      if (result.status !== "PUT_OK") break;
      const { queueOffset, endOffset } = result;
      const finish = (failure: Error | undefined) => {
        if (failure === undefined) progress.opIsAt(queueOffset, halfOffset, endOffset);
      };
      held.hold({ endOffset, finish });
    }
    if (this.#superseded.length > 0) store.commit();
  }

  #report(): void {
    const lost = this.#unreadable;
    if (lost.length === 0) return;
    this.#deps.log.error("half messages cannot be read, their transactions are passed over", {
      count: lost.length,
      queueOffsets: lost.slice(0, NAMED_MAX),
    });
  }
}
