/**
 * `comet store dump`: gives the messages of a data folder that a query asks for, in the order of the log, and says
 * where it is damaged. It goes over the queue or the index where that is quicker than the log and they can be trusted.
 */

import { MessageIndex } from "../message_index.ts";
import { LogScanner, SHORT_READ_BYTES } from "./log_scanner.ts";
import { foreseeStart } from "./next_start.ts";
import { CLOCK_MARGIN_MILLIS, type DumpEntry, type DumpQuery, matches } from "./dump_query.ts";
import { dumpQueues, QueueCursor } from "./dump_queues.ts";
import { readOnlyFileSystem } from "./read_only_file_system.ts";
import {
  type FileSettings,
  findStoreFiles,
  indexFileBytes,
  type StoreFiles,
} from "./store_files.ts";

export interface DumpOptions {
  folder: string;
  commitLogFolder: string;
  settings: FileSettings;
  /** Milliseconds since the epoch. */
  now: number;
  query: DumpQuery;
}

/** Goes through the messages. @throws when the folder cannot be read. */
export function* dumpStore(options: DumpOptions): Generator<DumpEntry> {
  const fileSystem = readOnlyFileSystem;
  const files = findStoreFiles({ fileSystem, ...options });
  const { query } = options;
  if (query.key !== undefined) {
    const offsets = offsetsByKey(files, query.key, query.topic);
    if (offsets !== undefined) return yield* dumpOffsets(files, query, offsets);
  } else if (query.topic !== undefined) {
    const cursors = cursorsOf(files, query, query.topic);
    const { rebuildFrom } = foreseeStart(files, options.now);
    if (cursors !== undefined) {
      yield* dumpQueues(files, query, cursors, rebuildFrom);
      // What a crash kept from the queues is only in the log.
      if (rebuildFrom < Infinity) yield* dumpLog(files, query, rebuildFrom);
      return;
    }
  }
  yield* dumpLog(files, query, undefined);
}

function* dumpLog(
  files: StoreFiles,
  query: DumpQuery,
  from: number | undefined,
): Generator<DumpEntry> {
  using scanner = new LogScanner(files.fileSystem, files.log);
  const { physicalFrom = 0, physicalTo = Infinity, end = Infinity } = query;
  let offset = Math.max(from ?? startByTime(files, scanner, query.begin), files.log.minOffset);
  // What is asked for may begin anywhere; a place in the middle of a record is no damage.
  if (physicalFrom > offset) offset = scanner.nextSound(physicalFrom - 1) ?? Infinity;
  while (offset < files.log.endOffset && offset <= physicalTo) {
    const place = scanner.at(offset);
    if (place.kind === "message") {
      const { record } = place;
      if (record.storeTimestamp > end + CLOCK_MARGIN_MILLIS) return;
      const { bytes } = scanner;
      if (matches(query, record, bytes)) yield { kind: "message", record, bytes };
      offset = place.next;
    } else if (place.kind === "blank") {
      offset = place.next;
    } else {
      const next = scanner.nextSound(offset);
      if (next !== undefined || place.kind === "corrupt") {
        const what = place.kind === "corrupt" ? place.reason : "nothing is written there";
        yield { kind: "damage", what, physicalOffset: offset, endOffset: next };
      }
      offset = next ?? Infinity;
    }
  }
}

/** The beginning of the last file that begins before `begin`. */
function startByTime(files: StoreFiles, scanner: LogScanner, begin: number | undefined): number {
  if (begin === undefined) return files.log.minOffset;
  for (const { start } of files.log.files.toReversed()) {
    const place = scanner.at(start);
    if (place.kind !== "message") continue;
    if (place.record.storeTimestamp < begin - CLOCK_MARGIN_MILLIS) return start;
  }
  return files.log.minOffset;
}

/** The queues of a topic, if all of them can be read. */
function cursorsOf(files: StoreFiles, query: DumpQuery, topic: string): QueueCursor[] | undefined {
  const folders = files.queues.filter((queue) =>
    queue.topic === topic && (query.queueId === undefined || queue.queueId === query.queueId)
  );
  const cursors = folders.map((folder) => new QueueCursor(files, folder));
  return cursors.length > 0 && cursors.every(({ units }) => units.isWhole) ? cursors : undefined;
}

/**
 * Where the index says that messages with a key are, in the order of the log. Undefined when it cannot say: its slots
 * are not to be trusted after a crash, and a key that it does not know may be one that it lost.
 */
function offsetsByKey(
  files: StoreFiles,
  key: string,
  topic: string | undefined,
): number[] | undefined {
  const { folder, slotCount, unitCount, sizesKnown } = files.index;
  const isWhole = sizesKnown &&
    files.index.files.every(({ bytes }) => bytes === indexFileBytes(slotCount, unitCount));
  if (!isWhole || readOnlyFileSystem.existsSync(`${files.folder}/abort`)) return undefined;
  const index = new MessageIndex({ fileSystem: readOnlyFileSystem, folder, slotCount, unitCount });
  const topics = topic === undefined ? new Set(files.queues.map((queue) => queue.topic)) : [topic];
  const offsets = new Set<number>();
  try {
    for (const name of topics) {
      for (const offset of index.query(name, key, 0, Number.MAX_SAFE_INTEGER)) offsets.add(offset);
    }
  } finally {
    index.close();
  }
  return offsets.size === 0 ? undefined : [...offsets].sort((a, b) => a - b);
}

function* dumpOffsets(
  files: StoreFiles,
  query: DumpQuery,
  offsets: number[],
): Generator<DumpEntry> {
  using scanner = new LogScanner(files.fileSystem, files.log, SHORT_READ_BYTES);
  for (const offset of offsets) {
    if (offset < files.log.minOffset) continue;
    const place = scanner.at(offset);
    if (place.kind === "message") {
      const { bytes } = scanner;
      if (matches(query, place.record, bytes)) {
        yield { kind: "message", record: place.record, bytes };
      }
    } else {
      const what = "the index has a message with this key here, but it is damaged";
      yield { kind: "damage", what, physicalOffset: offset, endOffset: undefined };
    }
  }
}
