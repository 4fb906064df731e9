/**
 * Runs Apache's own clients, unchanged, against Comet: `deno task interop`.
 *
 * ```
 *   --only TEXT           only scenarios with this in their name, as in "java: tags"
 *   --namesrv HOST:PORT   a server that runs already, Apache's for example, in place of Comet
 *   --restart-cmd CMD     how to restart that one; CMD gets "graceful" or "kill" as its argument
 * ```
 * Needs Maven with a JDK, and Go.
 */

import { parseArgs } from "@std/cli/parse-args";
import {
  CLIENT_PROGRAMS,
  type ClientProgram,
  type ReportLine,
  RunningProgram,
} from "./client_program.ts";
import { RestartBarrier } from "./restart_barrier.ts";
import { externalServer, type ServerUnderTest, startComet } from "./server_under_test.ts";

const RUN_LIMIT_MILLIS = 300_000;
const SERIALIZE_TYPES = ["JSON", "ROCKETMQ"];

interface Outcome {
  name: string;
  ok: boolean;
  seconds: number;
  text: string;
}

const flags = parseArgs(Deno.args, { string: ["only", "namesrv", "restart-cmd"] });
const only = flags["only"] as string | undefined ?? "";
const folder = await Deno.makeTempDir({ prefix: "interop-" });
const runId = Date.now().toString(36);

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** Runs scenarios in one process of a client's program; gives an outcome for each, also when it dies on the way. */
async function run(
  server: ServerUnderTest,
  program: ClientProgram,
  serializeType: string,
  names: readonly string[],
  barrier?: RestartBarrier,
): Promise<Outcome[]> {
  if (names.length === 0) return [];
  const outcomes = new Map<string, Outcome>();
  const args = ["run", server.namesrv, `${runId}_${program.label}`, ...names];
  await using running = new RunningProgram(program, serializeType, folder, args);
  const limit = setTimeout(() => running.kill(), RUN_LIMIT_MILLIS);
  for await (const line of running.lines()) {
    if (line.restart !== undefined) {
      const answer = await barrier!.arrive(line.restart).then(() => "restarted", String);
      await running.answer(answer);
    }
    if (line.ok === undefined) continue;
    const { ok, seconds = 0, note = "", reason = "" } = line;
    const outcome = {
      name: `${program.label}: ${line.scenario}`,
      ok,
      seconds,
      text: note + reason,
    };
    outcomes.set(line.scenario, outcome);
    print(`${ok ? "ok  " : "FAIL"} ${outcome.name} (${seconds.toFixed(1)} s) ${outcome.text}`);
  }
  clearTimeout(limit);
  barrier?.leave();
  const ending = await running.ending();
  return names.map((name) =>
    outcomes.get(name) ?? missing(`${program.label}: ${name}`, `did not finish: ${ending}`)
  );
}

function missing(name: string, text: string): Outcome {
  print(`FAIL ${name} ${text}`);
  return { name, ok: false, seconds: 0, text };
}

async function list(program: ClientProgram): Promise<ReportLine[]> {
  const lines: ReportLine[] = [];
  await using running = new RunningProgram(program, "JSON", folder, ["list"]);
  for await (const line of running.lines()) lines.push(line);
  return lines.filter((line) => `${program.label}: ${line.scenario}`.includes(only));
}

/** All that shares a server which stays up: the programs side by side, each one's scenarios in turn. */
async function runShared(server: ServerUnderTest, listed: Listed[]): Promise<Outcome[]> {
  const outcomes = await Promise.all(listed.map(async ({ program, lines }) => {
    const found: Outcome[] = [];
    for (const serializeType of SERIALIZE_TYPES) {
      const names = lines
        .filter((line) => line.restartsServer !== true && line.serializeType === serializeType)
        .map((line) => line.scenario);
      found.push(...await run(server, program, serializeType, names));
    }
    return found;
  }));
  return outcomes.flat();
}

/** Scenarios that restart the server: those of one name share the restart. */
async function runRestarting(server: ServerUnderTest, listed: Listed[]): Promise<Outcome[]> {
  const { restart } = server;
  const all = listed.flatMap(({ lines }) => lines).filter((line) => line.restartsServer === true);
  const names = [...new Set(all.map((line) => line.scenario))];
  if (restart === undefined) {
    if (names.length > 0) print(`left out, for want of --restart-cmd: ${names.join(", ")}`);
    return [];
  }
  const outcomes: Outcome[] = [];
  for (const name of names) {
    const programs = listed.filter(({ lines }) => lines.some((line) => line.scenario === name));
    const barrier = new RestartBarrier(programs.length, restart);
    const found = programs.map(({ program }) => run(server, program, "JSON", [name], barrier));
    outcomes.push(...(await Promise.all(found)).flat());
  }
  return outcomes;
}

interface Listed {
  program: ClientProgram;
  lines: ReportLine[];
}

await Promise.all(CLIENT_PROGRAMS.map((program) => program.build()));
const listed = await Promise.all(
  CLIENT_PROGRAMS.map(async (program) => ({ program, lines: await list(program) })),
);
const namesrv = flags["namesrv"] as string | undefined;
await using server = namesrv === undefined
  ? await startComet(folder)
  : externalServer(namesrv, flags["restart-cmd"] as string | undefined);
server.died.then((reason) => print(`the server is gone: ${reason}; see ${folder}/server.log`));
const outcomes = [...await runShared(server, listed), ...await runRestarting(server, listed)];
const failed = outcomes.filter(({ ok }) => !ok).length;
print(`${outcomes.length - failed} passed, ${failed} failed`);
Deno.exitCode = failed === 0 && outcomes.length > 0 ? 0 : 1;
