/** The part of @std/cli's parseArgs that this project uses. */

/** The options of parseArgs that are supported here; each means what it means there. */
export interface ParseOptions {
  /** Flags that take a text, which stays a text also when it looks like a number. */
  string?: readonly string[];
  /** Flags that take nothing. They are false when not given. */
  boolean?: readonly string[];
  /** Other names of flags; a value is stored under all names of its flag. */
  alias?: Readonly<Record<string, string | readonly string[]>>;
  /** Flags whose values are gathered in an array; of others the last value wins. */
  collect?: readonly string[];
  /** Called for each argument that no option names; false drops it. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Values by flag; what is no flag is in `_`. */
export interface Args {
  _: (string | number)[];
  [name: string]: unknown;
}

/** Reads flags: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-abc`. What follows `--` is no flag. */
export function parseArgs(args: readonly string[], options: ParseOptions = {}): Args {
  const end = args.indexOf("--");
  const words = end === -1 ? args : args.slice(0, end);
  const result = new Result(options);
  for (let i = 0; i < words.length; i++) {
    const next = words[i + 1];
    const took = words[i]!.startsWith("--")
      ? readLongFlag(result, words[i]!, next)
      : words[i]!.length > 1 && words[i]!.startsWith("-")
      ? readShortFlags(result, words[i]!, next)
      : result.addWord(words[i]!);
    if (took) i++;
  }
  return result.finish(end === -1 ? [] : args.slice(end + 1));
}

/** Stores one long flag; returns whether `next` is its value. */
function readLongFlag(result: Result, arg: string, next: string | undefined): boolean {
  const [, key, value] = /^--(.+?)(?:=(.*))?$/s.exec(arg)!;
  if (value !== undefined) {
    result.set(key!, result.boolean.has(key!) ? value !== "false" : value, arg);
    return false;
  }
  return readValue(result, key!, arg, next, next?.startsWith("-") === false);
}

/** Stores the flags of `-abc`; returns whether `next` is the value of the last. */
function readShortFlags(result: Result, arg: string, next: string | undefined): boolean {
  const last = arg.length - 1;
  for (let i = 1; i < last; i++) {
    const letter = arg[i]!;
    const rest = arg.slice(i + 1);
    if (rest === "-") {
      result.set(letter, rest, arg);
      continue;
    }
    const value = attachedValue(letter, rest);
    if (value !== undefined) {
      result.set(letter, value, arg);
      return false;
    }
    result.set(letter, result.string.has(letter) ? "" : true, arg);
  }
  if (arg[last] === "-") return false;
  return readValue(result, arg[last]!, arg, next, !/^(-|--)[^-]/.test(next ?? ""));
}

/** The value in `-n5`, `-n=5` or `-n/path`, or undefined where `rest` is more letters. */
function attachedValue(letter: string, rest: string): string | undefined {
  if (rest === "=") return "";
  if (/[A-Za-z]/.test(letter)) {
    const assigned = /=(.+)/.exec(rest)?.[1];
    if (assigned !== undefined) return assigned;
    if (/-?\d+(\.\d*)?(e-?\d+)?$/.test(rest)) return rest;
  }
  return /\W/.test(rest[0]!) ? rest : undefined;
}

/** Stores a flag that has no value in the same argument; returns whether `next` is its value. */
function readValue(
  result: Result,
  key: string,
  arg: string,
  next: string | undefined,
  isValue: boolean,
): boolean {
  if (next && isValue && !result.boolean.has(key)) {
    result.set(key, next, arg);
    return true;
  }
  if (next === "true" || next === "false") {
    result.set(key, next === "true", arg);
    return true;
  }
  result.set(key, result.string.has(key) ? "" : true, arg);
  return false;
}

class Result {
  readonly string: ReadonlySet<string>;
  readonly boolean: ReadonlySet<string>;
  readonly #collect: ReadonlySet<string>;
  readonly #otherNames = new Map<string, string[]>();
  readonly #unknown: NonNullable<ParseOptions["unknown"]>;
  readonly #args: Args = { _: [] };

  constructor({ string, boolean, alias, collect, unknown }: ParseOptions) {
    for (const [key, value] of Object.entries(alias ?? {})) {
      const names = [key, value].flat();
      for (const name of names) this.#otherNames.set(name, names.filter((it) => it !== name));
    }
    this.string = this.#withOtherNames(string);
    this.boolean = this.#withOtherNames(boolean);
    this.#collect = this.#withOtherNames(collect);
    this.#unknown = unknown ?? (() => true);
  }

  #withOtherNames(names: readonly string[] = []): Set<string> {
    return new Set(names.flatMap((name) => [name, ...this.#otherNames.get(name) ?? []]));
  }

  /** Stores a value under all names of the flag. */
  set(key: string, value: string | boolean, arg: string): void {
    const known = [this.string, this.boolean, this.#collect, this.#otherNames]
      .some((names) => names.has(key));
    if (!known && this.#unknown(arg, key, value) === false) return;
    const stored = typeof value === "string" && !this.string.has(key) ? asNumber(value) : value;
    for (const name of [key, ...this.#otherNames.get(key) ?? []]) {
      if (this.#collect.has(key)) {
        this.#args[name] = [...(this.#args[name] ?? []) as unknown[], stored];
      } else this.#args[name] = stored;
    }
  }

  /** Keeps what is no flag; returns false, as it takes no value. */
  addWord(arg: string): false {
    if (this.#unknown(arg) !== false) {
      this.#args._.push(this.string.has("_") ? arg : asNumber(arg));
    }
    return false;
  }

  finish(rest: readonly string[]): Args {
    for (const name of this.boolean) this.#args[name] ??= this.#collect.has(name) ? [] : false;
    for (const name of this.string) if (this.#collect.has(name)) this.#args[name] ??= [];
    this.#args._.push(...rest);
    return this.#args;
  }
}

function asNumber(text: string): string | number {
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}
