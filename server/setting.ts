/**
 * The kinds of settings: how a value is written as text, what it may be, and what it is when nobody gives it. A setting
 * is a row in `config.ts`; everything that reads, prints or documents it takes it from there.
 */

/** One setting whose value has type `T`. */
export interface Setting<T> {
  readonly fallback: T;
  /** What it does, as a sentence fragment for the documentation. */
  readonly description: string;
  /** What a good value is, to follow "expected …" in a message. */
  readonly expected: string;
  /** Whether it may change while the program runs. */
  readonly mutable: boolean;
  /** Apache has no such setting. */
  readonly own: boolean;
  /** Apache's default where ours is another. */
  readonly apacheDefault: string | undefined;
  /** The value that `text` stands for, or undefined when it stands for none. */
  readonly parse: (text: string) => T | undefined;
}

/** What is special about a row. */
export interface SettingOptions {
  mutable?: boolean;
  own?: boolean;
  apacheDefault?: string;
}

interface Range {
  min?: number;
  max?: number;
  /** Values are rounded up to a multiple of it. */
  unit?: number;
}

/** Java's int, which is also the longest delay a timer takes. */
const INT_MAX = 0x7fff_ffff;

function setting<T>(
  fallback: T,
  description: string,
  expected: string,
  parse: (text: string) => T | undefined,
  { mutable = false, own = false, apacheDefault }: SettingOptions,
): Setting<T> {
  return { fallback, description, expected, mutable, own, apacheDefault, parse };
}

function integer(
  fallback: number,
  description: string,
  noun: string,
  { min = 0, max = INT_MAX, unit = 1, ...options }: SettingOptions & Range,
): Setting<number> {
  const range = max < INT_MAX ? `from ${min} to ${max}` : `of at least ${min}`;
  const parse = (text: string) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
    return value >= min && value <= max ? Math.ceil(value / unit) * unit : undefined;
  };
  return setting(fallback, description, `${noun} ${range}`, parse, options);
}

/** A whole number of at most 31 bits. */
export function int(
  fallback: number,
  description: string,
  options: SettingOptions & Range = {},
): Setting<number> {
  return integer(fallback, description, "a whole number", options);
}

/** A whole number as far as JavaScript counts exactly. */
export function long(
  fallback: number,
  description: string,
  options: SettingOptions & Range = {},
): Setting<number> {
  return integer(fallback, description, "a whole number", {
    max: Number.MAX_SAFE_INTEGER,
    ...options,
  });
}

/** A number of bytes. */
export function bytes(
  fallback: number,
  description: string,
  options: SettingOptions & Range = {},
): Setting<number> {
  return integer(fallback, description, "a number of bytes", { min: 1, ...options });
}

/** A time in milliseconds; never 0, which would make a periodic task spin. */
export function millis(
  fallback: number,
  description: string,
  options: SettingOptions & Range = {},
): Setting<number> {
  return integer(fallback, description, "a number of milliseconds", { min: 1, ...options });
}

/** A share in percent. */
export function percent(
  fallback: number,
  description: string,
  options: SettingOptions = {},
): Setting<number> {
  return integer(fallback, description, "a percentage", { min: 1, max: 100, ...options });
}

/** Host names, separated by semicolons; `*` means any. */
export function hostNames(
  fallback: string,
  description: string,
  options: SettingOptions = {},
): Setting<string> {
  const parse = (text: string) =>
    text.split(";").every((word) => /^(\*|[\w.-]*)$/.test(word.trim())) ? text : undefined;
  return setting(fallback, description, "host names with ; between them", parse, options);
}

/** Hours of the day, separated by semicolons. */
export function hoursOfDay(
  fallback: string,
  description: string,
  options: SettingOptions = {},
): Setting<string> {
  const parse = (text: string) =>
    text.split(";").every((word) => /^([01]?\d|2[0-3])$/.test(word.trim())) ? text : undefined;
  return setting(fallback, description, "hours such as 04 or 04;16", parse, options);
}

/** A TCP port; what 0 means is up to the row. */
export function port(
  fallback: number,
  description: string,
  options: SettingOptions = {},
): Setting<number> {
  return integer(fallback, description, "a port number", { max: 65_535, ...options });
}

/** `true` or `false` in any case. Java takes every other word for false; here it is a mistake worth a message. */
export function bool(
  fallback: boolean,
  description: string,
  options: SettingOptions = {},
): Setting<boolean> {
  const parse = (text: string) => {
    const word = text.toLowerCase();
    return word === "true" || word === "false" ? word === "true" : undefined;
  };
  return setting(fallback, description, "true or false", parse, options);
}

/** One word of a list. */
export function oneOf<const V extends readonly string[]>(
  values: V,
  fallback: V[number],
  description: string,
  options: SettingOptions = {},
): Setting<V[number]> {
  const parse = (text: string): V[number] | undefined => values.find((value) => value === text);
  const expected = `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`;
  return setting<V[number]>(fallback, description, expected, parse, options);
}

/** The path of a file or a folder. */
export function path(
  fallback: string,
  description: string,
  options: SettingOptions = {},
): Setting<string> {
  const parse = (text: string) => text === "" && fallback !== "" ? undefined : text;
  return setting(fallback, description, "a path", parse, options);
}

/** The same where Apache takes several with commas between, which would be one strange name here. */
export function onePath(
  fallback: string,
  description: string,
  options: SettingOptions = {},
): Setting<string> {
  const parse = (text: string) => text.includes(",") ? undefined : text;
  return setting(fallback, description, "one path, without a comma", parse, options);
}

/** A name without white space: names stand between spaces in pop handles and between commas in lists. */
export function name(
  fallback: string,
  description: string,
  options: SettingOptions = {},
): Setting<string> {
  const parse = (text: string) => /^[^\s,;]{1,127}$/.test(text) ? text : undefined;
  return setting(
    fallback,
    description,
    "1 to 127 characters without white space, comma or semicolon",
    parse,
    options,
  );
}

/** What clients are told to connect to: a host name or an address, with a port where a proxy or a container maps it. */
export function reachableHost(
  fallback: string,
  description: string,
  options: SettingOptions = {},
): Setting<string> {
  const parse = (text: string) => {
    if (text === "") return text;
    const host = splitAddress(text)?.host;
    return host === undefined || host === "0.0.0.0" || host === "::" ? undefined : text;
  };
  const expected = "a host name or an address that clients can reach, with a port or without one";
  return setting(fallback, description, expected, parse, options);
}

/** Addresses of name servers between semicolons; a missing port is 9876. */
export function addressList(
  fallback: string,
  description: string,
  options: SettingOptions = {},
): Setting<string> {
  const parse = (text: string) => {
    const addresses: string[] = [];
    for (const part of text.split(";")) {
      if (part.trim() === "") continue;
      const address = splitAddress(part.trim());
      if (address === undefined) return undefined;
      addresses.push(joinAddress(address.host, address.port ?? 9876));
    }
    return addresses.join(";");
  };
  const expected = 'addresses with ";" between them, as in "10.0.0.1:9876;10.0.0.2:9876"';
  return setting(fallback, description, expected, parse, options);
}

/** An address to listen on; what an empty one means is up to the row. */
export function listenHost(
  fallback: string,
  description: string,
  options: SettingOptions = {},
): Setting<string> {
  const parse = (text: string) => {
    const address = splitAddress(text);
    return text === "" || address !== undefined && address.port === undefined ? text : undefined;
  };
  return setting(fallback, description, "an address without a port", parse, options);
}

/** Labels of metrics, as Apache has them. */
export function metricLabels(
  fallback: string,
  description: string,
  options: SettingOptions = {},
): Setting<string> {
  const parse = (text: string) =>
    text === "" || /^[a-zA-Z_]\w*:[^:,]*(,[a-zA-Z_]\w*:[^:,]*)*$/.test(text) ? text : undefined;
  return setting(fallback, description, 'labels such as "region:eu,rack:7"', parse, options);
}

/** Delays with a unit each (s, m, h, d), shortest first by habit. */
export function delayLevels(
  fallback: string,
  description: string,
  options: SettingOptions = {},
): Setting<string> {
  const parse = (text: string) =>
    /^\d{1,9}[smhd](\s+\d{1,9}[smhd])*$/.test(text) ? text : undefined;
  return setting(fallback, description, 'delays such as "1s 5s 10m 2h"', parse, options);
}

/** A host, and a port where the text has one. IPv6 addresses stand in brackets, or bare when there is no port. */
export function splitAddress(text: string): { host: string; port: number | undefined } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text);
  if (match === null) {
    const isBareIpv6 = /^[0-9a-fA-F:.]+$/.test(text) && /::|^([^:]*:){7}[^:]*$/.test(text);
    return isBareIpv6 ? { host: text, port: undefined } : undefined;
  }
  const port = match[3] === undefined ? undefined : Number(match[3]);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  return { host: match[1] ?? match[2]!, port };
}

/** The inverse of `splitAddress`. */
export function joinAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
