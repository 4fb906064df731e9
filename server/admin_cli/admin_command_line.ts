/** `comet admin COMMAND`: reads the command line, runs the command, prints what comes out of it. */

import { dirname } from "node:path";
import { AdminClient, UnreachableError } from "../../client/admin/admin_client.ts";
import type { BrokerFailure } from "../../client/admin/fan_out.ts";
import { RemotingError, ResponseCode } from "../../client/protocol/response_code.ts";
import { parseAddress } from "../../client/remoting/remoting_client.ts";
import type { Environment } from "../config_environment.ts";
import { type FlagTable, readFlags, UsageError } from "../flags.ts";
import { describeError } from "../log.ts";
import { nearestName } from "../nearest_name.ts";
import { Output } from "../store_output.ts";
import type { AdminCommand, AdminContext, AdminResult } from "./admin_command.ts";
import { ADMIN_COMMANDS, LATER_COMMANDS, REFUSED_COMMANDS } from "./admin_commands.ts";
import { COMMON_FLAGS, DRY_RUN_FLAG, readValues } from "./admin_flags.ts";
import { adminHelpText, commandHelpText } from "./admin_help.ts";

/** Exit codes; 2 is for what cannot be run as asked. */
const DONE = 0;
const FAILED = 1;

/** What is printed may wait so long for more, so that a message is not a write. */
const FLUSH_MILLIS = 50;

const NAMESRV_ADDR = "127.0.0.1:9876";

/** Where the output goes. */
export interface AdminStreams {
  readonly out: Pick<Output, "print" | "flush" | "isClosed">;
  readonly error: (text: string) => void;
}

/**
 * Runs a command. Returns the exit code: 0 done, 1 when a server refuses, cannot be reached, or one of several failed.
 * @throws {UsageError} when it cannot be run as asked, which is 2.
 */
export async function runAdminCommand(
  args: readonly string[],
  environment: Environment,
  streams: AdminStreams = terminal(),
): Promise<number> {
  const { out, error } = streams;
  const [word = "--help", ...rest] = args.filter((arg, index) => arg !== "--" || index > 0);
  if (["--help", "-h", "help"].includes(word)) {
    out.print(rest[0] === undefined ? adminHelpText() : helpOf(rest[0]));
    out.flush();
    return DONE;
  }
  const name = commandName(word);
  const reason = notHere(name);
  if (reason !== undefined) {
    error(`comet admin ${name}: ${reason}`);
    return FAILED;
  }
  const command = ADMIN_COMMANDS[name]!;
  const { values, words } = readFlags(commandFlags(command), rest, `comet admin ${name} --help`);
  if (values["help"] === true) {
    out.print(commandHelpText(name, command));
    out.flush();
    return DONE;
  }
  if (words[0] !== undefined) {
    throw new UsageError(`unexpected argument ${JSON.stringify(words[0])}`);
  }
  const nameServers = readNameServers(values["namesrvAddr"], environment);
  await using admin = new AdminClient({ nameServers });
  const isDryRun = values["dry-run"] === true;
  const asJson = values["json"] === true;
  try {
    const given = readValues(command.flags, values, Date.now());
    const failures = await printAll(command.run(contextOf(admin, isDryRun), given), asJson, out);
    for (const { brokerName, brokerAddr, detail } of failures) {
      error(`comet admin ${name}: ${brokerName} ${brokerAddr}: ${detail}`);
    }
    return failures.length === 0 ? DONE : FAILED;
  } catch (problem) {
    if (problem instanceof UsageError) throw problem;
    error(`comet admin ${name}: ${problemText(problem)}`);
    return FAILED;
  } finally {
    out.flush();
  }
}

function terminal(): AdminStreams {
  return {
    out: new Output(),
    error: (text) => void Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`)),
  };
}

/** All flags that a command takes. */
export function commandFlags({ flags, hasDryRun }: AdminCommand): FlagTable {
  return { ...flags, ...(hasDryRun ? DRY_RUN_FLAG : {}), ...COMMON_FLAGS };
}

/** The command of this name, in any case, as mqadmin takes it. @throws {UsageError} with the nearest one. */
function commandName(word: string): string {
  const names = [ADMIN_COMMANDS, REFUSED_COMMANDS, LATER_COMMANDS].flatMap(Object.keys);
  const name = names.find((name) => name.toLowerCase() === word.toLowerCase());
  if (name !== undefined) return name;
  const nearest = nearestName(word, Object.keys(ADMIN_COMMANDS));
  const hint = nearest === undefined
    ? "comet admin --help lists them"
    : `did you mean ${JSON.stringify(nearest)}?`;
  throw new UsageError(`unknown command ${JSON.stringify(word)}; ${hint}`);
}

/** Why a command of mqadmin's is not here; undefined when it is. */
function notHere(name: string): string | undefined {
  return REFUSED_COMMANDS[name] ?? LATER_COMMANDS[name];
}

function helpOf(word: string): string {
  const name = commandName(word);
  const reason = notHere(name);
  return reason === undefined
    ? commandHelpText(name, ADMIN_COMMANDS[name]!)
    : `${name}: ${reason}\n`;
}

function readNameServers(given: unknown, environment: Environment): string[] {
  const text = given as string | undefined ?? environment["NAMESRV_ADDR"] ?? "";
  const addresses = (text.trim() === "" ? NAMESRV_ADDR : text).split(";")
    .map((address) => address.trim()).filter((address) => address !== "");
  for (const address of addresses) {
    try {
      parseAddress(address);
    } catch (cause) {
      throw new UsageError(`--namesrvAddr: ${describeError(cause)}`, { cause });
    }
  }
  return addresses;
}

function contextOf(admin: AdminClient, isDryRun: boolean): AdminContext {
  return {
    admin,
    isDryRun,
    now: Date.now,
    sleep: (millis) => new Promise((resolve) => setTimeout(resolve, millis)),
    readTextFile: (path) => Deno.readTextFile(path),
    readFile: (path) => Deno.readFile(path),
    writeTextFile: async (path, text) => {
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeTextFile(path, text);
    },
  };
}

/** Prints outputs as they come; returns what failed. */
async function printAll(
  result: AdminResult,
  asJson: boolean,
  out: AdminStreams["out"],
): Promise<BrokerFailure[]> {
  if (!(Symbol.asyncIterator in result)) {
    const output = await result;
    out.print(asJson ? `${JSON.stringify(output.data, null, 2)}\n` : output.text());
    return [...output.failures ?? []];
  }
  const failures: BrokerFailure[] = [];
  let flushing: ReturnType<typeof setTimeout> | undefined;
  for await (const output of result) {
    // One document a line, so that others can read them as they come.
    out.print(asJson ? `${JSON.stringify(output.data)}\n` : output.text());
    failures.push(...output.failures ?? []);
    if (out.isClosed) break;
    flushing ??= setTimeout(() => {
      flushing = undefined;
      out.flush();
    }, FLUSH_MILLIS);
  }
  clearTimeout(flushing);
  return failures;
}

/** What went wrong and what to do, in one line. */
export function problemText(problem: unknown): string {
  if (problem instanceof UnreachableError) {
    return `${problem.message} (${describeError(problem.cause)}); is it running, and is -n right?`;
  }
  if (problem instanceof RemotingError) {
    const name = Object.entries(ResponseCode).find(([, code]) => code === problem.code)?.[0];
    return `${problem.message.replaceAll(/\s*\n\s*/g, "; ")} (${name ?? problem.code})`;
  }
  return describeError(problem);
}
