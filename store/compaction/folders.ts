/**
 * Where everything about compaction lies. The first three are Apache's; the last is ours, and Apache never looks there.
 *
 * ```
 *  compaction/compactionLog/TOPIC/QUEUEID/…   records                        compaction_file.ts
 *  compaction/compactionCq/TOPIC/QUEUEID/…    where they are
 *  compaction/position-checkpoint             how far each queue is compacted position_checkpoint.ts
 *  compaction/comet-compacting/…              what a run is writing, and its journal        swap.ts
 * ```
 */

import { SyncError } from "../errors.ts";
import type { FileSystem } from "../file_system.ts";
import type { CompactionPaths } from "./compaction_file.ts";
import { COMPACTION_UNIT_BYTES } from "./compaction_unit.ts";

/** The settings that compaction reads, under Apache's names. */
export interface CompactionSettings {
  /** Milliseconds from one run to the next. */
  compactionScheduleInternal: number;
  compactionMappedFileSize: number;
  compactionCqMappedFileSize: number;
  /** Bytes for the keys of one run. */
  maxOffsetMapSize: number;
}

/** The folder `compaction` and what follows from the settings. */
export interface CompactionFolders {
  readonly fileSystem: FileSystem;
  /** The data folder. */
  readonly storeFolder: string;
  readonly root: string;
  readonly compacting: string;
  readonly logBytes: number;
  readonly cqBytes: number;
}

export function compactionFolders(
  fileSystem: FileSystem,
  storeFolder: string,
  settings: CompactionSettings,
): CompactionFolders {
  const root = `${storeFolder}/compaction`;
  const cqBytes = Math.floor(settings.compactionCqMappedFileSize / COMPACTION_UNIT_BYTES) *
    COMPACTION_UNIT_BYTES;
  return {
    fileSystem,
    storeFolder,
    root,
    compacting: `${root}/comet-compacting`,
    logBytes: logFileBytes(cqBytes, settings.compactionMappedFileSize),
    cqBytes,
  };
}

/** A multiple of the length of a consume queue file, and at least five times as long. As in Apache's CompactionLog. */
function logFileBytes(cqBytes: number, wanted: number): number {
  const times = Math.floor(wanted / cqBytes);
  if (times < 5) return cqBytes * 5;
  const rest = wanted % cqBytes;
  return (rest > 0 && rest < Math.floor(cqBytes / 2) ? times : times + 1) * cqBytes;
}

/** Where the files of a queue are. */
export function queuePaths(
  { fileSystem, root, logBytes, cqBytes }: CompactionFolders,
  topic: string,
  queueId: number,
): CompactionPaths {
  return {
    fileSystem,
    logFolder: `${root}/compactionLog/${topic}/${queueId}`,
    cqFolder: `${root}/compactionCq/${topic}/${queueId}`,
    logBytes,
    cqBytes,
  };
}

/** Where a run writes. */
export function compactingPaths(
  { fileSystem, compacting, logBytes, cqBytes }: CompactionFolders,
): CompactionPaths {
  return {
    fileSystem,
    logFolder: `${compacting}/log`,
    cqFolder: `${compacting}/cq`,
    logBytes,
    cqBytes,
  };
}

/** Makes a folder inside the data folder, if it is not there, and all that lead to it survive a power loss. */
export async function makeFolders(
  { fileSystem, storeFolder }: CompactionFolders,
  path: string,
): Promise<void> {
  fileSystem.makeFolderSync(path);
  let parent = storeFolder;
  for (const name of path.slice(storeFolder.length + 1).split("/")) {
    await syncFolder(fileSystem, parent);
    parent += `/${name}`;
  }
}

/** Makes what was created, renamed and removed among the files of `paths` survive a power loss. @throws {SyncError} */
export async function syncFolders(paths: CompactionPaths): Promise<void> {
  await syncFolder(paths.fileSystem, paths.logFolder);
  await syncFolder(paths.fileSystem, paths.cqFolder);
}

/** The same for a start, when there is nobody to hold up. */
export function syncFoldersSync({ fileSystem, logFolder, cqFolder }: CompactionPaths): void {
  fileSystem.syncFolderSync(logFolder);
  fileSystem.syncFolderSync(cqFolder);
}

/** The same for one folder. @throws {SyncError} */
export async function syncFolder(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.syncFolder(path);
  } catch (error) {
    throw new SyncError(path, error);
  }
}
