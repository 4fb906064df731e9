/** The flags of admin commands: what a command line gives, read into values. */

import { type Flag, type FlagTable, UsageError } from "../flags.ts";

/** A flag whose value is a `T`; `R` says whether it has to be given. */
export interface AdminFlag<T, R extends boolean = boolean> extends Flag {
  readonly isRequired: R;
  /** @throws {UsageError} when the text is no such value. */
  readonly read: (text: string, name: string, now: number) => T;
}

// deno-lint-ignore no-explicit-any -- each flag has a type of its own
export type AdminFlags = Readonly<Record<string, AdminFlag<any>>>;
/** The values of flags. */
export type AdminValues<F extends AdminFlags> = {
  readonly [K in keyof F]: F[K] extends AdminFlag<infer T, infer R>
    ? R extends true ? T : T | undefined
    : never;
};

/** A flag with any text. */
export function text(
  letter: string | undefined,
  value: string,
  help: string,
): AdminFlag<string, false> {
  const short = letter === undefined ? {} : { letter };
  return { ...short, value, help, isRequired: false, read: (given) => given };
}

/** A whole number, not negative unless `min` says so. */
export function integer(
  letter: string,
  value: string,
  help: string,
  min = 0,
): AdminFlag<number, false> {
  const read = (given: string, name: string) => {
    const number = Number(given);
    if (given.trim() !== "" && Number.isSafeInteger(number) && number >= min) return number;
    throw new UsageError(`--${name} is a whole number of at least ${min}, not "${given}"`);
  };
  return { letter, value, help, isRequired: false, read };
}

/** true or false. */
export function bool(letter: string, help: string): AdminFlag<boolean, false> {
  const read = (given: string, name: string) => {
    const word = given.toLowerCase();
    if (word === "true" || word === "false") return word === "true";
    throw new UsageError(`--${name} is true or false, not "${given}"`);
  };
  return { letter, value: "true|false", help, isRequired: false, read };
}

/** One of several words, in any case. */
export function oneOf<const W extends string>(
  letter: string,
  words: readonly W[],
  help: string,
): AdminFlag<W, false> {
  const read = (given: string, name: string) => {
    const word = words.find((word) => word.toLowerCase() === given.toLowerCase());
    if (word !== undefined) return word;
    throw new UsageError(`--${name} is one of ${words.join(", ")}, not "${given}"`);
  };
  return { letter, value: words.join("|"), help, isRequired: false, read };
}

/** A moment, in milliseconds since the epoch. */
export function time(letter: string, help: string): AdminFlag<number, false> {
  return { letter, value: "TIME", help, isRequired: false, read: readTime };
}

/** A flag without a value; it is true when it is given. */
export function toggle(letter: string | undefined, help: string): AdminFlag<boolean, true> {
  const read = (given: string) => given === "true";
  return { ...(letter === undefined ? {} : { letter }), help, isRequired: true, read };
}

/** The flag has to be given. */
export function required<T>(flag: AdminFlag<T>): AdminFlag<T, true> {
  return { ...flag, isRequired: true };
}

/** yyyy-MM-dd#HH:mm:ss:SSS, as mqadmin wants it, in local time. */
const APACHE_TIME = /^(\d{4})-(\d\d)-(\d\d)#(\d\d):(\d\d):(\d\d):(\d{1,3})$/;

/** Reads `now`, milliseconds since the epoch, Apache's form of a time, or ISO 8601. */
export function readTime(given: string, name: string, now: number): number {
  if (given === "now" || given === "currentTimeMillis") return now;
  if (/^-?\d+$/.test(given)) return Number(given);
  const parts = APACHE_TIME.exec(given)?.slice(1).map(Number);
  const millis = parts === undefined
    ? Date.parse(given)
    : new Date(parts[0]!, parts[1]! - 1, parts[2], parts[3], parts[4], parts[5], parts[6])
      .getTime();
  if (!Number.isNaN(millis)) return millis;
  throw new UsageError(
    `--${name} is now, milliseconds, 2026-01-31#23:59:59:000 or 2026-01-31T23:59:59Z, not "${given}"`,
  );
}

/**
 * Reads the values of a command's flags out of what the command line gave.
 * @throws {UsageError} when one is missing or no such value.
 */
export function readValues<F extends AdminFlags>(
  flags: F,
  given: Readonly<Record<string, unknown>>,
  now: number,
): AdminValues<F> {
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const value = given[name];
    if (value === undefined && flag.isRequired) {
      throw new UsageError(`--${name} is missing: -${flag.letter} ${flag.value}, ${flag.help}`);
    }
    values[name] = value === undefined ? undefined : flag.read(String(value), name, now);
  }
  return values as AdminValues<F>;
}

/** Flags that every command has. */
export const COMMON_FLAGS = {
  namesrvAddr: {
    letter: "n",
    value: "ADDR[;ADDR]",
    help: "the name servers (NAMESRV_ADDR, else 127.0.0.1:9876)",
  },
  json: { help: "print JSON" },
  help: { letter: "h", help: "show the command's flags" },
} as const satisfies FlagTable;

/** The flag of commands that delete or reset. */
export const DRY_RUN_FLAG = {
  "dry-run": { help: "show what would happen, change nothing" },
} as const satisfies FlagTable;
