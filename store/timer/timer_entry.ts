/**
 * A timer message as the index knows it, and its unit in a run:
 *
 * ```
 *   0 state 1 (0 waits, 1 is over)   1 due 7, milliseconds since the epoch
 *   8 queueOffset 8, in the timer topic's queue      16 physicalOffset 8      24 size 4, of its record
 *  28 topic 4, the number of the topic that it goes to in the state file      32 key 8, see timerKey
 *  40 crc 4, CRC-32 without its top bit of bytes 1 to 39
 * ```
 */

import { getInt64, setInt64 } from "../../client/protocol/bytes.ts";
import { recordCrc } from "../../client/protocol/message_record.ts";
import type { Due } from "./due_heap.ts";

export const TIMER_UNIT_BYTES = 44;
const CRC_POSITION = 40;
const STATE_OVER = 1;

/** Where a timer message is and when it is due. */
export interface TimerPlace {
  /** Milliseconds since the epoch. */
  due: number;
  /** In the timer topic's queue. */
  queueOffset: number;
  physicalOffset: number;
  size: number;
}

/** A timer message that waits. */
export interface TimerEntry extends TimerPlace, Due {
  /** The number of the topic that it goes to. */
  topic: number;
  /** See `timerKey`. */
  key: number;
  /** The run that it was read from; undefined when it is in memory only. */
  run: RunOfEntry | undefined;
  /** Its place there. */
  index: number;
}

/** A run as its entries know it. */
export interface RunOfEntry {
  /** Another run has its entries now. */
  readonly isReplaced: boolean;
}

/** Writes the unit of an entry. */
export function encodeTimerUnit(
  bytes: Uint8Array,
  view: DataView,
  position: number,
  entry: Omit<TimerEntry, "heapIndex" | "run" | "index">,
): void {
  setInt64(view, position, entry.due);
  setInt64(view, position + 8, entry.queueOffset);
  setInt64(view, position + 16, entry.physicalOffset);
  view.setInt32(position + 24, entry.size);
  view.setInt32(position + 28, entry.topic);
  setInt64(view, position + 32, entry.key);
  view.setInt32(position + CRC_POSITION, unitCrc(bytes, position));
}

function unitCrc(bytes: Uint8Array, position: number): number {
  return recordCrc(bytes.subarray(position + 1, position + CRC_POSITION));
}

/** Whether the unit is as it was written. */
export function isTimerUnitSound(bytes: Uint8Array, view: DataView, position: number): boolean {
  return timerUnitCrc(view, position) === unitCrc(bytes, position);
}

/** The checksum that the unit has. */
export function timerUnitCrc(view: DataView, position: number): number {
  return view.getInt32(position + CRC_POSITION);
}

/** Whether the message of a unit waits no longer. */
export function isTimerUnitOver(view: DataView, position: number): boolean {
  return view.getUint8(position) === STATE_OVER;
}

/** What the first byte of a unit becomes when its message waits no longer. */
export const TIMER_UNIT_OVER: Uint8Array = Uint8Array.of(STATE_OVER);

export function timerUnitDue(view: DataView, position: number): number {
  return (view.getInt32(position) & 0xffffff) * 0x1_0000_0000 + view.getUint32(position + 4);
}

export function timerUnitQueueOffset(view: DataView, position: number): number {
  return getInt64(view, position + 8);
}

export function timerUnitTopic(view: DataView, position: number): number {
  return view.getInt32(position + 28);
}

export function timerUnitKey(view: DataView, position: number): number {
  return getInt64(view, position + 32);
}

/** Reads a unit. */
export function decodeTimerUnit(
  view: DataView,
  position: number,
  run: RunOfEntry,
  index: number,
): TimerEntry {
  return {
    due: timerUnitDue(view, position),
    queueOffset: timerUnitQueueOffset(view, position),
    physicalOffset: getInt64(view, position + 16),
    size: view.getInt32(position + 24),
    topic: timerUnitTopic(view, position),
    key: timerUnitKey(view, position),
    run,
    index,
    heapIndex: -1,
  };
}

/**
 * A number of 53 bits for a message's topic and unique key. Two messages that are due in the same second have the same
 * one by chance in one of 10^15 cases; nobody can choose it so, since the seed is each folder's secret.
 */
export function timerKey(text: string, seed: number): number {
  let high = seed ^ 0x5bd1e995;
  let low = Math.imul(seed, 0x9e3779b1) ^ text.length;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    high = rotate(Math.imul(high ^ code, 0x85ebca6b), 13);
    low = rotate(Math.imul(low ^ code, 0xc2b2ae35), 17);
    low = low + high | 0;
  }
  high = mix(high ^ rotate(low, 11));
  low = mix(low ^ rotate(high, 7));
  return (high >>> 11) * 0x1_0000_0000 + (low >>> 0);
}

function rotate(value: number, bits: number): number {
  return value << bits | value >>> 32 - bits;
}

function mix(value: number): number {
  value = Math.imul(value ^ value >>> 16, 0x7feb352d);
  value = Math.imul(value ^ value >>> 15, 0x846ca68b);
  return value ^ value >>> 16;
}
