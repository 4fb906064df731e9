/**
 * One run of compaction over a queue: of each key, only the newest message stays.
 *
 * The messages that no run has seen yet are read first, to note the newest offset of each key; then the files are read
 * from the beginning and written anew without what is superseded. When the keys do not fit in memory, this is done for
 * as many messages as have room, then for the next ones. What is dropped, as in Apache: a message with a newer one of
 * the same key, a message without a body (it deletes its key, and is gone itself after that), one without a key.
 */

import { invariant } from "../../client/protocol/bytes.ts";
import type { RecordLayout } from "../../client/protocol/message_record.ts";
import { CompactionFile, NO_CONTENTS } from "./compaction_file.ts";
import type { CompactionLog } from "./compaction_log.ts";
import { compactingPaths, type CompactionFolders, makeFolders, syncFolders } from "./folders.ts";
import { OffsetMap } from "./offset_map.ts";
import type { Pacer } from "./pacer.ts";
import type { PositionCheckpoint } from "./position_checkpoint.ts";
import { keyOf } from "./record_key.ts";
import { recordSlices } from "./record_check.ts";
import { moveFiles, removeCompacting, removeJournal, type Swap, writeJournal } from "./swap.ts";

export interface RunOptions {
  folders: CompactionFolders;
  positions: PositionCheckpoint;
  pacer: Pacer;
  maxOffsetMapSize: number;
  /** The run must end without a result; asked between slices. */
  isStopped: () => boolean;
  /** The journal is written: `finish` does the rest of the swap, again and again until it does not throw. */
  onJournal: (finish: () => Promise<void>) => void;
}

/** What a run has done. */
export interface RunReport {
  topic: string;
  queueId: number;
  /** Messages and bytes that were read and that are left. */
  readCount: number;
  keptCount: number;
  readBytes: number;
  keptBytes: number;
  /** How often the files were written anew. */
  passes: number;
}

/** The run must end because the store closes or the topic is deleted. */
class StoppedError extends Error {}

/**
 * Compacts what there is now. Undefined when it was stopped before it came to an end; what was done stays done.
 * @throws when the disk fails or a file is damaged: the old files stay, unless there was a journal.
 */
export async function compact(
  log: CompactionLog,
  options: RunOptions,
): Promise<RunReport | undefined> {
  const run = new CompactionRun(log, options);
  try {
    return await run.run();
  } catch (error) {
    if (error instanceof StoppedError) return undefined;
    throw error;
  } finally {
    run.close();
  }
}

class CompactionRun {
  readonly #log: CompactionLog;
  readonly #options: RunOptions;
  readonly #report: RunReport;
  #files: readonly CompactionFile[];
  #created: CompactionFile[] = [];

  constructor(log: CompactionLog, options: RunOptions) {
    this.#log = log;
    this.#options = options;
    this.#files = log.closeFiles();
    const { topic, queueId } = log;
    this.#report = {
      topic,
      queueId,
      readCount: this.#files.reduce((sum, { contents }) => sum + contents.count, 0),
      readBytes: this.#files.reduce((sum, { contents }) => sum + contents.bytes, 0),
      keptCount: 0,
      keptBytes: 0,
      passes: 0,
    };
  }

  async run(): Promise<RunReport> {
    const end = this.#files.at(-1)?.contents.lastOffset ?? -1;
    while (this.#log.position < end) await this.#pass();
    for (const { contents } of this.#files) {
      this.#report.keptCount += contents.count;
      this.#report.keptBytes += contents.bytes;
    }
    return this.#report;
  }

  /** Compacts as many messages as the memory allows. */
  async #pass(): Promise<void> {
    const held = this.#files;
    for (const file of held) file.hold();
    try {
      const { map, position } = await this.#newestOffsets();
      const kept = this.#files.findIndex(({ contents }) => contents.firstOffset > position);
      const replaced = kept < 0 ? this.#files : this.#files.slice(0, kept);
      await this.#rewrite(replaced, map, position);
      await this.#swap(replaced, position);
    } finally {
      for (const file of held) file.release();
    }
    this.#report.passes++;
  }

  /** The newest offset of each key after the position so far, up to a new position. */
  async #newestOffsets(): Promise<{ map: OffsetMap; position: number }> {
    const { maxOffsetMapSize } = this.#options;
    const dirty = this.#files.filter(({ contents }) => contents.lastOffset > this.#log.position);
    const keysMax = dirty.reduce((sum, { contents }) => sum + contents.count, 0);
    const map = new OffsetMap(maxOffsetMapSize, keysMax);
    let position = this.#log.position;
    for (const file of dirty) {
      for await (const { bytes, records } of this.#slices(file)) {
        for (const record of records) {
          if (record.queueOffset <= this.#log.position) continue;
          const key = keyOf(bytes, record);
          const hasRoom = key === undefined || map.put(bytes, ...key, record.queueOffset);
          if (!hasRoom) return { map, position };
          position = record.queueOffset;
        }
      }
    }
    return { map, position };
  }

  async *#slices(file: CompactionFile): ReturnType<typeof recordSlices> {
    for await (const slice of recordSlices(file, this.#options.pacer)) {
      this.#stopIfAsked();
      yield slice;
    }
  }

  #stopIfAsked(): void {
    if (this.#options.isStopped() || this.#log.isClosed) throw new StoppedError();
  }

  /** Writes what stays of `replaced` to new files, which are whole and on disk afterwards. */
  async #rewrite(
    replaced: readonly CompactionFile[],
    map: OffsetMap,
    position: number,
  ): Promise<void> {
    const { folders } = this.#options;
    const paths = compactingPaths(folders);
    removeCompacting(folders);
    await makeFolders(folders, paths.logFolder);
    await makeFolders(folders, paths.cqFolder);
    for (const file of replaced) {
      for await (const { bytes, records } of this.#slices(file)) {
        for (const record of records) {
          const stays = record.queueOffset > position || isNewest(bytes, record, map);
          if (stays) this.#fileFor(record.size).add({ bytes, record });
        }
        this.#created.at(-1)?.write();
      }
    }
    this.#created.at(-1)?.finish();
    for (const file of this.#created) {
      await file.sync();
      this.#stopIfAsked();
    }
    await syncFolders(paths);
  }

  /** The file that a record of this size goes to. */
  #fileFor(size: number): CompactionFile {
    const last = this.#created.at(-1);
    if (last?.fits(size)) return last;
    last?.finish();
    const { folders: { logBytes } } = this.#options;
    const paths = compactingPaths(this.#options.folders);
    const file = new CompactionFile(paths, this.#created.length * logBytes, NO_CONTENTS);
    file.preallocate();
    this.#created.push(file);
    return file;
  }

  async #swap(replaced: readonly CompactionFile[], position: number): Promise<void> {
    const { folders, onJournal } = this.#options;
    const { topic, queueId, paths } = this.#log;
    const written = this.#created;
    const behind = this.#log.files[replaced.length]?.start ?? Infinity;
    invariant((written.at(-1)?.start ?? -1) < behind, `compaction made ${paths.logFolder} longer`);
    const swap: Swap = {
      topic,
      queueId,
      position,
      replaced: replaced.map(({ start }) => start),
      created: written.map(({ start }) => start),
    };
    this.#closeCreated();
    const created = written.map(({ start, contents }) =>
      new CompactionFile(paths, start, contents)
    );
    this.#stopIfAsked();
    await writeJournal(folders, swap);
    let isMoved = false;
    const finish = async () => {
      if (!isMoved) {
        // In one turn, so that nobody reads some of the old and some of the new.
        moveFiles(folders, swap);
        this.#log.replace(replaced, created, position);
        isMoved = true;
        for (const file of replaced) file.retire();
      }
      await this.#note(swap);
    };
    onJournal(finish);
    await finish();
    this.#files = [...created, ...this.#files.slice(replaced.length)];
  }

  /** The end of a swap: its moves and the position get on disk, the journal is removed. */
  async #note({ topic, queueId, position }: Swap): Promise<void> {
    const { folders, positions } = this.#options;
    await syncFolders(this.#log.paths);
    await syncFolders(compactingPaths(folders));
    await positions.set(topic, queueId, position);
    await removeJournal(folders);
  }

  #closeCreated(): void {
    for (const file of this.#created) file.retire();
    this.#created = [];
  }

  close(): void {
    this.#closeCreated();
  }
}

/** Whether a message that the run has seen stays. */
function isNewest(bytes: Uint8Array, record: RecordLayout, map: OffsetMap): boolean {
  const key = record.bodyLength > 0 ? keyOf(bytes, record) : undefined;
  return key !== undefined && record.queueOffset >= map.get(bytes, ...key);
}
