/**
 * A file system over a disk in memory that fails when it is told to: calls that fail, a disk that is full, calls that
 * stall, and a crash after any call. What the crash leaves behind is asked of the disk then.
 */

import type { DiskSpace, FileSystem, StoreFile } from "../../store/file_system.ts";
import { type Disk, DiskFile, folderOf, PAGE_BYTES } from "./fault_disk.ts";
import type { Random } from "./random.ts";

/** Calls that change the disk, and the moments at which asynchronous ones take effect. */
export type CallKind =
  | "create"
  | "write"
  | "truncate"
  | "sync"
  | "syncFolder"
  | "makeFolder"
  | "remove"
  | "rename"
  | "read";

export interface Call {
  kind: CallKind;
  path: string;
  /** How many calls came before that change the disk. */
  number: number;
}

/** The machine has stopped. */
export class Crash extends Error {
  override readonly name = "Crash";
}

/** An asynchronous call that waits to take effect. */
export interface StalledCall {
  kind: CallKind;
  path: string;
  resume: () => void;
}

export interface FaultOptions {
  random: Random;
  /** The crash comes instead of the call after so many. */
  crashAfter?: number;
  onCrash?: () => void;
  /** Whether a call fails; the error's text. A write that fails has written a part. */
  fault?: (call: Call) => string | undefined;
}

export class FaultFileSystem implements FileSystem {
  readonly disk: Disk;
  options: FaultOptions;
  /** Calls that changed the disk. */
  callCount = 0;
  /** Calls that were made to fail. */
  failureCount = 0;
  capacityBytes = Infinity;
  /** Whether asynchronous calls wait in `stalledCalls` until they are resumed. */
  stalls = false;
  readonly stalledCalls: StalledCall[] = [];
  readonly #locks = new Set<string>();
  readonly #waiting = new Set<(error: Crash) => void>();
  #crashed = false;

  constructor(disk: Disk, options: FaultOptions) {
    this.disk = disk;
    this.options = options;
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** The machine stops: every later call throws, and those under way never take effect. */
  crash(): void {
    if (this.#crashed) return;
    this.#crashed = true;
    this.options.onCrash?.();
    this.stalledCalls.length = 0;
    for (const reject of this.#waiting) reject(new Crash());
  }

  /** Before every call. */
  #alive(): void {
    if (this.#crashed) throw new Crash();
  }

  /**
   * Before every call that changes the disk.
   * @param lastAct what the machine may still get done of it in a crash.
   */
  change(kind: CallKind, path: string, lastAct?: () => void): void {
    this.#alive();
    const { crashAfter = Infinity, random, fault } = this.options;
    const number = this.callCount++;
    if (number >= crashAfter) {
      if (random(2) === 0) lastAct?.();
      this.crash();
      throw new Crash();
    }
    this.#writeSomeBack();
    const failure = fault?.({ kind, path, number });
    if (failure === undefined) return;
    if (kind === "write") lastAct?.();
    throw this.#failure(failure);
  }

  #failure(reason: string): Error {
    this.failureCount++;
    return new Error(reason);
  }

  #writeSomeBack(): void {
    const { random } = this.options;
    if (random(6) > 0) return;
    const files = [...this.disk.files()];
    if (files.length > 0) files[random(files.length)]!.writeBack(random);
  }

  /** Runs `work` later: at once when nothing stalls, else when it is resumed. */
  later<T>(kind: CallKind, path: string, work: () => T): Promise<T> {
    this.#alive();
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      const resume = () => {
        if (!this.#waiting.delete(reject)) return;
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      };
      if (this.stalls) this.stalledCalls.push({ kind, path, resume });
      else queueMicrotask(resume);
    });
  }

  /** Lets one stalled call take effect. */
  resume(index: number): void {
    this.stalledCalls.splice(index, 1)[0]?.resume();
  }

  /** Lets all calls take effect, now and from now on. */
  resumeAll(): void {
    this.stalls = false;
    while (this.stalledCalls.length > 0) this.resume(0);
  }

  openSync(path: string, { create }: { create: boolean }): StoreFile {
    this.#alive();
    if (!this.disk.names.has(path)) {
      if (!create || this.disk.names.get(folderOf(path)) !== "folder") throw notFound(path);
      const file = new DiskFile();
      this.change("create", path, () => this.disk.add(path, file));
      this.disk.add(path, file);
    }
    const file = this.disk.file(path);
    if (file === undefined) throw new Error(`${path} is a folder`);
    return new FaultFile(this, file, path);
  }

  /** @throws when there is no room; what there is room for is written. */
  write(file: DiskFile, bytes: Uint8Array, position: number, path: string): void {
    const part = () => file.write(bytes.subarray(0, this.options.random(bytes.length)), position);
    this.change("write", path, part);
    const room = this.capacityBytes - this.disk.usedBytes;
    if (file.newPages(position, bytes.length) * PAGE_BYTES > room) {
      // The page that is already there takes what fits into it.
      const pageEnd = (Math.floor(position / PAGE_BYTES) + 1) * PAGE_BYTES;
      if (file.newPages(position, 1) === 0) {
        file.write(bytes.subarray(0, pageEnd - position), position);
      }
      throw this.#failure("No space left on device (os error 28)");
    }
    file.write(bytes, position);
  }

  syncNow(file: DiskFile, path: string): void {
    this.#sync(file, path, file.syncWork());
  }

  syncLater(file: DiskFile, path: string): Promise<void> {
    this.#alive();
    const work = file.syncWork();
    return this.later("sync", path, () => this.#sync(file, path, work));
  }

  #sync(file: DiskFile, path: string, work: ReturnType<DiskFile["syncWork"]>): void {
    try {
      this.change("sync", path);
    } catch (error) {
      if (!this.#crashed) file.syncFailed(work, this.options.random);
      throw error;
    }
    file.synced(work);
  }

  existsSync(path: string): boolean {
    this.#alive();
    return this.disk.names.has(path);
  }

  listSync(path: string): string[] {
    this.#alive();
    const names: string[] = [];
    for (const name of this.disk.names.keys()) {
      if (name !== "/" && folderOf(name) === path) names.push(name.slice(path.length + 1));
    }
    return names.sort();
  }

  makeFolderSync(path: string): void {
    this.#alive();
    if (this.disk.names.get(path) === "folder") return;
    this.makeFolderSync(folderOf(path));
    this.change("makeFolder", path, () => this.disk.add(path, "folder"));
    this.disk.add(path, "folder");
  }

  removeSync(path: string): void {
    this.#alive();
    if (!this.disk.names.has(path)) throw notFound(path);
    this.change("remove", path, () => this.disk.remove(path));
    this.disk.remove(path);
  }

  remove(path: string): Promise<void> {
    return this.later("remove", path, () => this.removeSync(path));
  }

  renameSync(from: string, to: string): void {
    this.#alive();
    if (!this.disk.names.has(from)) throw notFound(from);
    this.change("rename", from, () => this.disk.rename(from, to));
    this.disk.rename(from, to);
  }

  readTextSync(path: string): string {
    const file = this.openSync(path, { create: false });
    const bytes = new Uint8Array(file.sizeSync());
    file.readSync(bytes, 0);
    return new TextDecoder().decode(bytes);
  }

  tryLockSync(path: string): Disposable | undefined {
    this.openSync(path, { create: true });
    if (this.#locks.has(path)) return undefined;
    this.#locks.add(path);
    return { [Symbol.dispose]: () => this.#locks.delete(path) };
  }

  syncFolderSync(path: string): void {
    this.#syncFolder(path, this.disk.folderWork(path));
  }

  syncFolder(path: string): Promise<void> {
    this.#alive();
    const work = this.disk.folderWork(path);
    return this.later("syncFolder", path, () => this.#syncFolder(path, work));
  }

  #syncFolder(path: string, work: ReturnType<Disk["folderWork"]>): void {
    if (this.disk.names.get(path) !== "folder") throw notFound(path);
    this.change("syncFolder", path);
    this.disk.folderSynced(work);
  }

  diskSpaceSync(): DiskSpace {
    this.#alive();
    const { usedBytes } = this.disk;
    return { usedBytes, freeBytes: Math.max(0, Math.min(this.capacityBytes, 1e12) - usedBytes) };
  }

  /** Before every call that reads. */
  reading(path: string): void {
    this.#alive();
    const failure = this.options.fault?.({ kind: "read", path, number: this.callCount });
    if (failure !== undefined) throw this.#failure(failure);
  }
}

class FaultFile implements StoreFile {
  readonly #fileSystem: FaultFileSystem;
  readonly #file: DiskFile;
  readonly #path: string;
  #busy = false;
  #closed = false;

  constructor(fileSystem: FaultFileSystem, file: DiskFile, path: string) {
    this.#fileSystem = fileSystem;
    this.#file = file;
    this.#path = path;
  }

  /** As the runtime does, refuses a second operation while one is under way. */
  #use(): void {
    if (this.#closed) throw new Error(`${this.#path} is closed`);
    if (this.#busy) throw new Error(`${this.#path} is busy`);
  }

  writeSync(bytes: Uint8Array, position: number): void {
    this.#use();
    this.#fileSystem.write(this.#file, bytes, position, this.#path);
  }

  readSync(into: Uint8Array, position: number): number {
    this.#use();
    this.#fileSystem.reading(this.#path);
    return this.#file.read(into, position);
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    this.#use();
    this.#busy = true;
    try {
      return await this.#fileSystem.later("read", this.#path, () => {
        this.#fileSystem.reading(this.#path);
        return this.#file.read(into, position);
      });
    } finally {
      this.#busy = false;
    }
  }

  async syncData(): Promise<void> {
    this.#use();
    this.#busy = true;
    try {
      await this.#fileSystem.syncLater(this.#file, this.#path);
    } finally {
      this.#busy = false;
    }
  }

  syncDataSync(): void {
    this.#use();
    this.#fileSystem.syncNow(this.#file, this.#path);
  }

  truncateSync(bytes: number): void {
    this.#use();
    this.#fileSystem.change("truncate", this.#path, () => this.#file.truncate(bytes));
    this.#file.truncate(bytes);
  }

  sizeSync(): number {
    this.#use();
    return this.#file.size;
  }

  close(): void {
    this.#closed = true;
  }
}

function notFound(path: string): Error {
  return new Deno.errors.NotFound(`No such file or directory (os error 2): ${path}`);
}
