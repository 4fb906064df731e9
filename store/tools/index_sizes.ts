/**
 * How many slots and units an index file was made with, told from what is in it: the file's size gives only the sum of
 * both. Units end where the file ends, so the first one lies a multiple of 20 before that; it is the one that has the
 * header's first physicalOffset and no predecessor, and from which the header's count leads to the last physicalOffset.
 */

import { getInt64, viewOf } from "../../client/protocol/bytes.ts";
import type { FileSystem, StoreFile } from "../file_system.ts";

const HEADER_BYTES = 40;
const UNIT_BYTES = 20;
const PIECE_UNITS = 50_000;
const UNITS_LOOKED_AT = 16;

export interface IndexSizes {
  slotCount: number;
  unitCount: number;
}

/** The sizes, or undefined when the file has no unit or none that fits its header. */
export function inferIndexSizes(fileSystem: FileSystem, path: string): IndexSizes | undefined {
  const file = fileSystem.openSync(path, { create: false });
  try {
    const header = readView(file, 0, HEADER_BYTES);
    if (header.byteLength < HEADER_BYTES || header.getInt32(36) < 2) return undefined;
    const bytes = file.sizeSync();
    const piece = new Uint8Array(PIECE_UNITS * UNIT_BYTES);
    for (let start = HEADER_BYTES + bytes % UNIT_BYTES; start < bytes; start += piece.length) {
      const view = viewOf(piece.subarray(0, file.readSync(piece, start)));
      for (let at = 0; at + UNIT_BYTES <= view.byteLength; at += UNIT_BYTES) {
        if (!looksFirst(view, at, header)) continue;
        const sizes = sizesFrom(start + at, bytes);
        if (sizes !== undefined && fitsHeader(file, start + at, header, sizes)) return sizes;
      }
    }
    return undefined;
  } finally {
    file.close();
  }
}

function looksFirst(view: DataView, at: number, header: DataView): boolean {
  return view.getInt32(at) > 0 && view.getInt32(at + 16) === 0 &&
    getInt64(view, at + 4) === getInt64(header, 16);
}

/** Unit numbers begin with 1, so there is room for one unit before the first. */
function sizesFrom(firstUnit: number, bytes: number): IndexSizes | undefined {
  const slotBytes = firstUnit - UNIT_BYTES - HEADER_BYTES;
  if (slotBytes <= 0 || slotBytes % 4 !== 0) return undefined;
  return {
    slotCount: slotBytes / 4,
    unitCount: (bytes - HEADER_BYTES - slotBytes) / UNIT_BYTES,
  };
}

/** Slots full of zeros can look like a first unit; what is around must fit too. */
function fitsHeader(
  file: StoreFile,
  firstUnit: number,
  header: DataView,
  { slotCount }: IndexSizes,
): boolean {
  const count = header.getInt32(36) - 1;
  const last = readView(file, firstUnit + (count - 1) * UNIT_BYTES, UNIT_BYTES);
  if (last.byteLength < UNIT_BYTES || getInt64(last, 4) !== getInt64(header, 24)) return false;
  const looked = Math.min(count, UNITS_LOOKED_AT);
  const units = readView(file, firstUnit, looked * UNIT_BYTES);
  let previous = getInt64(header, 16);
  for (let index = 0; index < looked; index++) {
    const physicalOffset = getInt64(units, index * UNIT_BYTES + 4);
    if (physicalOffset < previous || units.getInt32(index * UNIT_BYTES + 16) > index) return false;
    previous = physicalOffset;
  }
  // After a crash the slots may never have been written; many units are proof enough then.
  const slot = units.getInt32(0) % slotCount;
  const newest = readView(file, HEADER_BYTES + slot * 4, 4).getInt32(0);
  return newest > 0 && newest <= count || looked === UNITS_LOOKED_AT;
}

function readView(file: StoreFile, position: number, bytes: number): DataView {
  const into = new Uint8Array(bytes);
  return viewOf(into.subarray(0, file.readSync(into, position)));
}
