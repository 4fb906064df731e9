/** The data folder itself: who has it, and the mark of a store that is open. */

import { StoreUnwritableError } from "./errors.ts";
import type { FileSystem } from "./file_system.ts";

/**
 * Makes a folder and those that lead to it.
 * @param onChange told of the folders in which a name is new then, also when it fails: they must be synced before that
 * survives a power loss.
 */
export function makeFolder(
  fileSystem: FileSystem,
  folder: string,
  onChange: (folder: string) => void,
): void {
  if (fileSystem.existsSync(folder)) return;
  for (let path = folder; !fileSystem.existsSync(path); path = parentOf(path)) {
    if (parentOf(path) === path) break;
    onChange(parentOf(path));
  }
  fileSystem.makeFolderSync(folder);
}

function parentOf(path: string): string {
  const end = path.replace(/\/+$/, "").lastIndexOf("/");
  if (end < 0) return path.startsWith("/") ? "/" : ".";
  return end === 0 ? "/" : path.slice(0, end);
}

/**
 * Makes the data folder, if need be, and takes its lock, which ends with the process.
 * @throws {StoreUnwritableError} when that is not possible.
 */
export function lockFolder(fileSystem: FileSystem, folder: string): Disposable {
  let lock: Disposable | undefined;
  try {
    const changed: string[] = [];
    makeFolder(fileSystem, folder, (parent) => changed.push(parent));
    for (const parent of changed) fileSystem.syncFolderSync(parent);
    // Without a lock file a process that made some of these may have died before it could sync them.
    if (!fileSystem.existsSync(`${folder}/lock`)) syncParents(fileSystem, folder);
    lock = fileSystem.tryLockSync(`${folder}/lock`);
  } catch (error) {
    throw cannotWrite(folder, error);
  }
  if (lock !== undefined) return lock;
  throw new StoreUnwritableError(
    `The data folder ${folder} is in use by another process; stop that one, or choose another ` +
      `folder with --data`,
  );
}

function syncParents(fileSystem: FileSystem, folder: string): void {
  try {
    for (let path = folder; parentOf(path) !== path; path = parentOf(path)) {
      fileSystem.syncFolderSync(parentOf(path));
    }
  } catch {
    // Above the first folder that one may not even look into nobody has made anything.
  }
}

function cannotWrite(folder: string, cause: unknown): StoreUnwritableError {
  return new StoreUnwritableError(
    `Cannot write to the data folder ${folder}; choose another with --data, or change its rights`,
    { cause },
  );
}

/** Whether the last stop was in order: a store that is open, or was when its process died, has the mark. */
export function isClosed(fileSystem: FileSystem, folder: string): boolean {
  return !fileSystem.existsSync(`${folder}/abort`);
}

/**
 * Puts the mark, also for after a power loss: without it a start would trust what was not synced.
 * @throws {StoreUnwritableError} when the folder cannot be written.
 */
export function markOpen(fileSystem: FileSystem, folder: string): void {
  try {
    const file = fileSystem.openSync(`${folder}/abort`, { create: true });
    file.writeSync(new TextEncoder().encode(String(Deno.pid)), 0);
    file.syncDataSync();
    file.close();
    fileSystem.syncFolderSync(folder);
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

/** Takes the mark away. All that the store has must be on disk already. */
export function markClosed(fileSystem: FileSystem, folder: string): void {
  fileSystem.removeSync(`${folder}/abort`);
  fileSystem.syncFolderSync(folder);
}
