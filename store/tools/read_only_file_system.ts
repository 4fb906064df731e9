/** A file system that cannot change anything, for looking at data folders that must stay as they are. */

import { denoFileSystem, type FileSystem, type StoreFile } from "../file_system.ts";

class ReadOnlyFile implements StoreFile {
  readonly #file: Deno.FsFile;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.#file = Deno.openSync(path, { read: true });
  }

  readSync(into: Uint8Array, position: number): number {
    this.#file.seekSync(position, Deno.SeekMode.Start);
    return this.#file.readSync(into) ?? 0;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    this.#file.seekSync(position, Deno.SeekMode.Start);
    return await this.#file.read(into) ?? 0;
  }

  sizeSync(): number {
    return this.#file.statSync().size;
  }

  close(): void {
    this.#file.close();
  }

  writeSync(): void {
    refuse(this.#path);
  }

  syncData(): Promise<void> {
    return refuse(this.#path);
  }

  syncDataSync(): void {
    refuse(this.#path);
  }

  truncateSync(): void {
    refuse(this.#path);
  }
}

/** What would change something is a mistake of this program's. */
function refuse(path: string): never {
  throw new Error(`Cannot change ${path}: it was opened to be looked at`);
}

/** Opens files that exist for reading, also where the caller would create them; refuses every change. */
export const readOnlyFileSystem: FileSystem = {
  openSync: (path) => new ReadOnlyFile(path),
  existsSync: denoFileSystem.existsSync,
  listSync: denoFileSystem.listSync,
  readTextSync: denoFileSystem.readTextSync,
  diskSpaceSync: denoFileSystem.diskSpaceSync,
  makeFolderSync: refuse,
  removeSync: refuse,
  remove: refuse,
  renameSync: refuse,
  tryLockSync: refuse,
  syncFolderSync: refuse,
  syncFolder: refuse,
};
