/**
 * Apache's admin tool, unchanged, against Comet or Apache's own servers: each command must print what its row says. It
 * takes seconds to stop, so that several run side by side.
 */

import { mapLimited } from "../../client/admin/fan_out.ts";
import { eventually } from "../helpers/eventually.ts";
import { ADMIN_ROWS, ADMIN_STAGES, type AdminRow } from "./admin_rows.ts";
import { type AdminTarget, type CommandOutcome, filledIn, outcomeOf } from "./admin_target.ts";
import { mqadmin, mqadminCommand } from "./apache_server.ts";
import { mqadminStates } from "../../server/admin_cli/admin_commands.ts";

const AT_A_TIME = 8;
const LIST_NAME = "mqadmin: its commands are those of the table";

/** The names of all outcomes. */
export function mqadminNames(target: AdminTarget["kind"]): string[] {
  return [LIST_NAME, ...ADMIN_ROWS.filter((row) => holds(row, target)).map(nameOf)];
}

function nameOf({ command }: AdminRow): string {
  return `mqadmin: ${command}`;
}

function holds({ only }: AdminRow, target: AdminTarget["kind"]): boolean {
  return only === undefined || only === target;
}

/** Runs the commands, a stage after the other. */
export async function* runMqadminRows(target: AdminTarget): AsyncGenerator<CommandOutcome> {
  yield await compareList(target);
  for (const stage of ADMIN_STAGES) {
    const outcomes = await mapLimited(stage, AT_A_TIME, async (chain) => {
      const found: CommandOutcome[] = [];
      for (const row of chain.filter((row) => holds(row, target.kind))) {
        found.push(await runRow(target, row));
      }
      return found;
    });
    yield* outcomes.flat();
  }
}

async function runRow(target: AdminTarget, row: AdminRow): Promise<CommandOutcome> {
  const started = performance.now();
  const args = filledIn(row.command, target).split(" ");
  const printed = row.isEndless
    ? await printedUntil(target, args, row.mqadmin)
    : await mqadmin(target.home, args).catch((error: Error) => error.message);
  return outcomeOf(nameOf(row), { started, printed, expected: row.mqadmin, target });
}

/** What a command that goes on for ever has printed and logged by the time when all is there that is expected. */
async function printedUntil(
  target: AdminTarget,
  args: string[],
  expected: readonly RegExp[],
): Promise<string> {
  const home = await Deno.makeTempDir({ dir: target.home });
  await using child = mqadminCommand(home, args).spawn();
  let text = "";
  const follow = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) text += chunk;
  };
  const streams = Promise.all([follow(child.stdout), follow(child.stderr)]);
  const seen = () => `${text}\n${logged(home)}`;
  await eventually("the command prints", () => expected.every((wanted) => wanted.test(seen())))
    .catch(() => {});
  child.kill("SIGKILL");
  await streams;
  return seen();
}

function logged(home: string): string {
  try {
    return Deno.readTextFileSync(`${home}/logs/rocketmqlogs/broker_default.log`);
  } catch {
    return "";
  }
}

/** The table has every command that mqadmin has, and no other. */
async function compareList(target: AdminTarget): Promise<CommandOutcome> {
  const started = performance.now();
  const printed = await mqadmin(target.home, []);
  const names = [...printed.matchAll(/^ {3}(\w+) {2,}/gm)].map(([, name]) => name!).sort();
  const known = mqadminStates().map(([name]) => name).sort();
  const failures = [
    ...names.filter((name) => !known.includes(name)).map((name) => `not in the table: ${name}`),
    ...known.filter((name) => !names.includes(name)).map((name) => `not in mqadmin: ${name}`),
  ];
  return { name: LIST_NAME, seconds: (performance.now() - started) / 1_000, failures };
}
