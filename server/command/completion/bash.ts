/** Completions for bash. */

import { allNodes, type CommandNode, quote, settingKeys, valueFlags } from "./command_node.ts";
import type { ValueKind } from "./command_node.ts";

const COMPLETE: Readonly<Record<ValueKind, string>> = {
  folder: 'mapfile -t COMPREPLY < <(compgen -d -- "$cur")',
  file: 'mapfile -t COMPREPLY < <(compgen -f -- "$cur")',
  setting: `compopt -o nospace 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -S = -W ${quote(settingKeys().join(" "))} -- "$cur")`,
  other: "COMPREPLY=()",
};

/** The script for bash, to be sourced. */
export function bashScript(root: CommandNode): string {
  const nodes = allNodes(root);
  const steps = nodes.filter(({ path }) => path !== "")
    .map(({ path }) => `      ${quote(stepOf(path))}) path=${quote(path)} ;;`);
  const values = [...valueFlags(root)].map(([kind, flags]) =>
    `    ${flags.join("|")})\n      ${COMPLETE[kind]}\n      return ;;`
  );
  const words = nodes.map(({ path, node }) => {
    const flags = Object.keys(node.flags).map((name) => `--${name}`);
    const all = [...Object.keys(node.words), ...flags].join(" ");
    return `    ${quote(path)}) words=${quote(all)} ;;`;
  });
  return `# Completions of comet for bash. Made by: comet completion bash
_comet() {
  local cur=\${COMP_WORDS[COMP_CWORD]} path= word words=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path/$word" in
${steps.join("\n")}
    esac
  done
  case "\${COMP_WORDS[COMP_CWORD - 1]}" in
${values.join("\n")}
  esac
  case "$path" in
${words.join("\n")}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -o default -F _comet comet
`;
}

/** The path before a word and the word: "store/verify" for "store verify". */
function stepOf(path: string): string {
  const at = path.lastIndexOf(" ");
  return at < 0 ? `/${path}` : `${path.slice(0, at)}/${path.slice(at + 1)}`;
}
