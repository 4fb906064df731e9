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
  /** The records, one after the other and perhaps in several pieces: views, valid until the next await. */
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
  // Kept until the end, since others may push them out of the cache meanwhile.
  const pages = new Map<number, Uint8Array>();
  for (;;) {
    // In one turn, because the log's tail goes on while a page is read.
    const missing = gather(log, pages, ranges, result);
    if (missing === undefined) return result;
    pages.set(missing, await log.pages.load(missing));
  }
}

/** Collects the records; gives the first page that is missing for that, if one is. */
function gather(
  log: CommitLog,
  pages: Map<number, Uint8Array>,
  ranges: Range[],
  result: GetMessageResult,
): number | undefined {
  result.parts = [];
  for (const { physicalOffset, size } of ranges) {
    const inTail = log.readTail(physicalOffset, size);
    if (inTail !== undefined) {
      result.parts.push(inTail);
      continue;
    }
    const end = physicalOffset + size;
    for (let offset = physicalOffset; offset < end;) {
      const start = log.pages.startOf(offset);
      const page = pages.get(start) ?? log.pages.get(start);
      const part = page?.subarray(offset - start, end - start);
      if (part === undefined || part.length === 0) return start;
      pages.set(start, page!);
      result.parts.push(part);
      offset += part.length;
    }
  }
  return undefined;
}
