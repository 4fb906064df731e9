/** `comet doctor`: looks at everything that a start needs, or that keeps clients from a running server, and says what to do. */

import { AdminClient } from "../../client/admin/admin_client.ts";
import { FLAGS, readRunCommand, resolveConfig, type Role } from "../command_line.ts";
import type { Config } from "../config.ts";
import { type FlagTable, UsageError } from "../flags.ts";
import { ConfigError } from "../properties.ts";
import { advertisedFinding, clusterFindings } from "./doctor/addresses.ts";
import { fail, type Finding, ok, warn } from "./doctor/finding.ts";
import { folderFindings } from "./doctor/folder_findings.ts";
import { portFindings } from "./doctor/ports.ts";
import { HELP_FLAG, JSON_FLAG, print, printJson, readToolFlags } from "./tool_flags.ts";
import type { ToolDescription } from "./tool_flags.ts";
import type { ToolContext } from "./tools.ts";

const { version: _, help: __, ...RUN_FLAGS } = FLAGS;

export const DOCTOR_TOOL: ToolDescription = {
  name: "doctor",
  words: "[ROLE]",
  summary: "Says whether Comet can run here with these flags; or, of one that runs, why clients " +
    "do not reach it.",
  flags: { ...JSON_FLAG, ...(RUN_FLAGS as FlagTable), ...HELP_FLAG },
  notes:
    `Give it the flags that Comet is started with. It writes one small file into the data folder, and
removes it; it changes nothing else.

Exit code: 0 all is well, or only warnings; 1 something must be mended; 2 cannot be run as asked.`,
};

/** The oldest Deno that Comet runs on. */
const DENO_OLDEST = [2, 7, 11];
/** How far the wall clock may drift from the steady one while the doctor looks. */
const CLOCK_JUMP_MILLIS = 100;

/** Runs all that fits the role. */
export async function runDoctor(context: ToolContext): Promise<number> {
  const read = readToolFlags(DOCTOR_TOOL, context.args);
  if (read === undefined) return 0;
  const findings: Finding[] = [runtimeFinding(context.version)];
  const { values, words } = read;
  const command = readRunCommand(values, words, context.environment);
  const text = command.configFile === undefined ? "" : await Deno.readTextFile(command.configFile);
  try {
    const { config, warnings } = resolveConfig(command, text);
    findings.push(...settingFindings(warnings), ...await roleFindings(command.role, config));
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof UsageError)) throw error;
    findings.push(
      fail("settings", error.message, "correct them; comet config shows what is in force"),
    );
  }
  const failed = findings.some(({ status }) => status === "fail");
  if (values["json"] === true) printJson({ ok: !failed, version: context.version, findings });
  else print(doctorText(findings));
  return failed ? 1 : 0;
}

async function roleFindings(role: Role, config: Config): Promise<Finding[]> {
  const offset = Date.now() - performance.now();
  await using admin = new AdminClient({ nameServers: [] });
  const { findings, isRunning } = await portFindings(role, config, admin);
  const hasBroker = role === "serve" || role === "broker";
  const isFree = (port: number) =>
    findings.some(({ name, status }) => name === `port ${port}` && status === "ok");
  const advertised = hasBroker && !isRunning && isFree(config.listenPort)
    ? [await advertisedFinding(config)]
    : [];
  return [
    ...findings,
    ...advertised,
    ...await clusterFindings(role, config, isRunning),
    ...role === "dashboard" ? [] : await folderFindings(config),
    jumpFinding(Date.now() - performance.now() - offset),
  ];
}

function runtimeFinding(version: string): Finding {
  const detail = `Comet ${version} on Deno ${Deno.version.deno}, ${Deno.build.target}`;
  const parts = Deno.version.deno.split(".").map(Number);
  const difference = DENO_OLDEST.map((oldest, index) => (parts[index] ?? 0) - oldest)
    .find((part) => part !== 0);
  if ((difference ?? 0) >= 0) return ok("version", detail);
  return warn("version", detail, `use Deno ${DENO_OLDEST.join(".")} or newer, or the binary`);
}

function settingFindings(warnings: readonly string[]): Finding[] {
  if (warnings.length === 0) return [ok("settings", "can be used as they are")];
  return warnings.map((warning) => warn("settings", warning, "take it out, or let it be ignored"));
}

function jumpFinding(jumpMillis: number): Finding {
  const name = "clock";
  if (Math.abs(jumpMillis) <= CLOCK_JUMP_MILLIS) return ok(name, "runs evenly");
  const detail = `jumped by ${jumpMillis.toFixed(0)} ms while this looked`;
  return warn(name, detail, "let NTP slew it; delayed messages and retention go by it");
}

/** One line a finding, with what to do below it. */
export function doctorText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.map(({ name, status, detail, advice }) => {
    const head = `${status.padEnd(4)}  ${name.padEnd(width)}  `;
    const indented = detail.replaceAll("\n", `\n${" ".repeat(head.length)}`);
    return `${head}${indented}\n${
      advice === undefined ? "" : `${" ".repeat(head.length)}-> ${advice}\n`
    }`;
  });
  const count = (status: string) => findings.filter((finding) => finding.status === status).length;
  return `${lines.join("")}\n${count("ok")} ok, ${count("warn")} warnings, ${
    count("fail")
  } failures\n`;
}
