/**
 * Comet on a disk that fails: every fsync, from the moment on at which there is a file named `fail` beside the data
 * folder. To be run in place of main.ts.
 */

import { parseCommandLine, resolveConfig } from "../../server/command_line.ts";
import { createLog } from "../../server/log.ts";
import { startServer } from "../../server/server.ts";

const command = parseCommandLine(Deno.args, {});
if (command.kind !== "run") throw new Error(`cannot do ${command.kind} here`);
const { config } = resolveConfig(command, "");
const { syncData } = Deno.FsFile.prototype;
Deno.FsFile.prototype.syncData = async function () {
  try {
    Deno.statSync(`${config.storePathRootDir}.fail`);
  } catch {
    return await syncData.call(this);
  }
  // As slow as a disk that gives up after it has tried again and again.
  await new Promise((resolve) => setTimeout(resolve, 100));
  throw new Error("Input/output error (os error 5)");
};
const server = await startServer(command.role, config, "0.0.0", createLog(config.logLevel));
Deno.stdout.writeSync(new TextEncoder().encode(server.banner));
