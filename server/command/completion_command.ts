/** `comet completion SHELL`: what the shell needs to complete comet's command lines, made from the tables of commands. */

import { commandFlags } from "../admin_cli/admin_command_line.ts";
import { ADMIN_COMMANDS } from "../admin_cli/admin_commands.ts";
import { FLAGS, ROLES, TOOLS } from "../command_line.ts";
import { type FlagTable, UsageError, wordHint } from "../flags.ts";
import { storeToolFlags } from "../store_command.ts";
import { BENCH_TOOL } from "./bench_command.ts";
import { bashScript } from "./completion/bash.ts";
import type { CommandNode } from "./completion/command_node.ts";
import { fishScript } from "./completion/fish.ts";
import { zshScript } from "./completion/zsh.ts";
import { CONFIG_TOOL } from "./config_command.ts";
import { DOCTOR_TOOL } from "./doctor_command.ts";
import { HEALTH_TOOL } from "./health_command.ts";
import {
  HELP_FLAG,
  print,
  readToolFlags,
  refuseWords,
  type ToolDescription,
} from "./tool_flags.ts";
import { VERSION_TOOL } from "./version_command.ts";

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export const COMPLETION_TOOL: ToolDescription = {
  name: "completion",
  words: "bash|zsh|fish",
  summary: "Prints the completions of comet's command line for a shell.",
  flags: { ...HELP_FLAG },
  notes: `Examples:
  comet completion bash > /etc/bash_completion.d/comet
  comet completion zsh > "\${fpath[1]}/_comet"
  comet completion fish > ~/.config/fish/completions/comet.fish`,
};

/** Prints the script of a shell. */
export function runCompletion(args: readonly string[]): Promise<number> {
  const read = readToolFlags(COMPLETION_TOOL, args);
  if (read === undefined) return Promise.resolve(0);
  const [shell, ...more] = read.words;
  refuseWords(more, COMPLETION_TOOL);
  if (shell === undefined) {
    throw new UsageError("which shell? comet completion bash, zsh or fish");
  }
  if (!Object.hasOwn(SHELLS, shell)) {
    const hint = wordHint(shell, Object.keys(SHELLS), "shells");
    throw new UsageError(`unknown shell ${JSON.stringify(shell)}; ${hint}`);
  }
  print(SHELLS[shell as keyof typeof SHELLS](commandTree()));
  return Promise.resolve(0);
}

const HELP_TOOLS = [DOCTOR_TOOL, HEALTH_TOOL, CONFIG_TOOL, BENCH_TOOL, VERSION_TOOL];

/** All that can be typed after `comet`. */
export function commandTree(): CommandNode {
  const leaf = (help: string, flags: FlagTable, words = {}): CommandNode => ({
    help,
    flags,
    words,
  });
  const named = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, leaf("", {})]));
  const roleNames = Object.keys(ROLES);
  const roles = Object.entries(ROLES).map(([name, help]) => [name, leaf(help, FLAGS)]);
  const tools = HELP_TOOLS.map(({ name, flags, words }) => [
    name,
    leaf(TOOLS[name as keyof typeof TOOLS], flags, words === "[ROLE]" ? named(roleNames) : {}),
  ]);
  const store = Object.entries(storeToolFlags()).map(([name, flags]) => [name, leaf("", flags)]);
  const words: Record<string, CommandNode> = Object.fromEntries([
    ...roles,
    ...tools,
    ["admin", leaf(TOOLS.admin, HELP_FLAG, adminCommands())],
    ["store", leaf(TOOLS.store, HELP_FLAG, Object.fromEntries(store))],
    ["completion", leaf(TOOLS.completion, HELP_FLAG, named(Object.keys(SHELLS)))],
    [
      "help",
      leaf("tells about a role or a tool", {}, named([...roleNames, ...Object.keys(TOOLS)])),
    ],
  ]);
  return leaf("", FLAGS, words);
}

function adminCommands(): Record<string, CommandNode> {
  return Object.fromEntries(
    Object.entries(ADMIN_COMMANDS).map(([name, command]) => [
      name,
      { help: command.help, flags: commandFlags(command), words: {} },
    ]),
  );
}
