/**
 * Learns from the revive log what is in flight: at the start from all records that are not done with, and later from
 * those that Apache's timer brings, which holds a record back until it is due.
 */

import { decodeUtf8, viewOf } from "../../../client/protocol/bytes.ts";
import { findProperty, MessageProperty } from "../../../client/protocol/message.ts";
import { readRecord, type RecordLayout } from "../../../client/protocol/message_record.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { Log } from "../../log.ts";
import type { GroupTable } from "../group_table.ts";
import type { OffsetTable } from "../offset_table.ts";
import type { Clock } from "./due_timer.ts";
import type { OrderLocks } from "./order_locks.ts";
import { recordsOf } from "./pop_records.ts";
import {
  allBits,
  bitOf,
  type CheckPoint,
  distancesOf,
  type LogEntry,
  type PopQueue,
} from "./pop_queue.ts";
import type { PopTable } from "./pop_table.ts";
import { COMMITTED_GROUP, REVIVE_GROUP, type ReviveLog } from "./revive_log.ts";
import { parseReviveRecord, type ReviveRecord } from "./revive_record.ts";

export interface ReplayDeps {
  config: Readonly<{ brokerName: string }>;
  store: Pick<MessageStore, "getMessage" | "getMinOffsetInQueue" | "getMaxOffsetInQueue">;
  offsets: Pick<OffsetTable, "queryOffset" | "commitOffset" | "flush">;
  groups: Pick<GroupTable, "find">;
  table: PopTable;
  reviveLog: ReviveLog;
  orderLocks: OrderLocks;
  clock: Clock;
  log: Log;
}

const READ_MESSAGES = 1_024;
const READ_BYTES = 1024 * 1024;
/** Apache's timer brings a checkpoint a second before its time, and what was acknowledged of it after that. */
const APACHE_ACK_MILLIS = 5_000;

type CheckPointRecord = Extract<ReviveRecord, { kind: "CHECK_POINT" }>;
type AckRecord = Extract<ReviveRecord, { kind: "ACK" }>;

/** A record and its place in the revive log. */
interface Read {
  record: ReviveRecord;
  reviveQid: number;
  reviveOffset: number;
  /** physicalOffset behind it. */
  endOffset: number;
}

export class Replay {
  readonly #deps: ReplayDeps;
  /** Records after these offsets say where groups go on; by revive queue. */
  readonly #committed: number[] = [];
  readonly #ordered = new Set<PopQueue>();
  /** Where groups went, in no order. */
  #moves: { record: CheckPointRecord; nextOffset: number; endOffset: number }[] = [];

  constructor(deps: ReplayDeps) {
    this.#deps = deps;
  }

  /** Reads what the queues of the revive log have now, of which there are so many. */
  async run(queueNums: number): Promise<void> {
    const { store, offsets, groups, reviveLog, table, orderLocks, log } = this.#deps;
    const { topic } = reviveLog;
    for (const queue of table.queues) orderLocks.changed(queue);
    const ranges = Array.from({ length: queueNums }, (_, reviveQid) => {
      const end = store.getMaxOffsetInQueue(topic, reviveQid);
      const done = offsets.queryOffset(REVIVE_GROUP, topic, reviveQid);
      const start = Math.min(end, Math.max(done + 1, store.getMinOffsetInQueue(topic, reviveQid)));
      this.#committed[reviveQid] = offsets.queryOffset(COMMITTED_GROUP, topic, reviveQid);
      reviveLog.startAt(reviveQid, start);
      return { start, end };
    });
    let count = 0;
    let wasBeyond = false;
    for (const [reviveQid, { start, end }] of ranges.entries()) {
      for (let next = start; next < end;) next = await this.#readFrom(reviveQid, next);
      wasBeyond = reviveLog.readUpTo(reviveQid, end) || wasBeyond;
      count += end - start;
    }
    this.#move();
    for (const [reviveQid, { end }] of ranges.entries()) {
      // From here on the offsets include what was read.
      if (end > 0) offsets.commitOffset(COMMITTED_GROUP, topic, reviveQid, end);
    }
    this.#forgetReset();
    for (const { group, checkPoints } of table.queues) {
      // One that was made by its first pop may have been lost where its messages were not.
      if (checkPoints.size > 0) groups.find(group);
    }
    if (wasBeyond) await offsets.flush();
    if (count > 0) {
      log.info("read what was popped", { records: count, checkPointsInFlight: table.count });
    }
  }

  /** Reads the record that `place` keeps open, which came through the timer. */
  async readOne(place: LogEntry, endOffset: number): Promise<void> {
    await this.#readFrom(place.reviveQid, place.reviveOffset, 1);
    this.#deps.reviveLog.release(place, endOffset);
  }

  /** Reads records from an offset on; gives the offset to go on at. */
  async #readFrom(
    reviveQid: number,
    queueOffset: number,
    maxMsgNums: number = READ_MESSAGES,
  ): Promise<number> {
    const { store, reviveLog } = this.#deps;
    const options = { queueOffset, maxMsgNums, maxMsgBytes: READ_BYTES, filter: undefined };
    const found = store.getMessage(reviveLog.topic, reviveQid, options);
    const result = found instanceof Promise ? await found : found;
    for (const bytes of recordsOf(result.parts, result.messageCount)) {
      const layout = readRecord(bytes, viewOf(bytes), 0);
      const record = this.#parse(bytes, layout);
      if (record !== undefined) {
        const endOffset = layout.physicalOffset + layout.size;
        this.#apply({ record, reviveQid, reviveOffset: layout.queueOffset, endOffset });
      }
    }
    return Math.max(queueOffset + 1, result.nextBeginOffset);
  }

  /** A record that makes no sense is left out, as Apache does: its checksum holds, so nobody meant more by it. */
  #parse(bytes: Uint8Array, layout: RecordLayout): ReviveRecord | undefined {
    const { propertiesStart, propertiesLength, bodyStart, bodyLength } = layout;
    const properties = decodeUtf8(bytes, propertiesStart, propertiesStart + propertiesLength);
    const tag = findProperty(properties, MessageProperty.TAGS) ?? "";
    try {
      return parseReviveRecord(tag, bytes.subarray(bodyStart, bodyStart + bodyLength));
    } catch (error) {
      const { queueId, queueOffset } = layout;
      this.#deps.log.warn("cannot read a record of the revive log", {
        queueId,
        queueOffset,
        error,
      });
      return undefined;
    }
  }

  #apply(read: Read): void {
    const { record } = read;
    if (record.kind === "ACK") return this.#applyAck(record, read);
    const { nextOffset = -1 } = record;
    if (nextOffset >= 0 && read.reviveOffset >= this.#committed[read.reviveQid]!) {
      this.#moves.push({ record, nextOffset, endOffset: read.endOffset });
    }
    if (record.order !== undefined) this.#applyOrder(record, read);
    else if (record.queueOffsets.length > 0) this.#applyCheckPoint(record, read);
  }

  /** Lets groups go where they went, in the order of the log: its queues have each a part of that. */
  #move(): void {
    const { offsets } = this.#deps;
    this.#moves.sort((left, right) => left.endOffset - right.endOffset);
    for (const { record: { group, topic, queueId, isReset }, nextOffset } of this.#moves) {
      if (!isReset && nextOffset <= offsets.queryOffset(group, topic, queueId)) continue;
      offsets.commitOffset(group, topic, queueId, nextOffset);
    }
    this.#moves = [];
  }

  #applyOrder({ topic, group, queueId, order }: CheckPointRecord, read: Read): void {
    const { table, reviveLog, orderLocks } = this.#deps;
    const queue = table.queue(topic, group, queueId);
    queue.order = order!;
    this.#ordered.add(queue);
    reviveLog.release(queue, read.endOffset);
    if (!order!.isDone) reviveLog.openEntry(read.reviveOffset, queue);
    orderLocks.changed(queue);
  }

  /** A group that is behind what it popped in order was set back after that, so the pop is over. */
  #forgetReset(): void {
    const { offsets, reviveLog, orderLocks } = this.#deps;
    for (const queue of this.#ordered) {
      const { group, topic, queueId, order } = queue;
      if (offsets.queryOffset(group, topic, queueId) >= order!.nextOffset) continue;
      queue.order = undefined;
      reviveLog.release(queue, 0);
      orderLocks.changed(queue);
    }
    this.#ordered.clear();
  }

  #applyCheckPoint(record: CheckPointRecord, read: Read): void {
    const { reviveQid, reviveOffset, endOffset } = read;
    const { table, reviveLog } = this.#deps;
    const { startOffset, popTime } = record;
    const queue = table.queue(record.topic, record.group, record.queueId);
    const existing = table.findCheckPoint(queue, startOffset, popTime);
    if (existing !== undefined) {
      // Recorded again, with what was acknowledged until then.
      reviveLog.release(existing, endOffset);
      reviveLog.openEntry(reviveOffset, existing);
      return this.#end(existing, record.bits, endOffset);
    }
    const checkPoint: CheckPoint = {
      queue,
      reviveQid,
      startOffset,
      popTime,
      invisibleTime: record.invisibleTime,
      distances: distancesOf(startOffset, record.queueOffsets),
      closed: 0,
      safe: 0,
      givenBack: 0,
      isSuccessor: record.queueOffsets.length === 1 && (record.nextOffset ?? -1) < 0,
      brokerName: record.brokerName ?? this.#deps.config.brokerName,
      dueAt: this.#dueAt(record),
      heapIndex: -1,
      heapOrder: 0,
      reviveOffset: -1,
    };
    reviveLog.openEntry(reviveOffset, checkPoint);
    table.add(checkPoint);
    this.#end(checkPoint, record.bits, endOffset);
  }

  #dueAt({ popTime, invisibleTime, nextOffset }: CheckPointRecord): number {
    const dueAt = popTime + invisibleTime;
    if (nextOffset !== undefined) return dueAt;
    return Math.max(dueAt, this.#deps.clock.now()) + APACHE_ACK_MILLIS;
  }

  #applyAck(record: AckRecord, { endOffset }: Read): void {
    const { table } = this.#deps;
    const { topic, group, queueId, startOffset, popTime, queueOffsets } = record;
    const queue = table.find(topic, group, queueId);
    const checkPoint = table.findCheckPoint(queue, startOffset, popTime);
    if (checkPoint === undefined) return;
    let bits = 0;
    for (const queueOffset of queueOffsets) bits |= bitOf(checkPoint, queueOffset);
    if (record.isGivenBack) checkPoint.givenBack |= bits;
    this.#end(checkPoint, bits, endOffset);
  }

  /** Messages of a checkpoint are done. */
  #end(checkPoint: CheckPoint, bits: number, endOffset: number): void {
    const { table, reviveLog } = this.#deps;
    const done = bits & allBits(checkPoint.distances);
    checkPoint.closed |= done;
    if (table.close(checkPoint, done)) reviveLog.release(checkPoint, endOffset);
  }
}
