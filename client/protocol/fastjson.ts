/** Fastjson's dialect of JSON, which Java's bodies and files are written in: map keys that are numbers have no quotes. */

/**
 * Parses standard JSON and Fastjson's.
 * @throws {SyntaxError} when the text is neither.
 */
export function parseFastjson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const quoted = quoteNumberKeys(text);
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
