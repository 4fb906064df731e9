/** Writes the parts of `docs/` that follow from the code's tables: `deno task docs`. */

import { RequestCode, type RequestCodeName } from "../client/protocol/request_code.ts";
import { REQUEST_STATES, type RequestState } from "../client/protocol/request_state.ts";
import { ADMIN_AREAS } from "../server/admin_cli/admin_command.ts";
import { ADMIN_COMMANDS, mqadminStates } from "../server/admin_cli/admin_commands.ts";
import { helpText } from "../server/command_line.ts";
import { SETTING_SECTIONS, SETTINGS } from "../server/config.ts";
import { apacheSettingNames, refusedEntries } from "../server/config_apache.ts";
import { environmentName } from "../server/config_environment.ts";
import { COMET_ROWS } from "../server/metrics/comet_rows.ts";
import { type Metric, prometheusName } from "../server/metrics/metric.ts";
import { NAMESRV_ROWS } from "../server/metrics/namesrv_rows.ts";
import { PROCESS_ROWS } from "../server/metrics/process_rows.ts";
import { APACHE_ROWS, REGISTRY_ROWS } from "../server/metrics/registry.ts";
import type { Setting } from "../server/setting.ts";

const LINE_LENGTH_MAX = 100;

/** The text of `docs/configuration.md`. */
export function configurationPage(): string {
  return [
    "<!-- Written by `deno task docs` from server/config.ts; change that file instead. -->",
    "# Configuration",
    "Comet runs without any configuration. What can be set, and how:",
    list([
      "in a file: `comet -c broker.conf`, which is read as Apache RocketMQ does",
      "by an admin while it runs (mqadmin's `updateBrokerConfig`, the HTTP API); it is kept in " +
      "`config/comet-settings.json` in the data folder and counts after a restart too",
      `in the environment: \`${environmentName("brokerName")}=broker-b\` sets \`brokerName\``,
      "with a flag: `comet --broker-port 10921`, or `comet --set brokerName=broker-b`",
    ]),
    "What comes later in this list wins. Mistakes are errors that name their place:",
    list([
      "an unknown setting (with the one that was probably meant)",
      "a value that a setting cannot have",
    ]),
    "Times are in milliseconds and sizes in bytes where the name says nothing else.",
    ...SETTING_SECTIONS.flatMap(({ title, settings }) => [`## ${title}`, settingsTable(settings)]),
    "## Where Comet differs from Apache RocketMQ",
    differencesTable(),
    "## Settings of Apache RocketMQ that Comet does not use",
    "They may stay in the file: Comet warns about each and goes on without it.",
    "It does not start with these, which promise what it does not have yet:",
    list(refusedEntries().map(code)),
    "All of them:",
    fenced(wrap(apacheSettingNames(), LINE_LENGTH_MAX)),
    "## Command line",
    fenced(helpText().trimEnd()),
  ].join("\n\n") + "\n";
}

const GENERATED_HEAD = "<!-- From here on written by `deno task docs`. -->";

/** The text of `docs/compatibility.md`: the part that people write is kept, the tables are made anew. */
export function compatibilityPage(present: string): string {
  const written = present.split(GENERATED_HEAD)[0]!.trimEnd();
  return [
    written,
    GENERATED_HEAD,
    "## mqadmin",
    "Every command of the mqadmin of Apache RocketMQ 5.3.3, unchanged, against Comet. `comet admin` has those that " +
    "are served too (`docs/admin.md`).",
    mqadminTable(),
    "## Request codes",
    "Every code of Apache RocketMQ 5.3.3. A request that is not served is answered " +
    "REQUEST_CODE_NOT_SUPPORTED with a remark that says the same as this table.",
    requestCodesTable(),
  ].join("\n\n") + "\n";
}

/** The text of `docs/admin.md`: the part that people write is kept, the table of commands made anew. */
export function adminPage(present: string): string {
  const written = present.split(GENERATED_HEAD)[0]!.trimEnd();
  const areas = ADMIN_AREAS.flatMap((area) => [`### ${area}`, adminTable(area)]);
  return [written, GENERATED_HEAD, "## Commands", ...areas].join("\n\n") + "\n";
}

/** The text of `docs/monitoring.md`: the part that people write is kept, the tables of metrics are made anew. */
export function monitoringPage(present: string): string {
  const written = present.split(GENERATED_HEAD)[0]!.trimEnd();
  const broker =
    "Those of a broker have the labels `cluster`, `node_type`, `node_id` and those of `metricsLabel`";
  return [
    written,
    GENERATED_HEAD,
    "## Metrics",
    `${broker}; all have \`otel_scope_name\`. A histogram has the endings \`_bucket\`, \`_sum\` and \`_count\`.`,
    "### Apache's, of a broker",
    metricsTable(APACHE_ROWS),
    "### Comet's, of a broker",
    metricsTable(COMET_ROWS),
    "### Of a name server",
    metricsTable(NAMESRV_ROWS),
    "### Of the process",
    metricsTable([...PROCESS_ROWS, ...REGISTRY_ROWS]),
  ].join("\n\n") + "\n";
}

function metricsTable(metrics: readonly Omit<Metric<never>, "collect">[]): string {
  const rows = metrics.map((metric) => [
    code(prometheusName(metric)),
    metric.kind,
    metric.labels.map(code).join(" "),
    metric.help,
  ]);
  return table(["Metric", "Kind", "Labels", "What it is"], rows);
}

function adminTable(area: (typeof ADMIN_AREAS)[number]): string {
  const rows = Object.entries(ADMIN_COMMANDS).filter(([, row]) => row.area === area)
    .map(([name, { help, flags, hasDryRun }]) => [
      code(name),
      help,
      Object.entries(flags).map(([flag, { letter, isRequired, value }]) => {
        const given = letter === undefined ? `--${flag}` : `-${letter}`;
        return isRequired && value !== undefined ? `**${code(given)}**` : code(given);
      }).join(" "),
      hasDryRun ? code("--dry-run") : "",
    ]);
  return table(["Command", "", "Flags, in bold what it needs", ""], rows);
}

function mqadminTable(): string {
  const rows = mqadminStates().map(([name, row]) => [
    code(name),
    row.state,
    row.state === "served" ? row.help : row.reason,
  ]);
  return table(["Command", "State", "What it does, or why not"], rows);
}

function requestCodesTable(): string {
  const rows = Object.entries(REQUEST_STATES).map(([name, row]) => [
    String(RequestCode[name as RequestCodeName]),
    code(name),
    row.state,
    remarkOf(row),
  ]);
  return table(["Code", "Name", "State", "By, or why not"], rows);
}

function remarkOf(row: RequestState): string {
  return row.state === "refused" ? row.reason : row.side;
}

function settingsTable(settings: Readonly<Record<string, Setting<unknown>>>): string {
  const rows = Object.entries(settings).map((
    [key, { fallback, expected, description }],
  ) => [
    code(key),
    code(String(fallback)),
    description,
    expected,
  ]);
  return table(["Setting", "Default", "Meaning", "Values"], rows);
}

function differencesTable(): string {
  const rows = Object.entries(SETTINGS)
    .filter(([, row]) => row.own || row.apacheDefault !== undefined)
    .map((
      [key, row],
    ) => [code(key), code(String(row.fallback)), row.own ? "no such setting" : row.apacheDefault!]);
  return table(["Setting", "Default of Comet", "Default of Apache RocketMQ 5.3.3"], rows);
}

function table(head: string[], rows: string[][]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`
  );
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}

function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

function list(items: string[]): string {
  return items.map((item) => `- ${item}`).join("\n");
}

function fenced(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\``;
}

function wrap(words: string[], lengthMax: number): string {
  const lines = [""];
  for (const word of words) {
    const line = `${lines.at(-1)} ${word}`.trim();
    if (line.length > lengthMax) lines.push(word);
    else lines[lines.length - 1] = line;
  }
  return lines.join("\n");
}

if (import.meta.main) {
  const docs = new URL("../docs/", import.meta.url);
  await Deno.writeTextFile(new URL("configuration.md", docs), configurationPage());
  const compatibility = new URL("compatibility.md", docs);
  const present = await Deno.readTextFile(compatibility);
  await Deno.writeTextFile(compatibility, compatibilityPage(present));
  const admin = new URL("admin.md", docs);
  await Deno.writeTextFile(admin, adminPage(await Deno.readTextFile(admin)));
  const monitoring = new URL("monitoring.md", docs);
  await Deno.writeTextFile(monitoring, monitoringPage(await Deno.readTextFile(monitoring)));
}
