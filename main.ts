/** The command line: picks the role, starts it, waits for the signal to stop. */

import { helpText, parseCommandLine } from "./server/command_line.ts";
import { runTool } from "./server/command/tools.ts";
import { createLog, describeError } from "./server/log.ts";
import { startServer } from "./server/server.ts";
import { loadConfig } from "./server/start_config.ts";

/** Kept equal to deno.json's by a test. */
export const COMET_VERSION = "0.1.0";

/** Runs the program; returns the exit code: 0 after an orderly stop, 2 when it cannot be started as asked. */
async function main(args: string[]): Promise<number> {
  try {
    const command = parseCommandLine(args, Deno.env.toObject());
    if (command.kind === "help") return print(helpText());
    if (command.kind === "version") return print(`comet ${COMET_VERSION}\n`);
    if (command.kind === "tool") {
      const { tool, args } = command;
      return await runTool(tool, {
        args,
        environment: Deno.env.toObject(),
        version: COMET_VERSION,
      });
    }
    const { configFile } = command;
    const text = configFile === undefined ? "" : await Deno.readTextFile(configFile);
    const { config, warnings } = loadConfig(command, text);
    const log = createLog(config.logLevel);
    for (const warning of warnings) log.warn(warning);
    await using server = await startServer(command.role, config, COMET_VERSION, log);
    // Whoever reads the banner may stop the program at once.
    const stopped = stopSignal();
    print(server.banner);
    await stopped;
    log.info("stopping");
    return 0;
  } catch (error) {
    Deno.stderr.writeSync(new TextEncoder().encode(`comet: ${describeError(error)}\n`));
    // A mistake of this program's own, which nobody can mend from outside: say where.
    if (error instanceof TypeError || error instanceof RangeError) {
      Deno.stderr.writeSync(new TextEncoder().encode(`${error.stack}\n`));
    }
    return 2;
  }
}

function print(text: string): number {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
  return 0;
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    Deno.addSignalListener("SIGINT", resolve);
    if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", resolve);
  });
}

if (import.meta.main) Deno.exit(await main(Deno.args));
