/** What the tools share: reading flags, help, text and JSON to stdout. */

import { flagLines, type FlagTable, type ReadFlags, readFlags, UsageError } from "../flags.ts";

export const HELP_FLAG = {
  help: { letter: "h", help: "show this text" },
} as const satisfies FlagTable;
export const JSON_FLAG = {
  json: { help: "print one JSON document" },
} as const satisfies FlagTable;

/** A tool as its help and the completions know it. */
export interface ToolDescription {
  readonly name: string;
  /** What stands between the name and the flags in the usage line, as in "[ROLE]". */
  readonly words: string;
  readonly summary: string;
  readonly flags: FlagTable;
  /** What the help ends with: exit codes, examples. */
  readonly notes: string;
}

/** What `comet help TOOL` prints. */
export function toolHelp({ name, words, summary, flags, notes }: ToolDescription): string {
  const usage = ["comet", name, words, "[FLAGS]"].filter((part) => part !== "").join(" ");
  return `${summary}\n\nUsage: ${usage}\n\nFlags:\n${flagLines(flags).join("\n")}\n\n${notes}\n`;
}

/** Reads a tool's flags; undefined when its help was asked for, which is printed then. @throws {UsageError} */
export function readToolFlags(
  tool: ToolDescription,
  args: readonly string[],
): ReadFlags | undefined {
  const read = readFlags(tool.flags, args, `comet help ${tool.name}`);
  if (read.values["help"] !== true) return read;
  print(toolHelp(tool));
  return undefined;
}

/** @throws {UsageError} when there are words that mean nothing. */
export function refuseWords([word]: readonly string[], tool: ToolDescription): void {
  if (word === undefined) return;
  throw new UsageError(
    `unexpected argument ${JSON.stringify(word)}; comet help ${tool.name} tells what it takes`,
  );
}

/** Writes to stdout; whoever reads it may have gone, as `head` does. */
export function print(text: string): void {
  let bytes = new TextEncoder().encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Writes one JSON document. */
export function printJson(value: unknown): void {
  print(`${JSON.stringify(value, undefined, 2)}\n`);
}
