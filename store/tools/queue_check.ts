/**
 * Compares the consume queues with the log. It is told every record in the order of the log and looks at the unit with
 * the record's queueOffset, which goes forward in each queue: so it needs one piece of each queue in memory.
 */

import type { RecordLayout } from "../../client/protocol/message_record.ts";
import { isLmq } from "../../client/protocol/multi_dispatch.ts";
import { SCHEDULE_TOPIC } from "../dispatch.ts";
import { QueueEnds } from "../queue_ends.ts";
import { type FindingKind, plural } from "./findings.ts";
import { finishQueue } from "./queue_ends.ts";
import { type QueueCheckOptions, type QueueState, tally } from "./queue_state.ts";
import { relativePath } from "./store_files.ts";
import { pieceUnits, UnitReader } from "./unit_reader.ts";

/** Values below this are addresses in consumequeue_ext, in which Apache keeps tags of topics that filter by SQL. */
const TAGS_CODE_MIN = -0x80000000;

export class QueueCheck {
  readonly #options: QueueCheckOptions;
  readonly #topics = new Map<string, QueueState[]>();
  readonly #pieceUnits: number;

  constructor(options: QueueCheckOptions) {
    this.#options = options;
    this.#pieceUnits = pieceUnits(options.files.queues.length);
  }

  /** A record that belongs into a queue, with the tagsCode that its unit should have. */
  onRecord(record: RecordLayout, tagsCode: number): void {
    const deletedUpTo = this.#options.files.deletedUpTo.get(record.topic) ?? 0;
    if (record.physicalOffset < deletedUpTo) return;
    const state = this.#stateOf(record.topic, record.queueId);
    const { queueOffset } = record;
    if (state.nextOffset < 0) {
      state.firstOffset = queueOffset;
      state.rangesBeforeFirst = this.#options.damage.ranges.length;
    } else if (queueOffset !== state.nextOffset) this.#outOfOrder(state, record);
    state.nextOffset = Math.max(state.nextOffset, queueOffset + 1);
    state.rangesBeforeLast = this.#options.damage.ranges.length;
    this.#compare(state, record, tagsCode);
  }

  #compare(state: QueueState, record: RecordLayout, tagsCode: number): void {
    const unit = state.units.at(record.queueOffset);
    const late = record.physicalOffset >= this.#options.nextStart.rebuildFrom;
    if (unit.size === 0) {
      tally(state, late ? "queueBehind" : "queueIncomplete", record);
    } else if (unit.physicalOffset !== record.physicalOffset || unit.size !== record.size) {
      tally(state, late ? "queueBehind" : "queueUnit", record);
    } else if (unit.tagsCode !== tagsCode && unit.tagsCode >= TAGS_CODE_MIN) {
      const isTime = state.topic === SCHEDULE_TOPIC;
      tally(state, isTime ? "deliveryTime" : late ? "queueBehind" : "queueUnit", record);
    }
  }

  #outOfOrder(state: QueueState, record: RecordLayout): void {
    const { damage } = this.#options;
    const { topic, queueId, nextOffset, rangesBeforeLast } = state;
    if (record.queueOffset === 0) {
      // The topic was deleted and created again; what the queue had before is gone with it.
      state.tallies.clear();
      tally(state, "topicCreatedAgain", record, nextOffset - state.firstOffset);
      state.firstOffset = 0;
      state.nextOffset = -1;
      state.rangesBeforeFirst = damage.ranges.length;
      damage.forget(topic, queueId);
    } else if (record.queueOffset < nextOffset) {
      tally(state, "queueOffsetTwice", record);
    } else if (rangesBeforeLast < damage.ranges.length) {
      damage.lose({
        topic,
        queueId,
        from: nextOffset,
        to: record.queueOffset,
        firstRange: rangesBeforeLast,
        lastRange: damage.ranges.length - 1,
      });
    } else if (!isLmq(topic)) {
      // What a light queue has lost is marked in no record of its own.
      tally(state, "queueOffsetGap", record, record.queueOffset - nextOffset);
    }
  }

  #stateOf(topic: string, queueId: number): QueueState {
    let states = this.#topics.get(topic);
    if (states === undefined) this.#topics.set(topic, states = []);
    return states[queueId] ??= this.#newState(topic, queueId);
  }

  #newState(topic: string, queueId: number): QueueState {
    const { files } = this.#options;
    const path = `${files.queueFolder}/${topic}/${queueId}`;
    const units = new UnitReader(
      files.fileSystem,
      path,
      files.queueSegmentBytes,
      this.#pieceUnits,
    );
    return {
      topic,
      queueId,
      units,
      exists: units.files.length > 0,
      isDeleted: false,
      firstOffset: -1,
      nextOffset: -1,
      rangesBeforeFirst: 0,
      rangesBeforeLast: 0,
      tallies: new Map(),
    };
  }

  /** Whether consumers could have got this record: its queue has a unit for it. */
  isVisible(record: RecordLayout): boolean {
    const { physicalOffset, size } = this.#stateOf(record.topic, record.queueId).units
      .at(record.queueOffset);
    return size === record.size && physicalOffset === record.physicalOffset;
  }

  /** Whether its queueOffset has been taken by a record before it: it is left over from a log that was cut here once. */
  isLeftover(record: RecordLayout): boolean {
    const state = this.#topics.get(record.topic)?.[record.queueId];
    return state !== undefined && record.queueOffset > 0 && record.queueOffset < state.nextOffset;
  }

  /**
   * After the last record: looks at what the queues have beyond, and reports.
   * @param knownTopics the topics that exist; undefined when they cannot be told.
   */
  finish(logEnd: number, knownTopics: ReadonlySet<string> | undefined): void {
    const { files, nextStart } = this.#options;
    const ends = new QueueEnds(files.fileSystem, files.folder);
    for (const { topic, queueId } of files.queues) this.#stateOf(topic, queueId);
    for (const state of this.states()) {
      finishQueue(state, this.#options, logEnd);
      this.#checkFiles(state);
      if (nextStart.clean) this.#checkEnd(state, ends);
      this.#report(state, knownTopics);
    }
  }

  /** Every queue that has a record in the log or a folder. */
  *states(): Generator<QueueState> {
    for (const states of this.#topics.values()) {
      for (const state of states) if (state !== undefined) yield state;
    }
  }

  find(topic: string, queueId: number): QueueState | undefined {
    return this.#topics.get(topic)?.[queueId];
  }

  /** After a stop in order a start believes comet-queues, and cuts what a queue has beyond. */
  #checkEnd({ topic, queueId, units, nextOffset }: QueueState, ends: QueueEnds): void {
    const end = ends.find(topic, queueId);
    if (end === undefined || end.maxOffset >= nextOffset) return;
    if (units.at(end.maxOffset - 1).physicalOffset !== end.physicalOffset) return;
    const what =
      `it says that ${topic}/${queueId} ends at ${end.maxOffset}, which is ${nextOffset}`;
    this.#options.findings.add("queueEndWrong", "comet-queues", undefined, what);
  }

  #checkFiles({ units }: QueueState): void {
    const { files, findings, nextStart } = this.#options;
    const { queueSegmentBytes } = files;
    let expected = units.files[0]?.start ?? 0;
    for (const { path, start, bytes } of units.files) {
      const file = relativePath(files.folder, path);
      if (start !== expected || start % queueSegmentBytes !== 0) {
        findings.add("queueFiles", file, undefined, `a file is missing before it`);
      } else if (bytes !== queueSegmentBytes) {
        const isShort = path === units.files.at(-1)!.path && bytes < queueSegmentBytes &&
          !nextStart.clean;
        const what = `it has ${bytes} bytes instead of ${queueSegmentBytes}`;
        findings.add(isShort ? "fileShort" : "queueFiles", file, undefined, what);
      }
      expected = start + queueSegmentBytes;
    }
  }

  #report(state: QueueState, knownTopics: ReadonlySet<string> | undefined): void {
    const { findings, files } = this.#options;
    if (!state.exists && state.nextOffset >= 0) {
      state.isDeleted = knownTopics !== undefined && !knownTopics.has(state.topic);
      const isLate = !state.tallies.has("queueIncomplete");
      const kind = state.isDeleted ? "topicDeleted" : isLate ? "queueBehind" : "queueMissing";
      const count = state.nextOffset - state.firstOffset;
      const what = `the log has ${plural(count, "message")} for a queue that has no files`;
      findings.add(kind, relativePath(files.folder, state.units.path), undefined, what);
      return;
    }
    for (const [kind, { count, queueOffset, physicalOffset }] of state.tallies) {
      const byte = queueOffset * 20;
      const start = byte - byte % files.queueSegmentBytes;
      const path = `${state.units.path}/${String(start).padStart(20, "0")}`;
      const place = `queueOffset ${queueOffset}, physicalOffset ${physicalOffset}`;
      const text = `${TALLY_TEXTS[kind]!(count)}; the first is ${place}`;
      findings.add(kind, relativePath(files.folder, path), byte - start, text);
    }
  }
}

const TALLY_TEXTS: Partial<Record<FindingKind, (count: number) => string>> = {
  queueIncomplete: (count) => `${plural(count, "message")} of the log without a unit`,
  queueUnit: (count) => `${plural(count, "unit")} that differ from the log`,
  queuePastEnd: (count) => `${plural(count, "unit")} of messages that the log does not have`,
  queueBehind: (count) => `${plural(count, "message")} of the log not yet in the queue`,
  queueAhead: (count) => `${plural(count, "unit")} of messages behind the end of the log`,
  queueOffsetTwice: (count) => `${plural(count, "message")} with a queueOffset that was taken`,
  queueOffsetGap: (count) => `${plural(count, "queueOffset")} that no message in the log has`,
  deliveryTime: (count) => `${plural(count, "unit")} with another delivery time than expected`,
  topicCreatedAgain: (count) =>
    `the topic was deleted and created again; ${plural(count, "message")} of before in the log`,
};
