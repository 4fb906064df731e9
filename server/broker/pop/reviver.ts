/**
 * Gives messages back whose invisible time is over: copies go to the group's retry topic, or to its dead letters when
 * they came too often. The record that ends them in their checkpoint follows the copies in the log, so that a crash may
 * double a message but not lose it.
 */

import type { MessageToStore } from "../../../client/protocol/message_record.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { Log } from "../../log.ts";
import type { TopicTable } from "../topic_table.ts";
import type { Clock } from "./due_timer.ts";
import { recordsOf } from "./pop_records.ts";
import { allBits, type CheckPoint, queueOffsetsOf } from "./pop_queue.ts";
import type { PopTable } from "./pop_table.ts";
import type { Recorded, ReviveLog } from "./revive_log.ts";
import type { RevivedCopies } from "./revived_copy.ts";

export interface ReviverDeps {
  store: Pick<MessageStore, "getMessage" | "putMessage" | "commit">;
  topics: Pick<TopicTable, "isPublished" | "published">;
  table: PopTable;
  reviveLog: ReviveLog;
  copies: RevivedCopies;
  clock: Clock;
  /** A message that a group popped of a topic was put once more. */
  onRevived?: ((group: string, topic: string) => void) | undefined;
  log: Log;
}

/** So much is given back in one go, before others have their turn. */
const BATCH_MESSAGES = 256;
const BATCH_BYTES = 1024 * 1024;
/** How long to wait after a failure, as on a full disk. */
const RETRY_MILLIS = 1_000;

/** A message to be given back; without a copy it is gone, or nobody wants it any more. */
interface Revival {
  bit: number;
  copy: MessageToStore | undefined;
}

type Batch = Map<CheckPoint, Revival[]>;

export class Reviver implements AsyncDisposable {
  readonly #deps: ReviverDeps;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(deps: ReviverDeps) {
    this.#deps = deps;
  }

  /** Gives back what is due, unless that goes on already. Never rejects. */
  run(): void {
    if (!this.#isStopped) this.#running ??= this.#reviveAll().finally(() => this.#ended());
  }

  #ended(): void {
    this.#running = undefined;
  }

  async #reviveAll(): Promise<void> {
    const batch: Batch = new Map();
    do {
      batch.clear();
      try {
        await this.#read(batch);
        await this.#giveBack(batch);
      } catch (error) {
        this.#deps.log.error("cannot give messages back, trying again", { error });
        this.#retryLater(batch);
      }
    } while (batch.size > 0 && !this.#isStopped);
  }

  /** Takes checkpoints that are due and reads their messages, up to a batch of them. */
  async #read(batch: Batch): Promise<void> {
    const { table, topics, copies } = this.#deps;
    let count = 0;
    let bytes = 0;
    while (count < BATCH_MESSAGES && bytes < BATCH_BYTES) {
      const checkPoint = table.due.take();
      if (checkPoint === undefined) break;
      const revivals: Revival[] = [];
      batch.set(checkPoint, revivals);
      for (const queueOffset of queueOffsetsOf(checkPoint, openBits(checkPoint))) {
        const record = await this.#readRecord(checkPoint, queueOffset);
        const copy = record && copies.of(checkPoint, record);
        if (copy !== undefined && !topics.isPublished(copy.topic)) await topics.published();
        const bit = 1 << checkPoint.distances.indexOf(queueOffset - checkPoint.startOffset);
        revivals.push({ bit, copy });
        count++;
        bytes += record?.length ?? 0;
      }
    }
  }

  /** The record of a message; undefined when it has been deleted by age. */
  async #readRecord(
    { queue }: CheckPoint,
    queueOffset: number,
  ): Promise<Uint8Array | undefined> {
    const options = { queueOffset, maxMsgNums: 1, maxMsgBytes: 1, filter: undefined };
    const found = this.#deps.store.getMessage(queue.topic, queue.queueId, options);
    const result = found instanceof Promise ? await found : found;
    // One that is gone may have brought the next one in its place.
    if (result.messageCount !== 1 || result.nextBeginOffset !== queueOffset + 1) return undefined;
    return recordsOf(result.parts, 1)[0]!.slice();
  }

  /** Puts the copies, and ends the messages in their checkpoints. @throws when not all of that is safe. */
  async #giveBack(batch: Batch): Promise<void> {
    const { reviveLog } = this.#deps;
    const ended = new Map<CheckPoint, number>();
    let first: Recorded | undefined;
    let endOffset = 0;
    let refusal: Error | undefined;
    for (const [checkPoint, revivals] of batch) {
      const bits = this.#putCopies(checkPoint, revivals);
      if (bits === 0) continue;
      checkPoint.givenBack |= bits;
      const recorded = reviveLog.putAck(checkPoint, bits);
      if (recorded === undefined) {
        checkPoint.givenBack &= ~bits;
        refusal = new Error("the store takes no messages");
        break;
      }
      first ??= recorded;
      endOffset = recorded.endOffset;
      checkPoint.closed |= bits;
      ended.set(checkPoint, bits);
    }
    if (first !== undefined) await this.#whenSafe(ended, first, endOffset);
    if (refusal !== undefined) throw refusal;
  }

  /** Waits until messages are given back for good. */
  #whenSafe(
    ended: ReadonlyMap<CheckPoint, number>,
    first: Recorded,
    endOffset: number,
  ): Promise<void> {
    const { reviveLog, store, table } = this.#deps;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    reviveLog.whenSafe(first, endOffset, (failure) => {
      for (const [checkPoint, bits] of ended) {
        if (failure !== undefined) {
          checkPoint.closed &= ~bits;
          checkPoint.givenBack &= ~bits;
        } else if (table.close(checkPoint, bits)) {
          reviveLog.release(checkPoint, endOffset);
        }
      }
      if (failure === undefined) resolve();
      else reject(failure);
    });
    store.commit();
    return promise;
  }

  /** Returns the bits of the messages that are given back; those that were acknowledged meanwhile are left out. */
  #putCopies(checkPoint: CheckPoint, revivals: readonly Revival[]): number {
    const { store, copies, onRevived, log } = this.#deps;
    let bits = 0;
    for (const { bit, copy } of revivals) {
      if ((checkPoint.closed & bit) !== 0) continue;
      bits |= bit;
      if (copy === undefined) continue;
      let result = store.putMessage(copy);
      if (result.status === "PROPERTIES_SIZE_EXCEEDED") {
        result = store.putMessage(copies.withoutAdditions(copy));
      }
      if (result.status === "PUT_OK") onRevived?.(checkPoint.queue.group, checkPoint.queue.topic);
      // A store that takes nothing does not take the record either that ends the message.
      if (result.status !== "PROPERTIES_SIZE_EXCEEDED") continue;
      const { topic, queueId } = checkPoint.queue;
      log.error("a message cannot come again, its properties are too long", {
        topic,
        queueId,
        queueOffsets: queueOffsetsOf(checkPoint, bit),
      });
    }
    return bits;
  }

  #retryLater(batch: Batch): void {
    const { table, clock } = this.#deps;
    for (const checkPoint of batch.keys()) {
      if (openBits(checkPoint) === 0) continue;
      checkPoint.dueAt = clock.now() + RETRY_MILLIS;
      table.due.add(checkPoint);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }
}

function openBits({ distances, closed }: CheckPoint): number {
  return allBits(distances) & ~closed;
}
