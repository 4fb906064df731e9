/**
 * The compaction log of one queue: a copy of the queue's messages, of which a run of compaction rewrites the older part
 * with only the newest message of each key.
 *
 * ```
 *               position            copiedOffset          end of the queue        queueOffsets
 *  |---- compacted ----|---- copied, as it was ----|---- only in the commit log ----|
 *                      |--------- in the commit log, until it is deleted there ------|
 * ```
 */

import { CompactionFile, type CompactionPaths, NO_CONTENTS } from "./compaction_file.ts";
import type { PlacedRecord } from "./compaction_file.ts";
import { type CompactionFolders, makeFolders, queuePaths, syncFolders } from "./folders.ts";
import { openFiles } from "./open_files.ts";

/** A unit's place: a file and the index in it. */
export interface UnitPlace {
  file: CompactionFile;
  index: number;
}

export class CompactionLog {
  readonly topic: string;
  readonly queueId: number;
  readonly paths: CompactionPaths;
  readonly #folders: CompactionFolders;
  /** Oldest first; their names grow, with gaps. */
  #files: CompactionFile[];
  /** Always behind every file that there ever was, so that no name comes again while a journal has it. */
  #nextStart: number;
  /** Whether the last file is for messages that come; else they get a new one. */
  #isLastOpen = false;
  #hasFolders = false;
  /** Files with bytes that no fsync has covered. */
  readonly #unsynced = new Set<CompactionFile>();
  /** Where the last reader went on, which is where it probably comes next. */
  #likely: UnitPlace | undefined;
  /** queueOffset of the newest message that a run has compacted; -1 before the first run. */
  position: number;
  /** queueOffset of the next message to copy. */
  copiedOffset = 0;
  /** Every message before this offset is in the files, on disk, or superseded there. */
  syncedOffset = 0;
  isClosed = false;

  /** Opens what is on disk. @throws {CorruptStoreError} as `openFiles`. */
  constructor(
    folders: CompactionFolders,
    topic: string,
    queueId: number,
    state: { position: number; clean: boolean },
  ) {
    this.topic = topic;
    this.queueId = queueId;
    this.paths = queuePaths(folders, topic, queueId);
    this.#folders = folders;
    const { files, nextStart } = openFiles(this.paths, state.clean);
    this.#files = files;
    this.#nextStart = nextStart;
    this.position = state.position;
    this.#settle();
  }

  /** What follows from the files and the position. */
  #settle(): void {
    const last = this.#files.at(-1);
    this.copiedOffset = Math.max(this.lastOffset, this.position) + 1;
    this.syncedOffset = this.copiedOffset;
    this.#isLastOpen = last !== undefined &&
      (last.contents.count === 0 || last.contents.lastOffset > this.position);
    if (last === undefined || last.contents.count === 0) return;
    // What a kill left in the last file may not be on disk yet.
    this.#unsynced.add(last);
    this.syncedOffset = last.contents.firstOffset;
  }

  get files(): readonly CompactionFile[] {
    return this.#files;
  }

  /** queueOffset of the oldest message; -1 when there is none. */
  get firstOffset(): number {
    return this.#files.find((file) => file.contents.count > 0)?.contents.firstOffset ?? -1;
  }

  /** queueOffset of the newest message; -1 when there is none. */
  get lastOffset(): number {
    return this.#files.findLast((file) => file.contents.count > 0)?.contents.lastOffset ?? -1;
  }

  /** Bytes of records that no run has seen yet, and of all others. */
  get bytes(): { dirty: number; clean: number } {
    const sizes = { dirty: 0, clean: 0 };
    for (const { contents: { bytes, lastOffset } } of this.#files) {
      if (lastOffset > this.position) sizes.dirty += bytes;
      else sizes.clean += bytes;
    }
    return sizes;
  }

  /** The first message with at least this queueOffset. */
  find(queueOffset: number): UnitPlace | undefined {
    if (this.#likely !== undefined && isFirst(this.#likely, queueOffset)) return this.#likely;
    const file = this.#files.find(({ contents }) => contents.lastOffset >= queueOffset);
    if (file === undefined) return undefined;
    return { file, index: file.search((unit) => unit.queueOffset(0) >= queueOffset) };
  }

  /** Tells where the next one who reads will probably begin, so that it is not searched for. */
  expectAt(place: UnitPlace): void {
    this.#likely = place;
  }

  /** The first message that was stored at this time or later. */
  findByTime(timestamp: number): UnitPlace | undefined {
    for (const file of this.#files) {
      const index = file.search((unit) => unit.storeTimestamp(0) >= timestamp);
      if (index < file.contents.count) return { file, index };
    }
    return undefined;
  }

  /** queueOffset of the last message that was stored at this time or earlier. */
  findLastByTime(timestamp: number): number | undefined {
    for (const file of this.#files.toReversed()) {
      const index = file.search((unit) => unit.storeTimestamp(0) > timestamp);
      if (index > 0) return file.units(index - 1, 1).queueOffset(0);
    }
    return undefined;
  }

  /** Adds a copied message, in memory until `write`. The promise is for a file that is full. */
  add(placed: PlacedRecord): void | Promise<void> {
    const last = this.#isLastOpen ? this.#files.at(-1) : undefined;
    if (last?.fits(placed.record.size)) last.add(placed);
    else return this.#addInNextFile(placed, last);
  }

  async #addInNextFile(placed: PlacedRecord, full: CompactionFile | undefined): Promise<void> {
    if (full !== undefined) this.#finish(full);
    // A crash may tear the last file only.
    await this.sync();
    if (this.isClosed) return;
    const { size } = placed.record;
    const file = new CompactionFile(this.paths, this.#nextStart, NO_CONTENTS);
    if (!file.fits(size)) {
      throw new RangeError(
        `A message of ${size} bytes in ${this.topic} fits no file of ${this.paths.logBytes}; ` +
          "compactionMappedFileSize is too small",
      );
    }
    await this.#makeFolders();
    if (this.isClosed) return;
    file.preallocate();
    await syncFolders(this.paths);
    if (this.isClosed) return;
    this.#nextStart += this.paths.logBytes;
    this.#files.push(file);
    this.#isLastOpen = true;
    file.add(placed);
  }

  async #makeFolders(): Promise<void> {
    if (this.#hasFolders) return;
    await makeFolders(this.#folders, this.paths.logFolder);
    await makeFolders(this.#folders, this.paths.cqFolder);
    this.#hasFolders = true;
  }

  /** Writes what has been added; everything before `copiedOffset` is copied then. @throws when the disk refuses. */
  write(copiedOffset: number): void {
    const last = this.#files.at(-1);
    if (last !== undefined && this.#isLastOpen) {
      last.write();
      this.#unsynced.add(last);
    }
    this.copiedOffset = Math.max(this.copiedOffset, copiedOffset);
  }

  /** Makes what is written survive a power loss; off the event loop. @throws when the disk fails. */
  async sync(): Promise<void> {
    const copiedOffset = this.copiedOffset;
    for (const file of [...this.#unsynced]) {
      if (file.isRetired) continue;
      this.#unsynced.delete(file);
      await file.sync();
    }
    this.syncedOffset = copiedOffset;
  }

  /** The files that have messages, and no longer change: what comes goes to a new one. */
  closeFiles(): readonly CompactionFile[] {
    const last = this.#files.at(-1);
    if (last === undefined || !this.#isLastOpen) return [...this.#files];
    if (last.contents.count === 0) return this.#files.slice(0, -1);
    this.#finish(last);
    this.#isLastOpen = false;
    return [...this.#files];
  }

  #finish(file: CompactionFile): void {
    file.finish();
    this.#unsynced.add(file);
    this.copiedOffset = Math.max(this.copiedOffset, file.contents.lastOffset + 1);
  }

  /** Puts files in the place of the oldest ones, which are retired; `position` is how far those are compacted. */
  replace(
    replaced: readonly CompactionFile[],
    by: readonly CompactionFile[],
    position: number,
  ): void {
    this.#files = [...by, ...this.#files.slice(replaced.length)];
    for (const file of replaced) this.#unsynced.delete(file);
    this.position = position;
  }

  /** Forgets the messages from `queueOffset` on, which the queue does not have. */
  truncate(queueOffset: number): void {
    while (this.#files.length > 0) {
      const file = this.#files.at(-1)!;
      if (file.contents.lastOffset < queueOffset) break;
      if (file.contents.firstOffset < queueOffset) {
        file.truncate(file.search((unit) => unit.queueOffset(0) >= queueOffset));
        break;
      }
      this.#files.pop();
      this.#unsynced.delete(file);
      file.retire();
      file.remove();
    }
    this.position = Math.min(this.position, queueOffset - 1);
    this.#settle();
  }

  /** Removes every file. The log is of no use then. */
  delete(): void {
    this.close();
    for (const file of this.#files) file.remove();
    this.#files = [];
  }

  close(): void {
    this.isClosed = true;
    for (const file of this.#files) file.retire();
    this.#unsynced.clear();
  }
}

/** Whether the message at a place is the first one with at least this queueOffset. */
function isFirst({ file, index }: UnitPlace, queueOffset: number): boolean {
  if (file.isRetired || index === 0 || index >= file.contents.count) return false;
  const units = file.units(index - 1, 2);
  return units.queueOffset(0) < queueOffset && units.queueOffset(1) >= queueOffset;
}
