/** Small things about the bytes of an index file; its layout is drawn in index_file.ts. */

import { setInt64, viewOf } from "../client/protocol/bytes.ts";

export const HEADER_BYTES = 40;
export const SLOT_BYTES = 4;

/** The newest message that an index knows. */
export interface IndexEnd {
  /** When it was stored; milliseconds. */
  timestamp: number;
  physicalOffset: number;
}

/** A file without units begins and ends where the one before it ends, so that Apache goes on there. */
export function emptyHeader(end: IndexEnd | undefined): Uint8Array {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  const { timestamp, physicalOffset } = end ?? { timestamp: 0, physicalOffset: 0 };
  for (const position of [0, 8]) setInt64(header, position, timestamp);
  for (const position of [16, 24]) setInt64(header, position, physicalOffset);
  header.setInt32(36, 1);
  return new Uint8Array(header.buffer);
}

/** How many slots of a whole number of bytes are not zero. */
export function usedSlots(bytes: Uint8Array): number {
  const view = viewOf(bytes);
  let used = 0;
  for (let at = 0; at + SLOT_BYTES <= bytes.length; at += SLOT_BYTES) {
    if (view.getInt32(at) !== 0) used++;
  }
  return used;
}

export function isZero(view: DataView): boolean {
  for (let at = 0; at < view.byteLength; at++) if (view.getUint8(at) !== 0) return false;
  return true;
}

/** The runs [start, end) of flags that are set. */
export function* runs(flags: Uint8Array): Generator<{ start: number; end: number }> {
  for (let start = flags.indexOf(1); start >= 0;) {
    const next = flags.indexOf(0, start);
    const end = next < 0 ? flags.length : next;
    yield { start, end };
    start = flags.indexOf(1, end);
  }
}
