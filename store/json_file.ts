/**
 * JSON documents that a crash cannot take away: topics, groups, offsets. A save writes `<path>.tmp`, brings it to disk,
 * keeps what was there as `<path>.bak` (Apache's name for it) and renames. So whatever happens in between, the new
 * document or the one before it is whole under one of the two names. Apache's own files load too.
 */

import { encodeUtf8 } from "../client/protocol/bytes.ts";
import { parseFastjson } from "../client/protocol/fastjson.ts";
import { CorruptStoreError } from "./errors.ts";
import type { FileSystem } from "./file_system.ts";
import { makeFolder } from "./folder.ts";

export interface JsonFileOptions<T> {
  /** The file, in a folder that is made when it is not there. */
  path: string;
  fileSystem: FileSystem;
  /** Reads the document out of parsed JSON. Throwing says that the file is damaged. */
  parse: (json: unknown) => T;
  /** The file could not be read and its last good copy was taken; `error` names the file and the reason. */
  onFallback: (error: Error) => void;
}

export class JsonFile<T> {
  readonly #options: JsonFileOptions<T>;
  /** Whether the file, if there is one, deserves to become the last good copy. */
  #isGood = true;
  /** Folders in which a folder was made that leads to the file. */
  readonly #newIn = new Set<string>();

  constructor(options: JsonFileOptions<T>) {
    this.#options = options;
  }

  /**
   * Reads the document, or its last good copy; undefined when there is neither.
   * @throws {CorruptStoreError} when there are files and none can be read. Nothing is changed.
   */
  load(): T | undefined {
    const { path, onFallback } = this.#options;
    const main = this.#read(path);
    if (main.status === "GOOD") return main.document;
    const copy = this.#read(`${path}.bak`);
    if (main.status === "MISSING" && copy.status === "MISSING") return undefined;
    const reason = main.status === "MISSING" ? new Error(`${path} is missing`) : main.error;
    if (copy.status !== "GOOD") {
      const copyReason = copy.status === "MISSING" ? "is missing" : `is damaged as well`;
      throw new CorruptStoreError(
        `Cannot read ${path}, and its last good copy ${path}.bak ${copyReason}. ` +
          "Restore the file from a backup, or remove both to start without what they held",
        { cause: reason },
      );
    }
    this.#isGood = main.status === "MISSING";
    onFallback(reason);
    return copy.document;
  }

  #read(path: string): ReadResult<T> {
    const { fileSystem, parse } = this.#options;
    if (!fileSystem.existsSync(path)) return { status: "MISSING" };
    try {
      const text = fileSystem.readTextSync(path);
      if (text.trim() === "") throw new SyntaxError("the file is empty");
      return { status: "GOOD", document: parse(parseFastjson(text)) };
    } catch (error) {
      return { status: "BAD", error: new Error(`Cannot read ${path}`, { cause: error }) };
    }
  }

  /**
   * Replaces the document. Resolves when the new one survives a power loss. To be called for one save at a time.
   * @throws when it cannot be written; the old document is still there then.
   */
  async save(value: unknown): Promise<void> {
    const { path, fileSystem } = this.#options;
    const bytes = encodeUtf8(JSON.stringify(value, undefined, "\t"));
    const folder = path.slice(0, path.lastIndexOf("/"));
    try {
      makeFolder(fileSystem, folder, (parent) => this.#newIn.add(parent));
      // At once: others that write to the folder take it for safe.
      for (const parent of this.#newIn) {
        fileSystem.syncFolderSync(parent);
        this.#newIn.delete(parent);
      }
      await writeWhole(fileSystem, `${path}.tmp`, bytes);
      if (fileSystem.existsSync(path)) {
        // What is damaged must not take the place of the copy that replaced it, and is worth a look.
        fileSystem.renameSync(path, this.#isGood ? `${path}.bak` : `${path}.damaged`);
      }
      fileSystem.renameSync(`${path}.tmp`, path);
      this.#isGood = true;
      fileSystem.syncFolderSync(folder);
    } catch (error) {
      throw new Error(`Cannot write ${path}`, { cause: error });
    }
  }
}

/**
 * The member of a document that shows it to be of its kind: a file that has got another one's name must not be taken for
 * one that is empty. @throws {TypeError} when there is no such member.
 */
export function memberOf(json: unknown, name: string): Record<string, unknown> {
  const member = (json as Record<string, unknown> | null)?.[name];
  if (typeof member === "object" && member !== null) return member as Record<string, unknown>;
  throw new TypeError(`the file has no ${name}`);
}

type ReadResult<T> =
  | { status: "GOOD"; document: T }
  | { status: "MISSING" }
  | { status: "BAD"; error: Error };

/** Starts over in an existing file, so that pages which an earlier fsync failed to write are written anew. */
async function writeWhole(fileSystem: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const file = fileSystem.openSync(path, { create: true });
  try {
    file.truncateSync(0);
    file.writeSync(bytes, 0);
    await file.syncData();
  } finally {
    file.close();
  }
}

export interface PersistedTableOptions<T> extends JsonFileOptions<T> {
  /** The document as it is to be saved now; turned into JSON at once. */
  snapshot: () => unknown;
  /** How long changes gather before they are saved by themselves. */
  delayMillis: number;
  /** A save that nobody waits for failed; it is tried again after the delay. */
  onSaveFailed: (error: Error) => void;
}

/** Saves a table after its changes: many changes in one save, never two saves at once. */
export class PersistedTable<T> implements AsyncDisposable {
  readonly #file: JsonFile<T>;
  readonly #options: PersistedTableOptions<T>;
  #isDirty = false;
  #isClosed = false;
  #saving: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PersistedTableOptions<T>) {
    this.#file = new JsonFile(options);
    this.#options = options;
  }

  /** See `JsonFile.load`. */
  load(): T | undefined {
    return this.#file.load();
  }

  /** The table has changed. It is saved after the delay, or by the next `flush`. Costs next to nothing. */
  markDirty(): void {
    this.#isDirty = true;
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => this.#saveUnattended(), this.#options.delayMillis);
  }

  /** Resolves when every change so far is on disk. @throws as `JsonFile.save`. */
  async flush(): Promise<void> {
    while (this.#saving !== undefined) {
      // Whoever started that save hears of its failure; the changes stay marked for this one.
      await this.#saving.catch(() => {});
    }
    if (this.#isDirty) await this.#save();
  }

  /** The last flush; from here on nothing is saved by itself. @throws as `JsonFile.save`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.flush();
  }

  async #saveUnattended(): Promise<void> {
    this.#timer = undefined;
    try {
      await this.flush();
    } catch (error) {
      this.#options.onSaveFailed(error as Error);
    }
  }

  #save(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDirty = false;
    this.#saving = this.#file.save(this.#options.snapshot()).then(
      () => {
        this.#saving = undefined;
      },
      (error) => {
        this.#saving = undefined;
        this.markDirty();
        throw error;
      },
    );
    return this.#saving;
  }
}
