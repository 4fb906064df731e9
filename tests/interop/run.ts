/**
 * Runs Apache's own clients, unchanged, against Comet, and moves data folders between Apache's broker and Comet:
 * `deno task interop`.
 *
 * ```
 *   --only TEXT           only scenarios with this in their name, as in "java: tags"
 *   --apache              the clients against Apache's own servers, in place of Comet
 *   --namesrv HOST:PORT   the clients against a server that runs already
 *   --restart-cmd CMD     how to restart that one; CMD gets "graceful" or "kill" as its argument
 * ```
 * Needs Maven with a JDK, and Go.
 */

import { parseArgs } from "@std/cli/parse-args";
import { cometAdminNames, runCometAdminRows } from "./admin_cli.ts";
import { type AdminTarget, type CommandOutcome, startAdminTarget } from "./admin_target.ts";
import {
  CLIENT_PROGRAMS,
  type ClientProgram,
  type ReportLine,
  RunningProgram,
} from "./client_program.ts";
import { buildApache } from "./apache_server.ts";
import { JOURNEYS, moveNames, travel } from "./folder_journey.ts";
import { LIGHT_QUEUE_JOURNEYS, travelLightQueues } from "./light_queue_journey.ts";
import { POP_JOURNEYS, travelPopped } from "./pop_journey.ts";
import { httpCheckNames, runHttpChecks } from "./http_api.ts";
import { mqadminNames, runMqadminRows } from "./mqadmin_commands.ts";
import { RestartBarrier } from "./restart_barrier.ts";
import { TIMER_JOURNEYS, travelTimers } from "./timer_journey.ts";
import { TRANSACTION_JOURNEYS, travelTransactions } from "./transaction_journey.ts";
import {
  externalServer,
  type ServerUnderTest,
  startApacheServer,
  startComet,
} from "./server_under_test.ts";

const RUN_LIMIT_MILLIS = 300_000;
const SERIALIZE_TYPES = ["JSON", "ROCKETMQ"];

interface Outcome {
  name: string;
  ok: boolean;
  seconds: number;
  text: string;
}

const flags = parseArgs(Deno.args, {
  string: ["only", "namesrv", "restart-cmd"],
  boolean: ["apache"],
});
const only = flags["only"] as string | undefined ?? "";
const folder = await Deno.makeTempDir({ prefix: "interop-" });
const runId = Date.now().toString(36);

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function printOutcome({ name, ok, seconds, text }: Outcome): void {
  print(`${ok ? "ok  " : "FAIL"} ${name} (${seconds.toFixed(1)} s) ${text}`);
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
    printOutcome(outcome);
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

async function startServer(): Promise<ServerUnderTest> {
  const namesrv = flags["namesrv"] as string | undefined;
  if (namesrv !== undefined) {
    return externalServer(namesrv, flags["restart-cmd"] as string | undefined);
  }
  return flags["apache"] ? await startApacheServer(`${folder}/apache`) : await startComet(folder);
}

/** What clients of all kinds see of one server. */
async function runClients(): Promise<Outcome[]> {
  await Promise.all(CLIENT_PROGRAMS.map((program) => program.build()));
  const listed = await Promise.all(
    CLIENT_PROGRAMS.map(async (program) => ({ program, lines: await list(program) })),
  );
  if (listed.every(({ lines }) => lines.length === 0)) return [];
  await using server = await startServer();
  server.died.then((reason) => print(`the server is gone: ${reason}; see ${folder}/server.log`));
  return [...await runShared(server, listed), ...await runRestarting(server, listed)];
}

/** Data folders on their way between Apache's broker and Comet; the journeys side by side, since both mostly wait. */
async function runJourneys(): Promise<Outcome[]> {
  const all = [
    ...JOURNEYS.map((journey) => ({ journey, go: travel })),
    ...POP_JOURNEYS.map((journey) => ({ journey, go: travelPopped })),
    ...TRANSACTION_JOURNEYS.map((journey) => ({ journey, go: travelTransactions })),
    ...TIMER_JOURNEYS.map((journey) => ({ journey, go: travelTimers })),
    ...LIGHT_QUEUE_JOURNEYS.map((journey) => ({ journey, go: travelLightQueues })),
  ];
  const chosen = all.filter(({ journey }) =>
    moveNames(journey).some((name) => name.includes(only))
  );
  const outcomes = await Promise.all(chosen.map(async ({ journey, go }) => {
    const found = new Map<string, Outcome>();
    const home = `${folder}/${journey.name.replaceAll(" ", "-")}`;
    let ending = `a move before it failed; see ${home}`;
    try {
      for await (const { name, seconds, failures } of go(journey, home)) {
        const outcome = {
          name,
          ok: failures.length === 0,
          seconds,
          text: failures.join("\n     "),
        };
        found.set(name, outcome);
        printOutcome(outcome);
      }
    } catch (error) {
      ending = `${error}; see ${home}`;
    }
    const outcomes = moveNames(journey).map((name) => found.get(name) ?? missing(name, ending));
    // What failed is kept to be looked at.
    if (outcomes.every(({ ok }) => ok)) await Deno.remove(home, { recursive: true });
    return outcomes;
  }));
  return outcomes.flat();
}

/** Commands for administrators; all of them when one is asked for, since they build on each other. */
async function runAdmin(
  kind: AdminTarget["kind"],
  names: string[],
  rows: (target: AdminTarget) => AsyncGenerator<CommandOutcome>,
): Promise<Outcome[]> {
  if (!names.some((name) => name.includes(only))) return [];
  const found = new Map<string, Outcome>();
  let ending = "did not come to it";
  try {
    const home = await Deno.makeTempDir({ dir: folder, prefix: "admin-" });
    await using target = await startAdminTarget(kind, home);
    for await (const { name, seconds, failures } of rows(target)) {
      const outcome = { name, ok: failures.length === 0, seconds, text: failures.join("\n     ") };
      found.set(name, outcome);
      printOutcome(outcome);
    }
  } catch (error) {
    ending = String(error);
  }
  return names.map((name) => found.get(name) ?? missing(name, ending));
}

const isComet = flags["namesrv"] === undefined && !flags["apache"];
if (isComet || flags["apache"]) await buildApache();
const outcomes = [
  ...await runClients(),
  ...isComet
    ? [
      ...await runAdmin("Comet", mqadminNames("Comet"), runMqadminRows),
      ...await runAdmin("Apache", cometAdminNames("Apache"), runCometAdminRows),
      ...await runAdmin("Apache", httpCheckNames("Apache"), runHttpChecks),
      ...await runJourneys(),
    ]
    : [],
  ...flags["apache"] ? await runAdmin("Apache", mqadminNames("Apache"), runMqadminRows) : [],
];
const failed = outcomes.filter(({ ok }) => !ok).length;
print(`${outcomes.length - failed} passed, ${failed} failed`);
Deno.exitCode = failed === 0 && outcomes.length > 0 ? 0 : 1;
