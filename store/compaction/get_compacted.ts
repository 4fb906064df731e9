/** Reading a compaction log for a consumer. */

import { viewOf } from "../../client/protocol/bytes.ts";
import { CorruptStoreError, describePosition } from "../errors.ts";
import type { GetMessageOptions, GetMessageResult, MessageFilter } from "../get_message.ts";
import type { CompactionFile } from "./compaction_file.ts";
import type { CompactionLog, UnitPlace } from "./compaction_log.ts";
import { checkCompacted } from "./record_check.ts";

/** So many units are looked at for one request with a filter, as in `getMessage`. */
const FILTERED_UNITS_MAX = 800;

/** A record to give. */
interface Range {
  file: CompactionFile;
  position: number;
  size: number;
  queueOffset: number;
}

interface Choice {
  ranges: Range[];
  bytes: number;
  nextOffset: number;
  isFull: boolean;
}

/**
 * Messages from `options.queueOffset` on, the next ones where older values are gone, all before `endOffset`. Undefined
 * when there is none: then the request goes on at `endOffset`. Damaged ones are passed over and told to `onDamage`. The
 * ends in the result are for the caller to set.
 */
export function getCompacted(
  log: CompactionLog,
  options: GetMessageOptions,
  endOffset: number,
  onDamage: (error: CorruptStoreError) => void,
): Promise<GetMessageResult> | undefined {
  const place = log.find(options.queueOffset);
  if (place === undefined) return undefined;
  if (place.file.units(place.index, 1).queueOffset(0) >= endOffset) return undefined;
  const choice = choose(log, place, options, endOffset);
  // Held in the turn in which they were found: a swap may retire them in any other.
  for (const { file } of choice.ranges) file.hold();
  return read(choice, options.filter, onDamage);
}

function choose(
  log: CompactionLog,
  { file: firstFile, index: firstIndex }: UnitPlace,
  options: GetMessageOptions,
  endOffset: number,
): Choice {
  const choice: Choice = { ranges: [], bytes: 0, nextOffset: endOffset, isFull: false };
  // One more than wanted tells where the next request goes on.
  const unitsMin = options.filter === undefined ? 0 : FILTERED_UNITS_MAX;
  let left = Math.max(unitsMin, options.maxMsgNums + 1);
  let index = firstIndex;
  for (const file of log.files.slice(log.files.indexOf(firstFile))) {
    const looked = chooseInFile(file, index, { ...options, maxUnits: left }, endOffset, choice);
    log.expectAt({ file, index: index + looked });
    left -= looked;
    if (choice.isFull || left <= 0) break;
    index = 0;
  }
  if (!choice.isFull && left > 0) choice.nextOffset = endOffset;
  return choice;
}

/** Chooses in one file; gives how many units were looked at. */
function chooseInFile(
  file: CompactionFile,
  index: number,
  options: GetMessageOptions & { maxUnits: number },
  endOffset: number,
  choice: Choice,
): number {
  const units = file.units(index, options.maxUnits);
  const { ranges } = choice;
  for (let at = 0; at < units.count; at++) {
    const queueOffset = units.queueOffset(at);
    const size = units.size(at);
    const isTooMuch = ranges.length > 0 && choice.bytes + size > options.maxMsgBytes;
    choice.isFull = queueOffset >= endOffset || isTooMuch || ranges.length >= options.maxMsgNums;
    if (choice.isFull) {
      choice.nextOffset = Math.min(queueOffset, endOffset);
      return at;
    }
    choice.nextOffset = queueOffset + 1;
    if (options.filter?.matchesTagsCode(units.tagsCode(at)) === false) continue;
    ranges.push({ file, position: units.physicalOffset(at) - file.start, size, queueOffset });
    choice.bytes += size;
  }
  return units.count;
}

async function read(
  { ranges, nextOffset }: Choice,
  filter: MessageFilter | undefined,
  onDamage: (error: CorruptStoreError) => void,
): Promise<GetMessageResult> {
  try {
    const parts: Uint8Array[] = [];
    for (let first = 0; first < ranges.length;) {
      const end = endOfRun(ranges, first);
      const { file, position } = ranges[first]!;
      const bytes = await file.read(
        position,
        ranges[end - 1]!.position + ranges[end - 1]!.size - position,
      );
      for (const range of ranges.slice(first, end)) {
        const from = range.position - position;
        const part = bytes.subarray(from, from + range.size);
        if (!isRecordOf(range, part)) onDamage(damageOf(range));
        else if (filter?.matchesRecord?.(part) !== false) parts.push(part);
      }
      first = end;
    }
    return {
      status: parts.length > 0 ? "FOUND" : "NO_MATCHED_MESSAGE",
      nextBeginOffset: nextOffset,
      minOffset: 0,
      maxOffset: 0,
      parts,
      messageCount: parts.length,
    };
  } finally {
    for (const { file } of ranges) file.release();
  }
}

/** Where the records end that lie one behind the other from `first` on: they are read as one. */
function endOfRun(ranges: readonly Range[], first: number): number {
  let end = first + 1;
  while (end < ranges.length && follows(ranges[end]!, ranges[end - 1]!)) end++;
  return end;
}

function follows(range: Range, before: Range): boolean {
  return range.file === before.file && range.position === before.position + before.size;
}

function isRecordOf({ file, position, size, queueOffset }: Range, bytes: Uint8Array): boolean {
  const check = checkCompacted(bytes, viewOf(bytes), 0, file.start + position);
  return check.kind === "message" && check.record.size === size &&
    check.record.queueOffset === queueOffset;
}

function damageOf({ file, position, queueOffset }: Range): CorruptStoreError {
  return new CorruptStoreError(
    `${describePosition(file.path, file.start + position)} is damaged. Message ${queueOffset} of ` +
      "this queue is passed over; restore the file from a copy to have it again",
  );
}
