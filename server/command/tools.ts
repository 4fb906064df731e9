/** The tools by name; each is loaded when it is asked for, so that a server does not carry them. */

import type { ToolName } from "../command_line.ts";
import type { Environment } from "../config_environment.ts";

/** What a tool is given. */
export interface ToolContext {
  /** What stands behind its name. */
  readonly args: readonly string[];
  readonly environment: Environment;
  /** Of Comet. */
  readonly version: string;
}

/** Runs a tool and gives its exit code. Rejects when it cannot be run as asked, which is 2. */
type RunTool = (context: ToolContext) => Promise<number>;

const TOOL_RUNNERS: Readonly<Record<ToolName, RunTool>> = {
  admin: async ({ args, environment }) =>
    await (await import("../admin_cli/admin_command_line.ts")).runAdminCommand(args, environment),
  store: async ({ args, environment }) =>
    await (await import("../store_command.ts")).runStoreCommand(args, environment),
  doctor: async (context) => await (await import("./doctor_command.ts")).runDoctor(context),
  health: async (context) => await (await import("./health_command.ts")).runHealth(context),
  config: async (context) => await (await import("./config_command.ts")).runConfig(context),
  bench: async (context) => await (await import("./bench_command.ts")).runBench(context),
  completion: async ({ args }) =>
    await (await import("./completion_command.ts")).runCompletion(args),
  version: async (context) => await (await import("./version_command.ts")).runVersion(context),
};

/** Runs the tool of this name. */
export function runTool(name: ToolName, context: ToolContext): Promise<number> {
  return TOOL_RUNNERS[name](context);
}
