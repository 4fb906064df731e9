/** What is gone from the commit log, so far as a check could tell; what a repair puts in its place. */

import { isLmq } from "../../client/protocol/multi_dispatch.ts";

/** Bytes of the log that hold no sound record, with sound ones behind them. */
export interface DamagedRange {
  /** physicalOffset of the first byte, and after the last. */
  start: number;
  end: number;
  reason: string;
  /** Of the sound record before it, or, where there is none, of the one behind. */
  storeTimestamp: number;
}

/** queueOffsets of one queue whose messages lie somewhere in damaged ranges. */
export interface LostMessages {
  topic: string;
  queueId: number;
  /** The first queueOffset, and the one after the last. */
  from: number;
  to: number;
  /** Which of the damaged ranges they can be in: the first, and the last. */
  firstRange: number;
  lastRange: number;
}

/** More ranges than that are no damage to mend: the log is another one, or not one at all. */
export const RANGES_MAX = 100_000;

export class LogDamage {
  readonly ranges: DamagedRange[] = [];
  readonly lost: LostMessages[] = [];

  /** Adds a range behind those that are known. @throws when there are too many to go on. */
  addRange(range: DamagedRange): void {
    if (this.ranges.length >= RANGES_MAX) {
      throw new Error(
        `The log has more than ${RANGES_MAX} damaged places, up to offset ${range.start}. Restore it from a copy`,
      );
    }
    this.ranges.push(range);
  }

  /** Notes messages that are lost. Those of light queues are messages of other queues too, which tell of them. */
  lose(lost: LostMessages): void {
    if (!isLmq(lost.topic)) this.lost.push(lost);
  }

  /** The index of the range that holds `physicalOffset`; -1 when none does. */
  rangeAt(physicalOffset: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ranges[middle]!.end <= physicalOffset) low = middle + 1;
      else high = middle;
    }
    const range = this.ranges[low];
    return range !== undefined && range.start <= physicalOffset ? low : -1;
  }

  /** Forgets what a queue lost before its topic was created again. */
  forget(topic: string, queueId: number): void {
    const kept = this.lost.filter((it) => it.topic !== topic || it.queueId !== queueId);
    this.lost.splice(0, Infinity, ...kept);
  }

  /** Names the messages that were in a range, or may have been, to follow a finding; empty when none is known. */
  describeLost(range: number): string {
    const names: string[] = [];
    for (const { topic, queueId, from, to, firstRange, lastRange } of this.lost) {
      if (range < firstRange || range > lastRange) continue;
      if (names.push(`${topic}/${queueId} ${from}${to - from > 1 ? `–${to - 1}` : ""}`) > 5) break;
    }
    if (names.length > 5) names.splice(5, 1, "…");
    return names.length === 0 ? "" : `; lost: ${names.join(", ")}`;
  }

  /** How many messages are known to be lost. */
  get lostCount(): number {
    return this.lost.reduce((sum, { from, to }) => sum + to - from, 0);
  }
}
