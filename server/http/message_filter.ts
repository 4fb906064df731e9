/** Which messages a search or a tail wants: by tag, SQL92, text, or a value in a body that is JSON. */

import { z } from "@hono/zod-openapi";
import { BODY_BYTES_MAX } from "../../client/admin/message.ts";
import type { SearchFilter } from "../../client/admin/search_types.ts";
import { decodeUtf8 } from "../../client/protocol/bytes.ts";
import { decompressBody } from "../../client/protocol/compression.ts";
import { findProperty, MessageProperty } from "../../client/protocol/message.ts";
import type { RecordLayout } from "../../client/protocol/message_record.ts";
import { SqlFilter } from "../broker/filter/sql_filter.ts";
import { problem } from "./problem.ts";

const TEXT_MAX = 1_000;

/** The filters of a request, all of which a message has to pass. */
export const filterQuery = {
  tag: z.string().min(1).max(TEXT_MAX).optional().openapi({
    description: "A tag, or several with || between them",
    example: "paid||shipped",
  }),
  sql: z.string().min(1).max(65_536).optional().openapi({
    description: "An SQL92 expression over the properties",
    example: "price > 10 AND region = 'eu'",
  }),
  text: z.string().min(1).max(TEXT_MAX).optional().openapi({
    description: "A text that occurs in the decompressed body",
  }),
  jsonPath: z.string().regex(/^[^.]+(\.[^.]+)*$/).max(TEXT_MAX).optional().openapi({
    description:
      "Where in a body that is JSON a value has to be; names and indexes with dots between",
    example: "order.items.0.sku",
  }),
  jsonValue: z.string().max(TEXT_MAX).optional().openapi({
    description: "The value at jsonPath, as text; any value but null without it",
  }),
};
export type FilterQuery = z.infer<z.ZodObject<typeof filterQuery>>;

type Matcher = (bytes: Uint8Array, record: RecordLayout) => boolean;

/**
 * What the filters of a request mean.
 * @throws {HTTPException} 400 when an expression cannot be a filter.
 */
export function filterOf(query: FilterQuery): SearchFilter {
  const { tag, sql } = query;
  const tags = tag === undefined ? undefined : tagsOf(tag);
  const matchers = [
    ...(tags === undefined ? [] : [tagMatcher(tags)]),
    ...(sql === undefined ? [] : [sqlMatcher(sql)]),
    ...bodyMatchers(query),
  ];
  return {
    ...(tags === undefined ? {} : { tags: tags.join("||") }),
    ...(sql === undefined ? {} : { sql }),
    ...(matchers.length === 0
      ? {}
      : { matches: (bytes, record) => matchers.every((matches) => matches(bytes, record)) }),
  };
}

function tagsOf(text: string): string[] | undefined {
  const tags = text.split("||").map((tag) => tag.trim()).filter((tag) => tag !== "");
  if (tags.length === 0) throw problem(400, "tag: say a tag, or several with || between them");
  return tags.includes("*") ? undefined : tags;
}

function tagMatcher(tags: readonly string[]): Matcher {
  return (bytes, { propertiesStart, propertiesLength }) => {
    const text = decodeUtf8(bytes, propertiesStart, propertiesStart + propertiesLength);
    const tag = findProperty(text, MessageProperty.TAGS);
    return tag !== undefined && tags.includes(tag);
  };
}

function sqlMatcher(expression: string): Matcher {
  let filter: SqlFilter;
  try {
    filter = new SqlFilter(expression);
  } catch (error) {
    throw problem(400, `sql: ${(error as Error).message}`);
  }
  return (bytes, { start, size }) => filter.matchesRecord(bytes.subarray(start, start + size));
}

function bodyMatchers({ text, jsonPath, jsonValue }: FilterQuery): Matcher[] {
  const tests: ((body: string) => boolean)[] = [];
  if (text !== undefined) tests.push((body) => body.includes(text));
  if (jsonPath !== undefined) tests.push(jsonTest(jsonPath.split("."), jsonValue));
  else if (jsonValue !== undefined) throw problem(400, "jsonValue: say with jsonPath where it is");
  if (tests.length === 0) return [];
  return [(bytes, record) => {
    const body = bodyText(bytes, record);
    return body !== undefined && tests.every((test) => test(body));
  }];
}

function bodyText(bytes: Uint8Array, record: RecordLayout): string | undefined {
  const { bodyStart, bodyLength, sysFlag } = record;
  try {
    const stored = bytes.subarray(bodyStart, bodyStart + bodyLength);
    const body = decompressBody(sysFlag, stored, BODY_BYTES_MAX);
    return decodeUtf8(body, 0, body.length);
  } catch {
    // What cannot be decompressed has no text that could be found.
    return undefined;
  }
}

function jsonTest(path: readonly string[], value: string | undefined): (body: string) => boolean {
  return (body) => {
    let found: unknown;
    try {
      found = JSON.parse(body);
    } catch {
      return false;
    }
    for (const name of path) {
      if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return false;
      found = (found as Record<string, unknown>)[name];
    }
    if (value === undefined) return found !== undefined && found !== null;
    return typeof found === "object" ? JSON.stringify(found) === value : String(found) === value;
  };
}
