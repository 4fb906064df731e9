/** The flags of `comet store dump`. */

import type { DumpQuery } from "../store/tools/dump_query.ts";
import { BODY_FORMATS, type BodyFormat, type DumpFormat } from "./dump_output.ts";
import { type FlagTable, UsageError } from "./flags.ts";

export const DUMP_FLAGS = {
  topic: { value: "TOPIC", help: "only of this topic" },
  queue: { value: "ID", help: "only of this queue" },
  from: { value: "OFFSET", help: "from this queueOffset on" },
  to: { value: "OFFSET", help: "up to this queueOffset, included" },
  "physical-from": { value: "OFFSET", help: "from this physicalOffset on" },
  "physical-to": { value: "OFFSET", help: "up to this physicalOffset, included" },
  begin: { value: "TIME", help: "stored since: milliseconds, or as in 2026-11-24T10:00:00Z" },
  end: { value: "TIME", help: "stored until, included" },
  key: { value: "KEY", help: "only with this key or unique key" },
  limit: { value: "COUNT", help: "no more than so many messages" },
  body: { value: "FORMAT", help: `${BODY_FORMATS.join(", ")} (text)` },
  "body-max": { value: "BYTES", help: "cut longer bodies there (1000; with --json all is shown)" },
  json: { help: "print a JSON document a line" },
} as const satisfies FlagTable;

export interface DumpRequest {
  query: DumpQuery;
  format: DumpFormat;
  limit: number;
}

type Values = Readonly<Record<string, unknown>>;

const BODY_MAX = 1000;

/** Reads what is asked for. @throws {UsageError} for values that cannot be. */
export function readDumpFlags(values: Values): DumpRequest {
  const query: DumpQuery = {};
  const put = (key: keyof DumpQuery, value: unknown) => {
    if (value !== undefined) Object.assign(query, { [key]: value });
  };
  put("topic", values["topic"]);
  put("queueId", wholeNumber(values, "queue"));
  put("from", wholeNumber(values, "from"));
  put("to", wholeNumber(values, "to"));
  put("physicalFrom", wholeNumber(values, "physical-from"));
  put("physicalTo", wholeNumber(values, "physical-to"));
  put("begin", time(values, "begin"));
  put("end", time(values, "end"));
  put("key", values["key"]);
  const json = values["json"] === true;
  return {
    query,
    format: {
      json,
      body: bodyFormat(values["body"]),
      bodyMax: wholeNumber(values, "body-max") ?? (json ? Infinity : BODY_MAX),
    },
    limit: wholeNumber(values, "limit") ?? Infinity,
  };
}

function wholeNumber(values: Values, flag: string): number | undefined {
  const text = values[flag] as string | undefined;
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new UsageError(
    `--${flag} is ${JSON.stringify(text)}; expected a whole number of at least 0`,
  );
}

function time(values: Values, flag: string): number | undefined {
  const text = values[flag] as string | undefined;
  if (text === undefined) return undefined;
  const timestamp = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (!Number.isNaN(timestamp)) return timestamp;
  throw new UsageError(
    `--${flag} is ${JSON.stringify(text)}; expected milliseconds since 1970, or a time such as ` +
      `2026-11-24T10:00:00Z`,
  );
}

function bodyFormat(text: unknown): BodyFormat {
  const format = text === undefined ? "text" : BODY_FORMATS.find((it) => it === text);
  if (format !== undefined) return format;
  throw new UsageError(
    `--body is ${JSON.stringify(text)}; expected ${BODY_FORMATS.slice(0, -1).join(", ")} or none`,
  );
}
