/** Completions for zsh. */

import { allNodes, type CommandNode, quote, settingKeys, valueFlags } from "./command_node.ts";
import type { ValueKind } from "./command_node.ts";

const COMPLETE: Readonly<Record<ValueKind, string>> = {
  folder: "_directories",
  file: "_files",
  setting: `compadd -S = -- ${settingKeys().join(" ")}`,
  other: "_message value",
};

/** The script for zsh: a function file for fpath, which can be sourced as well. */
export function zshScript(root: CommandNode): string {
  const nodes = allNodes(root);
  const steps = nodes.filter(({ path }) => path !== "").map(({ path }) => {
    const at = path.lastIndexOf(" ");
    const step = `${at < 0 ? "" : path.slice(0, at)}/${path.slice(at + 1)}`;
    return `      (${quote(step)}) at=${quote(path)} ;;`;
  });
  const values = [...valueFlags(root)].map(([kind, flags]) =>
    `    (${flags.join("|")}) ${COMPLETE[kind]}; return ;;`
  );
  const found = nodes.map(({ path, node }) => {
    const words = Object.entries(node.words).map(([word, { help }]) => described(word, help));
    const flags = Object.entries(node.flags).map(([name, { help }]) =>
      described(`--${name}`, help)
    );
    return `    (${quote(path)}) found=(${[...words, ...flags].join(" ")}) ;;`;
  });
  return `#compdef comet
# Completions of comet for zsh. Made by: comet completion zsh
_comet() {
  local at= word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at/$word" in
${steps.join("\n")}
    esac
  done
  case "\${words[CURRENT-1]}" in
${values.join("\n")}
  esac
  case "$at" in
${found.join("\n")}
  esac
  _describe comet found || _files
}
if [ "$funcstack[1]" = _comet ]; then _comet "$@"; else compdef _comet comet; fi
`;
}

function described(word: string, help: string): string {
  const escaped = help.replaceAll(":", "\\:");
  return quote(help === "" ? word : `${word}:${escaped}`);
}
