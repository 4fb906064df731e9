/** What several areas of the API take and answer. */

import { z } from "@hono/zod-openapi";
import { GROUP_LENGTH_MAX, NAME_PATTERN, TOPIC_LENGTH_MAX } from "../../client/protocol/names.ts";

/** A topic's name; in a path its % is written %25. */
export const topicName = z.string().min(1).max(TOPIC_LENGTH_MAX).regex(NAME_PATTERN);
/** A group's name; in a path its % is written %25. */
export const groupName = z.string().min(1).max(GROUP_LENGTH_MAX).regex(NAME_PATTERN);
/** The name of a broker or a cluster. */
export const serverName = z.string().min(1).max(255);

export const topicParam = z.object({ topic: topicName });
export const groupParam = z.object({ group: groupName });

/** Whole numbers that both JSON and Java's long hold exactly. */
export const long = z.number().int();
/** Milliseconds since the epoch. */
export const timestamp = z.number().int().min(0).max(8_640_000_000_000_000);

/** A query parameter that is true or false, and what it is when it is not there. */
export function flag(absent: boolean) {
  return z.enum(["true", "false"]).default(absent ? "true" : "false")
    .transform((text) => text === "true");
}

/** A query parameter that is a whole number. */
export function wholeNumber({ min = 0, max = Number.MAX_SAFE_INTEGER } = {}) {
  return z.coerce.number<string>().int().min(min).max(max);
}

/** A query parameter that lists names with commas between them. */
export const nameList = z.string().max(10_000)
  .transform((text) => text.split(",").filter((name) => name !== ""));

/** What every list takes: which page, how long it is. */
export const pageQuery = {
  page: wholeNumber({ min: 1, max: 1_000_000 }).default(1),
  limit: wholeNumber({ min: 1, max: 1_000 }).default(100),
};

/** What must stand somewhere in the name, in upper or lower case. */
export const search = z.string().max(255).optional();

export const BrokerFailureSchema = z.object({
  brokerName: z.string(),
  brokerAddr: z.string(),
  detail: z.string().describe("What it said, or why it could not be reached"),
  code: z.number().int().optional().describe("Its ResponseCode, when it refused"),
}).openapi("BrokerFailure");

/** In every answer for which several brokers are asked: those of which it says nothing. */
export const failures = z.array(BrokerFailureSchema);

/** One page of a list. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    total: z.number().int().describe("How many there are on all pages"),
    page: z.number().int(),
    limit: z.number().int(),
    failures,
  });
}

/** Cuts a page out. */
export function cutPage<T>(
  items: readonly T[],
  { page, limit }: { page: number; limit: number },
): { items: T[]; total: number; page: number; limit: number } {
  const start = (page - 1) * limit;
  return { items: items.slice(start, start + limit), total: items.length, page, limit };
}

/** Whether a name has the searched text in it, in upper or lower case. */
export function matches(name: string, text: string | undefined): boolean {
  return text === undefined || name.toLowerCase().includes(text.toLowerCase());
}

/** Sorts by a field, downwards when a minus stands before its name; what is equal stays in its order. */
export function sortBy<T>(
  items: readonly T[],
  sort: string,
  fields: Readonly<Record<string, (item: T) => string | number>>,
): T[] {
  const isDescending = sort.startsWith("-");
  const of = fields[isDescending ? sort.slice(1) : sort];
  if (of === undefined) return [...items];
  const sign = isDescending ? -1 : 1;
  return items.toSorted((left, right) => {
    const [a, b] = [of(left), of(right)];
    return a < b ? -sign : a > b ? sign : 0;
  });
}

/** The query parameter for it. */
export function sortQuery<const F extends readonly [string, ...string[]]>(fields: F) {
  const values = fields.flatMap((field) => [field, `-${field}`]);
  return z.enum(values as [string, ...string[]]).default(fields[0]);
}

export const BrokerSchema = z.object({
  clusterName: z.string(),
  brokerName: z.string(),
  brokerId: z.number().int().describe("0 for a master"),
  brokerAddr: z.string(),
}).openapi("Broker");

/** Which brokers a change is for: all of them when neither is given. */
export const brokerChoice = {
  clusterName: serverName.optional(),
  brokerNames: z.array(serverName).min(1).max(1_000).optional(),
};
