/** The configuration of a start, with the settings that admins changed in the data folder while a broker ran over it. */

import { readChangedSettings } from "./broker/changed_settings.ts";
import { resolveConfig, type ResolvedConfig, type RunCommand } from "./command_line.ts";
import { parseProperties, type SettingEntry } from "./properties.ts";

export interface StartConfig extends ResolvedConfig {
  /** What admins changed; it counts over the file, and under the environment and flags. */
  readonly changed: readonly SettingEntry[];
}

/**
 * Reads the configuration, and what was changed in the data folder that it names.
 * @throws {ConfigError} or UsageError, as `resolveConfig`, and {CorruptStoreError} when the changes cannot be read.
 */
export function loadConfig(command: RunCommand, fileText: string): StartConfig {
  const first = resolveConfig(command, fileText);
  const hasBroker = command.role === "serve" || command.role === "broker";
  const changed = hasBroker ? readChangedSettings(first.config) : [];
  if (changed.length === 0) return { ...first, changed };
  const { config, warnings } = resolveConfig(command, fileText, changed);
  return {
    config,
    changed,
    warnings: [...warnings, ...contradictions(command, fileText, changed)],
  };
}

/** Whoever edits a file that does not count any more should hear of it. */
function contradictions(
  { configFile = "" }: RunCommand,
  fileText: string,
  changed: readonly SettingEntry[],
): string[] {
  const inFile = new Map(parseProperties(fileText, configFile).map((entry) => [entry.key, entry]));
  return changed.flatMap(({ key, value, where }) => {
    const entry = inFile.get(key);
    if (entry === undefined || entry.value === value) return [];
    return [
      `${entry.where}: ${key} is ${entry.value} there, but an admin set it to ${value}, which counts; ` +
      `see ${where}`,
    ];
  });
}
