/**
 * A JSON document that a crash never leaves half written: it is written beside the old one, synced, and put in its
 * place; the last good copy stays as `.bak`.
 */

import type { FileSystem } from "./file_system.ts";

export class JsonFile<T> {
  readonly #fileSystem: FileSystem;
  readonly #folder: string;
  readonly #path: string;
  #saved: string | undefined;

  constructor(fileSystem: FileSystem, folder: string, name: string) {
    this.#fileSystem = fileSystem;
    this.#folder = folder;
    this.#path = `${folder}/${name}`;
  }

  /**
   * Reads the document, or its last good copy; undefined when there is neither.
   * @param parse reads the text; what it throws means that the text is damaged.
   * @throws when what is there can't be read, so that it is not taken for nothing and overwritten.
   */
  load(parse: (text: string) => T): T | undefined {
    let failure: unknown;
    for (const path of [this.#path, `${this.#path}.bak`]) {
      if (!this.#fileSystem.existsSync(path)) continue;
      try {
        return parse(this.#fileSystem.readTextSync(path));
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure === undefined) return undefined;
    throw new Error(
      `Cannot read ${this.#path}, nor a good copy in ${this.#path}.bak; restore the file, or ` +
        `remove both to begin without it`,
      { cause: failure },
    );
  }

  /** Writes the document, unless it is what was written last. @throws when the disk refuses; the old one stays. */
  save(value: T): void {
    const text = JSON.stringify(value, undefined, 1);
    if (text === this.#saved) return;
    this.#fileSystem.makeFolderSync(this.#folder);
    const temporary = `${this.#path}.tmp`;
    const file = this.#fileSystem.openSync(temporary, { create: true });
    try {
      const bytes = new TextEncoder().encode(text);
      file.truncateSync(0);
      file.writeSync(bytes, 0);
      file.syncDataSync();
    } finally {
      file.close();
    }
    if (this.#fileSystem.existsSync(this.#path)) {
      this.#fileSystem.renameSync(this.#path, `${this.#path}.bak`);
    }
    this.#fileSystem.renameSync(temporary, this.#path);
    this.#fileSystem.syncFolderSync(this.#folder);
    this.#saved = text;
  }
}
