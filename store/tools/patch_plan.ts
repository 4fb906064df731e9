/** Where in the damaged ranges of the log each lost message gets its tombstone. */

import { BLANK_RECORD_BYTES } from "../../client/protocol/message_record.ts";
import type { LogDamage, LostMessages } from "./damage.ts";
import { fillUp, type Patch, tombstoneBytes, type TombstoneForm } from "./filler.ts";

/** A patch that is being filled. */
interface Piece {
  patch: Patch;
  /** The index of its damaged range. */
  range: number;
  /** Bytes that can still be given to tombstones. */
  room: number;
}

/**
 * Plans what to write in place of every damaged range.
 * @returns undefined when something does not fit, which damage to records alone cannot cause.
 */
export function planPatches(damage: LogDamage, segmentBytes: number): Patch[] | undefined {
  const pieces = piecesOf(damage, segmentBytes);
  // Those that must be early come first. Messages of one queue stay in their order.
  const lost = [...damage.lost].sort((a, b) =>
    a.lastRange - b.lastRange || a.firstRange - b.firstRange
  );
  for (const messages of lost) if (!place(messages, pieces)) return undefined;
  for (const piece of pieces) {
    lengthen(piece, "tagged");
    lengthen(piece, "full");
    if (!fillUp(piece.patch, segmentBytes)) return undefined;
  }
  return pieces.map(({ patch }) => patch);
}

/** Splits the ranges at the ends of the log's files, over which no record goes. */
function piecesOf({ ranges }: LogDamage, segmentBytes: number): Piece[] {
  const pieces: Piece[] = [];
  for (const [range, { start, end, storeTimestamp }] of ranges.entries()) {
    for (let from = start; from < end;) {
      const segmentEnd = from - from % segmentBytes + segmentBytes;
      const to = Math.min(end, segmentEnd);
      const room = to - from - (to === segmentEnd ? BLANK_RECORD_BYTES : 0);
      pieces.push({ patch: { start: from, end: to, storeTimestamp, parts: [] }, range, room });
      from = to;
    }
  }
  return pieces;
}

/** Puts the tombstones of some messages of a queue, one behind the other, into pieces that have room. */
function place(messages: LostMessages, pieces: Piece[]): boolean {
  const { topic, queueId, from, to, firstRange, lastRange } = messages;
  const bytes = tombstoneBytes(topic, queueId, "short");
  let at = pieces.findIndex(({ range }) => range >= firstRange);
  for (let queueOffset = from; queueOffset < to; queueOffset++) {
    while (at < pieces.length && pieces[at]!.room < bytes) at++;
    const piece = pieces[at];
    if (piece === undefined || piece.range > lastRange) return false;
    const kind = "tombstone";
    piece.patch.parts.push({ kind, topic, queueId, queueOffset, form: "short", bytes });
    piece.room -= bytes;
  }
  return true;
}

/** Gives tombstones a longer form while there is room. */
function lengthen(piece: Piece, form: TombstoneForm): void {
  for (const part of piece.patch.parts) {
    if (part.kind !== "tombstone") continue;
    const bytes = tombstoneBytes(part.topic, part.queueId, form);
    if (bytes - part.bytes > piece.room) return;
    piece.room -= bytes - part.bytes;
    part.bytes = bytes;
    part.form = form;
  }
}
