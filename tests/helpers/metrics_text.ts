/** A strict reader of what Prometheus reads: text format 0.0.4 and OpenMetrics 1.0.0, as far as Comet writes them. */

import { assert, assertEquals } from "@std/assert";

export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

export interface Family {
  name: string;
  kind: string;
  help: string;
  unit: string | undefined;
  samples: Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;

/** Reads a whole text. @throws when anything in it is not as the format has it. */
export function parseMetrics(text: string, format: "prometheus" | "openmetrics"): Family[] {
  assert(text.endsWith("\n"), "the text ends in a line feed");
  const lines = text.slice(0, -1).split("\n");
  if (format === "openmetrics") assertEquals(lines.pop(), "# EOF");
  const families: Family[] = [];
  const names = new Set<string>();
  for (const line of lines) {
    const head = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/.exec(line);
    if (head === null) {
      readSample(families.at(-1), line, format);
      continue;
    }
    const [, what, name, rest] = head as unknown as [string, string, string, string];
    if (what === "HELP") {
      assert(NAME.test(name) && !names.has(name), `${name} comes once`);
      names.add(name);
      families.push({ name, kind: "", help: rest, unit: undefined, samples: [] });
      continue;
    }
    const family = families.at(-1);
    assert(family !== undefined && family.name === name && family.samples.length === 0, line);
    if (what === "TYPE") {
      assert(["gauge", "counter", "histogram"].includes(rest), line);
      family.kind = rest;
    } else {
      assert(format === "openmetrics" && name.endsWith(`_${rest}`), line);
      family.unit = rest;
    }
  }
  for (const family of families) checkFamily(family);
  return families;
}

function readSample(family: Family | undefined, line: string, format: string): void {
  const match = /^([^\s{]+)\{(.*)\} (\S+)$/.exec(line);
  assert(match !== null && family !== undefined, `no sample: ${line}`);
  const [, name, labelText, valueText] = match as unknown as [string, string, string, string];
  const suffixes = family.kind === "histogram"
    ? ["_bucket", "_sum", "_count"]
    : [family.kind === "counter" && format === "openmetrics" ? "_total" : ""];
  assert(suffixes.some((suffix) => name === family.name + suffix), `${name} in ${family.name}`);
  assert(/^(-?\d+(\.\d+)?(e[+-]?\d+)?|[+-]Inf|NaN)$/.test(valueText), `a number: ${line}`);
  const value = Number(valueText.replace("Inf", "Infinity"));
  if (family.kind === "counter") assert(value >= 0, line);
  family.samples.push({ name, labels: readLabels(labelText, line), value });
}

function readLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text);
    assert(match !== null, `labels: ${line}`);
    const [, name, value] = match as unknown as [string, string, string];
    assert(!(name in labels), `${name} comes once: ${line}`);
    labels[name] = value.replace(/\\(.)/g, (_, escaped) => escaped === "n" ? "\n" : escaped);
  }
  return labels;
}

/** No series comes twice; buckets rise to the count. */
function checkFamily({ name, kind, samples }: Family): void {
  assert(kind !== "", `${name} has a type`);
  const keys = samples.map(({ name, labels }) => keyOf(name, labels));
  assertEquals(new Set(keys).size, keys.length, `series of ${name} come once`);
  if (kind !== "histogram") return;
  const bySeries = Map.groupBy(samples, ({ labels }) => {
    const { le: _, ...others } = labels;
    return keyOf(name, others);
  });
  for (const [key, series] of bySeries) {
    const buckets = series.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number(labels["le"]!.replace("+Inf", "Infinity")));
    assertEquals(bounds, bounds.toSorted((a, b) => a - b), key);
    assertEquals(bounds.at(-1), Infinity, key);
    const counts = buckets.map(({ value }) => value);
    assertEquals(counts, counts.toSorted((a, b) => a - b), key);
    const count = series.filter((sample) => sample.name === `${name}_count`);
    assertEquals(count.map(({ value }) => value), [counts.at(-1)!], key);
    assertEquals(series.filter((sample) => sample.name === `${name}_sum`).length, 1, key);
  }
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, Object.entries(labels).sort()]);
}

/** The value of the one sample with this name and at least these labels; undefined when there is none. */
export function valueOf(
  families: readonly Family[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = families.flatMap(({ samples }) => samples).filter((sample) =>
    sample.name === name &&
    Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
  );
  assert(found.length <= 1, `${name} with ${JSON.stringify(labels)} is one`);
  return found[0]?.value;
}
