/** `comet health`: whether the server on this machine answers, as an exit code; for images that have no curl. */

import { FLAGS, readRunCommand, resolveConfig } from "../command_line.ts";
import { ownHostname } from "../config_derived.ts";
import type { FlagTable } from "../flags.ts";
import { joinAddress } from "../setting.ts";
import { reasonOf } from "./doctor/finding.ts";
import { HELP_FLAG, print, readToolFlags } from "./tool_flags.ts";
import type { ToolDescription } from "./tool_flags.ts";
import type { ToolContext } from "./tools.ts";

const { version: _, help: __, ...RUN_FLAGS } = FLAGS;
const ANSWER_MILLIS = 2_000;

export const HEALTH_TOOL: ToolDescription = {
  name: "health",
  words: "[ROLE]",
  summary: "Asks the server on this machine at its HTTP port whether it is up.",
  flags: { ...(RUN_FLAGS as FlagTable), ...HELP_FLAG },
  notes: "Exit code: 0 it is up, 1 it is not, 2 cannot be run as asked.",
};

/** Asks /healthz. */
export async function runHealth({ args, environment }: ToolContext): Promise<number> {
  const read = readToolFlags(HEALTH_TOOL, args);
  if (read === undefined) return 0;
  const command = readRunCommand(read.values, read.words, environment);
  const { configFile } = command;
  const text = configFile === undefined ? "" : await Deno.readTextFile(configFile);
  const { config } = resolveConfig(command, text);
  const url = `http://${joinAddress(ownHostname(config.bindAddress), config.httpPort)}/healthz`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MILLIS) });
    await response.body?.cancel();
    print(response.ok ? "ok\n" : `${url} answered ${response.status}\n`);
    return response.ok ? 0 : 1;
  } catch (error) {
    print(`${url}: ${reasonOf(error)}\n`);
    return 1;
  }
}
