/** Reading a queue for a consumer: units, filter, records. */

import type { CommitLog } from "./commit_log.ts";
import type { ConsumeQueue } from "./consume_queue.ts";

/** Outcomes, with Java's names (GetMessageStatus). */
export type GetMessageStatus =
  | "FOUND"
  | "NO_MATCHED_MESSAGE"
  | "NO_MATCHED_LOGIC_QUEUE"
  | "NO_MESSAGE_IN_QUEUE"
  | "OFFSET_TOO_SMALL"
  | "OFFSET_OVERFLOW_ONE"
  | "OFFSET_OVERFLOW_BADLY"
  | "MESSAGE_WAS_REMOVING";

export interface GetMessageResult {
  status: GetMessageStatus;
  nextBeginOffset: number;
  minOffset: number;
  maxOffset: number;
  /** The records, one after the other: views, valid until the next await. */
  parts: Uint8Array[];
  messageCount: number;
}

/** Whether a message may be given to the consumer, by what the queue knows of it. */
export interface MessageFilter {
  matchesTagsCode(tagsCode: number): boolean;
}

export interface GetMessageOptions {
  queueOffset: number;
  maxMsgNums: number;
  /** At least one message is given even when it is larger. */
  maxMsgBytes: number;
  filter: MessageFilter | undefined;
}

/** So many units are looked at for one request, so that a filter which matches nothing cannot hold up everybody. */
const FILTERED_UNITS_MAX = 800;
/** Records from files that are no further apart than this are read at once. */
const READ_GAP_BYTES = 16 * 1024;

interface Range {
  physicalOffset: number;
  size: number;
}

/**
 * Gets messages of a queue from `queueOffset` on. Answers at once when all of them are in memory, else after reading
 * them from the files, off the event loop.
 */
export function getMessage(
  log: CommitLog,
  queue: ConsumeQueue | undefined,
  options: GetMessageOptions,
): GetMessageResult | Promise<GetMessageResult> {
  const { queueOffset } = options;
  const result: GetMessageResult = {
    status: "NO_MATCHED_LOGIC_QUEUE",
    nextBeginOffset: 0,
    minOffset: queue?.minOffset ?? 0,
    maxOffset: queue?.maxOffset ?? 0,
    parts: [],
    messageCount: 0,
  };
  if (queue === undefined) return result;
  if (result.maxOffset === 0) return { ...result, status: "NO_MESSAGE_IN_QUEUE" };
  if (queueOffset < result.minOffset) {
    return { ...result, status: "OFFSET_TOO_SMALL", nextBeginOffset: result.minOffset };
  }
  if (queueOffset === result.maxOffset) {
    return { ...result, status: "OFFSET_OVERFLOW_ONE", nextBeginOffset: queueOffset };
  }
  if (queueOffset > result.maxOffset) {
    return { ...result, status: "OFFSET_OVERFLOW_BADLY", nextBeginOffset: result.maxOffset };
  }
  const ranges = matchingRanges(log, queue, options, result);
  if (ranges.length === 0) return result;
  result.status = "FOUND";
  result.messageCount = ranges.length;
  for (const range of ranges) {
    const bytes = log.readTail(range.physicalOffset, range.size);
    if (bytes === undefined) return readFromFiles(log, ranges, result);
    result.parts.push(bytes);
  }
  return result;
}

/** Chooses the messages to give, and sets where the next request goes on. */
function matchingRanges(
  log: CommitLog,
  queue: ConsumeQueue,
  options: GetMessageOptions,
  result: GetMessageResult,
): Range[] {
  const ranges: Range[] = [];
  let bytes = 0;
  let next = options.queueOffset;
  const end = Math.min(queue.maxOffset, next + Math.max(FILTERED_UNITS_MAX, options.maxMsgNums));
  result.status = "NO_MATCHED_MESSAGE";
  scan: while (next < end) {
    const units = queue.read(next, end - next);
    if (units.count === 0) break;
    for (let index = 0; index < units.count; index++) {
      const size = units.size(index);
      if (ranges.length > 0 && bytes + size > options.maxMsgBytes) break scan;
      next++;
      if (options.filter?.matchesTagsCode(units.tagsCode(index)) === false) continue;
      const physicalOffset = units.physicalOffset(index);
      if (physicalOffset < log.minOffset) {
        if (ranges.length === 0) result.status = "MESSAGE_WAS_REMOVING";
        continue;
      }
      ranges.push({ physicalOffset, size });
      bytes += size;
      if (ranges.length >= options.maxMsgNums || bytes >= options.maxMsgBytes) break scan;
    }
  }
  result.nextBeginOffset = next;
  return ranges;
}

async function readFromFiles(
  log: CommitLog,
  ranges: Range[],
  result: GetMessageResult,
): Promise<GetMessageResult> {
  result.parts = [];
  for (let index = 0; index < ranges.length;) {
    const first = ranges[index]!;
    let end = first.physicalOffset + first.size;
    let last = index + 1;
    while (last < ranges.length && ranges[last]!.physicalOffset - end <= READ_GAP_BYTES) {
      end = ranges[last]!.physicalOffset + ranges[last]!.size;
      last++;
    }
    const bytes = await readRange(log, first.physicalOffset, end - first.physicalOffset);
    for (; index < last; index++) {
      const start = ranges[index]!.physicalOffset - first.physicalOffset;
      result.parts.push(bytes.subarray(start, start + ranges[index]!.size));
    }
  }
  return result;
}

/** Reads bytes that may go over from one segment to the next, and may lie in memory in part. */
async function readRange(log: CommitLog, offset: number, bytes: number): Promise<Uint8Array> {
  const into = new Uint8Array(bytes);
  for (let done = 0; done < bytes;) {
    const piece = await log.read(offset + done, bytes - done);
    if (piece.length === 0) {
      throw new Error(`Cannot read ${bytes} bytes of the commit log at offset ${offset}`);
    }
    into.set(piece, done);
    done += piece.length;
  }
  return into;
}
