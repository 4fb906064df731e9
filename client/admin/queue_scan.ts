/**
 * One queue of a search: pulls it piece by piece, forwards or backwards, and keeps what matches until it is taken. Each
 * call of `advance` sends one or two requests, so that whoever searches can stop or rest in between.
 *
 * Backwards works in windows: one is pulled from its lower end to its upper end, and its matches are taken in reverse.
 */

import type { RecordLayout } from "../protocol/message_record.ts";
import type { AdminClient } from "./admin_client.ts";
import { FilteredPull } from "./filtered_pull.ts";
import { type Message, messageOf, recordsOf } from "./message.ts";
import type { QueueAddress } from "./queue_reading.ts";
import type { SearchFilter, SearchOrder } from "./search_types.ts";

export interface QueueScanOptions {
  admin: AdminClient;
  queue: QueueAddress;
  order: SearchOrder;
  /** The queueOffsets to look at: from `begin` on and before `end`. */
  begin: number;
  end: number;
  /** Store times in milliseconds, both included. */
  beginTimestamp: number;
  endTimestamp: number;
  filter: SearchFilter;
  bodyLimit: number;
  /** So many matches are kept at most. */
  keptMax: number;
}

/** Apache's brokers give no more at once. */
const PULL_MESSAGES = 32;
/** Brokers with a filter look at so many messages for one request. */
const WINDOW_MAX = 4_000;
/** After so many answers in a row that bring nothing and lead nowhere something is wrong with the queue. */
const IDLE_MAX = 100;

export class QueueScan {
  readonly queue: QueueAddress;
  /** Messages that match, in the order of the search. */
  readonly matches: Message[] = [];
  /**
   * When what is not looked at yet was stored: not before this time forwards, not after it backwards. Undefined when
   * nothing has been looked at.
   */
  horizon: number | undefined;
  /** Messages that have been looked at, by the broker or here. */
  scanned = 0;
  readonly #options: QueueScanOptions;
  #begin: number;
  #end: number;
  #window = PULL_MESSAGES;
  /** Backwards: where the next pull of the window begins, and what it has brought so far. */
  #windowAt: number | undefined;
  #windowBegin = 0;
  #found: Message[] = [];
  readonly #pulls: FilteredPull;
  #idle = 0;

  constructor(options: QueueScanOptions) {
    this.#options = options;
    this.queue = options.queue;
    this.#begin = options.begin;
    this.#end = options.end;
    this.#pulls = new FilteredPull(options.admin, options.queue, options.filter);
  }

  /** Whether everything has been looked at. */
  get isDone(): boolean {
    return this.#begin >= this.#end;
  }

  /** What is left of the queue when all matches that have not been taken are to come again. */
  get rest(): { begin: number; end: number } {
    const next = this.matches[0]?.queueOffset;
    return this.#options.order === "asc"
      ? { begin: next ?? this.#begin, end: this.#end }
      : { begin: this.#begin, end: next === undefined ? this.#end : next + 1 };
  }

  /** Looks at some more messages. */
  async advance(): Promise<void> {
    if (this.#options.order === "asc") await this.#forwards();
    else await this.#backwards();
  }

  async #forwards(): Promise<void> {
    const pulled = await this.#pull(this.#begin);
    const kept = Math.max(1, this.#options.keptMax);
    let next = Math.min(pulled.next, this.#end);
    for (const { bytes, record } of pulled.records) {
      if (record.queueOffset >= this.#end) continue;
      this.horizon = record.storeTimestamp;
      if (!this.#isWanted(bytes, record)) continue;
      if (this.matches.length === kept) {
        next = record.queueOffset;
        break;
      }
      this.matches.push(this.#messageOf(bytes, record));
    }
    this.scanned += Math.max(0, next - this.#begin);
    this.#begin = next;
    if (this.matches.length === 0 && !this.isDone) await this.#lookAt(next - 1);
  }

  async #backwards(): Promise<void> {
    if (this.#windowAt === undefined) {
      this.#windowBegin = Math.max(this.#begin, this.#end - this.#window);
      this.#windowAt = this.#windowBegin;
    }
    const pulled = await this.#pull(this.#windowAt);
    for (const { bytes, record } of pulled.records) {
      if (record.queueOffset >= this.#end || !this.#isWanted(bytes, record)) continue;
      this.#found.push(this.#messageOf(bytes, record));
      if (this.#found.length <= Math.max(1, this.#options.keptMax)) continue;
      // The oldest ones come again with the next window.
      this.#found.shift();
      this.#windowBegin = this.#found[0]!.queueOffset;
    }
    if (pulled.next < this.#end) {
      this.#windowAt = pulled.next;
      return;
    }
    await this.#endWindow(pulled);
  }

  async #endWindow({ records, from }: PulledRecords): Promise<void> {
    const begin = this.#windowBegin;
    this.matches.push(...this.#found.reverse());
    const isSparse = this.#found.length < PULL_MESSAGES / 2;
    this.#window = isSparse && this.#pulls.leavesOut
      ? Math.min(WINDOW_MAX, this.#window * 4)
      : PULL_MESSAGES;
    this.#found = [];
    this.#windowAt = undefined;
    this.scanned += this.#end - begin;
    this.#end = begin;
    const first = this.matches.at(-1);
    if (first !== undefined) this.horizon = first.storeTimestamp;
    else if (this.isDone) return;
    else if (from === begin && records[0]?.record.queueOffset === begin) {
      this.horizon = records[0].record.storeTimestamp;
    } else await this.#lookAt(begin);
  }

  /** Notes when a message was stored that a broker has left out. */
  async #lookAt(queueOffset: number): Promise<void> {
    if (!this.#pulls.leavesOut && this.#options.order === "asc") return;
    this.horizon = await this.#pulls.storeTimestampAt(queueOffset) ?? this.horizon;
  }

  #isWanted(bytes: Uint8Array, record: RecordLayout): boolean {
    const { beginTimestamp, endTimestamp } = this.#options;
    const { storeTimestamp } = record;
    return storeTimestamp >= beginTimestamp && storeTimestamp <= endTimestamp &&
      this.#pulls.wants(bytes, record);
  }

  #messageOf(bytes: Uint8Array, record: RecordLayout): Message {
    const { queue, bodyLimit } = this.#options;
    return messageOf(bytes, record, queue.brokerName, bodyLimit);
  }

  async #pull(from: number): Promise<PulledRecords> {
    const pulled = await this.#pulls.pull({ queueOffset: from, maxMsgNums: PULL_MESSAGES });
    const records = [...recordsOf(pulled.body)].map((record) => ({ bytes: pulled.body, record }));
    let next = pulled.isAtEnd ? this.#end : pulled.nextBeginOffset;
    if (next <= from && records.length === 0) {
      // A broker that is behind with sending says so, and means us to come again.
      if (++this.#idle < IDLE_MAX) return { from, next: from, records };
      next = this.#end;
    }
    this.#idle = 0;
    return { from, next, records };
  }
}

interface PulledRecords {
  readonly from: number;
  /** Where to go on. */
  readonly next: number;
  readonly records: readonly { bytes: Uint8Array; record: RecordLayout }[];
}
