/**
 * Fastjson's dialect of JSON, which Java's bodies and files are written in: map keys that are numbers have no quotes,
 * and those that are objects, such as queues, stand there as objects.
 */

/**
 * Parses standard JSON and Fastjson's. Keys that are numbers or objects become their text.
 * @throws {SyntaxError} when the text is neither.
 */
export function parseFastjson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const quoted = quoteNumberKeys(MAP_WITH_OBJECT_KEYS.test(text) ? quoteObjectKeys(text) : text);
    if (quoted === text) throw error;
    return JSON.parse(quoted);
  }
}

/** A string is matched whole, so that nothing in it counts; outside of strings only a key has a colon after a number. */
const STRING_OR_NUMBER_KEY = /"(?:[^"\\]|\\.)*"|(-?\d+)(?=\s*:)/g;

function quoteNumberKeys(text: string): string {
  return text.replace(
    STRING_OR_NUMBER_KEY,
    (match, key?: string) => key === undefined ? match : `"${key}"`,
  );
}

const MAP_WITH_OBJECT_KEYS = /\{\s*\{/;
/** Java's objects that are keys have only plain fields; nothing else that ends with a brace has a colon after it. */
const STRING_OR_OBJECT_KEY = /"(?:[^"\\]|\\.)*"|(\{(?:"(?:[^"\\]|\\.)*"|[^{}"])*\})(?=\s*:)/g;

function quoteObjectKeys(text: string): string {
  return text.replace(
    STRING_OR_OBJECT_KEY,
    (match, key?: string) => key === undefined ? match : JSON.stringify(key),
  );
}

/**
 * Prints as Fastjson does: a Map is a Java map, whose keys may be numbers and objects; a Set is a list; fields that are
 * undefined are left out.
 */
export function printFastjson(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (value instanceof Map) {
    return `{${[...value].map(([key, item]) => `${printKey(key)}:${printFastjson(item)}`)}}`;
  }
  if (value instanceof Set || Array.isArray(value)) return `[${[...value].map(printFastjson)}]`;
  const fields = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${fields.map(([name, item]) => `${JSON.stringify(name)}:${printFastjson(item)}`)}}`;
}

function printKey(key: unknown): string {
  return typeof key === "number" ? String(key) : printFastjson(key);
}
