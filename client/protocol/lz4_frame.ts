/**
 * Reads LZ4 frames, which is how Java's clients compress bodies with LZ4. Checksums of the frame are not looked at: the
 * record around it has its own.
 *
 * ```
 *  magic 4 (LE)  flags 1  blockDescriptor 1  [contentSize 8]  [dictionaryId 4]  headerChecksum 1
 *  again and again: blockSize 4 (LE, top bit: stored as it is) + block  [blockChecksum 4];  a size of 0 ends the frame
 *  [contentChecksum 4]
 *
 *  block: token (literals 4 bits | match 4 bits)  [more literals length]  literals  distance 2 (LE)  [more match length]
 * ```
 * Source: lz4_Frame_format.md and lz4_Block_format.md of the LZ4 project.
 */

import { viewOf } from "./bytes.ts";

const MAGIC = 0x184d2204;
const FLAG_BLOCK_CHECKSUM = 1 << 4;
const FLAG_CONTENT_SIZE = 1 << 3;
const FLAG_CONTENT_CHECKSUM = 1 << 2;
const FLAG_DICTIONARY = 1;
const STORED_BIT = 0x8000_0000;
const MATCH_LENGTH_MIN = 4;
const FIRST_BYTES = 4096;

/**
 * What a sequence of frames holds.
 * @throws {RangeError} when the bytes are no such frames, or hold more than `lengthMax` bytes.
 */
export function decompressLz4(bytes: Uint8Array, lengthMax: number): Uint8Array {
  const out = new Output(lengthMax);
  let position = 0;
  while (position < bytes.length) position = readFrame(bytes, position, out);
  return out.bytes.subarray(0, out.length);
}

/** Returns where the frame ends. */
function readFrame(bytes: Uint8Array, start: number, out: Output): number {
  const view = viewOf(bytes);
  if (bytes.length - start < 7 || view.getUint32(start, true) !== MAGIC) throw damaged(start);
  const flags = bytes[start + 4]!;
  if ((flags & FLAG_DICTIONARY) !== 0) throw new RangeError("the LZ4 frame needs a dictionary");
  let position = start + 7 + ((flags & FLAG_CONTENT_SIZE) === 0 ? 0 : 8);
  while (position + 4 <= bytes.length) {
    const word = view.getUint32(position, true);
    position += 4;
    if (word === 0) return position + ((flags & FLAG_CONTENT_CHECKSUM) === 0 ? 0 : 4);
    const end = position + (word & ~STORED_BIT);
    if (end > bytes.length) break;
    if ((word & STORED_BIT) !== 0) out.copy(bytes, position, end);
    else readBlock(bytes, position, end, out);
    position = end + ((flags & FLAG_BLOCK_CHECKSUM) === 0 ? 0 : 4);
  }
  throw damaged(position);
}

function readBlock(bytes: Uint8Array, start: number, end: number, out: Output): void {
  let position = start;
  const moreLength = (length: number) => {
    for (let more = 255; length >= 15 && more === 255;) {
      if (position >= end) throw damaged(position);
      more = bytes[position++]!;
      length += more;
    }
    return length;
  };
  while (position < end) {
    const token = bytes[position++]!;
    const literals = moreLength(token >>> 4);
    if (position + literals > end) throw damaged(position);
    out.copy(bytes, position, position + literals);
    position += literals;
    // The last sequence has no match.
    if (position === end) return;
    if (position + 2 > end) throw damaged(position);
    const distance = bytes[position]! | bytes[position + 1]! << 8;
    position += 2;
    if (!out.repeat(distance, moreLength(token & 15) + MATCH_LENGTH_MIN)) throw damaged(position);
  }
}

class Output {
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  length = 0;

  constructor(readonly lengthMax: number) {}

  copy(source: Uint8Array, start: number, end: number): void {
    this.#ensure(end - start);
    this.bytes.set(source.subarray(start, end), this.length);
    this.length += end - start;
  }

  /** Writes again what was written `distance` bytes ago; false when nothing was. */
  repeat(distance: number, count: number): boolean {
    if (distance === 0 || distance > this.length) return false;
    this.#ensure(count);
    const { bytes } = this;
    const end = this.length + count;
    // Byte by byte: the part that is read may be one that is being written.
    for (let at = this.length; at < end; at++) bytes[at] = bytes[at - distance]!;
    this.length = end;
    return true;
  }

  #ensure(count: number): void {
    const needed = this.length + count;
    if (needed > this.lengthMax) {
      throw new RangeError(`the body has more than ${this.lengthMax} bytes when decompressed`);
    }
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

function damaged(position: number): RangeError {
  return new RangeError(`the LZ4 frame is damaged at byte ${position}`);
}
