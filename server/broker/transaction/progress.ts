/**
 * How far the half topic and the op topic are done with, as the consumer offsets of a group of the broker's own: a start,
 * Apache's too, reads both on from there. Half messages before the one offset have all ended; op messages before the
 * other are about such half messages only.
 *
 * Offsets in `consumerOffset.json` never run ahead of the log on the disk: they are committed when all that they count
 * on is durable.
 */

import type { MessageStore } from "../../../store/message_store.ts";
import type { OffsetTable } from "../offset_table.ts";
import type { Clock } from "../pop/due_timer.ts";
import { SystemTopic } from "../topic_name.ts";
import { HALF_QUEUE_ID } from "./half_message.ts";
import type { OpenTable } from "./open_table.ts";

/** MixAll.CID_SYS_RMQ_TRANS. */
export const TRANSACTION_GROUP = "CID_RMQ_SYS_TRANS";
/** With ASYNC_FLUSH nobody tells when something is durable; and offsets are saved only every few seconds. */
const LOOK_MILLIS = 1_000;

export interface ProgressOptions {
  store: Pick<MessageStore, "stats">;
  offsets: Pick<OffsetTable, "commitOffset" | "queryOffset">;
  table: OpenTable;
  clock: Clock;
  /** Called when op messages have come together that an old open transaction keeps from being done with. */
  onStuck: () => void;
}

interface Offsets {
  half: number;
  op: number;
  /** They count once the log is durable up to here. */
  endOffset: number;
}

/** So many op messages may stay for one open transaction, and for few. */
const OPS_PER_OPEN = 2;
const OPS_MIN = 10_000;

export class Progress implements Disposable {
  readonly #options: ProgressOptions;
  /** The largest half offset of each op message from `#firstOp` on; -1 for one that means nothing. */
  #ops: number[] = [];
  #head = 0;
  #firstOp = 0;
  #nextHalf = 0;
  #endOffset = 0;
  #candidate: Offsets | undefined;
  #isDirty = false;
  #timer: Disposable | undefined;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** Begins with what is on the disk: op messages are noted from `opOffset` on, half messages from `halfOffset`. */
  startAt(halfOffset: number, opOffset: number): void {
    this.#firstOp = opOffset;
    this.#nextHalf = halfOffset;
  }

  /** Op messages that are not done with. */
  get opCount(): number {
    return this.#ops.length - this.#head;
  }

  /** A half message has a record at this queueOffset, which is in the log up to `endOffset`. */
  halfIsAt(queueOffset: number, endOffset: number): void {
    this.#nextHalf = Math.max(this.#nextHalf, queueOffset + 1);
    this.changed(endOffset);
  }

  /** The op message at `opOffset` is about half messages up to `halfOffset`. They come in their order. */
  opIsAt(opOffset: number, halfOffset: number, endOffset: number): void {
    while (this.#firstOp + this.opCount < opOffset) this.#ops.push(-1);
    this.#ops.push(halfOffset);
    this.changed(endOffset);
  }

  /** The offsets may be others, which counts once the log is durable up to `endOffset`. */
  changed(endOffset = 0): void {
    this.#endOffset = Math.max(this.#endOffset, endOffset);
    this.#isDirty = true;
    this.#lookLater();
  }

  #lookLater(): void {
    this.#timer ??= this.#options.clock.after(LOOK_MILLIS, () => {
      this.#timer = undefined;
      this.look();
    });
  }

  /** Commits what has become durable. */
  look(): void {
    const { store, table, onStuck } = this.#options;
    const { durableOffset } = store.stats;
    if (this.#candidate !== undefined && this.#candidate.endOffset > durableOffset) {
      return this.#lookLater();
    }
    if (this.#candidate !== undefined) this.#commit(this.#candidate);
    this.#candidate = undefined;
    if (!this.#isDirty) return;
    this.#isDirty = false;
    const candidate = this.#offsets();
    if (candidate.endOffset <= durableOffset) {
      this.#commit(candidate);
    } else {
      this.#candidate = candidate;
      this.#lookLater();
    }
    if (this.opCount > OPS_MIN + OPS_PER_OPEN * table.size) onStuck();
  }

  /** As they would be if all was durable. */
  #offsets(): Offsets {
    const half = this.#options.table.oldest?.queueOffset ?? this.#nextHalf;
    while (this.#head < this.#ops.length && this.#ops[this.#head]! < half) {
      this.#head++;
      this.#firstOp++;
    }
    if (this.#head > 1_024 && this.#head > this.#ops.length / 2) {
      this.#ops = this.#ops.slice(this.#head);
      this.#head = 0;
    }
    return { half, op: this.#firstOp, endOffset: this.#endOffset };
  }

  #commit({ half, op }: Offsets): void {
    const { offsets } = this.#options;
    for (
      const [topic, offset] of [[SystemTopic.TRANS_HALF, half], [
        SystemTopic.TRANS_OP_HALF,
        op,
      ]] as const
    ) {
      if (offsets.queryOffset(TRANSACTION_GROUP, topic, HALF_QUEUE_ID) === offset) continue;
      offsets.commitOffset(TRANSACTION_GROUP, topic, HALF_QUEUE_ID, offset);
    }
  }

  [Symbol.dispose](): void {
    this.look();
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }
}
