/**
 * A sequence of preallocated files of one size that together are one long byte space: commit log and consume queues.
 * ("MappedFileQueue" in Java; we do not map.) A file's name is the offset of its first byte in 20 digits.
 */

import { describePosition } from "./errors.ts";
import type { FileSystem, StoreFile } from "./file_system.ts";

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

  /** Creates the file, or brings one that a crash left short to its full size. */
  preallocate(): void {
    this.#writer ??= this.#open();
    if (this.#writer.sizeSync() < this.bytes) this.#writer.truncateSync(this.bytes);
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
    this.#writer ??= this.#open();
    return readAllSync(this.#writer, into, offset - this.start);
  }

  /** Reads at an offset of the whole sequence, off the event loop. */
  read(into: Uint8Array, offset: number): Promise<number> {
    const reading = this.#reading.then(async () => {
      this.#reader ??= this.#open();
      let done = 0;
      while (done < into.length) {
        const count = await this.#reader.read(into.subarray(done), offset - this.start + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    });
    this.#reading = reading.catch(() => {});
    return reading;
  }

  /** Makes all that was written survive a power loss; off the event loop. */
  sync(): Promise<void> {
    this.#syncer ??= this.#open();
    return this.#syncer.syncData();
  }

  syncSync(): void {
    this.#writer ??= this.#open();
    this.#writer.syncDataSync();
  }

  /** Zeroes everything from `offset` on, without touching a byte before it. */
  cut(offset: number): void {
    this.#writer ??= this.#open();
    this.#writer.truncateSync(offset - this.start);
    this.#writer.truncateSync(this.bytes);
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

  /**
   * Finds the segments in a folder.
   * @throws when a file's name or the sequence shows that something is missing.
   */
  constructor(fileSystem: FileSystem, folder: string, segmentBytes: number) {
    this.#fileSystem = fileSystem;
    this.folder = folder;
    this.segmentBytes = segmentBytes;
    for (const name of fileSystem.listSync(folder)) {
      if (!/^\d{20}$/.test(name)) continue;
      const segment = this.#segmentAt(Number(name));
      const last = this.last;
      if (last !== undefined && last.end !== segment.start) {
        throw new Error(
          `Cannot use ${folder}: after ${name20(last.start)} comes ${name}, where ${
            name20(last.end)
          } is expected. A file is missing, or mappedFileSize* differs from when it was written`,
        );
      }
      this.#segments.push(segment);
    }
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

  /** The segment that holds `offset`, created when it is the next one (any one, while there is none). */
  findOrCreate(offset: number): Segment {
    const found = this.find(offset);
    if (found !== undefined) return found;
    const start = this.last?.end ?? offset - offset % this.segmentBytes;
    if (offset < start || offset >= start + this.segmentBytes) {
      throw new RangeError(`Cannot create a segment for offset ${offset} in ${this.folder}`);
    }
    if (this.#segments.length === 0) this.#fileSystem.makeFolderSync(this.folder);
    const segment = this.#segmentAt(start);
    segment.preallocate();
    this.#fileSystem.syncFolderSync(this.folder);
    this.#segments.push(segment);
    return segment;
  }

  /** Removes what lies at and after `offset`. */
  truncate(offset: number): void {
    while (this.last !== undefined && this.last.start >= offset && this.last.start > 0) {
      this.#remove(this.#segments.pop()!);
    }
    const last = this.last;
    if (last !== undefined && offset < last.end) last.cut(Math.max(offset, last.start));
  }

  /** Removes the oldest segment. */
  dropFirst(): void {
    this.#remove(this.#segments.shift()!);
  }

  /** The same, off the event loop; waits for who reads the segment. */
  async removeFirst(): Promise<void> {
    const segment = this.#segments.shift()!;
    await segment.release();
    await this.#fileSystem.remove(segment.path);
    // Files that went in this order must not come back in another, which would leave a hole.
    this.#fileSystem.syncFolderSync(this.folder);
  }

  /** Gives every file handle back. */
  close(): void {
    for (const segment of this.#segments) segment.close();
  }

  #remove(segment: Segment): void {
    segment.close();
    this.#fileSystem.removeSync(segment.path);
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
