/** The part of @std/cli's parseArgs that this project uses. */

import { parseArgs as nodeParseArgs } from "node:util";

export interface ParseOptions {
  string?: string[];
  boolean?: string[];
  alias?: Record<string, string>;
  collect?: string[];
  /** Called for each argument that is no known flag; false drops it. */
  unknown?: (arg: string) => unknown;
}

/** Reads flags into an object by name; what is no flag is in `_`. */
export function parseArgs(args: string[], options: ParseOptions = {}): Record<string, unknown> {
  const { string = [], boolean = [], alias = {}, collect = [], unknown } = options;
  const nodeOptions: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const name of string) nodeOptions[name] = { type: "string" };
  for (const name of boolean) nodeOptions[name] = { type: "boolean" };
  for (const [name, short] of Object.entries(alias)) {
    if (nodeOptions[name] !== undefined) nodeOptions[name].short = short;
  }
  const { tokens } = nodeParseArgs({
    args,
    options: nodeOptions,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const positionals: string[] = [];
  const values: Record<string, unknown> = { _: positionals };
  for (const name of boolean) values[name] = false;
  for (const name of collect) values[name] = [];
  for (const token of tokens) {
    if (token.kind === "positional") {
      if (unknown?.(token.value) !== false) positionals.push(token.value);
    } else if (token.kind === "option") {
      const negated = token.name.startsWith("no-") ? token.name.slice(3) : undefined;
      if (nodeOptions[token.name] === undefined) {
        if (negated !== undefined && nodeOptions[negated]?.type === "boolean") {
          values[negated] = false;
          continue;
        }
        const text = token.value === undefined ? token.rawName : `${token.rawName}=${token.value}`;
        unknown?.(text);
        continue;
      }
      // As there, a flag does not take what looks like another flag for its value.
      const isValue = token.inlineValue === true || !token.value?.startsWith("-");
      const value = string.includes(token.name)
        ? isValue ? token.value ?? "" : ""
        : token.value !== "false";
      if (collect.includes(token.name)) (values[token.name] as unknown[]).push(value);
      else values[token.name] = value;
    }
  }
  return values;
}
