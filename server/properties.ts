/** Java's .properties format, in which Apache's broker.conf is written and GET_BROKER_CONFIG answers. */

/** Thrown for a configuration that cannot be used; the message has a line for each mistake, with its place. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** One `key=value`, and where it stands ("broker.conf:12", "--broker-port"), for messages. */
export interface SettingEntry {
  readonly key: string;
  readonly value: string;
  readonly where: string;
}

/**
 * Reads properties text: `key=value`, `key: value` or `key value`, comments after `#` or `!`, a backslash at the end of
 * a line that goes on in the next. White space at the end of a value is dropped, which Java does not do: there it turns
 * a number into a mistake that nobody is told of. A later line for the same key comes later in the result, and so wins.
 */
export function parseProperties(text: string, fileName: string): SettingEntry[] {
  return logicalLines(text).map(({ content, line }) => {
    const where = `${fileName}:${line}`;
    const [, key, value] = /^((?:\\.|[^\\=:\s])*)\s*[=:]?\s*(.*)$/s.exec(content)!;
    return { key: unescape(key!, where), value: unescape(value!, where).trimEnd(), where };
  });
}

/** Lines that say something, each with the number of its first line; continued ones are joined. */
function logicalLines(text: string): { content: string; line: number }[] {
  const result: { content: string; line: number }[] = [];
  let open: { content: string; line: number } | undefined;
  for (const [index, raw] of text.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/).entries()) {
    const start = raw.trimStart();
    if (open === undefined && /^([#!]|$)/.test(start)) continue;
    const current = open ?? { content: "", line: index + 1 };
    const isContinued = /\\*$/.exec(start)![0].length % 2 === 1;
    current.content += isContinued ? start.slice(0, -1) : start;
    open = isContinued ? current : undefined;
    if (!isContinued) result.push(current);
  }
  if (open !== undefined) result.push(open);
  return result;
}

const ESCAPES: Record<string, string> = { t: "\t", n: "\n", r: "\r", f: "\f" };

function unescape(text: string, where: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|.|$)/gs, (_, escape: string) => {
    if (escape.length === 5) return String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    if (escape !== "u") return ESCAPES[escape] ?? escape;
    throw new ConfigError(
      `${where}: "\\u" needs four hexadecimal digits after it; write a backslash of a path as "\\\\", or use "/"`,
    );
  });
}

/** Prints `key=value` lines that both `parseProperties` and Java read back as they were. */
export function printProperties(entries: Iterable<readonly [key: string, value: string]>): string {
  let text = "";
  for (const [key, value] of entries) text += `${key}=${escape(value)}\n`;
  return text;
}

/** Java reads properties from bytes as Latin-1, so that whatever is not ASCII has to travel as an escape. */
function escape(value: string): string {
  return value.replace(/[^\x20-\x7e]|\\|^ /g, (character) => {
    if (character === "\\" || character === " ") return `\\${character}`;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
