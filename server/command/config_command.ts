/** `comet config`: what the settings are with this file, environment and flags, and where each one comes from. */

import { type Config, SETTING_SECTIONS, type SettingKey, SETTINGS } from "../config.ts";
import { FLAGS, readRunCommand, settingEntries } from "../command_line.ts";
import { environmentName } from "../config_environment.ts";
import type { FlagTable } from "../flags.ts";
import { printProperties, type SettingEntry } from "../properties.ts";
import type { Setting } from "../setting.ts";
import { loadConfig } from "../start_config.ts";
import { HELP_FLAG, JSON_FLAG, print, printJson, readToolFlags } from "./tool_flags.ts";
import type { ToolDescription } from "./tool_flags.ts";
import type { ToolContext } from "./tools.ts";

const { version: _, help: __, ...RUN_FLAGS } = FLAGS;

export const CONFIG_TOOL: ToolDescription = {
  name: "config",
  words: "[ROLE]",
  summary:
    "Shows the settings that a start with the same flags would have, and where each comes from.",
  flags: {
    changed: { help: "only the settings that are not left at their defaults" },
    sample: { help: "print a broker.conf with every setting, its meaning and its default" },
    ...JSON_FLAG,
    ...(RUN_FLAGS as FlagTable),
    ...HELP_FLAG,
  },
  notes: `Examples:
  comet config -c broker.conf --changed
  comet config --sample > broker.conf`,
};

/** One setting as it is in force. */
export interface EffectiveSetting {
  readonly key: SettingKey;
  readonly value: Config[SettingKey];
  /** "default", "broker.conf:12", the name of a variable or of a flag. */
  readonly source: string;
}

/** Prints the settings, or the sample. */
export async function runConfig({ args, environment }: ToolContext): Promise<number> {
  const read = readToolFlags(CONFIG_TOOL, args);
  if (read === undefined) return 0;
  const { values, words } = read;
  if (values["sample"] === true) {
    print(sampleFile());
    return 0;
  }
  const command = readRunCommand(values, words, environment);
  const { configFile } = command;
  const text = configFile === undefined ? "" : await Deno.readTextFile(configFile);
  const { config, changed, warnings } = loadConfig(command, text);
  const all = effectiveSettings(config, settingEntries(command, text, changed));
  const shown = values["changed"] === true
    ? all.filter(({ source }) => source !== DEFAULT_SOURCE)
    : all;
  if (values["json"] === true) printJson({ role: command.role, settings: shown, warnings });
  else {
    print(settingsText(shown));
    for (const warning of warnings) print(`warning: ${warning}\n`);
  }
  return 0;
}

const DEFAULT_SOURCE = "default";

/** All settings in the order of the documentation. @param entries as `settingEntries` gives them. */
export function effectiveSettings(
  config: Config,
  entries: readonly (readonly SettingEntry[])[],
): EffectiveSetting[] {
  const sources = new Map(entries.flat().map(({ key, where }) => [key, where]));
  return (Object.keys(SETTINGS) as SettingKey[]).map((key) => ({
    key,
    value: config[key],
    source: sources.get(key) ?? DEFAULT_SOURCE,
  }));
}

function settingsText(settings: readonly EffectiveSetting[]): string {
  const lines = settings.map(({ key, value, source }) => [`${key}=${value}`, source] as const);
  const width = Math.min(60, Math.max(0, ...lines.map(([line]) => line.length)));
  return lines.map(([line, source]) => `${line.padEnd(width)}  ${source}\n`).join("");
}

/** A broker.conf that changes nothing: every setting with its meaning, commented out at its default. */
export function sampleFile(): string {
  const sections = SETTING_SECTIONS.map(({ title, settings }) => {
    const rows = Object.entries(settings as Readonly<Record<string, Setting<unknown>>>);
    return `## ${title}\n\n${rows.map(([key, row]) => sampleRow(key, row)).join("\n")}`;
  });
  return `# Settings of Comet: comet -c FILE. Each line shows a default; take the # away to change it.
# In the environment, ${
    environmentName("brokerName")
  } is brokerName. comet config tells what is in force.

${sections.join("\n")}`;
}

function sampleRow(key: string, { description, expected, fallback, mutable }: Setting<unknown>) {
  const when = mutable ? "; can change while it runs" : "";
  const line = printProperties([[key, String(fallback)]]);
  return `# ${description}\n# (${expected}${when})\n#${line}`;
}
