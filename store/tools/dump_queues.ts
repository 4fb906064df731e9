/** Reads the messages of a topic over its queues, side by side in the order of the log. */

import { propertiesOf, queueOffsetIn } from "../dispatch.ts";
import { CLOCK_MARGIN_MILLIS, type DumpEntry, type DumpQuery, matches } from "./dump_query.ts";
import { type LogPlace, LogScanner, SHORT_READ_BYTES } from "./log_scanner.ts";
import type { QueueFolder, StoreFiles } from "./store_files.ts";
import { FILLER_SIZE, pieceUnits, UnitReader } from "./unit_reader.ts";

/** Where one queue stands. */
export class QueueCursor {
  readonly topic: string;
  readonly queueId: number;
  readonly units: UnitReader;
  /** queueOffset of the next message, and after the last. */
  next = 0;
  end = 0;

  constructor(files: StoreFiles, { topic, queueId, path }: QueueFolder) {
    const { fileSystem, queueSegmentBytes, queues } = files;
    this.topic = topic;
    this.queueId = queueId;
    this.units = new UnitReader(fileSystem, path, queueSegmentBytes, pieceUnits(queues.length));
  }

  /** Goes to the first message that is asked for. */
  start(query: DumpQuery, scanner: LogScanner, minOffset: number): void {
    const { units } = this;
    const { from = 0, to = Infinity, begin = -Infinity } = query;
    this.end = Math.min(units.findEnd(), to + 1);
    this.next = this.#firstNot((queueOffset) => {
      const { size, physicalOffset } = units.at(queueOffset);
      if (size === FILLER_SIZE || physicalOffset < minOffset) return true;
      if (begin === -Infinity) return false;
      const place = scanner.at(physicalOffset);
      return place.kind === "message" && place.record.storeTimestamp < begin;
    }, Math.max(units.firstOffset, from));
  }

  /** The first queueOffset for which `isBefore` is false, which is so for all behind it. */
  #firstNot(isBefore: (queueOffset: number) => boolean, from: number): number {
    let low = from;
    let high = Math.max(from, this.end);
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (isBefore(middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where the next message is in the log; Infinity at the end. A unit that is missing comes at once. */
  get physicalOffset(): number {
    if (this.next >= this.end) return Infinity;
    const { size, physicalOffset } = this.units.at(this.next);
    return size === 0 ? -1 : physicalOffset;
  }
}

/** Gives the messages that are asked for and stored before the physicalOffset `until`. */
export function* dumpQueues(
  files: StoreFiles,
  query: DumpQuery,
  cursors: QueueCursor[],
  until: number,
): Generator<DumpEntry> {
  using scanner = new LogScanner(files.fileSystem, files.log, SHORT_READ_BYTES);
  const { physicalFrom = 0, physicalTo = Infinity } = query;
  const minOffset = Math.max(files.log.minOffset, physicalFrom);
  for (const cursor of cursors) cursor.start(query, scanner, minOffset);
  for (;;) {
    const cursor = nearest(cursors);
    const physicalOffset = cursor?.physicalOffset ?? Infinity;
    if (cursor === undefined || physicalOffset >= until || physicalOffset > physicalTo) return;
    const entry = entryAt(files, scanner, cursor, physicalOffset);
    cursor.next++;
    if (entry.kind === "damage" || matches(query, entry.record, entry.bytes)) yield entry;
    else if (entry.record.storeTimestamp > (query.end ?? Infinity) + CLOCK_MARGIN_MILLIS) {
      cursor.end = cursor.next;
    }
  }
}

function nearest(cursors: QueueCursor[]): QueueCursor | undefined {
  let best: QueueCursor | undefined;
  let bestOffset = Infinity;
  for (const cursor of cursors) {
    const { physicalOffset } = cursor;
    if (physicalOffset < bestOffset) [best, bestOffset] = [cursor, physicalOffset];
  }
  return best;
}

function entryAt(
  { log }: StoreFiles,
  scanner: LogScanner,
  { topic, queueId, next }: QueueCursor,
  physicalOffset: number,
): DumpEntry {
  const name = `message ${next} of ${topic}/${queueId}`;
  if (physicalOffset < 0) {
    const what = `the queue does not say where ${name} is`;
    return { kind: "damage", what, physicalOffset: undefined, endOffset: undefined };
  }
  const isInLog = physicalOffset < log.endOffset;
  const place: LogPlace = isInLog ? scanner.at(physicalOffset) : { kind: "empty" };
  if (place.kind === "message") {
    const { record } = place;
    const { bytes } = scanner;
    if (queueOffsetIn({ topic, queueId }, record, () => propertiesOf(bytes, record)) === next) {
      // In a light queue it counts as a message of that.
      return { kind: "message", record: { ...record, topic, queueId, queueOffset: next }, bytes };
    }
  }
  const reason = place.kind === "corrupt" ? place.reason : "another record, or none, is there";
  const what = `here should be ${name}: ${reason}`;
  return { kind: "damage", what, physicalOffset, endOffset: undefined };
}
