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

/** Whether a message may be given to the consumer. */
export interface MessageFilter {
  /** By what the queue knows of it. */
  matchesTagsCode(tagsCode: number): boolean;
  /** By its record, which is a view; only asked about messages that pass the other test. */
  matchesRecord?(record: Uint8Array): boolean;
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
/** So long, about, a filter may look at messages for one request; an expression of thousands of terms needs it. */
const FILTER_MILLIS_MAX = 10;
/** The time is looked at before each 32nd message. */
const FILTER_CLOCK_MASK = 31;
/** So often the files are read for one request whose filter has to look at the messages and finds none it wants. */
const COLD_READS_MAX = 25;

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
  coldReadsLeft = COLD_READS_MAX,
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
    if (bytes === undefined) {
      return readFromFiles(source, queue, options, { ranges, result, coldReadsLeft });
    }
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

interface ColdRequest {
  ranges: MessageRange[];
  result: GetMessageResult;
  coldReadsLeft: number;
}

async function readFromFiles(
  source: MessageSource,
  queue: ConsumeQueue,
  options: GetMessageOptions,
  { ranges, result, coldReadsLeft }: ColdRequest,
): Promise<GetMessageResult> {
  const read = await coldRead(source.log, queue, ranges);
  if (read.status === "REMOVED") {
    return { ...result, status: "MESSAGE_WAS_REMOVING", messageCount: 0 };
  }
  if (read.status === "DAMAGED") {
    const { queueOffset } = read;
    if (read.parts.length === 0) return await mendAndGet(source, queue, options, queueOffset);
    // What is before the damage can be given now; the next request comes to the damage itself.
    result.nextBeginOffset = queueOffset;
  }
  const parts = wanted(read.parts, options.filter);
  if (parts.length > 0) return { ...result, parts, messageCount: parts.length };
  const { nextBeginOffset } = result;
  if (nextBeginOffset < queue.maxOffset && coldReadsLeft > 1) {
    return await getMessage(
      source,
      queue,
      { ...options, queueOffset: nextBeginOffset },
      coldReadsLeft - 1,
    );
  }
  return { ...result, status: "NO_MATCHED_MESSAGE", messageCount: 0 };
}

function wanted(records: Uint8Array[], filter: MessageFilter | undefined): Uint8Array[] {
  if (filter?.matchesRecord === undefined) return records;
  return records.filter((record) => filter.matchesRecord!(record));
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
  const { filter } = options;
  const looksAtRecords = filter?.matchesRecord !== undefined;
  const deadline = looksAtRecords ? performance.now() + FILTER_MILLIS_MAX : Infinity;
  const end = Math.min(queue.maxOffset, next + Math.max(FILTERED_UNITS_MAX, options.maxMsgNums));
  result.status = "NO_MATCHED_MESSAGE";
  scan: while (next < end) {
    const units = queue.read(next, end - next);
    if (units.count === 0) break;
    for (let index = 0; index < units.count; index++) {
      const size = units.size(index);
      if (ranges.length > 0 && bytes + size > options.maxMsgBytes) break scan;
      const looksAtTime = looksAtRecords && (index & FILTER_CLOCK_MASK) === FILTER_CLOCK_MASK;
      if (looksAtTime && performance.now() > deadline) break scan;
      const queueOffset = next++;
      if (queue.gaps?.has(queueOffset)) continue;
      const physicalOffset = units.physicalOffset(index);
      // The queue begins where the log does, so a unit that points before it is damaged too.
      const isPossible = size > 0 && physicalOffset >= log.minOffset &&
        physicalOffset + size <= log.writtenOffset;
      if (!isPossible) {
        result.nextBeginOffset = queueOffset;
        return ranges.length === 0 ? "DAMAGED" : ranges;
      }
      if (filter?.matchesTagsCode(units.tagsCode(index)) === false) continue;
      if (looksAtRecords) {
        const record = log.readTail(physicalOffset, size);
        // What is not in memory is looked at when it has been read.
        if (record !== undefined && !filter!.matchesRecord!(record)) continue;
      }
      ranges.push({ queueOffset, physicalOffset, size });
      bytes += size;
      if (ranges.length >= options.maxMsgNums || bytes >= options.maxMsgBytes) break scan;
    }
  }
  result.nextBeginOffset = next;
  return ranges;
}
