import { assert, assertEquals } from "@std/assert";
import { COMET_ROWS } from "../../../server/metrics/comet_rows.ts";
import { type Metric, prometheusName } from "../../../server/metrics/metric.ts";
import { NAMESRV_ROWS } from "../../../server/metrics/namesrv_rows.ts";
import { PROCESS_ROWS } from "../../../server/metrics/process_rows.ts";
import { APACHE_ROWS, REGISTRY_ROWS } from "../../../server/metrics/registry.ts";
import { APACHE_COMMON_LABELS, APACHE_METRICS } from "./apache_metrics.ts";

type Row = Pick<Metric<never>, "name" | "unit" | "kind" | "labels">;
const ROWS: Row[] = [
  ...APACHE_ROWS,
  ...COMET_ROWS,
  ...NAMESRV_ROWS,
  ...PROCESS_ROWS,
  ...REGISTRY_ROWS,
];
/** Labels that Prometheus adds, and that of buckets. */
const OTHER_LABELS = ["instance", "job", "le"];

/** Every name of a series, with its labels. */
const SERIES = new Map<string, readonly string[]>(ROWS.flatMap((row) => {
  const name = prometheusName(row);
  const suffixes = row.kind === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
  return suffixes.map((suffix) => [name + suffix, row.labels] as const);
}));

/** What is wrong with an expression: names, labels, brackets. */
function mistakesOf(expr: string): string[] {
  const mistakes: string[] = [];
  const names = expr.match(/\b(rocketmq|comet)_\w+/g) ?? [];
  if (names.length === 0) mistakes.push(`no metric in ${expr}`);
  const labels = new Set([...APACHE_COMMON_LABELS, ...OTHER_LABELS]);
  for (const name of names) {
    const known = SERIES.get(name);
    if (known === undefined) mistakes.push(`there is no ${name}`);
    for (const label of known ?? []) labels.add(label);
  }
  const used = [
    ...[...expr.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label]) => label!),
    ...[...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/,\s*/)),
  ];
  for (const label of used) {
    if (!labels.has(label)) mistakes.push(`${label} is no label in ${expr}`);
  }
  if (!isBalanced(expr)) mistakes.push(`brackets in ${expr}`);
  return mistakes;
}

function isBalanced(expr: string): boolean {
  const open: string[] = [];
  for (const character of expr.replace(/"[^"]*"/g, "")) {
    const closing = { "(": ")", "{": "}", "[": "]" }[character];
    if (closing !== undefined) open.push(closing);
    else if (")}]".includes(character) && open.pop() !== character) return false;
  }
  return open.length === 0;
}

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string; legendFormat: string }[];
}

Deno.test("docs/grafana/brokers.json asks for metrics and labels that there are", async () => {
  const file = new URL("../../../docs/grafana/brokers.json", import.meta.url);
  const board = JSON.parse(await Deno.readTextFile(file));
  const panels: Panel[] = board.panels;
  assertEquals(new Set(panels.map(({ id }) => id)).size, panels.length);
  for (const { gridPos: { x, w } } of panels) assert(x + w <= 24);
  const targets = panels.flatMap(({ targets = [] }) => targets);
  assert(targets.length > 30);
  assertEquals(targets.flatMap(({ expr }) => mistakesOf(expr)), []);
});

Deno.test("docs/grafana/brokers.json has only Apache's metrics above its last row", async () => {
  const file = new URL("../../../docs/grafana/brokers.json", import.meta.url);
  const panels: Panel[] = JSON.parse(await Deno.readTextFile(file)).panels;
  const last = panels.findLastIndex(({ type }) => type === "row");
  assertEquals(panels[last]!.title, "Comet only");
  const apache = new Set(APACHE_METRICS.map(({ name }) => name));
  const used = panels.slice(0, last).flatMap(({ targets = [] }) => targets)
    .flatMap(({ expr }) => expr.match(/\b(rocketmq|comet)_\w+/g)!)
    .map((name) => name.replace(/_(bucket|sum|count)$/, ""));
  assertEquals(used.filter((name) => !apache.has(name)), []);
});

interface Rule {
  alert?: string;
  expr?: string;
  for?: string;
  severity?: string;
  summary?: string;
}

/** Reads the part of YAML that the file keeps to: one key in a line, two spaces deeper for what belongs to it. */
function parseRules(text: string): Map<string, Rule[]> {
  const groups = new Map<string, Rule[]>();
  let rules: Rule[] = [];
  for (const [index, line] of text.trimEnd().split("\n").entries()) {
    const at = `line ${index + 1}: ${line}`;
    if (line.startsWith("#") || line === "groups:" || line === "    rules:") continue;
    const group = /^ {2}- name: ([a-z]+)$/.exec(line);
    const first = /^ {6}- alert: ([A-Z]\w+)$/.exec(line);
    const own = /^ {8}(expr|for): (\S.*)$/.exec(line);
    const inner = /^ {10}(severity|summary): (\S.*)$/.exec(line);
    if (group !== null) groups.set(group[1]!, rules = []);
    else if (first !== null) rules.push({ alert: first[1]! });
    else if (own !== null) rules.at(-1)![own[1] as "expr" | "for"] = plain(own[2]!, at);
    else if (inner !== null) {
      rules.at(-1)![inner[1] as "severity" | "summary"] = plain(inner[2]!, at);
    } else assert(/^ {8}(labels|annotations):$/.test(line), at);
  }
  return groups;
}

/** A text of YAML in one line: as it is, or as JSON when it is in quotes. */
function plain(text: string, at: string): string {
  if (text.startsWith('"')) return JSON.parse(text);
  // In a plain text these begin something else.
  assert(!/^[&*!|>%@`'{[#-]|: | #/.test(text), at);
  return text;
}

Deno.test("docs/grafana/alerts.yaml has rules that say when, how bad and why, about metrics that there are", async () => {
  const file = new URL("../../../docs/grafana/alerts.yaml", import.meta.url);
  const groups = parseRules(await Deno.readTextFile(file));
  assertEquals([...groups.keys()], ["rocketmq", "comet"]);
  const rules = [...groups.values()].flat();
  assertEquals(new Set(rules.map(({ alert }) => alert)).size, rules.length);
  for (const { alert, expr, severity, summary, for: duration = "0m" } of rules) {
    assertEquals(mistakesOf(expr!), [], alert);
    assert(/ (>|<|==) [\d.e]+$/.test(expr!), `${alert} has a threshold`);
    assert(/^\d+[smh]$/.test(duration), alert);
    assert(["info", "warning", "critical"].includes(severity!), alert);
    const labels = [...summary!.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label!);
    const given = /by \(([^)]*)\)/.exec(expr!)?.[1]?.split(", ") ?? ["instance", "metric"];
    assertEquals(labels.filter((label) => !given.includes(label)), [], alert);
  }
  const apache = new Set(APACHE_METRICS.map(({ name }) => name));
  const used = groups.get("rocketmq")!.flatMap(({ expr }) => expr!.match(/\brocketmq_\w+/g)!);
  assertEquals(used.filter((name) => !apache.has(name.replace(/_(bucket|count)$/, ""))), []);
});
