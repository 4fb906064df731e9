/**
 * How far the queues and the index surely go, so that a start after a crash reads only the rest of the log.
 *
 * ```
 *  comet-checkpoint:       0 magic 4 | version 4 | endOffset 8 | lastRecordOffset 8 | indexEndOffset 8 | crc 4
 *                         64 syncedOffset 8 | crc of it 4
 *  checkpoint (Apache's):    physicMsgTimestamp 8 | logicsMsgTimestamp 8 | indexMsgTimestamp 8
 *                            masterFlushedOffset 8 | confirmPhyOffset 8
 * ```
 * The first is ours and exact; `lastRecordOffset` lets a start see whether the log still is the one that was meant.
 * `syncedOffset` only says up to where the log was on disk, and is written more often: what is damaged before it was
 * whole once, whatever a crash may explain behind it. Apache's only has times, and Apache reads it when it takes the
 * folder over: after a crash it removes the index files that end after the third, and reads the log again from a file
 * that begins before the first two. All of them may be older than what they describe, never newer. We leave
 * `confirmPhyOffset` 0; Apache sets it whenever it opens a folder with messages.
 */

import { getInt64, setInt64, viewOf } from "../client/protocol/bytes.ts";
import { recordCrc } from "../client/protocol/message_record.ts";
import { SyncError } from "./errors.ts";
import type { FileSystem, StoreFile } from "./file_system.ts";

export interface Checkpoint {
  /** Every record before this offset is in its queue and in the index, on disk. */
  endOffset: number;
  /** Where the last record before `endOffset` begins; -1 for none. */
  lastRecordOffset: number;
  /** Where the newest message begins that the index knew; -1 for none, or when that is not known. */
  indexEndOffset?: number;
}

/** For Apache; milliseconds. */
export interface CheckpointTimestamps {
  /** Up to when messages are in the log and the queues on disk, and older than all that Apache must index anew. */
  storeTimestamp: number;
  /** Up to when messages are in index files that are whole on disk. */
  indexedTimestamp: number;
}

const MAGIC = 0x434f4d54;
const VERSION = 2;
const BYTES = 36;
const MARK_POSITION = 64;
const MARK_BYTES = 12;
const MARK_MILLIS = 100;
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
    view.getInt32(32) === recordCrc(bytes.subarray(0, 32));
  if (!sound) return undefined;
  return {
    endOffset: getInt64(view, 8),
    lastRecordOffset: getInt64(view, 16),
    indexEndOffset: getInt64(view, 24),
  };
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
  setInt64(view, 24, checkpoint.indexEndOffset ?? -1);
  view.setInt32(32, recordCrc(bytes.subarray(0, 32)));
  overwrite(fileSystem, `${folder}/comet-checkpoint`, bytes);
  writeApacheCheckpoint(fileSystem, folder, timestamps);
}

/** Writes Apache's checkpoint alone. */
export function writeApacheCheckpoint(
  fileSystem: FileSystem,
  folder: string,
  { storeTimestamp, indexedTimestamp }: CheckpointTimestamps,
): void {
  const apache = new Uint8Array(APACHE_BYTES);
  [storeTimestamp, storeTimestamp, indexedTimestamp].forEach((timestamp, index) =>
    setInt64(viewOf(apache), index * 8, timestamp)
  );
  overwrite(fileSystem, `${folder}/checkpoint`, apache);
}

/**
 * Makes our checkpoint say nothing of queues and index, before something is taken out of them that was on disk; Apache's
 * must say so already. What is known of the log stays: it was on disk up to `syncedOffset`.
 */
export function forgetCheckpoint(
  fileSystem: FileSystem,
  folder: string,
  syncedOffset: number,
): void {
  const apache = fileSystem.openSync(`${folder}/checkpoint`, { create: true });
  try {
    apache.syncDataSync();
  } finally {
    apache.close();
  }
  if (!fileSystem.existsSync(`${folder}/comet-checkpoint`)) return;
  const ours = fileSystem.openSync(`${folder}/comet-checkpoint`, { create: false });
  try {
    ours.writeSync(new Uint8Array(BYTES), 0);
    ours.writeSync(markOf(syncedOffset), MARK_POSITION);
    ours.syncDataSync();
  } finally {
    ours.close();
  }
}

function markOf(syncedOffset: number): Uint8Array {
  const bytes = new Uint8Array(MARK_BYTES);
  const view = viewOf(bytes);
  setInt64(view, 0, syncedOffset);
  view.setInt32(8, recordCrc(bytes.subarray(0, 8)));
  return bytes;
}

/** Makes our checkpoint survive a power loss; off the event loop. @throws {SyncError} */
export async function syncCheckpoint(fileSystem: FileSystem, folder: string): Promise<void> {
  const path = `${folder}/comet-checkpoint`;
  const file = fileSystem.openSync(path, { create: false });
  try {
    await file.syncData();
  } catch (error) {
    throw new SyncError(path, error);
  } finally {
    file.close();
  }
}

/** The offset up to which the log surely was on disk, by the mark beside the checkpoint; 0 when there is none. */
export function readSyncedOffset(fileSystem: FileSystem, folder: string): number {
  const path = `${folder}/comet-checkpoint`;
  if (!fileSystem.existsSync(path)) return 0;
  const bytes = new Uint8Array(MARK_BYTES);
  const file = fileSystem.openSync(path, { create: false });
  const count = file.readSync(bytes, MARK_POSITION);
  file.close();
  const view = viewOf(bytes);
  if (count < MARK_BYTES || view.getInt32(8) !== recordCrc(bytes.subarray(0, 8))) return 0;
  return getInt64(view, 0);
}

/** Notes how far the log is on disk, now and then. Costs no fsync: it may be lost. */
export class SyncedMark {
  readonly #file: StoreFile;
  readonly #now: () => number;
  #writtenAt = -Infinity;

  /** @param now milliseconds; the mark is written once in MARK_MILLIS of them. */
  constructor(fileSystem: FileSystem, folder: string, now: () => number) {
    this.#file = fileSystem.openSync(`${folder}/comet-checkpoint`, { create: true });
    this.#now = now;
  }

  /** The log is on disk up to here. */
  set(syncedOffset: number): void {
    const now = this.#now();
    if (Math.abs(now - this.#writtenAt) < MARK_MILLIS) return;
    this.#writtenAt = now;
    try {
      this.#file.writeSync(markOf(syncedOffset), MARK_POSITION);
    } catch {
      // An older mark is less exact, no more; if the disk is ill, others will say so.
    }
  }

  close(): void {
    this.#file.close();
  }
}

/** What Apache's checkpoint says; all 0 without one. */
export interface ApacheCheckpoint {
  /** Up to when the log was on disk; milliseconds. */
  physicMsgTimestamp: number;
  /** Up to when the queues were on disk; milliseconds. */
  logicsMsgTimestamp: number;
  /** Apache has had the folder since Comet wrote its last checkpoint. */
  isApaches: boolean;
}

/** Reads Apache's checkpoint. What its index files have they tell themselves. */
export function readApacheCheckpoint(fileSystem: FileSystem, folder: string): ApacheCheckpoint {
  const path = `${folder}/checkpoint`;
  const bytes = new Uint8Array(40);
  if (fileSystem.existsSync(path)) {
    const file = fileSystem.openSync(path, { create: false });
    file.readSync(bytes, 0);
    file.close();
  }
  const view = viewOf(bytes);
  return {
    physicMsgTimestamp: getInt64(view, 0),
    logicsMsgTimestamp: getInt64(view, 8),
    isApaches: getInt64(view, 32) !== 0,
  };
}

function overwrite(fileSystem: FileSystem, path: string, bytes: Uint8Array): void {
  const file = fileSystem.openSync(path, { create: true });
  try {
    file.writeSync(bytes, 0);
  } finally {
    file.close();
  }
}
