/**
 * The interface below everything in the store, and its implementation over Deno. Tests put a file system in its
 * place that fails, tears and forgets as disks do.
 */

// Deno itself has no call for the space on a disk.
import { statfsSync } from "node:fs";
import { tryPosixLock } from "./posix_lock.ts";

/** An open file. Each handle serves one purpose, because the runtime refuses a second operation on a busy handle. */
export interface StoreFile {
  /** Writes all of `bytes` at `position`. @throws when the disk is full or broken; some of it may be written. */
  writeSync(bytes: Uint8Array, position: number): void;
  /** Reads up to `into.length` bytes at `position`. Returns the count, 0 at the end of the file. */
  readSync(into: Uint8Array, position: number): number;
  /** The same, off the event loop; only one call at a time. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Makes what was written to this file, through any handle, survive a power loss. Off the event loop. */
  syncData(): Promise<void>;
  syncDataSync(): void;
  /** Sets the file's size; the bytes that it gains read as zeros and take no space. */
  truncateSync(bytes: number): void;
  sizeSync(): number;
  close(): void;
}

/** What the store needs of a file system. Paths are absolute or relative to the working directory. */
export interface FileSystem {
  /** Opens for reading and writing; creates the file when `create` says so. */
  openSync(path: string, options: { create: boolean }): StoreFile;
  existsSync(path: string): boolean;
  /** Names in a folder, sorted; empty when there is no such folder. */
  listSync(path: string): string[];
  makeFolderSync(path: string): void;
  removeSync(path: string): void;
  /** The same, off the event loop: freeing a large file takes a while. */
  remove(path: string): Promise<void>;
  renameSync(from: string, to: string): void;
  readTextSync(path: string): string;
  /** Takes a lock that ends with the process; undefined when another process has it, also one of Java's. */
  tryLockSync(path: string): Disposable | undefined;
  /** Makes new, renamed and removed names in a folder survive a power loss. */
  syncFolderSync(path: string): void;
  /** The same, off the event loop. */
  syncFolder(path: string): Promise<void>;
  /** How full the disk is that holds this folder, in bytes that this process may use. */
  diskSpaceSync(path: string): DiskSpace;
}

/** As `df` counts: what is reserved for the system is neither used nor free. */
export interface DiskSpace {
  usedBytes: number;
  freeBytes: number;
}

class DenoFile implements StoreFile {
  readonly #file: Deno.FsFile;
  /** Where the handle stands, so that appending needs no seek. */
  #position = 0;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  writeSync(bytes: Uint8Array, position: number): void {
    this.#seek(position);
    for (let done = 0; done < bytes.length;) {
      const count = this.#file.writeSync(done === 0 ? bytes : bytes.subarray(done));
      if (count === 0) throw new Error("The system wrote nothing and gave no reason");
      done += count;
      this.#position = position + done;
    }
  }

  readSync(into: Uint8Array, position: number): number {
    this.#seek(position);
    const count = this.#file.readSync(into) ?? 0;
    this.#position += count;
    return count;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    this.#seek(position);
    const count = await this.#file.read(into) ?? 0;
    this.#position += count;
    return count;
  }

  #seek(position: number): void {
    if (position === this.#position) return;
    this.#position = -1;
    this.#file.seekSync(position, Deno.SeekMode.Start);
    this.#position = position;
  }

  syncData(): Promise<void> {
    return this.#file.syncData();
  }

  syncDataSync(): void {
    this.#file.syncDataSync();
  }

  truncateSync(bytes: number): void {
    this.#file.truncateSync(bytes);
  }

  sizeSync(): number {
    return this.#file.statSync().size;
  }

  close(): void {
    this.#file.close();
  }
}

/** The real file system. */
export const denoFileSystem: FileSystem = {
  openSync: (path, { create }) =>
    new DenoFile(Deno.openSync(path, { read: true, write: true, create })),
  existsSync(path) {
    try {
      Deno.lstatSync(path);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  },
  listSync(path) {
    try {
      return [...Deno.readDirSync(path)].map((entry) => entry.name).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  },
  makeFolderSync: (path) => Deno.mkdirSync(path, { recursive: true }),
  removeSync: (path) => Deno.removeSync(path),
  remove: (path) => Deno.remove(path),
  renameSync: (from, to) => Deno.renameSync(from, to),
  readTextSync: (path) => Deno.readTextFileSync(path),
  tryLockSync(path) {
    const file = Deno.openSync(path, { read: true, write: true, create: true });
    const posixLock = file.tryLockSync(true) ? tryPosixLock(path) : "taken";
    if (posixLock === "taken") {
      file.close();
      return undefined;
    }
    return {
      [Symbol.dispose]() {
        if (posixLock !== "unavailable") posixLock[Symbol.dispose]();
        file.close();
      },
    };
  },
  syncFolderSync(path) {
    // Windows has no such call; there a rename is durable with the file system's own journal.
    if (Deno.build.os === "windows") return;
    using folder = Deno.openSync(path, { read: true });
    folder.syncSync();
  },
  async syncFolder(path) {
    if (Deno.build.os === "windows") return;
    using folder = await Deno.open(path, { read: true });
    await folder.sync();
  },
  diskSpaceSync(path) {
    const { bsize, blocks, bfree, bavail } = statfsSync(path);
    return { usedBytes: (blocks - bfree) * bsize, freeBytes: bavail * bsize };
  },
};
