/** The command line as a tree of words, each with its flags; the completions of all shells are made from it. */

import { SETTINGS } from "../../config.ts";
import type { Flag, FlagTable } from "../../flags.ts";

export interface CommandNode {
  /** A few words; empty where the name says all. */
  readonly help: string;
  readonly flags: FlagTable;
  /** What may follow. */
  readonly words: Readonly<Record<string, CommandNode>>;
}

/** Every node with the words that lead to it, as in "store verify"; the root has none. */
export function allNodes(root: CommandNode): { path: string; node: CommandNode }[] {
  const found: { path: string; node: CommandNode }[] = [];
  const visit = (path: string, node: CommandNode) => {
    found.push({ path, node });
    for (const [word, next] of Object.entries(node.words)) visit(`${path} ${word}`.trim(), next);
  };
  visit("", root);
  return found;
}

/** What the value of a flag is, as far as a shell can help with it. */
export type ValueKind = "folder" | "file" | "setting" | "other";

const KINDS: Readonly<Record<string, ValueKind>> = {
  DIR: "folder",
  FILE: "file",
  "KEY=VALUE": "setting",
};

/** The kind of a flag's value; undefined for a switch. */
export function valueKind({ value }: Flag): ValueKind | undefined {
  return value === undefined ? undefined : KINDS[value] ?? "other";
}

/** The flags of all nodes that take a value, as they are typed, by the kind of the value. */
export function valueFlags(root: CommandNode): Map<ValueKind, string[]> {
  const found = new Map<ValueKind, Set<string>>();
  for (const { node } of allNodes(root)) {
    for (const [name, flag] of Object.entries(node.flags)) {
      const kind = valueKind(flag);
      if (kind === undefined) continue;
      const names = found.get(kind) ?? new Set();
      found.set(kind, names.add(`--${name}`));
      if (flag.letter !== undefined) names.add(`-${flag.letter}`);
    }
  }
  return new Map([...found].map(([kind, names]) => [kind, [...names]]));
}

/** The settings that `--set` may name. */
export function settingKeys(): string[] {
  return Object.keys(SETTINGS);
}

/** Text between single quotes, for a POSIX shell, zsh and fish. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
