/**
 * One try to get messages for a pop: looks through queues one after the other until it has enough, records a checkpoint
 * for each queue that gives some, and gathers the answer.
 */

import type { POP_MESSAGE } from "../../../client/protocol/commands/pop.ts";
import type { HeaderOf } from "../../../client/protocol/header_schema.ts";
import {
  POP_ORDER_REVIVE_QUEUE,
  type PopHandle,
  RetryFlag,
} from "../../../client/protocol/pop_handle.ts";
import type { GetMessageResult, MessageFilter } from "../../../store/get_message.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { Config } from "../../config.ts";
import type { OffsetTable } from "../offset_table.ts";
import type { Clock } from "./due_timer.ts";
import { consumedCountsAfter, OrderInfo } from "./order_info.ts";
import type { OrderLocks } from "./order_locks.ts";
import { popOffsetOf, resetPopOffset, takePopOffset } from "./pop_offsets.ts";
import type { PopPolling } from "./pop_polling.ts";
import { type CheckPoint, checkPointKey, distancesOf, type PopQueue } from "./pop_queue.ts";
import { queueOffsetOf, recordsOf, retryRecordFor } from "./pop_records.ts";
import type { PopTable } from "./pop_table.ts";
import { retryFlagOf } from "./retry_topic.ts";
import type { Recorded, ReviveLog } from "./revive_log.ts";

export interface PopAttemptDeps {
  config: Config;
  store: Pick<
    MessageStore,
    "getMessage" | "commit" | "getMinOffsetInQueue" | "getMaxOffsetInQueue" | "isInMemory"
  >;
  offsets: Pick<OffsetTable, "queryOffset" | "commitOffset" | "takeResetOffset">;
  table: PopTable;
  reviveLog: ReviveLog;
  orderLocks: OrderLocks;
  polling: Pick<PopPolling, "wake">;
  clock: Clock;
  /** A group was given messages of a topic, which come from `from`: the topic itself or a retry topic. */
  onPopped?: (topic: string, from: string, group: string, records: readonly Uint8Array[]) => void;
}

export type PopHeader = HeaderOf<typeof POP_MESSAGE.request.fields>;

/** A queue to look into. */
export interface PopSource {
  /** The topic that is asked for, or one of the group's retry topics. */
  topic: string;
  queueId: number;
}

export class PopAttempt {
  popTime: number;
  /** The revive queue of its checkpoints. */
  readonly reviveQid: number;
  /** The records for the answer: views, valid until the next await. */
  parts: Uint8Array[] = [];
  messageCount = 0;
  /** How many messages were left, as far as is known. */
  restNum = 0;
  startOffsetInfo = "";
  msgOffsetInfo = "";
  orderCountInfo = "";
  /** Queues have messages that were not looked at, though nothing was found. */
  goesOn = false;
  /** Why what was popped could not be recorded. */
  failure: Error | undefined;
  readonly #deps: PopAttemptDeps;
  readonly #header: PopHeader;
  readonly #filter: MessageFilter | undefined;
  #bytes = 0;
  /** The spelling of the retry topic that gave messages. */
  #retryFlag: RetryFlag | undefined;

  constructor(deps: PopAttemptDeps, header: PopHeader, filter: MessageFilter | undefined) {
    this.#deps = deps;
    this.#header = header;
    this.#filter = filter;
    this.popTime = deps.clock.now();
    this.reviveQid = header.order ? POP_ORDER_REVIVE_QUEUE : deps.reviveLog.nextReviveQid();
  }

  /** Looks through the queues. At once when all messages are in memory. */
  run(sources: readonly PopSource[], from = 0): void | Promise<void> {
    for (let index = from; index < sources.length && this.failure === undefined; index++) {
      const reading = this.#lookInto(sources[index]!);
      if (reading !== undefined) return reading.then(() => this.run(sources, index + 1));
    }
    // What is given away must be on record, at least in the file: a disk that is full is noticed here.
    if (this.messageCount > 0) this.#deps.store.commit();
  }

  get #isFull(): boolean {
    const { config } = this.#deps;
    return this.messageCount >= this.#header.maxMsgNums ||
      this.#bytes >= config.maxTransferBytesOnMessageInMemory;
  }

  #lookInto({ topic, queueId }: PopSource): Promise<void> | undefined {
    const { table, store, clock } = this.#deps;
    const { consumerGroup, order, attemptId, initMode } = this.#header;
    const queue = table.queue(topic, consumerGroup, queueId);
    if (queue.isReading || this.#hasTooMuchInFlight(queue)) {
      queue.isAwaited = true;
      return undefined;
    }
    const flag = retryFlagOf(topic);
    // Clients before 5.3 know one spelling of retry topics in an answer.
    if (flag !== RetryFlag.NORMAL && flag !== (this.#retryFlag ?? flag)) return undefined;
    const start = takePopOffset(this.#deps, queue, initMode);
    if (order && queue.order?.blocks(clock.now(), attemptId)) return undefined;
    const maxOffset = store.getMaxOffsetInQueue(topic, queueId);
    if (start === maxOffset) return undefined;
    if (this.#isFull) {
      this.restNum += Math.max(0, maxOffset - start);
      return undefined;
    }
    return this.#read(queue, start, true);
  }

  #hasTooMuchInFlight({ inFlightCount }: PopQueue): boolean {
    const { config, table } = this.#deps;
    if (this.#header.order) return false;
    return table.count >= config.popCkMaxBufferSize ||
      (config.enablePopMessageThreshold && inFlightCount > config.popInflightMessageThreshold);
  }

  #read(queue: PopQueue, start: number, again: boolean): Promise<void> | undefined {
    const { config, store } = this.#deps;
    const result = store.getMessage(queue.topic, queue.queueId, {
      queueOffset: start,
      maxMsgNums: this.#header.maxMsgNums - this.messageCount,
      maxMsgBytes: config.maxTransferBytesOnMessageInMemory - this.#bytes,
      filter: this.#filter,
    });
    if (!(result instanceof Promise)) return this.#take(queue, start, result, again);
    // Others must not read the same messages meanwhile, and views do not outlive the wait.
    queue.isReading = true;
    this.parts = this.parts.map((part) => part.slice());
    return result.then((found) => {
      queue.isReading = false;
      // Something may have arrived in a queue that was looked at before.
      this.goesOn = true;
      return popOffsetOf(this.#deps, queue) === start
        ? this.#take(queue, start, found, again)
        : undefined;
    }).finally(() => this.#readingEnded(queue));
  }

  #readingEnded(queue: PopQueue): void {
    queue.isReading = false;
    if (!queue.isAwaited) return;
    queue.isAwaited = false;
    this.#deps.polling.wake(queue.topic, queue.group, queue.queueId);
  }

  #take(
    queue: PopQueue,
    start: number,
    result: GetMessageResult,
    again: boolean,
  ): Promise<void> | undefined {
    const { status, nextBeginOffset, maxOffset } = result;
    if (status === "OFFSET_TOO_SMALL" || status === "OFFSET_OVERFLOW_BADLY") {
      resetPopOffset(this.#deps, queue, nextBeginOffset);
      return again ? this.#read(queue, nextBeginOffset, false) : undefined;
    }
    if (status === "FOUND") {
      this.#takeMessages(queue, start, result);
    } else if (status === "NO_MATCHED_MESSAGE" || status === "MESSAGE_WAS_REMOVING") {
      this.#deps.reviveLog.moveOn(queue, nextBeginOffset, undefined);
      if (nextBeginOffset < maxOffset) this.goesOn = true;
    } else {
      return undefined;
    }
    this.restNum += Math.max(0, maxOffset - nextBeginOffset);
    return undefined;
  }

  #takeMessages(queue: PopQueue, start: number, result: GetMessageResult): void {
    const records = recordsOf(result.parts, result.messageCount);
    const queueOffsets = records.map((record) => queueOffsetOf(queue, record));
    const handle = this.#header.order
      ? this.#popInOrder(queue, start, queueOffsets)
      : this.#pop(queue, start, queueOffsets, result.nextBeginOffset);
    if (handle === undefined) return;
    const flag = handle.retry;
    if (flag !== RetryFlag.NORMAL) this.#retryFlag = flag;
    this.startOffsetInfo = joined(this.startOffsetInfo, `${flag} ${queue.queueId} ${start}`);
    this.msgOffsetInfo = joined(
      this.msgOffsetInfo,
      `${flag} ${queue.queueId} ${queueOffsets.join()}`,
    );
    this.messageCount += records.length;
    this.#deps.onPopped?.(this.#header.topic, queue.topic, queue.group, records);
    const isOther = queue.topic !== this.#header.topic &&
      !this.#deps.config.popResponseReturnActualRetryTopic;
    for (const record of records) {
      this.parts.push(isOther ? retryRecordFor(record, this.#header.topic, handle) : record);
      this.#bytes += record.length;
    }
  }

  /** Makes the checkpoint. */
  #pop(
    queue: PopQueue,
    startOffset: number,
    queueOffsets: readonly number[],
    nextOffset: number,
  ): PopHandle | undefined {
    const { table, reviveLog, config } = this.#deps;
    const { invisibleTime } = this.#header;
    // A queue that was set back within the same millisecond.
    while (queue.checkPoints.has(checkPointKey(startOffset, this.popTime))) {
      if (this.messageCount > 0) return undefined;
      this.popTime++;
    }
    const checkPoint: CheckPoint = {
      queue,
      reviveQid: this.reviveQid,
      startOffset,
      popTime: this.popTime,
      invisibleTime,
      distances: distancesOf(startOffset, queueOffsets),
      closed: 0,
      safe: 0,
      givenBack: 0,
      isSuccessor: false,
      brokerName: config.brokerName,
      dueAt: this.popTime + invisibleTime,
      heapIndex: -1,
      heapOrder: 0,
      reviveOffset: -1,
    };
    const recorded = reviveLog.putCheckPoint(checkPoint, nextOffset);
    if (recorded === undefined) return this.#cannotRecord();
    table.add(checkPoint);
    this.#moveOn(queue, nextOffset, recorded, () => table.remove(checkPoint));
    return this.#handle(queue, startOffset);
  }

  /** Notes what the group has now; the queue gives nothing more until that is done. */
  #popInOrder(
    queue: PopQueue,
    startOffset: number,
    queueOffsets: readonly number[],
  ): PopHandle | undefined {
    const { reviveLog, orderLocks } = this.#deps;
    const { attemptId, invisibleTime } = this.#header;
    const previous = queue.order;
    const order = new OrderInfo({
      popTime: this.popTime,
      invisibleTime,
      queueOffsets,
      attemptId,
      lastConsumeTimestamp: this.popTime,
      consumedCounts: consumedCountsAfter(previous, queueOffsets, attemptId),
    });
    queue.order = order;
    const recorded = reviveLog.putOrder(queue);
    if (recorded === undefined) {
      queue.order = previous;
      return this.#cannotRecord();
    }
    orderLocks.changed(queue);
    this.#moveOn(queue, order.nextOffset, recorded, () => {
      queue.order = previous;
      orderLocks.changed(queue);
    });
    this.orderCountInfo = joined(
      this.orderCountInfo,
      orderCountsText(retryFlagOf(queue.topic), queue.queueId, order),
    );
    return this.#handle(queue, startOffset);
  }

  #moveOn(queue: PopQueue, nextOffset: number, recorded: Recorded, undo: () => void): void {
    const { reviveLog } = this.#deps;
    reviveLog.moveOn(queue, nextOffset, recorded);
    reviveLog.whenSafe(recorded, recorded.endOffset, (failure) => {
      if (failure === undefined) return;
      this.failure = failure;
      undo();
    });
  }

  #cannotRecord(): undefined {
    this.failure = new Error("the pop cannot be recorded, the store takes no messages");
  }

  #handle(queue: PopQueue, startOffset: number): PopHandle {
    return {
      startOffset,
      popTime: this.popTime,
      invisibleTime: this.#header.invisibleTime,
      reviveQid: this.reviveQid,
      retry: retryFlagOf(queue.topic),
      brokerName: this.#deps.config.brokerName,
      queueId: queue.queueId,
    };
  }
}

function joined(list: string, item: string): string {
  return list === "" ? item : `${list};${item}`;
}

/** How often messages were given before, each and, for clients that know no better, at least. */
function orderCountsText(flag: RetryFlag, queueId: number, order: OrderInfo): string {
  const { consumedCounts, queueOffsets } = order;
  const items = [...consumedCounts].map(([queueOffset, count]) =>
    `${flag} qo${queueId}%${queueOffset} ${count}`
  );
  const isOld = consumedCounts.size > 0 && consumedCounts.size === queueOffsets.length;
  const least = isOld ? Math.min(...consumedCounts.values()) : 0;
  return [...items, `${flag} ${queueId} ${least}`].join(";");
}
