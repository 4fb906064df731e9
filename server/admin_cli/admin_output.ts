/** What comes out of admin commands: data for --json, and the same for people to read. */

import type { BrokerFailure, FanOut } from "../../client/admin/fan_out.ts";
import { printable } from "../store_output.ts";

export interface AdminOutput {
  /** What --json prints. */
  readonly data: unknown;
  /** What people read; empty, or lines that each end with a line break. */
  readonly text: () => string;
  /** Brokers that did not do or tell what they were asked. */
  readonly failures?: readonly BrokerFailure[];
}

type Cell = string | number | boolean | undefined;
/** Cells of a row by the heads of their columns. */
export type Columns<T> = Readonly<Record<string, (row: T) => Cell>>;

/** A table; its rows are the data unless other data is given. */
export function tableOutput<T>(
  rows: readonly T[],
  columns: Columns<T>,
  { data = rows, failures = [] }: { data?: unknown; failures?: readonly BrokerFailure[] } = {},
): AdminOutput {
  return { data, failures, text: () => formatTable(rows, columns) };
}

/** A name and its value in each line. */
export function recordOutput(
  data: Readonly<Record<string, unknown>>,
  failures: readonly BrokerFailure[] = [],
): AdminOutput {
  return { data, failures, text: () => formatRecord(data) };
}

/** Some lines of text beside the data. */
export function textOutput(
  data: unknown,
  text: string,
  failures: readonly BrokerFailure[] = [],
): AdminOutput {
  return { data, failures, text: () => text };
}

/** Several outputs under each other; the data of each has a name. */
export function partsOutput(parts: Readonly<Record<string, AdminOutput>>): AdminOutput {
  const outputs = Object.entries(parts);
  return {
    data: Object.fromEntries(outputs.map(([name, { data }]) => [name, data])),
    failures: outputs.flatMap(([, { failures }]) => failures ?? []),
    text: () => outputs.map(([, { text }]) => text()).filter((text) => text !== "").join("\n"),
  };
}

/** What became of a change at each broker. */
export function changeOutput(
  { answers, failures }: FanOut<unknown>,
  done: string,
  data: Readonly<Record<string, unknown>> = {},
): AdminOutput {
  const rows = answers.map(({ broker: { brokerName, brokerAddr } }) => ({
    brokerName,
    brokerAddr,
    result: done,
  }));
  return tableOutput(rows, {
    Broker: (row) => row.brokerName,
    Address: (row) => row.brokerAddr,
    Result: (row) => row.result,
  }, { data: { ...data, brokers: rows, failures }, failures });
}

/** Numbers to the right, all else to the left, two blanks between. */
export function formatTable<T>(rows: readonly T[], columns: Columns<T>): string {
  const heads = Object.keys(columns);
  const cells = rows.map((row) => heads.map((head) => columns[head]!(row)));
  const texts = [heads, ...cells.map((row) => row.map(cellText))];
  const widths = heads.map((_, at) =>
    texts.reduce((width, row) => Math.max(width, row[at]!.length), 0)
  );
  const isNumber = heads.map((_, at) =>
    cells.length > 0 && cells.every((row) => row[at] === undefined || typeof row[at] === "number")
  );
  return texts.map((row) =>
    row.map((text, at) => isNumber[at] ? text.padStart(widths[at]!) : text.padEnd(widths[at]!))
      .join("  ").trimEnd() + "\n"
  ).join("");
}

function cellText(cell: Cell): string {
  return cell === undefined || cell === "" ? "-" : printable(String(cell));
}

function formatRecord(data: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(data).filter(([, value]) => value !== undefined && value !== null);
  const width = Math.max(0, ...entries.map(([name]) => name.length));
  return entries.map(([name, value]) =>
    `${name.padEnd(width)}  ${
      typeof value === "object" ? JSON.stringify(value) : printable(String(value))
    }`.trimEnd() + "\n"
  ).join("");
}

/** A time for people, in the local zone to the millisecond; undefined for 0 and less. */
export function timeText(millis: number | undefined): string | undefined {
  if (millis === undefined || millis <= 0 || !Number.isFinite(millis)) return undefined;
  const date = new Date(millis);
  const two = (number: number, length = 2) => String(number).padStart(length, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${
    two(date.getHours())
  }:${two(date.getMinutes())}:${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`;
}
