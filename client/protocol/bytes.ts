/**
 * Bytes in and out, big-endian as everywhere in RocketMQ.
 *
 * Ownership rule of the whole program: *a view is valid until the next await; whoever keeps it copies it.*
 */

import { Buffer } from "node:buffer";

const encoder = new TextEncoder();
const TWO_POW_32 = 0x1_0000_0000;
/** Up to these lengths a loop beats the call into the engine: when writing, and when reading. */
const SHORT_WRITE_MAX = 48;
const SHORT_READ_MAX = 8;
/** Decodes in place, without a view: 57 ns for 120 bytes, where a TextDecoder over a subarray takes 126. */
const utf8Slice: (this: Uint8Array, start: number, end: number) => string =
  (Buffer.prototype as unknown as { utf8Slice: typeof utf8Slice }).utf8Slice;

/** Throws when `condition` is false: a bug in this program, never bad input. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Invariant broken: ${message}`);
}

/** Reads a signed 64-bit integer. Loses precision past 2^53, where RocketMQ has no meaningful values. */
export function getInt64(view: DataView, position: number): number {
  return view.getInt32(position) * TWO_POW_32 + view.getUint32(position + 4);
}

/** Writes a signed 64-bit integer. */
export function setInt64(view: DataView, position: number, value: number): void {
  view.setInt32(position, Math.floor(value / TWO_POW_32));
  view.setUint32(position + 4, value >>> 0);
}

/** A DataView over exactly the bytes of `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Encodes text as UTF-8 into a new array. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Decodes UTF-8; invalid sequences become U+FFFD. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= SHORT_READ_MAX) {
    let text = "";
    let position = start;
    for (; position < end; position++) {
      const byte = bytes[position]!;
      if (byte >= 0x80) break;
      text += ASCII[byte];
    }
    if (position === end) return text;
  }
  return utf8Slice.call(bytes, start, end);
}

const ASCII = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));

/** Bytes as upper-case hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** Two upper-case hexadecimal digits for each byte. */
export const HEX: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).toUpperCase().padStart(2, "0"),
);

/**
 * Parses hexadecimal digits of either case.
 * @throws {RangeError} when the text has an odd length or another character.
 */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    throw new RangeError(`Cannot read "${text}" as hexadecimal`);
  }
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** A growing byte buffer that is written front to back and reused. Earlier places can be patched through `view`. */
export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer>;
  /** Over the whole of `bytes`; replaced when the buffer grows, so read it anew after each write. */
  view: DataView;
  /** Bytes written so far, and the position of the next write. */
  length = 0;

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity);
    this.view = viewOf(this.bytes);
  }

  /** Makes room for `count` more bytes, so that the positions up to there can be written directly. */
  ensure(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = viewOf(grown);
  }

  /** What has been written: a view, valid until the next write. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  /** Forgets what has been written; gives a buffer that grew past `capacityMax` back to the collector. */
  reset(capacityMax = Infinity): void {
    this.length = 0;
    if (this.bytes.length <= capacityMax) return;
    this.bytes = new Uint8Array(capacityMax);
    this.view = viewOf(this.bytes);
  }

  int8(value: number): void {
    this.ensure(1);
    this.bytes[this.length++] = value;
  }

  int16(value: number): void {
    this.ensure(2);
    this.view.setInt16(this.length, value);
    this.length += 2;
  }

  int32(value: number): void {
    this.ensure(4);
    this.view.setInt32(this.length, value);
    this.length += 4;
  }

  int64(value: number): void {
    this.ensure(8);
    setInt64(this.view, this.length, value);
    this.length += 8;
  }

  raw(bytes: Uint8Array): void {
    this.ensure(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Writes `text` as UTF-8 without a length. Returns the number of bytes. */
  utf8(text: string): number {
    this.ensure(text.length * 3);
    const start = this.length;
    this.length = putUtf8(this.bytes, start, text);
    return this.length - start;
  }

  /** Writes a 2-byte length and `text` as UTF-8. */
  shortText(text: string): void {
    const lengthAt = this.length;
    this.int16(0);
    const length = this.utf8(text);
    this.view.setInt16(lengthAt, length);
  }

  /** Writes a 4-byte length and `text` as UTF-8. */
  longText(text: string): void {
    const lengthAt = this.length;
    this.int32(0);
    const length = this.utf8(text);
    this.view.setInt32(lengthAt, length);
  }
}

/** Writes `text` as UTF-8 at `position` of a buffer that has room for it. Returns the position after it. */
export function putUtf8(bytes: Uint8Array, position: number, text: string): number {
  if (text.length <= SHORT_WRITE_MAX) {
    let at = position;
    let index = 0;
    for (; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) break;
      bytes[at++] = code;
    }
    if (index === text.length) return at;
  }
  return position + encoder.encodeInto(text, bytes.subarray(position)).written;
}
