/** What a test has put into a store, and what the store has promised of it: the truth that a store is held against. */

import { decodeUtf8 } from "../../client/protocol/bytes.ts";
import { MessageSysFlag } from "../../client/protocol/message.ts";
import type { StoredMessage } from "../../client/protocol/message_record.ts";
import type { MessageStore } from "../../store/message_store.ts";
import { messageToStore } from "./store.ts";
import type { Random } from "./random.ts";

/** A message that was put, by its number, which is its bornTimestamp. */
export interface Attempt {
  number: number;
  topic: string;
  queueId: number;
  sysFlag: number;
  body: Uint8Array;
  keys: string[];
  properties: string;
  queueOffset: number;
  physicalOffset: number;
  endOffset: number;
  acknowledged: boolean;
}

const QUEUES: readonly [topic: string, queueId: number][] = [["A", 0], ["A", 1], ["B", 0]];

export class StoreLedger {
  /** What the log should hold, in its order: everything put but what was refused or lost. */
  attempts: Attempt[] = [];
  /** Files of the log that end before this physicalOffset may have been deleted. */
  mayBeGoneBefore = 0;
  /** What no reader may ever see: messages whose sender was told that they are not stored. */
  readonly refused = new Set<number>();
  /** Every `TOPIC KEY` there ever was. */
  readonly keys = new Set<string>();
  #nextNumber = 1;
  #answered = 0;

  /** Puts a message of some kind. @returns why it was refused, if it was. */
  put(store: MessageStore, random: Random): string | undefined {
    const number = this.#nextNumber++;
    const [topic, queueId] = QUEUES[random(QUEUES.length)]!;
    const body = new Uint8Array(random(12) === 0 ? 1500 + random(4500) : random(500));
    // Bodies of zeros look like pages that were never written.
    if (number % 13 !== 0) body.fill(1 + number % 255);
    const keys = [`id${number}`, `k${number % 7}`];
    if (random(3) === 0) keys.push("all");
    const properties = `KEYS\u0001${keys.slice(1).join(" ")}\u0002UNIQ_KEY\u0001${keys[0]}\u0002`;
    const sysFlag = random(15) === 0 ? MessageSysFlag.TRANSACTION_PREPARED : 0;
    const fields = { queueId, sysFlag, properties, bornTimestamp: number };
    const result = store.putMessage(messageToStore(topic, body, fields));
    if (result.status !== "PUT_OK") {
      this.refused.add(number);
      return result.status === "SERVICE_NOT_AVAILABLE" ? result.reason : result.status;
    }
    for (const key of keys) this.keys.add(`${topic} ${key}`);
    const { physicalOffset, queueOffset, endOffset } = result;
    const place = { physicalOffset, queueOffset, endOffset, acknowledged: false };
    this.attempts.push({ number, topic, queueId, sysFlag, body, keys, properties, ...place });
    return undefined;
  }

  /** The store promises all up to `offset`. */
  promised(offset: number): void {
    for (; this.#answered < this.attempts.length; this.#answered++) {
      const attempt = this.attempts[this.#answered]!;
      if (attempt.endOffset > offset) return;
      attempt.acknowledged = true;
    }
  }

  /** The store refuses what lies after `offset`. */
  refusedAfter(offset: number): void {
    while (this.attempts.length > 0 && this.attempts.at(-1)!.endOffset > offset) {
      const { number, acknowledged } = this.attempts.pop()!;
      if (acknowledged) throw new Error(`message ${number} is refused after it was acknowledged`);
      this.refused.add(number);
    }
  }

  /** The store has been opened anew with these many messages: what it shows now, it has to keep. */
  reopened(count: number): void {
    this.attempts.length = count;
    this.#answered = 0;
    this.promised(Infinity);
  }

  /** Why `message` is not what was put there; undefined when it is. */
  static difference(attempt: Attempt | undefined, message: StoredMessage): string | undefined {
    const { bornTimestamp, topic, queueId, queueOffset, physicalOffset, body } = message;
    const place =
      `message ${bornTimestamp} in ${topic}/${queueId} at ${queueOffset}, ${physicalOffset}`;
    if (attempt === undefined) return `${place} was not put or is not there any more`;
    const { properties } = message;
    const isSame = attempt.number === bornTimestamp && attempt.topic === topic &&
      attempt.queueId === queueId && attempt.queueOffset === queueOffset &&
      attempt.physicalOffset === physicalOffset && attempt.properties === withoutCrc(properties) &&
      decodeUtf8(attempt.body, 0, attempt.body.length) === decodeUtf8(body, 0, body.length);
    if (isSame) return undefined;
    return `${place} should be ${attempt.number} in ${attempt.topic}/${attempt.queueId} at ` +
      `${attempt.queueOffset}, ${attempt.physicalOffset}`;
  }
}

function withoutCrc(properties: string): string {
  const start = properties.indexOf("\u0002__CRC32#");
  return start < 0 ? properties : properties.slice(0, start);
}
