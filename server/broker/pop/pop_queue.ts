/** One queue as one group pops it, and its checkpoints: the pops of which not all messages are acknowledged. */

import type { Due } from "./due_timer.ts";
import type { OrderInfo } from "./order_info.ts";

/** Something whose newest record in the revive log a start must not miss. */
export interface LogEntry {
  /** The queue of the revive log in which its records are. */
  readonly reviveQid: number;
  /** Where in that queue the newest is; -1 when there is none. */
  reviveOffset: number;
}

/**
 * The messages of one pop. A bit of each says what became of it; it is set in `closed` when that is decided and in `safe`
 * when the record of it is as safe as was promised. The checkpoint is over when all are safe.
 */
export interface CheckPoint extends Due, LogEntry {
  readonly queue: PopQueue;
  /** queueOffset where the pop began. */
  readonly startOffset: number;
  /** Milliseconds since the epoch, as the next two; with `startOffset` it names the checkpoint in its queue. */
  readonly popTime: number;
  readonly invisibleTime: number;
  /** Distances of the messages from `startOffset`, ascending, 32 at most. */
  readonly distances: readonly number[];
  /** Bits of messages that are acknowledged or given back. */
  closed: number;
  safe: number;
  /** Bits of messages that come again, or are in another checkpoint by now: they cannot be acknowledged here any more. */
  givenBack: number;
  /** It has one message, which was in another checkpoint before. */
  readonly isSuccessor: boolean;
  /** Of the broker that popped it: another one's, when the folder came from there. */
  readonly brokerName: string;
}

/** The most messages of one checkpoint: bits of a Java int. */
export const CHECK_POINT_MESSAGES_MAX = 32;

export class PopQueue implements Due, LogEntry {
  readonly topic: string;
  readonly group: string;
  readonly queueId: number;
  readonly reviveQid: number;
  /** Topic, group and queueId as a piece of JSON. */
  readonly json: string;
  readonly checkPoints = new Map<string, CheckPoint>();
  /** Those that are successors, by the queueOffset of their message. */
  readonly successors = new Map<number, CheckPoint>();
  /** Where the next pop begins, while that is ahead of what is committed. */
  nextOffset = -1;
  /** How many pops are not yet committed. */
  uncommittedCount = 0;
  /** Changes when the group is reset; commits from before do not count then. */
  resetCount = 0;
  /** Messages that are neither acknowledged nor given back. */
  inFlightCount = 0;
  /** A pop is being read from the files. */
  isReading = false;
  /** Somebody waits until that is over, or until less is in flight. */
  isAwaited = false;
  /** Set for groups that consume in order. */
  order: OrderInfo | undefined = undefined;
  /** When `order` no longer blocks the queue. */
  dueAt = 0;
  heapIndex = -1;
  heapOrder = 0;
  reviveOffset = -1;

  constructor(topic: string, group: string, queueId: number, reviveQid: number) {
    this.topic = topic;
    this.group = group;
    this.queueId = queueId;
    this.reviveQid = reviveQid;
    this.json = `"c":${JSON.stringify(group)},"q":${queueId},"t":${JSON.stringify(topic)}`;
  }
}

/** The name of a checkpoint in its queue. */
export function checkPointKey(startOffset: number, popTime: number): string {
  return `${startOffset} ${popTime}`;
}

/** The bits of all messages of a checkpoint. */
export function allBits(distances: readonly number[]): number {
  return distances.length >= CHECK_POINT_MESSAGES_MAX ? -1 : (1 << distances.length) - 1;
}

/** The bit of the message with this queueOffset; 0 when it is not in the checkpoint. */
export function bitOf({ startOffset, distances }: CheckPoint, queueOffset: number): number {
  const index = distances.indexOf(queueOffset - startOffset);
  return index < 0 ? 0 : 1 << index;
}

/** The queueOffsets of the messages whose bits are set. */
export function queueOffsetsOf({ startOffset, distances }: CheckPoint, bits: number): number[] {
  const queueOffsets: number[] = [];
  for (const [index, distance] of distances.entries()) {
    if ((bits & 1 << index) !== 0) queueOffsets.push(startOffset + distance);
  }
  return queueOffsets;
}

/** How many bits are set. */
export function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

const consecutive = Array.from(
  { length: CHECK_POINT_MESSAGES_MAX + 1 },
  (_, length) => Object.freeze(Array.from({ length }, (_, index) => index)),
);

/** The distances of some queueOffsets; checkpoints without gaps share theirs. */
export function distancesOf(
  startOffset: number,
  queueOffsets: readonly number[],
): readonly number[] {
  const { length } = queueOffsets;
  if (queueOffsets[0] === startOffset && queueOffsets[length - 1] === startOffset + length - 1) {
    return consecutive[length]!;
  }
  return queueOffsets.map((queueOffset) => queueOffset - startOffset);
}

/** Whether a checkpoint has no gaps, so that its record can do without the distances. */
export function isConsecutive(distances: readonly number[]): boolean {
  return distances === consecutive[distances.length];
}
