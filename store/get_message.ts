/** Reading a queue for a consumer: units, filter, records. */

import type { CommitLog } from "./commit_log.ts";
import { coldRead, type MessageRange } from "./cold_read.ts";
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

export interface MessageSource {
  log: CommitLog;
  /** Makes the queue readable again around a message that is not where it should be. */
  mend: (queue: ConsumeQueue, queueOffset: number) => Promise<void>;
}

/**
 * Gets messages of a queue from `queueOffset` on. Answers at once when all of them are in memory, else after reading
 * them from the files, off the event loop. Messages that are damaged on disk are passed over, after the store has
 * tried to find them elsewhere and has reported them.
 */
export function getMessage(
  source: MessageSource,
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
  const ranges = matchingRanges(source.log, queue, options, result);
  if (ranges === "DAMAGED") {
    return mendAndGet(source, queue, options, result.nextBeginOffset);
  }
  if (ranges.length === 0) return result;
  result.status = "FOUND";
  result.messageCount = ranges.length;
  for (const range of ranges) {
    const bytes = source.log.readTail(range.physicalOffset, range.size);
    if (bytes === undefined) return readFromFiles(source, queue, options, { ranges, result });
    result.parts.push(bytes);
  }
  return result;
}

async function mendAndGet(
  source: MessageSource,
  queue: ConsumeQueue,
  options: GetMessageOptions,
  damagedOffset: number,
): Promise<GetMessageResult> {
  await source.mend(queue, damagedOffset);
  return await getMessage(source, queue, options);
}

async function readFromFiles(
  source: MessageSource,
  queue: ConsumeQueue,
  options: GetMessageOptions,
  { ranges, result }: { ranges: MessageRange[]; result: GetMessageResult },
): Promise<GetMessageResult> {
  const read = await coldRead(source.log, queue, ranges);
  if (read.status === "REMOVED") {
    return { ...result, status: "MESSAGE_WAS_REMOVING", messageCount: 0 };
  }
  if (read.status === "READ") return { ...result, parts: read.parts };
  const { parts, queueOffset } = read;
  if (parts.length === 0) return await mendAndGet(source, queue, options, queueOffset);
  // What is before the damage can be given now; the next request comes to the damage itself.
  return { ...result, parts, messageCount: parts.length, nextBeginOffset: queueOffset };
}

/**
 * Chooses the messages to give, and sets where the next request goes on.
 * @returns "DAMAGED" when already the first unit cannot be true; nextBeginOffset says which.
 */
function matchingRanges(
  log: CommitLog,
  queue: ConsumeQueue,
  options: GetMessageOptions,
  result: GetMessageResult,
): MessageRange[] | "DAMAGED" {
  const ranges: MessageRange[] = [];
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
      const queueOffset = next++;
      if (queue.gaps?.has(queueOffset)) continue;
      const physicalOffset = units.physicalOffset(index);
      if (size <= 0 || physicalOffset < 0 || physicalOffset + size > log.writtenOffset) {
        result.nextBeginOffset = queueOffset;
        return ranges.length === 0 ? "DAMAGED" : ranges;
      }
      if (options.filter?.matchesTagsCode(units.tagsCode(index)) === false) continue;
      if (physicalOffset < log.minOffset) {
        if (ranges.length === 0) result.status = "MESSAGE_WAS_REMOVING";
        continue;
      }
      ranges.push({ queueOffset, physicalOffset, size });
      bytes += size;
      if (ranges.length >= options.maxMsgNums || bytes >= options.maxMsgBytes) break scan;
    }
  }
  result.nextBeginOffset = next;
  return ranges;
}
