/** What a consume queue has before its first and behind its last message in the log. */

import { type QueueCheckOptions, type QueueState, tally } from "./queue_state.ts";
import { FILLER_SIZE, type Unit } from "./unit_reader.ts";

/** So many units before the first message are looked at. */
const UNITS_BEFORE_MAX = 100_000;

/** Finds messages that only the queue knows any more, and units that stand for nothing. */
export function finishQueue(state: QueueState, options: QueueCheckOptions, logEnd: number): void {
  if (!state.exists) return;
  if (state.nextOffset < 0) startAtFirstUnit(state, options);
  else lookBefore(state, options);
  lookBehind(state, options, logEnd);
}

/** A queue without a record in the log: its messages are too old, or damaged, or were never there. */
function startAtFirstUnit(state: QueueState, { files }: QueueCheckOptions): void {
  const { units } = state;
  let queueOffset = units.firstOffset;
  for (; queueOffset < units.endOffset; queueOffset++) {
    const unit = units.at(queueOffset);
    if (unit.size === 0 || !isOld(unit, files.log.minOffset)) break;
  }
  state.firstOffset = state.nextOffset = queueOffset;
}

function isOld(unit: Unit, minOffset: number): boolean {
  return unit.size === FILLER_SIZE || unit.physicalOffset < minOffset;
}

/** Messages before the first one that the log still has are old, or lie in a range that is damaged. */
function lookBefore(state: QueueState, { files, damage }: QueueCheckOptions): void {
  const { topic, queueId, units, firstOffset } = state;
  const stop = Math.max(units.firstOffset, firstOffset - UNITS_BEFORE_MAX);
  let from = firstOffset;
  while (from > stop) {
    const unit = units.at(from - 1);
    if (unit.size === 0 || isOld(unit, files.log.minOffset)) break;
    if (damage.rangeAt(unit.physicalOffset) < 0) {
      tally(state, "queueUnit", { queueOffset: from - 1, physicalOffset: unit.physicalOffset });
    }
    from--;
  }
  const lastRange = state.rangesBeforeFirst - 1;
  if (from === firstOffset || lastRange < 0) return;
  damage.lose({ topic, queueId, from, to: firstOffset, firstRange: 0, lastRange });
  state.firstOffset = from;
}

/** Units behind the last message in the log stand for damaged ones, or for ones that the log has lost at its end. */
function lookBehind(state: QueueState, options: QueueCheckOptions, logEnd: number): void {
  const { damage, nextStart } = options;
  const { topic, queueId, units, nextOffset, rangesBeforeLast } = state;
  let queueOffset = nextOffset;
  let unit = units.at(queueOffset);
  while (unit.size > 0 && damage.rangeAt(unit.physicalOffset) >= rangesBeforeLast) {
    unit = units.at(++queueOffset);
  }
  if (queueOffset > nextOffset) {
    const lastRange = damage.ranges.length - 1;
    const firstRange = rangesBeforeLast;
    damage.lose({ topic, queueId, from: nextOffset, to: queueOffset, firstRange, lastRange });
    state.nextOffset = queueOffset;
  }
  for (; unit.size > 0 && queueOffset < units.endOffset; unit = units.at(++queueOffset)) {
    const isCut = unit.physicalOffset >= logEnd && !nextStart.clean &&
      unit.physicalOffset >= nextStart.rebuildFrom;
    const kind = isCut ? "queueAhead" : "queuePastEnd";
    tally(state, kind, { queueOffset, physicalOffset: unit.physicalOffset });
  }
}
