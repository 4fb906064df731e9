/**
 * Settings that admins changed while the broker ran, kept in `config/comet-settings.json` so that they count after a
 * restart too. Apache writes them into the broker.conf that it was started with; here that file stays the operator's.
 * At the next start they count over the file, and the environment and flags over them.
 */

import { denoFileSystem } from "../../store/file_system.ts";
import { JsonFile, memberOf, type PersistedTable } from "../../store/json_file.ts";
import { type Config, type SettingKey, SETTINGS } from "../config.ts";
import { storePaths } from "../config_derived.ts";
import type { SettingEntry } from "../properties.ts";
import { persistedTable, type TableFolder } from "./persisted_table.ts";

/** In the folder `config` of the data folder. */
export const CHANGED_SETTINGS_FILE = "comet-settings.json";

type Texts = Record<string, string>;

export class ChangedSettings implements AsyncDisposable {
  readonly #config: Config;
  readonly #settings: Texts;
  readonly #persisted: PersistedTable<Texts>;

  /** @throws {CorruptStoreError} when there is a file and it cannot be read. */
  constructor(options: TableFolder & { config: Config }) {
    this.#config = options.config;
    this.#persisted = persistedTable(options, CHANGED_SETTINGS_FILE, {
      parse: parseChangedSettings,
      snapshot: () => ({ settings: this.#settings }),
      delayMillis: 0,
    });
    this.#settings = this.#persisted.load() ?? {};
  }

  /**
   * Keeps the values that settings have now, where they have changed; resolves when they are on disk.
   * @throws when they cannot be saved.
   */
  async keep(before: Readonly<Config>): Promise<void> {
    const changed = (Object.keys(SETTINGS) as SettingKey[])
      .filter((key) => this.#config[key] !== before[key]);
    if (changed.length === 0) return;
    for (const key of changed) this.#settings[key] = String(this.#config[key]);
    this.#persisted.markDirty();
    await this.#persisted.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#persisted[Symbol.asyncDispose]();
  }
}

/**
 * What was changed in the data folder of a configuration, for a start.
 * @throws {CorruptStoreError} when there is a file and it cannot be read.
 */
export function readChangedSettings(config: Config): SettingEntry[] {
  const path = `${storePaths(config).config}/${CHANGED_SETTINGS_FILE}`;
  const file = new JsonFile({
    path,
    fileSystem: denoFileSystem,
    parse: parseChangedSettings,
    // The broker says so when it opens its tables.
    onFallback: () => {},
  });
  return Object.entries(file.load() ?? {}).map(([key, value]) => ({ key, value, where: path }));
}

function parseChangedSettings(json: unknown): Texts {
  const settings = Object.entries(memberOf(json, "settings"));
  if (settings.every(([, value]) => typeof value === "string")) {
    return Object.fromEntries(settings) as Texts;
  }
  throw new TypeError("a setting in the file is no text");
}
