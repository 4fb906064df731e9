/** The data folder itself: who has it, and the mark of a store that is open. */

import { StoreUnwritableError } from "./errors.ts";
import type { FileSystem } from "./file_system.ts";

/**
 * Makes the data folder, if need be, and takes its lock, which ends with the process.
 * @throws {StoreUnwritableError} when that is not possible.
 */
export function lockFolder(fileSystem: FileSystem, folder: string): Disposable {
  let lock: Disposable | undefined;
  try {
    fileSystem.makeFolderSync(folder);
    lock = fileSystem.tryLockSync(`${folder}/lock`);
  } catch (error) {
    throw new StoreUnwritableError(
      `Cannot write to the data folder ${folder}; choose another with --data, or change its rights`,
      { cause: error },
    );
  }
  if (lock !== undefined) return lock;
  throw new StoreUnwritableError(
    `The data folder ${folder} is in use by another process; stop that one, or choose another ` +
      `folder with --data`,
  );
}

/** Writes a small file for which a torn one is as good as none. */
export function overwriteText(fileSystem: FileSystem, path: string, text: string): void {
  const file = fileSystem.openSync(path, { create: true });
  file.writeSync(new TextEncoder().encode(text), 0);
  file.close();
}
