/**
 * The one log that every message of every topic goes to.
 *
 * The newest part of it is in memory, in blocks: a message is encoded once, straight into the last block; from there
 * it is written to the file and from there consumers that keep up are served.
 *
 * ```
 *  minOffset                                 tailStart      writtenOffset    appendOffset
 *  |------------- only in the files ----------|--- files and blocks ---|--- blocks only ---|
 * ```
 */

import {
  BLANK_RECORD_BYTES,
  encodeBlank,
  encodeRecord,
} from "../client/protocol/message_record.ts";
import { type MessageToStore, recordBytesMax } from "../client/protocol/message_record.ts";
import { invariant, viewOf } from "../client/protocol/bytes.ts";
import type { FileSystem } from "./file_system.ts";
import { PageCache } from "./page_cache.ts";
import { type Segment, SegmentList } from "./segment_list.ts";

export interface CommitLogOptions {
  fileSystem: FileSystem;
  folder: string;
  /** mappedFileSizeCommitLog. */
  segmentBytes: number;
  /** enabledAppendPropCRC: every record ends in a checksum over the whole of it. */
  appendCrc: boolean;
  /** How much of the end of the log is kept in memory for readers. */
  tailBytesMax: number;
  /** The last file may be short. */
  afterCrash?: boolean;
  /** What was written is on disk; that took so long. */
  onSynced?: ((millis: number) => void) | undefined;
}

/** Why a message was not appended, or where it is. */
export type AppendResult =
  | { status: "appended"; physicalOffset: number; size: number }
  | { status: "propertiesTooLong" };

interface Block {
  bytes: Uint8Array;
  view: DataView;
  /** Offset in the log of the first byte. */
  start: number;
  length: number;
}

const BLOCK_BYTES = 1024 * 1024;
/** Only a folder without any mark of Comet's has so much that may not be on disk. */
const REWRITTEN_BYTES_MAX = 4 * 1024 * 1024 * 1024;

export class CommitLog {
  readonly #options: CommitLogOptions;
  readonly #segments: SegmentList;
  /** What has been read from the files lately. */
  readonly pages: PageCache;
  /** Without gaps, except where a blank record ends a segment. */
  readonly #blocks: Block[] = [];
  readonly #freeBlocks: Block[] = [];
  /** Where the next record goes. */
  #appendOffset = 0;
  /** Everything before is in the files (though perhaps not yet on the disk). */
  #writtenOffset = 0;
  /** Segments that hold bytes which no fdatasync has covered. */
  readonly #unsynced = new Set<Segment>();

  constructor(options: CommitLogOptions) {
    this.#options = options;
    const { fileSystem, folder, segmentBytes, afterCrash: mayBeShort = false } = options;
    this.#segments = new SegmentList(fileSystem, folder, segmentBytes, { mayBeShort });
    this.pages = new PageCache(this.#segments, () => this.#writtenOffset);
  }

  get segments(): SegmentList {
    return this.#segments;
  }

  get minOffset(): number {
    return this.#segments.first?.start ?? 0;
  }

  get appendOffset(): number {
    return this.#appendOffset;
  }

  get writtenOffset(): number {
    return this.#writtenOffset;
  }

  /** Everything from here on can be read without a file. */
  get tailStart(): number {
    return this.#blocks[0]?.start ?? this.#appendOffset;
  }

  /** Sets the end that a start after a clean stop found. */
  startAt(offset: number): void {
    this.#segments.last?.preallocate();
    this.#appendOffset = this.#writtenOffset = offset;
  }

  /**
   * Sets the end that a start after a crash found, cuts away what lies behind it, and brings to disk what lies between
   * `safeOffset` and it: the process that wrote that may have died before it could. It is written once more, since an
   * fsync may have failed there: the system shows what it did not write, yet takes it for clean.
   * @throws {SyncError}
   */
  recoverAt(offset: number, safeOffset: number): void {
    this.#segments.truncate(offset);
    this.#appendOffset = this.#writtenOffset = offset;
    for (
      let at = Math.max(safeOffset, offset - REWRITTEN_BYTES_MAX, this.minOffset);
      at < offset;
    ) {
      const bytes = this.readSync(at, Math.min(BLOCK_BYTES, offset - at));
      if (bytes.length === 0) break;
      this.#segments.find(at)!.write(bytes, at);
      at += bytes.length;
    }
    this.#segments.syncFrom(safeOffset);
  }

  /** Encodes a message at the end of the log. Neither written nor visible yet: `write` comes at the end of the chunk. */
  append(message: MessageToStore, queueOffset: number, storeTimestamp: number): AppendResult {
    const bytesMax = recordBytesMax(message);
    for (;;) {
      const block = this.#blockWithRoom(bytesMax);
      const physicalOffset = this.#appendOffset;
      const place = { queueOffset, physicalOffset, storeTimestamp };
      const size = encodeRecord(
        block.bytes,
        block.view,
        block.length,
        message,
        place,
        this.#options.appendCrc,
      );
      if (size < 0) return { status: "propertiesTooLong" };
      const room = this.#segmentEnd(physicalOffset) - physicalOffset;
      if (size + BLANK_RECORD_BYTES <= room) {
        block.length += size;
        this.#appendOffset += size;
        return { status: "appended", physicalOffset, size };
      }
      invariant(
        size + BLANK_RECORD_BYTES <= this.#options.segmentBytes,
        `a message of ${size} bytes fits no segment of ${this.#options.segmentBytes}`,
      );
      encodeBlank(block.view, block.length, room);
      block.length += BLANK_RECORD_BYTES;
      this.#appendOffset += room;
    }
  }

  #segmentEnd(offset: number): number {
    const { segmentBytes } = this.#options;
    return offset - offset % segmentBytes + segmentBytes;
  }

  /** The block to encode into: the last one, while it has room and its bytes and the log's end still meet. */
  #blockWithRoom(bytes: number): Block {
    const last = this.#blocks.at(-1);
    // A blank of just its own 8 bytes leaves no gap, yet a block must not go over into the next segment's file.
    const atSegmentStart = this.#appendOffset % this.#options.segmentBytes === 0;
    const contiguous = last !== undefined && last.start + last.length === this.#appendOffset &&
      (!atSegmentStart || last.length === 0);
    if (contiguous && last.bytes.length - last.length >= bytes + BLANK_RECORD_BYTES) return last;
    return this.#addBlock(bytes + BLANK_RECORD_BYTES);
  }

  #addBlock(bytes: number): Block {
    const reused = bytes <= BLOCK_BYTES ? this.#freeBlocks.pop() : undefined;
    const block = reused ?? newBlock(Math.max(bytes, BLOCK_BYTES));
    block.start = this.#appendOffset;
    block.length = 0;
    this.#blocks.push(block);
    this.#dropOldBlocks();
    return block;
  }

  #dropOldBlocks(): void {
    let held = this.#blocks.reduce((sum, block) => sum + block.bytes.length, 0);
    while (held > this.#options.tailBytesMax && this.#blocks.length > 1) {
      const oldest = this.#blocks[0]!;
      if (oldest.start + oldest.length > this.#writtenOffset) return;
      this.#blocks.shift();
      held -= oldest.bytes.length;
      if (oldest.bytes.length === BLOCK_BYTES) this.#freeBlocks.push(oldest);
    }
  }

  /**
   * Writes what has been appended to the files: one call for everything since the last one.
   * @throws when the disk refuses. Then what was not written is forgotten, as `undo` says.
   */
  write(): void {
    const blocks = this.#unwrittenBlocks();
    for (const [index, block] of blocks.entries()) {
      const from = Math.max(block.start, this.#writtenOffset);
      const bytes = block.bytes.subarray(from - block.start, block.length);
      if (bytes.length > 0) {
        const segment = this.#segments.findOrCreate(from);
        segment.write(bytes, from);
        this.#unsynced.add(segment);
      }
      // After a blank the log goes on in the next segment: nothing may ever be put behind it in this one.
      this.#writtenOffset = blocks[index + 1]?.start ?? this.#appendOffset;
    }
  }

  #unwrittenBlocks(): Block[] {
    let first = this.#blocks.length;
    while (first > 0) {
      const block = this.#blocks[first - 1]!;
      if (block.start + block.length <= this.#writtenOffset) break;
      first--;
    }
    return this.#blocks.slice(first);
  }

  /**
   * Forgets what was appended after `offset`, because it could not be written. What a failed write left in the files
   * is zeroed, on the disk too: no restart may find a record there that was refused, nor take what is left of it for
   * damage. @throws when that is not possible; then nothing more may be written.
   */
  undo(offset: number): void {
    let attemptedBytes = 0;
    while (this.#blocks.length > 0 && this.#blocks.at(-1)!.start >= offset) {
      attemptedBytes = this.#blocks.pop()!.length;
    }
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.start + last.length > offset) {
      attemptedBytes = last.start + last.length - offset;
      last.length = offset - last.start;
    }
    this.pages.truncate(offset);
    this.#appendOffset = this.#writtenOffset = offset;
    const segment = this.#segments.find(offset);
    if (segment === undefined || segment.isZero(offset, attemptedBytes)) return;
    segment.cut(offset);
    segment.syncSync();
  }

  /**
   * Makes everything written so far survive a power loss.
   * @returns the offset up to which that holds. @throws when the disk fails; it must not be tried again.
   */
  async sync(): Promise<number> {
    const started = performance.now();
    const target = this.#writtenOffset;
    const segments = [...this.#unsynced];
    this.#unsynced.clear();
    await this.#segments.syncNames();
    for (const segment of segments) await segment.sync();
    this.#options.onSynced?.(performance.now() - started);
    return target;
  }

  /** Bytes of the in-memory tail: a view, valid until the next await. Undefined when they are not all in memory. */
  readTail(offset: number, bytes: number): Uint8Array | undefined {
    for (let index = this.#blocks.length - 1; index >= 0; index--) {
      const block = this.#blocks[index]!;
      if (offset < block.start) continue;
      const from = offset - block.start;
      return from + bytes <= block.length ? block.bytes.subarray(from, from + bytes) : undefined;
    }
    return undefined;
  }

  /** Reads from the files, off the event loop. Fewer bytes come when the log or the segment ends before. */
  async read(offset: number, bytes: number): Promise<Uint8Array> {
    const segment = this.#segments.find(offset);
    if (segment === undefined) return new Uint8Array(0);
    const end = Math.min(segment.end, this.#writtenOffset);
    const into = new Uint8Array(Math.max(0, Math.min(bytes, end - offset)));
    return into.subarray(0, await segment.read(into, offset));
  }

  /**
   * Reads from the files on the event loop: for little, or before anybody is served. What a file lacks at its end reads
   * as zeros.
   */
  readSync(offset: number, bytes: number): Uint8Array {
    const segment = this.#segments.find(offset);
    if (segment === undefined) return new Uint8Array(0);
    const into = new Uint8Array(Math.min(bytes, segment.end - offset));
    segment.readSync(into, offset);
    return into;
  }

  close(): void {
    this.#segments.close();
  }
}

function newBlock(bytes: number): Block {
  const buffer = new Uint8Array(bytes);
  return { bytes: buffer, view: viewOf(buffer), start: 0, length: 0 };
}
