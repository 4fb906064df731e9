/** The settings of the tools for data folders: from the files where those tell, from -c, environment and --set else. */

import type { FileSettings } from "../store/tools/store_files.ts";
import { parseDelayLevels } from "./broker/schedule.ts";
import { applySettings, type Config, defaultConfig, type SettingKey } from "./config.ts";
import { type Environment, readEnvironment } from "./config_environment.ts";
import { UsageError } from "./flags.ts";
import { ConfigError, parseProperties, type SettingEntry } from "./properties.ts";

/** What the tools need to know of a folder. */
export interface StoreOptions {
  folder: string;
  commitLogFolder: string;
  settings: FileSettings;
  /** Those of `settings` that somebody gave. */
  given: Partial<FileSettings>;
  messageIndexEnable: boolean;
  delayLevels: number[];
}

/** Settings of whole brokers come in the same file; the tools mind only these. */
const USED: ReadonlySet<string> = new Set<SettingKey>([
  "storePathRootDir",
  "storePathCommitLog",
  "mappedFileSizeCommitLog",
  "mappedFileSizeConsumeQueue",
  "maxHashSlotNum",
  "maxIndexNum",
  "messageIndexEnable",
  "messageDelayLevel",
]);

const FILE_SETTINGS = [
  "mappedFileSizeCommitLog",
  "mappedFileSizeConsumeQueue",
  "maxHashSlotNum",
  "maxIndexNum",
] as const satisfies SettingKey[];

export interface SettingSources {
  /** The name and the text of the file of -c. */
  file: { name: string; text: string } | undefined;
  environment: Environment;
  /** Of --set. */
  flags: readonly SettingEntry[];
}

/** Puts the settings together. @throws {UsageError} for ones that cannot be. */
export function resolveStoreOptions(folder: string, sources: SettingSources): StoreOptions {
  const { file, environment, flags } = sources;
  const ofFile = file === undefined ? [] : parseProperties(file.text, file.name);
  const entries = [...ofFile, ...readEnvironment(environment, false).entries]
    .filter(({ key }) => USED.has(key));
  const config = defaultConfig();
  try {
    applySettings(config, [...entries, ...flags]);
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
  const keys = new Set([...entries, ...flags].map(({ key }) => key));
  return {
    folder,
    commitLogFolder: commitLogFolder(config, folder, keys.has("storePathRootDir")),
    settings: pick(config, FILE_SETTINGS),
    given: pick(config, FILE_SETTINGS.filter((key) => keys.has(key))),
    messageIndexEnable: config.messageIndexEnable,
    delayLevels: parseDelayLevels(config.messageDelayLevel),
  };
}

function pick<K extends SettingKey>(config: Config, keys: readonly K[]): Pick<Config, K> {
  return Object.fromEntries(keys.map((key) => [key, config[key]])) as Pick<Config, K>;
}

/** A log that lies in the data folder of the file lies in the folder that is looked at, which may be a copy. */
function commitLogFolder(config: Config, folder: string, isRootGiven: boolean): string {
  const path = config.storePathCommitLog.replace(/\/+$/, "");
  const root = `${config.storePathRootDir.replace(/\/+$/, "")}/`;
  return isRootGiven && path.startsWith(root) ? `${folder}/${path.slice(root.length)}` : path;
}
