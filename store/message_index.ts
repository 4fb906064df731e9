/** All index files together: find messages by key or by unique key. */

import { javaHashCode } from "../client/protocol/message.ts";
import type { FileSystem } from "./file_system.ts";
import { IndexFile } from "./index_file.ts";

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

  constructor(options: MessageIndexOptions) {
    this.#options = options;
    for (const name of options.fileSystem.listSync(options.folder)) {
      if (/^\d{17}$/.test(name)) this.#files.push(this.#open(name));
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
    if (last !== undefined && !last.full) return last;
    if (last !== undefined) this.#finished.add(last);
    this.#options.fileSystem.makeFolderSync(this.#options.folder);
    const file = this.#open(this.#freeName(storeTimestamp));
    this.#files.push(file);
    return file;
  }

  /** Names are times to the millisecond; two files of one millisecond must not share one. */
  #freeName(storeTimestamp: number): string {
    for (let time = storeTimestamp;; time++) {
      const name = fileName(time);
      if (!this.#options.fileSystem.existsSync(`${this.#options.folder}/${name}`)) return name;
    }
  }

  #open(name: string): IndexFile {
    const { fileSystem, folder, slotCount, unitCount } = this.#options;
    return new IndexFile({ fileSystem, path: `${folder}/${name}`, slotCount, unitCount });
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

  /** The store time and physical offset of the newest message in the index. */
  get end(): { timestamp: number; physicalOffset: number } {
    const last = this.#files.at(-1);
    return { timestamp: last?.endTimestamp ?? 0, physicalOffset: last?.endPhysicalOffset ?? 0 };
  }

  /** Makes all that is new survive a power loss, as far as a start cannot make it anew. Off the event loop. */
  async syncUnits(): Promise<void> {
    for (const file of [...this.#finished]) {
      await file.sync();
      file.rest();
      this.#finished.delete(file);
    }
    await this.#files.at(-1)?.syncUnits();
  }

  /** Makes the files whole on disk, as Apache reads them. Off the event loop. */
  async sync(): Promise<void> {
    await this.syncUnits();
    await this.#files.at(-1)?.sync();
  }

  /** After a crash: forgets what is at and after `physicalOffset`, which recovery puts anew. */
  truncate(physicalOffset: number): void {
    for (let last = this.#files.at(-1); last !== undefined; last = this.#files.at(-1)) {
      if (!last.empty && last.beginPhysicalOffset < physicalOffset) {
        last.rebuild(physicalOffset);
        return;
      }
      this.#files.pop();
      this.#remove(last);
    }
  }

  /** Removes files that only know messages which the log no longer has. */
  dropBefore(physicalOffset: number): void {
    while (this.#files.length > 1 && this.#files[0]!.endPhysicalOffset < physicalOffset) {
      this.#remove(this.#files.shift()!);
    }
  }

  #remove(file: IndexFile): void {
    file.close();
    this.#options.fileSystem.removeSync(file.path);
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
