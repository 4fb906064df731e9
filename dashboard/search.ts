/** Finding messages: what a text in the search box means, and reading a search's results as they come. Pure. */

/** What somebody looks for. */
export type Wanted =
  | {
    readonly kind: "offset";
    readonly brokerName?: string;
    readonly queueId: number;
    readonly offset: number;
  }
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "key"; readonly key: string };

/**
 * "3:1200" and "broker-a:3:1200" are places; 32 or 40 hexadecimal digits are an id (a unique key of a producer or an
 * offsetMsgId; the longer ones are of IPv6 hosts); everything else is a key.
 */
export function parseWanted(text: string): Wanted {
  const place = /^(?:(.+):)?(\d{1,5}):(\d{1,16})$/.exec(text);
  if (place !== null) {
    const [, brokerName, queueId, offset] = place;
    const numbers = { queueId: Number(queueId), offset: Number(offset) };
    return { kind: "offset", ...(brokerName === undefined ? {} : { brokerName }), ...numbers };
  }
  if (/^(?:[0-9A-F]{32}|[0-9A-F]{56}|[0-9A-F]{40})$/i.test(text)) return { kind: "id", id: text };
  return { kind: "key", key: text };
}

/** "order.id = 42" as a path and a value; without "=" any value will do. */
export function parseJsonFilter(text: string): { jsonPath: string; jsonValue?: string } {
  const at = text.indexOf("=");
  if (at < 0) return { jsonPath: text.trim() };
  return { jsonPath: text.slice(0, at).trim(), jsonValue: text.slice(at + 1).trim() };
}

/** Lines of "name = value" as properties; the first line that is none is told. */
export function parseProperties(
  text: string,
): { properties: Record<string, string> } | { badLine: string } {
  const properties: Record<string, string> = {};
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const at = line.indexOf("=");
    const name = line.slice(0, at).trim();
    if (at < 0 || name === "") return { badLine: line };
    properties[name] = line.slice(at + 1).trim();
  }
  return { properties };
}

/** Cuts a stream of text into its lines, each a value of JSON; empty ones do not count. */
export class JsonLines {
  #rest = "";

  /** The values whose lines are complete with this piece. */
  push(piece: string): unknown[] {
    const lines = (this.#rest + piece).split("\n");
    this.#rest = lines.pop()!;
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
  }
}
