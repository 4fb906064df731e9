/** All index files together: find messages by key or by unique key. */

import { javaHashCode } from "../client/protocol/message.ts";
import { SyncError } from "./errors.ts";
import type { FileSystem } from "./file_system.ts";
import { makeFolder } from "./folder.ts";
import { IndexFile } from "./index_file.ts";
import type { IndexEnd } from "./index_layout.ts";

export interface MessageIndexOptions {
  fileSystem: FileSystem;
  /** The folder `index`. */
  folder: string;
  slotCount: number;
  unitCount: number;
}

export class MessageIndex {
  readonly #options: MessageIndexOptions;
  /** Oldest first; the last one is being filled. */
  readonly #files: IndexFile[] = [];
  /** Full files whose last units are not synced yet. */
  readonly #finished = new Set<IndexFile>();
  /** Folders in which names are new or gone since they were synced. */
  readonly #changed = new Set<string>();

  constructor(options: MessageIndexOptions) {
    this.#options = options;
    for (const name of options.fileSystem.listSync(options.folder)) {
      if (/^\d{17}$/.test(name)) this.#files.push(this.#open(name, false));
    }
  }

  /** Adds a message under its unique key and each of its keys, which are separated by spaces. */
  put(
    topic: string,
    keys: string | undefined,
    uniqKey: string | undefined,
    physicalOffset: number,
    storeTimestamp: number,
  ): void {
    if (uniqKey !== undefined) this.#putKey(topic, uniqKey, physicalOffset, storeTimestamp);
    if (keys === undefined || keys === "") return;
    if (!keys.includes(" ")) return this.#putKey(topic, keys, physicalOffset, storeTimestamp);
    for (const key of keys.split(" ")) {
      if (key !== "") this.#putKey(topic, key, physicalOffset, storeTimestamp);
    }
  }

  #putKey(topic: string, key: string, physicalOffset: number, storeTimestamp: number): void {
    this.#fileToFill(storeTimestamp).put(keyHash(topic, key), physicalOffset, storeTimestamp);
  }

  #fileToFill(storeTimestamp: number): IndexFile {
    const last = this.#files.at(-1);
    if (last !== undefined && !last.full && last.canBeFilled) return last;
    if (last !== undefined) this.#finished.add(last);
    const file = this.#open(this.#freeName(storeTimestamp), true, this.end);
    this.#changed.add(this.#options.folder);
    this.#files.push(file);
    return file;
  }

  /** Names are times to the millisecond; two files of one millisecond must not share one. */
  #freeName(storeTimestamp: number): string {
    for (let time = storeTimestamp;; time++) {
      const path = `${this.#options.folder}/${fileName(time)}`;
      if (this.#files.every((file) => file.path !== path)) return fileName(time);
    }
  }

  #open(name: string, isNew: boolean, previousEnd?: IndexEnd): IndexFile {
    const { folder, ...options } = this.#options;
    const path = `${folder}/${name}`;
    return new IndexFile({ ...options, path, isNew, previousEnd });
  }

  /**
   * Physical offsets of messages that may have this key and were stored within the times (milliseconds, both
   * included), newest first. A hash may collide and a unit's time is in seconds: compare with the message.
   */
  *query(
    topic: string,
    key: string,
    beginTimestamp: number,
    endTimestamp: number,
  ): Generator<number> {
    const hash = keyHash(topic, key);
    for (let index = this.#files.length - 1; index >= 0; index--) {
      const file = this.#files[index]!;
      if (file.empty || file.beginTimestamp > endTimestamp) continue;
      if (file.endTimestamp < beginTimestamp) return;
      for (const hit of file.query(hash, beginTimestamp, endTimestamp)) yield hit.physicalOffset;
    }
  }

  /**
   * Looks whether the files for these times (milliseconds, both included) lack something; to be called before `query`.
   * @throws {CorruptStoreError} when one does.
   */
  async check(beginTimestamp: number, endTimestamp: number): Promise<void> {
    for (const file of this.#files) {
      const isAsked = file.beginTimestamp <= endTimestamp && file.endTimestamp >= beginTimestamp;
      if (isAsked) await file.checkSlots();
    }
  }

  /** The store time and physical offset of the newest message in the index. */
  get end(): IndexEnd {
    const last = this.#files.at(-1);
    return { timestamp: last?.endTimestamp ?? 0, physicalOffset: last?.endPhysicalOffset ?? 0 };
  }

  /** Makes all that is new survive a power loss, as far as a start cannot make it anew. Off the event loop. */
  async syncUnits(): Promise<void> {
    const { fileSystem, folder } = this.#options;
    if (this.#changed.size > 0) {
      makeFolder(fileSystem, folder, (parent) => this.#changed.add(parent));
    }
    const last = this.#files.at(-1);
    await last?.syncUnits();
    // Also files that became full meanwhile: they may hold what was put before.
    for (const file of this.#finished) {
      await file.sync();
      file.rest();
      this.#finished.delete(file);
    }
    await this.#syncNames();
  }

  async #syncNames(): Promise<void> {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const folder of changed) {
      try {
        await this.#options.fileSystem.syncFolder(folder);
      } catch (error) {
        throw new SyncError(folder, error);
      }
    }
  }

  /**
   * Up to when messages are in files that are whole on disk, and when the first message was stored that is in no such
   * file, in milliseconds. Apache tells files by their ends alone, so one that ends in the millisecond in which an
   * incomplete one does is no use to it.
   * @param physicalOffset files that know messages from there on are going to be changed.
   */
  completeness(physicalOffset = Infinity): { wholeUntil: number; incompleteFrom: number } {
    const files = this.#files;
    const isIncomplete = (file: IndexFile) =>
      !file.full || this.#finished.has(file) || file.endPhysicalOffset >= physicalOffset;
    const found = files.findIndex(isIncomplete);
    // The next message may begin a new file, which ends when the last one does.
    let first = found < 0 ? files.length - 1 : found;
    while (first > 0 && files[first - 1]!.endTimestamp >= files[first]!.endTimestamp) first--;
    return {
      wholeUntil: files[first - 1]?.endTimestamp ?? 0,
      incompleteFrom: files[first]?.beginTimestamp ?? Infinity,
    };
  }

  /** Makes the files whole on disk, as Apache reads them. Off the event loop. */
  async sync(): Promise<void> {
    await this.syncUnits();
    await this.#files.at(-1)?.sync();
  }

  /**
   * From where on the index is damaged, as far as a look at the ends of its files tells; undefined when it is not.
   * @param start what the last file has from this physicalOffset on is made anew anyway; Infinity after a clean stop.
   * @param endOffsetMin physicalOffset of a message that it surely knows; -1 for none.
   * @param timestampAt when a message was stored; undefined when that is not known.
   */
  damagedFrom(
    start: number,
    endOffsetMin: number,
    timestampAt: (physicalOffset: number) => number | undefined,
  ): number | undefined {
    let end = 0;
    for (const [index, file] of this.#files.entries()) {
      const isLast = index === this.#files.length - 1;
      if (isLast && start < Infinity) {
        // A crash leaves it with units that are missing, and those are looked for when its slots are made.
        if (file.empty || file.beginPhysicalOffset >= start) return undefined;
        if (file.beginPhysicalOffset < end) return Math.max(0, file.beginPhysicalOffset);
        return file.beginsAt(timestampAt) ? undefined : end;
      }
      // Files have changed places.
      if (file.beginPhysicalOffset < end) return Math.max(0, file.beginPhysicalOffset);
      const isDamaged = file.findDamage(isLast) !== undefined || !file.beginsAt(timestampAt) ||
        !file.endsAt(timestampAt);
      if (isDamaged) return end;
      end = file.endPhysicalOffset;
    }
    return this.end.physicalOffset < endOffsetMin ? end : undefined;
  }

  /**
   * Forgets what is at and after `physicalOffset`, which is put anew then.
   * @returns whether there are gaps before it: the index ends at the first one then.
   */
  truncate(physicalOffset: number): boolean {
    for (let last = this.#files.at(-1); last !== undefined; last = this.#files.at(-1)) {
      if (!last.empty && last.beginPhysicalOffset < physicalOffset) {
        return last.rebuild(physicalOffset);
      }
      this.#files.pop();
      this.#remove(last);
    }
    return false;
  }

  /** Removes files that only know messages which the log no longer has. */
  dropBefore(physicalOffset: number): void {
    while (this.#files.length > 1 && this.#files[0]!.endPhysicalOffset < physicalOffset) {
      this.#remove(this.#files.shift()!);
    }
  }

  #remove(file: IndexFile): void {
    this.#finished.delete(file);
    file.close();
    if (!file.isOnDisk) return;
    this.#options.fileSystem.removeSync(file.path);
    this.#changed.add(this.#options.folder);
  }

  close(): void {
    for (const file of this.#files) file.close();
  }
}

/** The hash of `topic#key`, never negative. */
export function keyHash(topic: string, key: string): number {
  const hash = Math.abs(javaHashCode(`${topic}#${key}`));
  return hash > 0x7fffffff ? 0 : hash;
}

/** A time as yyyyMMddHHmmssSSS in the local time zone, as Java names these files. */
function fileName(timestamp: number): string {
  const time = new Date(timestamp);
  const part = (value: number, digits: number) => String(value).padStart(digits, "0");
  return part(time.getFullYear(), 4) + part(time.getMonth() + 1, 2) + part(time.getDate(), 2) +
    part(time.getHours(), 2) + part(time.getMinutes(), 2) + part(time.getSeconds(), 2) +
    part(time.getMilliseconds(), 3);
}
