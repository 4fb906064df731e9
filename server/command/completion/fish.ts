/** Completions for fish. */

import { allNodes, type CommandNode, quote, settingKeys, valueKind } from "./command_node.ts";
import type { ValueKind } from "./command_node.ts";

const COMPLETE: Readonly<Record<ValueKind, string>> = {
  folder: "-x -a '(__fish_complete_directories)'",
  file: "-r -F",
  setting: `-x -a ${quote(settingKeys().map((key) => `${key}=`).join(" "))}`,
  other: "-x",
};

/** The script for fish. */
export function fishScript(root: CommandNode): string {
  const lines = allNodes(root).flatMap(({ path, node }) => {
    const when = `-n ${quote(condition(path, node))}`;
    const words = Object.entries(node.words).map(([word, { help }]) =>
      `complete -c comet ${when} -f -a ${quote(word)}${description(help)}`
    );
    const flags = Object.entries(node.flags).map(([name, flag]) => {
      const kind = valueKind(flag);
      const value = kind === undefined ? "" : ` ${COMPLETE[kind]}`;
      const letter = flag.letter === undefined ? "" : ` -s ${flag.letter}`;
      return `complete -c comet ${when} -l ${name}${letter}${value}${description(flag.help)}`;
    });
    return [...words, ...flags];
  });
  return `# Completions of comet for fish. Made by: comet completion fish\n${lines.join("\n")}\n`;
}

/** Holds where the words of \`path\` have been typed, and none yet that leads further. */
function condition(path: string, node: CommandNode): string {
  const seen = path === ""
    ? []
    : path.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`);
  const next = Object.keys(node.words);
  const further = next.length === 0 ? [] : [`not __fish_seen_subcommand_from ${next.join(" ")}`];
  return [...seen, ...further].join("; and ");
}

function description(help: string): string {
  return help === "" ? "" : ` -d ${quote(help)}`;
}
