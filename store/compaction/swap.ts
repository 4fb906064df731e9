/**
 * Putting the files that a run has written in the place of those that it has read, so that a crash leaves the old ones
 * or the new ones, and never some of each.
 *
 * 1. The new files are whole and on disk in `comet-compacting`.
 * 2. The journal `comet-compacting/swap` is written and renamed to its name: from here on the new files count.
 * 3. They are moved over the old ones, what is left of those is removed, the position is noted.
 * 4. The journal is removed.
 *
 * A start that finds the journal does step 3 again, which changes nothing where it was done; one that finds none removes
 * what the run had written.
 */

import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { CorruptStoreError, SyncError } from "../errors.ts";
import type { FileSystem } from "../file_system.ts";
import { type CompactionPaths, name20 } from "./compaction_file.ts";
import {
  compactingPaths,
  type CompactionFolders,
  queuePaths,
  syncFolder,
  syncFoldersSync,
} from "./folders.ts";

export interface Swap {
  topic: string;
  queueId: number;
  /** What the queue's position is afterwards. */
  position: number;
  /** Names of the old files and of the new ones, as numbers. */
  replaced: number[];
  created: number[];
}

function journalPath({ compacting }: CompactionFolders): string {
  return `${compacting}/swap`;
}

/** Step 2. @throws {SyncError} when the disk fails: then a start decides whether the new files count. */
export async function writeJournal(folders: CompactionFolders, swap: Swap): Promise<void> {
  const { fileSystem, compacting } = folders;
  const path = journalPath(folders);
  const file = fileSystem.openSync(`${path}.tmp`, { create: true });
  try {
    file.truncateSync(0);
    file.writeSync(encodeUtf8(JSON.stringify(swap)), 0);
    await file.syncData().catch((error) => {
      throw new SyncError(path, error);
    });
  } finally {
    file.close();
  }
  fileSystem.renameSync(`${path}.tmp`, path);
  await syncFolder(fileSystem, compacting);
}

/** The moves of step 3; a power loss may undo them until both ends' folders are synced. */
export function moveFiles(folders: CompactionFolders, swap: Swap): void {
  const { fileSystem } = folders;
  const from = compactingPaths(folders);
  const to = queuePaths(folders, swap.topic, swap.queueId);
  for (const name of swap.created.map(name20)) {
    for (const [source, target] of pairs(from, to)) {
      if (!fileSystem.existsSync(`${source}/${name}`)) continue;
      fileSystem.renameSync(`${source}/${name}`, `${target}/${name}`);
    }
  }
  for (const start of swap.replaced) {
    if (swap.created.includes(start)) continue;
    removeIfThere(fileSystem, `${to.cqFolder}/${name20(start)}`);
    removeIfThere(fileSystem, `${to.logFolder}/${name20(start)}`);
  }
}

function pairs(from: CompactionPaths, to: CompactionPaths): [string, string][] {
  return [[from.logFolder, to.logFolder], [from.cqFolder, to.cqFolder]];
}

/** Step 4. */
export async function removeJournal(folders: CompactionFolders): Promise<void> {
  folders.fileSystem.removeSync(journalPath(folders));
  await syncFolder(folders.fileSystem, folders.compacting);
}

/**
 * For a start: ends a swap that a crash interrupted, but for the position, which the caller notes before it calls
 * `removeJournal`. Undefined when there is none.
 * @throws {CorruptStoreError} when the journal cannot be read.
 */
export function redoSwap(folders: CompactionFolders): Swap | undefined {
  const { fileSystem } = folders;
  const path = journalPath(folders);
  if (!fileSystem.existsSync(path)) return undefined;
  let swap: Swap;
  try {
    swap = JSON.parse(fileSystem.readTextSync(path));
  } catch (error) {
    throw new CorruptStoreError(`Cannot read ${path}. Restore ${folders.root} from a copy`, {
      cause: error,
    });
  }
  moveFiles(folders, swap);
  syncFoldersSync(queuePaths(folders, swap.topic, swap.queueId));
  syncFoldersSync(compactingPaths(folders));
  return swap;
}

/** Removes what a run that did not come to its journal has written. */
export function removeCompacting(folders: CompactionFolders): void {
  const { fileSystem } = folders;
  removeIfThere(fileSystem, `${journalPath(folders)}.tmp`);
  const { logFolder, cqFolder } = compactingPaths(folders);
  for (const folder of [logFolder, cqFolder]) {
    for (const name of fileSystem.listSync(folder)) fileSystem.removeSync(`${folder}/${name}`);
  }
}

function removeIfThere(fileSystem: FileSystem, path: string): void {
  if (fileSystem.existsSync(path)) fileSystem.removeSync(path);
}
