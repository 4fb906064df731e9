/** Flags of a command, as rows of a table: reading them, and telling people what is wrong with theirs. */

import { parseArgs } from "@std/cli/parse-args";
import { nearestName } from "./nearest_name.ts";
import type { SettingEntry } from "./properties.ts";

export interface Flag {
  readonly letter?: string;
  /** The placeholder of its value in the help; a flag without one is a switch. */
  readonly value?: string;
  readonly help: string;
}

export type FlagTable = Readonly<Record<string, Flag>>;

/** Thrown for a command line that cannot be followed; the message says what to do instead. */
export class UsageError extends Error {
  override name = "UsageError";
}

export interface ReadFlags {
  /** By the flags' names: a text, true or false for a switch, texts for `--set`. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly words: readonly string[];
}

/**
 * Reads the flags of `table` and the words between them. `--set` may be repeated; of others the last one counts.
 * @param helpCommand what to type for the list of flags.
 * @throws {UsageError} for flags that are not in the table or lack their value.
 */
export function readFlags(
  table: FlagTable,
  args: readonly string[],
  helpCommand: string,
): ReadFlags {
  const entries = Object.entries(table);
  const unknown: string[] = [];
  const values: Record<string, unknown> = parseArgs(withoutSeparator(args), {
    // "_" keeps words as they are where they look like numbers.
    string: ["_", ...entries.filter(([, flag]) => flag.value !== undefined).map(([name]) => name)],
    boolean: entries.filter(([, flag]) => flag.value === undefined).map(([name]) => name),
    alias: Object.fromEntries(
      entries.flatMap(([name, { letter }]) => letter === undefined ? [] : [[name, letter]]),
    ),
    collect: ["set"],
    unknown: (arg: string) => arg.startsWith("-") && unknown.push(arg) > 0 ? false : undefined,
  });
  for (const [name, flag] of entries) {
    if ([values[name]].flat().includes("")) throw missingValue(name, flag);
  }
  if (unknown[0] !== undefined) throw unknownFlag(table, unknown[0], helpCommand);
  return { values, words: (values["_"] as unknown[]).map(String) };
}

/** `deno task start -- --http-port 8081` hands the "--" on; what follows are flags like any others. */
function withoutSeparator(args: readonly string[]): string[] {
  const at = args.indexOf("--");
  return at < 0 ? [...args] : [...args.slice(0, at), ...args.slice(at + 1)];
}

function missingValue(name: string, flag: Flag): UsageError {
  return new UsageError(`--${name} needs a value: --${name} ${flag.value}`);
}

function unknownFlag(table: FlagTable, arg: string, helpCommand: string): UsageError {
  const name = arg.replace(/^-+/, "").replace(/=.*$/s, "");
  const flag = Object.hasOwn(table, name) ? table[name] : undefined;
  if (flag?.value !== undefined) return missingValue(name, flag);
  const suggestion = nearestName(name, Object.keys(table));
  const hint = suggestion === undefined
    ? `${helpCommand} lists the flags`
    : `did you mean --${suggestion}?`;
  return new UsageError(`unknown flag ${arg.replace(/=.*$/s, "")}; ${hint}`);
}

/** The values of `--set`. @throws {UsageError} when one is no key and value. */
export function settingFlags(values: ReadFlags["values"]): SettingEntry[] {
  return (values["set"] as string[]).map((text): SettingEntry => {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (key !== undefined) return { key: key.trim(), value: value!.trim(), where: "--set" };
    throw new UsageError(
      `--set needs a key and a value, as in --set brokerName=broker-b; ${
        JSON.stringify(text)
      } is neither`,
    );
  });
}

/** A line of help for each flag. */
export function flagLines(table: FlagTable): string[] {
  const usages = Object.entries(table).map(([flag, { letter, value }]) =>
    `${letter === undefined ? "    " : `-${letter}, `}--${flag} ${value ?? ""}`
  );
  const width = Math.max(27, ...usages.map((usage) => usage.length + 1));
  return Object.values(table).map(({ help }, at) => `  ${usages[at]!.padEnd(width)}${help}`);
}

/** "did you mean …?" for a word that is none of `words` or `more`, or the list of `words`. */
export function wordHint(
  word: string,
  words: readonly string[],
  noun: string,
  more: readonly string[] = [],
): string {
  const suggestion = nearestName(word, [...words, ...more]);
  return suggestion === undefined
    ? `the ${noun} are ${words.join(", ")}`
    : `did you mean ${JSON.stringify(suggestion)}?`;
}
