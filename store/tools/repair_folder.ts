/**
 * Keeps what a repair cuts, overwrites or removes: `repair-<time>` in the data folder, with `manifest.jsonl`, a JSON
 * document a line. The first line is the plan, the last one says that the repair has ended. A line with `kept` says
 * which bytes of which file lie in which file here. Everything is on disk before what it was kept from is changed.
 */

import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import type { FileSystem, StoreFile } from "../file_system.ts";
import { fileBytes, relativePath } from "./store_files.ts";

const PREFIX = "repair-";
const MANIFEST = "manifest.jsonl";
const PIECE_BYTES = 1024 * 1024;

export class RepairFolder {
  readonly path: string;
  readonly #fileSystem: FileSystem;
  readonly #dataFolder: string;
  #keptCount = 0;

  /** Makes the folder and writes the plan into it. @param now milliseconds since the epoch, for its name. */
  constructor(fileSystem: FileSystem, dataFolder: string, now: number, plan: unknown) {
    this.#fileSystem = fileSystem;
    this.#dataFolder = dataFolder;
    this.path = freePath(fileSystem, dataFolder, now);
    fileSystem.makeFolderSync(this.path);
    this.#note({ plan });
    fileSystem.syncFolderSync(this.path);
    fileSystem.syncFolderSync(dataFolder);
  }

  /** Copies bytes of a file that are about to be overwritten. Of zeros nothing is kept but their place. */
  keepBytes(file: string, offset: number, bytes: number, why: string): void {
    const from = this.#fileSystem.openSync(file, { create: false });
    try {
      const kept = this.#nextName(file);
      const size = Math.min(bytes, Math.max(0, from.sizeSync() - offset));
      this.#copy(from, offset, size, `${this.path}/${kept}`);
      this.#note({ kept, from: relativePath(this.#dataFolder, file), offset, bytes: size, why });
    } finally {
      from.close();
    }
  }

  /** Moves a file or a folder here. */
  keepAside(path: string, why: string): void {
    if (!this.#fileSystem.existsSync(path)) return;
    const kept = this.#nextName(path);
    this.#note({ kept, from: relativePath(this.#dataFolder, path), why });
    this.#move(path, `${this.path}/${kept}`);
  }

  /** The repair is done. */
  finish(): void {
    this.#note({ finished: true });
  }

  #nextName(path: string): string {
    const name = relativePath(this.#dataFolder, path).replaceAll(/[/\\:]+/g, "_");
    return `${String(++this.#keptCount).padStart(4, "0")}-${name}`;
  }

  /** Renames, or copies where the log lies on another disk. */
  #move(from: string, to: string): void {
    try {
      this.#fileSystem.renameSync(from, to);
    } catch {
      const file = this.#fileSystem.openSync(from, { create: false });
      try {
        this.#copy(file, 0, file.sizeSync(), to);
      } finally {
        file.close();
      }
      this.#fileSystem.removeSync(from);
    }
    this.#fileSystem.syncFolderSync(this.path);
    this.#fileSystem.syncFolderSync(from.slice(0, from.lastIndexOf("/")));
  }

  #copy(from: StoreFile, offset: number, bytes: number, to: string): void {
    const target = this.#fileSystem.openSync(to, { create: true });
    try {
      target.truncateSync(bytes);
      const piece = new Uint8Array(PIECE_BYTES);
      for (let done = 0; done < bytes;) {
        const into = piece.subarray(0, Math.min(piece.length, bytes - done));
        const count = from.readSync(into, offset + done);
        if (count === 0) break;
        const read = into.subarray(0, count);
        // Zeros are there already, and take no space.
        if (read.some((byte) => byte !== 0)) target.writeSync(read, done);
        done += count;
      }
      target.syncDataSync();
    } finally {
      target.close();
    }
    this.#fileSystem.syncFolderSync(this.path);
  }

  #note(entry: Record<string, unknown>): void {
    const path = `${this.path}/${MANIFEST}`;
    const file = this.#fileSystem.openSync(path, { create: true });
    try {
      file.writeSync(encodeUtf8(`${JSON.stringify(entry)}\n`), file.sizeSync());
      file.syncDataSync();
    } finally {
      file.close();
    }
  }
}

function freePath(fileSystem: FileSystem, dataFolder: string, now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  for (let number = 1;; number++) {
    const path = `${dataFolder}/${PREFIX}${time}${number === 1 ? "" : `-${number}`}`;
    if (!fileSystem.existsSync(path)) return path;
  }
}

/** The folder of a repair that was interrupted after the last one that ended, if there is one. */
export function unfinishedRepair(fileSystem: FileSystem, dataFolder: string): string | undefined {
  const name = fileSystem.listSync(dataFolder).findLast((it) => it.startsWith(PREFIX));
  if (name === undefined) return undefined;
  const manifest = `${dataFolder}/${name}/${MANIFEST}`;
  if (!fileSystem.existsSync(manifest) || fileBytes(fileSystem, manifest) === 0) return name;
  return fileSystem.readTextSync(manifest).includes('{"finished":true}') ? undefined : name;
}
