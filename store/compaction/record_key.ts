/** The key of a record, as bytes: compaction compares millions of them and needs no text. */

import type { RecordLayout } from "../../client/protocol/message_record.ts";

/** Where a key begins in the buffer of its record, and where it ends. */
export type KeyRange = readonly [start: number, end: number];

/** `KEYS` and the separator between name and value. */
const HEAD = [0x4b, 0x45, 0x59, 0x53, 0x01];
const PROPERTY_SEPARATOR = 0x02;
const SPACE = 0x20;

/**
 * The whole of the property KEYS, which is one key here, even with blanks in it. Undefined when there is none, or nothing
 * but blanks.
 */
export function keyOf(bytes: Uint8Array, record: RecordLayout): KeyRange | undefined {
  const end = record.propertiesStart + record.propertiesLength;
  for (let start = record.propertiesStart; start < end;) {
    const next = bytes.indexOf(PROPERTY_SEPARATOR, start);
    const stop = next < 0 || next > end ? end : next;
    if (hasHead(bytes, start, stop)) {
      return isBlank(bytes, start + HEAD.length, stop) ? undefined : [start + HEAD.length, stop];
    }
    start = stop + 1;
  }
  return undefined;
}

function hasHead(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < HEAD.length) return false;
  for (let index = 0; index < HEAD.length; index++) {
    if (bytes[start + index] !== HEAD[index]) return false;
  }
  return true;
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! > SPACE) return false;
  return true;
}
