/** The log: one line per event on stderr, a constant message with its values as fields. */

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFields = Record<string, unknown>;

/** Writes lines of one part of the program. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log for a part of the program. */
  scope(name: string): Log;
}

/** A log that writes lines of `level` and above through `write`. */
export function createLog(
  level: LogLevel = "info",
  write: (line: string) => void = writeToStderr,
  scope = "comet",
): Log {
  const lowest = LOG_LEVELS.indexOf(level);
  const at = (lineLevel: LogLevel) => (message: string, fields: LogFields = {}) => {
    if (LOG_LEVELS.indexOf(lineLevel) < lowest) return;
    write(formatLine(new Date(), lineLevel, scope, message, fields));
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    scope: (name) => createLog(level, write, name),
  };
}

function formatLine(
  time: Date,
  level: LogLevel,
  scope: string,
  message: string,
  fields: LogFields,
): string {
  let line = `${time.toISOString()} ${level.toUpperCase().padEnd(5)} ${scope}: ${message}`;
  for (const [name, value] of Object.entries(fields)) line += ` ${name}=${formatValue(value)}`;
  return line;
}

function formatValue(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(describeError(value));
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
  return typeof value === "string" && /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}

/** An error's message with those of its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `: ${describeError(error.cause)}`;
  return error.message + cause;
}

function writeToStderr(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(line + "\n"));
}

/** Lets `allow()` be true once per interval, so that a repeating warning does not fill the log. */
export class RateLimit {
  readonly #intervalMillis: number;
  #nextAt = 0;
  #suppressed = 0;

  constructor(intervalMillis: number) {
    this.#intervalMillis = intervalMillis;
  }

  /** The number of events kept back since the last one that was allowed, or undefined when this one is kept back too. */
  allow(nowMillis: number): number | undefined {
    if (nowMillis < this.#nextAt) {
      this.#suppressed++;
      return undefined;
    }
    this.#nextAt = nowMillis + this.#intervalMillis;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed;
  }
}
