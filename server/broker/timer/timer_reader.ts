/** Reads the records of timer messages: those that are still in memory as views, others from the files. */

import { viewOf } from "../../../client/protocol/bytes.ts";
import { readRecord } from "../../../client/protocol/message_record.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { TimerPlace } from "../../../store/timer/timer_entry.ts";
import { recordsOf } from "../pop/pop_records.ts";
import { TIMER_TOPIC } from "./timer_message.ts";

export type TimerReaderStore = Pick<
  MessageStore,
  "readTail" | "selectMessageByOffset" | "getMessage"
>;

/** The record of a message; "GONE" when there is none any more, or it is damaged; undefined when it is to be read first. */
export type FoundRecord = Uint8Array | "GONE" | undefined;

/** So many that follow one another in the queue are read in one piece. */
const PIECE_MIN = 4;

export class TimerReader {
  readonly #store: TimerReaderStore;
  readonly #read = new Map<number, Uint8Array | "GONE">();

  /** For some messages: what it reads it keeps. */
  constructor(store: TimerReaderStore) {
    this.#store = store;
  }

  /** The record of a message. It may be a view, which the next message that is put can overwrite. */
  find({ queueOffset, physicalOffset, size }: TimerPlace): FoundRecord {
    return this.#read.get(queueOffset) ?? this.#store.readTail(physicalOffset, size);
  }

  /**
   * Reads those that are not in memory. What was, may no longer be afterwards.
   * @param givesUp whether what cannot be read counts as gone. @throws when it does not.
   */
  async load(places: readonly TimerPlace[], givesUp = false): Promise<void> {
    const missing = places.filter((place) => this.find(place) === undefined);
    missing.sort((a, b) => a.queueOffset - b.queueOffset);
    for (let start = 0; start < missing.length;) {
      let end = start + 1;
      while (missing[end]?.queueOffset === missing[start]!.queueOffset + end - start) end++;
      const piece = missing.slice(start, end);
      if (piece.length >= PIECE_MIN) await this.#attempt(() => this.#readPiece(piece), givesUp);
      // What the queue could not give, its place in the log may.
      for (const place of piece) {
        if (this.#read.has(place.queueOffset)) continue;
        await this.#attempt(() => this.#readOne(place), givesUp);
        if (!this.#read.has(place.queueOffset)) this.#read.set(place.queueOffset, "GONE");
      }
      start = end;
    }
  }

  async #attempt(work: () => Promise<void>, givesUp: boolean): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!givesUp) throw error;
    }
  }

  async #readPiece(piece: readonly TimerPlace[]): Promise<void> {
    const result = await this.#store.getMessage(TIMER_TOPIC, 0, {
      queueOffset: piece[0]!.queueOffset,
      maxMsgNums: piece.length,
      maxMsgBytes: Infinity,
      filter: undefined,
    });
    for (const bytes of recordsOf(result.parts, result.messageCount)) {
      this.#read.set(readRecord(bytes, viewOf(bytes), 0).queueOffset, bytes.slice());
    }
  }

  async #readOne({ physicalOffset, queueOffset }: TimerPlace): Promise<void> {
    const bytes = await this.#store.selectMessageByOffset(physicalOffset);
    if (bytes === undefined) return;
    const { topic, queueOffset: found } = readRecord(bytes, viewOf(bytes), 0);
    if (topic === TIMER_TOPIC && found === queueOffset) this.#read.set(queueOffset, bytes);
  }
}
