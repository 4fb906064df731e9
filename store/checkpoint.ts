/**
 * How far the queues and the index surely go, so that a start after a crash reads only the rest of the log.
 *
 * ```
 *  comet-checkpoint, 32 bytes:  magic 4 | version 4 | endOffset 8 | lastRecordOffset 8 | unused 4 | crc of the above 4
 *  checkpoint (Apache's):       physicMsgTimestamp 8 | logicsMsgTimestamp 8 | indexMsgTimestamp 8
 * ```
 * The first is ours and exact; `lastRecordOffset` lets a start see whether the log still is the one that was meant.
 * Apache's only has times, and Apache reads it when it takes the folder over. Neither needs an fsync of its own: both
 * may be older than what they describe, never newer.
 */

import { getInt64, setInt64, viewOf } from "../client/protocol/bytes.ts";
import { recordCrc } from "../client/protocol/message_record.ts";
import type { FileSystem } from "./file_system.ts";

export interface Checkpoint {
  /** Every record before this offset is in its queue and in the index, on disk. */
  endOffset: number;
  /** Where the last record before `endOffset` begins; -1 for none. */
  lastRecordOffset: number;
}

/** For Apache: up to when messages are in the log and the queues on disk, and up to when in whole index files. */
export interface CheckpointTimestamps {
  storeTimestamp: number;
  indexedTimestamp: number;
}

const MAGIC = 0x434f4d54;
const VERSION = 1;
const BYTES = 32;
/** Apache maps a page of it. */
const APACHE_BYTES = 4096;

/** Reads our checkpoint; undefined when there is none that can be trusted. */
export function readCheckpoint(fileSystem: FileSystem, folder: string): Checkpoint | undefined {
  const path = `${folder}/comet-checkpoint`;
  if (!fileSystem.existsSync(path)) return undefined;
  const bytes = new Uint8Array(BYTES);
  const file = fileSystem.openSync(path, { create: false });
  const count = file.readSync(bytes, 0);
  file.close();
  const view = viewOf(bytes);
  const sound = count === BYTES && view.getInt32(0) === MAGIC && view.getInt32(4) === VERSION &&
    view.getInt32(28) === recordCrc(bytes.subarray(0, 28));
  if (!sound) return undefined;
  return { endOffset: getInt64(view, 8), lastRecordOffset: getInt64(view, 16) };
}

/** Writes both checkpoints; what they say must be on disk already. */
export function writeCheckpoint(
  fileSystem: FileSystem,
  folder: string,
  checkpoint: Checkpoint,
  timestamps: CheckpointTimestamps,
): void {
  const bytes = new Uint8Array(BYTES);
  const view = viewOf(bytes);
  view.setInt32(0, MAGIC);
  view.setInt32(4, VERSION);
  setInt64(view, 8, checkpoint.endOffset);
  setInt64(view, 16, checkpoint.lastRecordOffset);
  view.setInt32(28, recordCrc(bytes.subarray(0, 28)));
  overwrite(fileSystem, `${folder}/comet-checkpoint`, bytes);
  const apache = new Uint8Array(APACHE_BYTES);
  const { storeTimestamp, indexedTimestamp } = timestamps;
  [storeTimestamp, storeTimestamp, indexedTimestamp].forEach((timestamp, index) =>
    setInt64(viewOf(apache), index * 8, timestamp)
  );
  overwrite(fileSystem, `${folder}/checkpoint`, apache);
}

/** The time up to which Apache had everything on disk; 0 when it left no checkpoint. */
export function readApacheCheckpoint(fileSystem: FileSystem, folder: string): number {
  const path = `${folder}/checkpoint`;
  if (!fileSystem.existsSync(path)) return 0;
  const bytes = new Uint8Array(24);
  const file = fileSystem.openSync(path, { create: false });
  file.readSync(bytes, 0);
  file.close();
  const view = viewOf(bytes);
  return Math.max(0, Math.min(getInt64(view, 0), getInt64(view, 8), getInt64(view, 16)));
}

function overwrite(fileSystem: FileSystem, path: string, bytes: Uint8Array): void {
  const file = fileSystem.openSync(path, { create: true });
  try {
    file.writeSync(bytes, 0);
  } finally {
    file.close();
  }
}
