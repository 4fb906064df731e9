/** The files of the runs: a few of them are open, the one used last at the end. */

import type { FileSystem, StoreFile } from "../file_system.ts";
import { SyncError } from "../errors.ts";

const OPEN_MAX = 32;

export class RunFiles {
  readonly folder: string;
  readonly #fileSystem: FileSystem;
  readonly #open = new Map<string, StoreFile>();
  /** Files with bytes that no fsync has covered, and whether names in the folder are new. */
  readonly #unsynced = new Set<string>();
  #areNamesNew = false;

  /** @param folder is made when it is not there. */
  constructor(fileSystem: FileSystem, folder: string) {
    this.#fileSystem = fileSystem;
    this.folder = folder;
  }

  /** The names of the runs that are there, oldest first. */
  names(): string[] {
    return this.#fileSystem.listSync(this.folder).filter((name) => /^\d{20}$/.test(name));
  }

  /** Makes a file, in place of one that a crash may have left. @throws when the disk refuses. */
  create(name: string, bytes: Uint8Array): void {
    this.#fileSystem.makeFolderSync(this.folder);
    const file = this.#file(name, true);
    file.truncateSync(0);
    file.writeSync(bytes, 0);
    this.#unsynced.add(name);
    this.#areNamesNew = true;
  }

  write(name: string, bytes: Uint8Array, position: number): void {
    this.#file(name).writeSync(bytes, position);
    this.#unsynced.add(name);
  }

  /** Fills `into` from `position` on; what the file lacks stays as it is. Returns the count. */
  read(name: string, into: Uint8Array, position: number): number {
    const file = this.#file(name);
    let done = 0;
    while (done < into.length) {
      const count = file.readSync(done === 0 ? into : into.subarray(done), position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  size(name: string): number {
    return this.#file(name).sizeSync();
  }

  #file(name: string, create = false): StoreFile {
    let file = this.#open.get(name);
    if (file === undefined) {
      file = this.#fileSystem.openSync(`${this.folder}/${name}`, { create });
    } else {
      this.#open.delete(name);
    }
    this.#open.set(name, file);
    if (this.#open.size > OPEN_MAX) this.#closeOldest();
    return file;
  }

  #closeOldest(): void {
    const [name, file] = this.#open.entries().next().value!;
    file.close();
    this.#open.delete(name);
  }

  /** Makes all that was written survive a power loss. @throws {SyncError} */
  async sync(): Promise<void> {
    const names = [...this.#unsynced];
    this.#unsynced.clear();
    for (const name of names) {
      // A handle of its own, since one that is busy refuses everything else.
      const file = this.#fileSystem.openSync(`${this.folder}/${name}`, { create: false });
      try {
        await file.syncData();
      } catch (error) {
        throw new SyncError(`${this.folder}/${name}`, error);
      } finally {
        file.close();
      }
    }
    if (!this.#areNamesNew) return;
    this.#areNamesNew = false;
    await this.#fileSystem.syncFolder(this.folder);
  }

  remove(name: string): void {
    this.#open.get(name)?.close();
    this.#open.delete(name);
    this.#unsynced.delete(name);
    this.#fileSystem.removeSync(`${this.folder}/${name}`);
  }

  close(): void {
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
  }
}
