/** Messages that are read from the log's files for a consumer. Each one is checked, since disks forget and files change. */

import { viewOf } from "../client/protocol/bytes.ts";
import { checkRecord, type RecordLayout } from "../client/protocol/message_record.ts";
import type { CommitLog } from "./commit_log.ts";
import type { ConsumeQueue } from "./consume_queue.ts";
import { propertiesOf, queueOffsetIn } from "./dispatch.ts";
import type { PageLease } from "./page_cache.ts";
import { isTombstone } from "./tombstone.ts";

/** A message to give: its place in the queue and, as the queue has it, in the log. */
export interface MessageRange {
  queueOffset: number;
  physicalOffset: number;
  size: number;
}

export type ColdRead =
  | { status: "READ"; parts: Uint8Array[] }
  /** The log has lost its beginning meanwhile. */
  | { status: "REMOVED" }
  /** What is at the place of this message is not this message. */
  | { status: "DAMAGED"; queueOffset: number; parts: Uint8Array[] };

/**
 * Reads messages off the event loop, those that are in memory from there.
 * @returns views, valid until the next await; up to the first damaged one, if there is one, and without tombstones.
 */
export async function coldRead(
  log: CommitLog,
  queue: ConsumeQueue,
  ranges: readonly MessageRange[],
): Promise<ColdRead> {
  using pages = log.pages.lease();
  for (;;) {
    if (ranges[0]!.physicalOffset < log.minOffset) return { status: "REMOVED" };
    // In one turn, because the log's tail goes on while a page is read.
    const missing = firstMissingPage(log, pages, ranges);
    if (missing === undefined) return gather(log, queue, pages, ranges);
    await pages.load(missing);
  }
}

function firstMissingPage(
  log: CommitLog,
  pages: PageLease,
  ranges: readonly MessageRange[],
): number | undefined {
  for (const { physicalOffset, size } of ranges) {
    if (log.readTail(physicalOffset, size) !== undefined) continue;
    const end = physicalOffset + size;
    for (let offset = physicalOffset; offset < end;) {
      const start = pages.startOf(offset);
      const page = pages.get(start);
      // The log's last page may have been read when it was shorter.
      if (page === undefined || start + page.length <= offset) return start;
      offset = start + page.length;
    }
  }
  return undefined;
}

function gather(
  log: CommitLog,
  queue: ConsumeQueue,
  pages: PageLease,
  ranges: readonly MessageRange[],
): ColdRead {
  const parts: Uint8Array[] = [];
  for (const range of ranges) {
    const inTail = log.readTail(range.physicalOffset, range.size);
    const bytes = inTail ?? fromPages(pages, range);
    if (inTail === undefined && !isRecordOf(queue, range, bytes)) {
      return { status: "DAMAGED", queueOffset: range.queueOffset, parts };
    }
    if (inTail === undefined && isTombstone(bytes)) continue;
    parts.push(bytes);
  }
  return { status: "READ", parts };
}

function fromPages(
  pages: PageLease,
  { physicalOffset, size }: MessageRange,
): Uint8Array {
  const start = pages.startOf(physicalOffset);
  const page = pages.get(start)!;
  const from = physicalOffset - start;
  if (from + size <= page.length) return page.subarray(from, from + size);
  const joined = new Uint8Array(size);
  for (let done = 0; done < size;) {
    const next = pages.startOf(physicalOffset + done);
    const part = pages.get(next)!.subarray(physicalOffset + done - next);
    joined.set(part.subarray(0, size - done), done);
    done += part.length;
  }
  return joined;
}

/** Whether these bytes are, soundly, the message that the queue says is there. */
function isRecordOf(queue: ConsumeQueue, range: MessageRange, bytes: Uint8Array): boolean {
  const check = checkRecord(bytes, viewOf(bytes), 0, bytes.length);
  return check.kind === "message" && check.record.size === range.size &&
    check.record.physicalOffset === range.physicalOffset &&
    belongsTo(queue, range.queueOffset, check.record, bytes);
}

/** Whether a sound record, which lies in `bytes`, is the message of the queue with this offset. */
export function belongsTo(
  queue: Pick<ConsumeQueue, "topic" | "queueId">,
  queueOffset: number,
  record: RecordLayout,
  bytes: Uint8Array,
): boolean {
  return queueOffsetIn(queue, record, () => propertiesOf(bytes, record)) === queueOffset;
}
