/**
 * A sequence of preallocated files of one size that together are one long byte space: commit log and consume queues.
 * ("MappedFileQueue" in Java; we do not map.) A file's name is the offset of its first byte in 20 digits.
 */

import { CorruptStoreError, describePosition, SyncError } from "./errors.ts";
import type { FileSystem, StoreFile } from "./file_system.ts";
import { makeFolder } from "./folder.ts";

/** One file of the sequence. */
export class Segment {
  readonly path: string;
  /** Offset of the first byte. */
  readonly start: number;
  /** Length when full; the file has it from the beginning, sparse. */
  readonly bytes: number;
  readonly #fileSystem: FileSystem;
  // One handle for each kind of work: an fdatasync under way keeps its handle busy.
  #writer: StoreFile | undefined;
  #syncer: StoreFile | undefined;
  #reader: StoreFile | undefined;
  /** Ends when the last asynchronous read has; the next one waits for it. */
  #reading: Promise<unknown> = Promise.resolve();

  constructor(fileSystem: FileSystem, path: string, start: number, bytes: number) {
    this.#fileSystem = fileSystem;
    this.path = path;
    this.start = start;
    this.bytes = bytes;
  }

  get end(): number {
    return this.start + this.bytes;
  }

  /**
   * Finds out whether the file was written with another setting of its size.
   * @param mayBeShort after a crash.
   * @throws {CorruptStoreError} when it was.
   */
  checkSize(mayBeShort: boolean): void {
    this.#writer ??= this.#open();
    const bytes = this.#writer.sizeSync();
    if (bytes === this.bytes || mayBeShort && bytes < this.bytes) return;
    throw new CorruptStoreError(
      `Cannot use ${this.path}: it has ${bytes} bytes, ${this.bytes} are expected. Set ` +
        "mappedFileSize* as it was when the file was written; comet store verify tells more",
    );
  }

  /** Creates the file, or brings one that is too short or too long to its size. */
  preallocate(): void {
    this.#writer ??= this.#open();
    if (this.#writer.sizeSync() !== this.bytes) this.#writer.truncateSync(this.bytes);
  }

  /** Writes at an offset of the whole sequence. @throws with the file's name when the disk refuses. */
  write(bytes: Uint8Array, offset: number): void {
    this.#writer ??= this.#open();
    try {
      this.#writer.writeSync(bytes, offset - this.start);
    } catch (error) {
      throw new Error(`Cannot write to ${describePosition(this.path, offset)}`, { cause: error });
    }
  }

  /** Reads at an offset of the whole sequence, on the event loop: for little, or before anybody is served. */
  readSync(into: Uint8Array, offset: number): number {
    try {
      this.#writer ??= this.#open();
      return readAllSync(this.#writer, into, offset - this.start);
    } catch (error) {
      throw new Error(`Cannot read ${describePosition(this.path, offset)}`, { cause: error });
    }
  }

  /** Reads at an offset of the whole sequence, off the event loop. */
  read(into: Uint8Array, offset: number): Promise<number> {
    const reading = this.#reading.then(() => this.#readAll(into, offset));
    this.#reading = reading.catch(() => {});
    return reading;
  }

  async #readAll(into: Uint8Array, offset: number): Promise<number> {
    let done = 0;
    try {
      this.#reader ??= this.#open();
      while (done < into.length) {
        const count = await this.#reader.read(into.subarray(done), offset - this.start + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      throw new Error(`Cannot read ${describePosition(this.path, offset + done)}`, {
        cause: error,
      });
    }
    return done;
  }

  /** Makes all that was written survive a power loss; off the event loop. @throws {SyncError} */
  async sync(): Promise<void> {
    this.#syncer ??= this.#open();
    try {
      await this.#syncer.syncData();
    } catch (error) {
      throw new SyncError(this.path, error);
    }
  }

  /** The same, on the event loop. */
  syncSync(): void {
    this.#writer ??= this.#open();
    try {
      this.#writer.syncDataSync();
    } catch (error) {
      throw new SyncError(this.path, error);
    }
  }

  /** Zeroes everything from `offset` on, without touching a byte before it. */
  cut(offset: number): void {
    this.#writer ??= this.#open();
    this.#writer.truncateSync(offset - this.start);
    this.#writer.truncateSync(this.bytes);
  }

  /** Whether all of `bytes` bytes at `offset` are zero, as those are that were never written. */
  isZero(offset: number, bytes: number): boolean {
    const into = new Uint8Array(Math.min(bytes, this.end - offset));
    this.readSync(into, offset);
    // Every queue that is opened comes here, and `every` would take ten times as long.
    for (let at = 0; at < into.length; at++) if (into[at] !== 0) return false;
    return true;
  }

  /** Gives the file handles back when the last read has ended. */
  async release(): Promise<void> {
    await this.#reading;
    this.close();
  }

  /** Gives the file handles back; the next use opens them again. Not while a sync or a read is under way. */
  close(): void {
    for (const file of [this.#writer, this.#syncer, this.#reader]) file?.close();
    this.#writer = this.#syncer = this.#reader = undefined;
  }

  #open(): StoreFile {
    return this.#fileSystem.openSync(this.path, { create: true });
  }
}

function readAllSync(file: StoreFile, into: Uint8Array, position: number): number {
  let done = 0;
  while (done < into.length) {
    const count = file.readSync(into.subarray(done), position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

export class SegmentList {
  readonly folder: string;
  readonly segmentBytes: number;
  readonly #fileSystem: FileSystem;
  readonly #segments: Segment[] = [];
  /** Folders in which names are new or gone since they were synced, and the number of the change. */
  readonly #changed = new Map<string, number>();
  #changeCount = 0;
  /** What failed to be synced stays in doubt. */
  #syncError: SyncError | undefined;

  /**
   * Finds the segments in a folder.
   * @param missingMax how many may be missing in between; they are created, empty.
   * @param mayBeShort whether a crash may have left the last one so.
   * @param namesInDoubt whether the process that made the files may have died before it could sync the folder.
   * @throws {CorruptStoreError} when a file's name or the sequence shows that something is missing.
   */
  constructor(
    fileSystem: FileSystem,
    folder: string,
    segmentBytes: number,
    { missingMax = 0, mayBeShort = false, namesInDoubt = false } = {},
  ) {
    this.#fileSystem = fileSystem;
    this.folder = folder;
    this.segmentBytes = segmentBytes;
    for (const name of fileSystem.listSync(folder)) {
      if (!/^\d{20}$/.test(name)) continue;
      const start = Number(name);
      const expected = this.last?.end ?? start;
      const missing = (start - expected) / segmentBytes;
      if (!Number.isInteger(missing) || missing < 0 || missing > missingMax) {
        throw new CorruptStoreError(
          `Cannot use ${folder}: there is a file ${name}, where ${name20(expected)} is expected. ` +
            `A file is missing or does not belong there, or mappedFileSize* differs from when ` +
            `it was written; comet store verify tells more`,
        );
      }
      while (this.last !== undefined && this.last.end < start) this.findOrCreate(this.last.end);
      this.#segments.push(this.#segmentAt(start));
    }
    this.last?.checkSize(mayBeShort);
    if (namesInDoubt && this.last !== undefined) this.#nameChanged(folder);
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get first(): Segment | undefined {
    return this.#segments[0];
  }

  get last(): Segment | undefined {
    return this.#segments.at(-1);
  }

  /** The segment that holds `offset`. */
  find(offset: number): Segment | undefined {
    const first = this.first;
    if (first === undefined || offset < first.start) return undefined;
    return this.#segments[Math.floor((offset - first.start) / this.segmentBytes)];
  }

  /**
   * The segment that holds `offset`, created when it is the next one (any one, while there is none).
   * @throws {SyncError} when the one before it could not be made safe, among other things.
   */
  findOrCreate(offset: number): Segment {
    const found = this.find(offset);
    if (found !== undefined) return found;
    const start = this.last?.end ?? offset - offset % this.segmentBytes;
    if (offset < start || offset >= start + this.segmentBytes) {
      throw new RangeError(`Cannot create a segment for offset ${offset} in ${this.folder}`);
    }
    // A power loss may take the newest name, but none before it: that would leave a hole.
    if (this.#segments.length > 0) this.#syncNamesNow();
    makeFolder(this.#fileSystem, this.folder, (folder) => this.#nameChanged(folder));
    const segment = this.#segmentAt(start);
    this.#nameChanged(this.folder);
    try {
      segment.preallocate();
    } catch (error) {
      segment.close();
      throw error;
    }
    this.#segments.push(segment);
    return segment;
  }

  /**
   * After a crash: makes all from `offset` on survive a power loss, whoever wrote it, and the names of all segments.
   * @throws {SyncError}
   */
  syncFrom(offset: number): void {
    for (const segment of this.#segments) if (segment.end > offset) segment.syncSync();
    if (this.#segments.length > 0) this.#nameChanged(this.folder);
    this.#syncNamesNow();
  }

  #syncNamesNow(): void {
    if (this.#syncError !== undefined) throw this.#syncError;
    for (const folder of this.#changed.keys()) {
      try {
        this.#fileSystem.syncFolderSync(folder);
      } catch (error) {
        throw this.#syncError = new SyncError(folder, error);
      }
    }
    this.#changed.clear();
  }

  /**
   * Makes new and removed segments survive a power loss; off the event loop. To be called before what is in them counts
   * as safe.
   * @param syncParent syncs a folder above the segments' own, for whoever shares that with others.
   * @throws {SyncError}
   */
  async syncNames(
    syncParent = (folder: string) => this.#fileSystem.syncFolder(folder),
  ): Promise<void> {
    if (this.#syncError !== undefined) throw this.#syncError;
    if (this.#changed.size === 0) return;
    for (const [folder, change] of [...this.#changed]) {
      try {
        if (folder === this.folder) await this.#fileSystem.syncFolder(folder);
        else await syncParent(folder);
      } catch (error) {
        throw this.#syncError = new SyncError(folder, error);
      }
      if (this.#changed.get(folder) === change) this.#changed.delete(folder);
    }
  }

  /** Removes what lies at and after `offset`; the first segment stays, empty, and says where the sequence is. */
  truncate(offset: number): void {
    while (this.#segments.length > 1 && this.last!.start >= offset) {
      // None may come back without the one before it.
      if (this.#changed.size > 0) this.#syncNamesNow();
      this.#remove(this.#segments.pop()!);
    }
    const last = this.last;
    if (last !== undefined && offset < last.end) last.cut(Math.max(offset, last.start));
  }

  /** Removes all segments. */
  removeAll(): void {
    while (this.#segments.length > 0) this.#remove(this.#segments.pop()!);
  }

  /** Whether so many bytes at `offset` are zero, as those are that were never written. */
  isZero(offset: number, bytes: number): boolean {
    return this.find(offset)?.isZero(offset, bytes) ?? true;
  }

  /** Removes the oldest segment. */
  dropFirst(): void {
    this.#remove(this.#segments.shift()!);
  }

  /** The same, off the event loop; waits for who reads the segment. */
  async removeFirst(): Promise<void> {
    // A power loss must not take the newest ones when the oldest are gone.
    await this.syncNames();
    const segment = this.#segments.shift()!;
    try {
      await segment.release();
      await this.#fileSystem.remove(segment.path);
    } catch (error) {
      // It is still there, and the next one must not go before it.
      this.#segments.unshift(segment);
      throw error;
    }
    // Files that went in this order must not come back in another, which would leave a hole.
    this.#nameChanged(this.folder);
    await this.syncNames();
  }

  /** Lets go of all segments, whose folder is somewhere else now. */
  forget(): void {
    this.close();
    this.#segments.length = 0;
    this.#changed.clear();
  }

  /** Gives every file handle back. */
  close(): void {
    for (const segment of this.#segments) segment.close();
  }

  #remove(segment: Segment): void {
    segment.close();
    this.#fileSystem.removeSync(segment.path);
    this.#nameChanged(this.folder);
  }

  #nameChanged(folder: string): void {
    this.#changed.set(folder, ++this.#changeCount);
  }

  #segmentAt(start: number): Segment {
    return new Segment(
      this.#fileSystem,
      `${this.folder}/${name20(start)}`,
      start,
      this.segmentBytes,
    );
  }
}

function name20(offset: number): string {
  return String(offset).padStart(20, "0");
}
