/**
 * Which of a broker's settings may be changed over HTTP: those that can change while it runs and that are a number, a
 * switch or one of some words. None of them names a path, an address or a command, and a test holds that.
 */

import { z } from "@hono/zod-openapi";
import { type Config, type SettingKey, SETTINGS } from "../config.ts";
import type { Setting } from "../setting.ts";
import { problem } from "./problem.ts";

/** Settings whose value is text and that are safe all the same: they take words or hours from a list. */
export const SAFE_TEXT_SETTINGS: readonly SettingKey[] = [
  "deleteWhen",
  "defaultMessageRequestMode",
];

/** The settings that may be changed, by name. */
export const CHANGEABLE_SETTINGS: ReadonlyMap<string, Setting<unknown>> = new Map(
  (Object.entries(SETTINGS) as [SettingKey, Setting<unknown>][]).filter(([key, row]) =>
    row.mutable && (typeof row.fallback !== "string" || SAFE_TEXT_SETTINGS.includes(key))
  ),
);

/** What settings may be changed to; others are let through, to be refused with a reason. */
export const SettingsPatchSchema: z.ZodType<Partial<Config>, Partial<Config>> = z.object(
  Object.fromEntries(
    [...CHANGEABLE_SETTINGS].map(([key, row]) => [key, valueSchema(row).optional()]),
  ),
).catchall(z.unknown())
  .refine((settings) => Object.keys(settings).length > 0, "Say which settings to change")
  .openapi("BrokerSettingsPatch") as unknown as z.ZodType<Partial<Config>, Partial<Config>>;

function valueSchema({ fallback, description, expected, parse }: Setting<unknown>) {
  const options = { description: `${description} (${expected})` };
  if (typeof fallback === "boolean") return z.boolean().openapi(options);
  const isGood = (value: unknown) => parse(String(value)) !== undefined;
  const message = `expected ${expected}`;
  return typeof fallback === "number"
    ? z.number().int().refine(isGood, message).openapi(options)
    : z.string().refine(isGood, message).openapi(options);
}

/** The change as a broker wants it. @throws a problem that says why a setting may not be changed here. */
export function checkedPatch(
  patch: Readonly<Record<string, unknown>>,
  current: Readonly<Record<string, string>>,
): Record<string, string> {
  const changes: Record<string, string> = {};
  for (const [key, value] of Object.entries(patch)) {
    const row = CHANGEABLE_SETTINGS.get(key);
    if (row === undefined) throw refusal(key, current);
    if (current[key] === undefined) throw problem(400, `This broker has no setting ${key}`);
    if (row.parse(String(value)) === undefined) {
      throw problem(400, `${key} is ${JSON.stringify(value)}; expected ${row.expected}`);
    }
    changes[key] = String(value);
  }
  return changes;
}

function refusal(key: string, current: Readonly<Record<string, string>>) {
  if (!Object.hasOwn(SETTINGS, key) && current[key] === undefined) {
    return problem(400, `There is no setting ${key}`);
  }
  const isMutable = Object.hasOwn(SETTINGS, key) && SETTINGS[key as SettingKey].mutable;
  const reason = isMutable
    ? "it takes any text"
    : "it cannot change while a broker runs, or names a path, an address or a command";
  return problem(
    403,
    `${key} cannot be changed over HTTP: ${reason}. Set it where the broker is started`,
  );
}
