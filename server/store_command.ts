/** `comet store …`: the tools for a data folder that nothing runs over. Reads their command lines, runs them, prints. */

import { denoFileSystem } from "../store/file_system.ts";
import { dumpStore } from "../store/tools/dump.ts";
import { isLocked } from "../store/tools/folder_lock.ts";
import { planRepair } from "../store/tools/repair_plan.ts";
import { repairStore } from "../store/tools/repair.ts";
import { verifyStore } from "../store/tools/verify.ts";
import type { VerifyReport } from "../store/tools/verify_report.ts";
import type { Environment } from "./config_environment.ts";
import { formatEntry } from "./dump_output.ts";
import { readDumpFlags } from "./dump_flags.ts";
import {
  flagLines,
  type FlagTable,
  readFlags,
  settingFlags,
  UsageError,
  wordHint,
} from "./flags.ts";
import { resolveStoreOptions, type StoreOptions } from "./store_options.ts";
import { bytesText, Output, Progress } from "./store_output.ts";
import { planText, repairJson, verifyJson, verifyText } from "./store_report.ts";
import { DUMP_FLAGS } from "./dump_flags.ts";

/** Exit codes, the same for all tools. */
const SOUND = 0;
const DAMAGED = 1;

type Values = Readonly<Record<string, unknown>>;

interface StoreTool {
  readonly help: string;
  readonly flags: FlagTable;
  /** Returns the exit code. */
  readonly run: (options: StoreOptions, values: Values, output: Output) => number | Promise<number>;
}

const COMMON_FLAGS = {
  config: {
    letter: "c",
    value: "FILE",
    help: "the broker.conf of the folder's broker, for what its files do not tell",
  },
  set: { value: "KEY=VALUE", help: "a setting of docs/configuration.md; may be repeated" },
  help: { letter: "h", help: "show this text" },
} as const satisfies FlagTable;

const PROGRESS = { help: "tell on stderr how far it is, also when that is no terminal" };

const TOOLS = {
  verify: {
    help: "checks every file; changes nothing",
    flags: { json: { help: "print one JSON document" }, progress: PROGRESS },
    run: verify,
  },
  dump: {
    help: "shows messages; changes nothing",
    flags: DUMP_FLAGS,
    run: dump,
  },
  repair: {
    help: "mends what verify finds; without --yes it only says how",
    flags: {
      yes: { help: "do it; what is cut or replaced is kept in a folder repair-<time>" },
      json: { help: "print one JSON document" },
      progress: PROGRESS,
    },
    run: repair,
  },
} as const satisfies Record<string, StoreTool>;

type ToolName = keyof typeof TOOLS;

/** Runs a tool. Returns the exit code: 0 sound, 1 damage. @throws when it cannot be run as asked, which is 2. */
export async function runStoreCommand(
  args: readonly string[],
  environment: Environment,
): Promise<number> {
  const output = new Output();
  const [word = "--help", ...rest] = args.filter((arg, index) => arg !== "--" || index > 0);
  if (word === "--help" || word === "-h" || word === "help") {
    output.print(storeHelpText());
    output.flush();
    return SOUND;
  }
  if (!Object.hasOwn(TOOLS, word)) {
    const hint = wordHint(word, Object.keys(TOOLS), "tools");
    throw new UsageError(`unknown tool ${JSON.stringify(word)}; ${hint}`);
  }
  const name = word as ToolName;
  const tool: StoreTool = TOOLS[name];
  const { values, words } = readFlags(
    { ...tool.flags, ...COMMON_FLAGS },
    rest,
    "comet store --help",
  );
  if (values["help"] === true) return await runStoreCommand(["--help"], environment);
  const options = await readOptions(name, words, values, environment);
  const code = await tool.run(options, values, output);
  output.flush();
  return code;
}

async function readOptions(
  name: ToolName,
  words: readonly string[],
  values: Values,
  environment: Environment,
): Promise<StoreOptions> {
  const [folder, surplus] = words;
  if (folder === undefined) {
    throw new UsageError(`which data folder? comet store ${name} DIR`);
  }
  if (surplus !== undefined) {
    throw new UsageError(`unexpected argument ${JSON.stringify(surplus)}; put one folder`);
  }
  const fileName = values["config"] as string | undefined;
  const file = fileName === undefined
    ? undefined
    : { name: fileName, text: await Deno.readTextFile(fileName) };
  const flags = settingFlags(values);
  const path = folder.replace(/(?<=.)\/+$/, "");
  const options = resolveStoreOptions(path, { file, environment, flags });
  const parts = [options.commitLogFolder || `${path}/commitlog`, `${path}/consumequeue`];
  if (!parts.some((part) => denoFileSystem.existsSync(part))) {
    throw new UsageError(`${path} is no data folder: it has neither commitlog nor consumequeue`);
  }
  return options;
}

/** The flags of each tool, for the completions. */
export function storeToolFlags(): Record<string, FlagTable> {
  return Object.fromEntries(
    Object.entries(TOOLS).map(([name, { flags }]) => [name, { ...flags, ...COMMON_FLAGS }]),
  );
}

/** What `comet store --help` prints. */
export function storeHelpText(): string {
  const tools = Object.entries(TOOLS).map(([name, { help, flags }]) =>
    `comet store ${name} DIR [FLAGS]: ${help}\n${flagLines(flags).join("\n")}\n`
  );
  return `Tools for a data folder, while nothing runs over it.

${tools.join("\n")}
All of them:
${flagLines(COMMON_FLAGS).join("\n")}

Exit code: 0 sound, or nothing to do; 1 damage; 2 cannot be run as asked.
`;
}

function check(options: StoreOptions, values: Values): VerifyReport {
  const progress = new Progress(values["progress"] === true || Deno.stderr.isTerminal());
  return verifyStore({
    ...options,
    now: Date.now(),
    onProgress: ({ records, bytesDone, bytesTotal }) =>
      progress.tell(() =>
        `verify: ${records} messages, ${bytesText(bytesDone)} of at most ${bytesText(bytesTotal)}`
      ),
  });
}

function verify(options: StoreOptions, values: Values, output: Output): number {
  const report = check(options, values);
  output.print(
    values["json"] === true ? `${JSON.stringify(verifyJson(report))}\n` : verifyText(report),
  );
  return report.findings.count("damage") === 0 ? SOUND : DAMAGED;
}

function dump(options: StoreOptions, values: Values, output: Output): number {
  const { query, format, limit } = readDumpFlags(values);
  let code = SOUND;
  let messages = 0;
  if (limit === 0) return code;
  for (const entry of dumpStore({ ...options, now: Date.now(), query })) {
    output.print(formatEntry(entry, format));
    if (output.isClosed) break;
    if (entry.kind === "damage") code = DAMAGED;
    else if (++messages >= limit) break;
  }
  return code;
}

async function repair(options: StoreOptions, values: Values, output: Output): Promise<number> {
  if (isLocked(options.folder)) {
    throw new UsageError(`a running process has ${options.folder}; stop it before a repair`);
  }
  const asJson = values["json"] === true;
  const report = check(options, values);
  const plan = planRepair(report);
  if (!asJson) output.print(planText(report, plan));
  if (values["yes"] !== true || plan.steps.length === 0) {
    if (asJson) output.print(`${JSON.stringify(repairJson(report, plan, undefined))}\n`);
    else output.print(plan.steps.length === 0 ? NOTHING_TO_DO : ASK_FOR_YES);
    return plan.steps.length + plan.obstacles.length === 0 ? SOUND : DAMAGED;
  }
  const progress = new Progress(values["progress"] === true || Deno.stderr.isTerminal());
  const kept = await repairStore(report, plan, {
    fileSystem: denoFileSystem,
    now: Date.now(),
    delayLevels: options.delayLevels,
    onProgress: (what, bytesDone) =>
      progress.tell(() => `repair: ${what}; ${bytesText(bytesDone)} of log done`),
  });
  const after = check(options, values);
  if (asJson) output.print(`${JSON.stringify(repairJson(report, plan, { kept, after }))}\n`);
  else output.print(`\nDone. What was there before is in ${kept}.\n\n${verifyText(after)}`);
  return after.findings.count("damage") === 0 ? SOUND : DAMAGED;
}

const NOTHING_TO_DO = "There is nothing to repair.\n";
const ASK_FOR_YES = `
Nothing has been changed. With --yes this is done; what is cut, replaced or removed is kept in a folder repair-<time>.
`;
