/** Searches that run for HTTP: how many at once, how fast, and for how long. */

import type { AdminClient } from "../../client/admin/admin_client.ts";
import type { Message } from "../../client/admin/message.ts";
import { MessageSearch } from "../../client/admin/search.ts";
import type { SearchCursor, SearchQuery } from "../../client/admin/search_types.ts";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import { base64 } from "./message_schema.ts";
import { problem } from "./problem.ts";

/** Each keeps some megabytes, and all share the brokers. */
const SEARCHES_MAX = 16;
/**
 * After reading, a search rests: producers and consumers come first. It rests for a part of the time that reading took
 * while the brokers answer as fast as they can, and for twice that time when they are busy and take longer.
 */
const REST_SHARE = { min: 0.25, max: 2 } as const;
const REST_MILLIS_MAX = 50;
/** What was the fastest answer counts less and less, since not every one brings as much. */
const FASTEST_GROWTH = 1.05;

/** The searches that are under way. */
export class Searches {
  #count = 0;

  /**
   * Starts a search. To be ended with `using`, or whoever holds it.
   * @throws {HTTPException} 503 when too many are under way.
   */
  async open(admin: AdminClient, query: SearchQuery): Promise<SearchRun> {
    if (this.#count >= SEARCHES_MAX) {
      throw problem(503, `${SEARCHES_MAX} searches are under way; try again when one has ended`);
    }
    this.#count++;
    let isOpen = true;
    const end = () => {
      if (isOpen) this.#count--;
      isOpen = false;
    };
    try {
      return new SearchRun(await MessageSearch.open(admin, query), end);
    } catch (error) {
      end();
      throw error;
    }
  }
}

export class SearchRun implements Disposable {
  readonly #search: MessageSearch;
  readonly #end: () => void;
  #fastestMillis = Infinity;

  constructor(search: MessageSearch, end: () => void) {
    this.#search = search;
    this.#end = end;
  }

  /** The next message; undefined when some more have to be looked at, which this has done, or when it is complete. */
  async next(): Promise<Message | undefined> {
    const found = this.#search.take();
    if (found !== undefined || this.#search.isDone) return found;
    const started = performance.now();
    await this.#search.advance();
    const next = this.#search.take();
    const millis = performance.now() - started;
    this.#fastestMillis = Math.min(millis, this.#fastestMillis * FASTEST_GROWTH);
    if (next === undefined) await rest(millis * restShare(millis / this.#fastestMillis));
    return next;
  }

  get state(): SearchState {
    const { scanned, isDone, cursor, horizon } = this.#search;
    return {
      scanned,
      isComplete: isDone,
      ...(cursor === undefined ? {} : { cursor: printCursor(cursor) }),
      ...(horizon === undefined ? {} : { horizon }),
    };
  }

  get isComplete(): boolean {
    return this.#search.isDone;
  }

  get scanned(): number {
    return this.#search.scanned;
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}

/** How far a search has come. */
export interface SearchState {
  scanned: number;
  isComplete: boolean;
  cursor?: string;
  /** When the messages were stored, about, that are looked at now. */
  horizon?: number;
}

/** @param slowness how many times as long as the fastest one an answer took. */
function restShare(slowness: number): number {
  return Math.max(REST_SHARE.min, Math.min(REST_SHARE.max, slowness - 1));
}

function rest(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.min(REST_MILLIS_MAX, millis)));
}

/** A cursor as text for URLs. */
export function printCursor({ order, queues }: SearchCursor): string {
  const rows = queues.map(({ brokerName, queueId, begin, end }) => [
    brokerName,
    queueId,
    begin,
    end,
  ]);
  return base64(encodeUtf8(JSON.stringify([order, rows]))).replaceAll("+", "-")
    .replaceAll("/", "_").replace(/=+$/, "");
}

/** Reads a cursor. @throws {HTTPException} 400 when the text is none. */
export function parseCursor(text: string): SearchCursor {
  try {
    const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(raw, (character) => character.charCodeAt(0));
    const [order, rows] = JSON.parse(decodeUtf8(bytes, 0, bytes.length));
    if (order !== "asc" && order !== "desc" || !Array.isArray(rows)) throw new TypeError();
    return { order, queues: rows.map(parseRange) };
  } catch {
    throw problem(400, "cursor: take it from the answer before, as it is");
  }
}

function parseRange(row: unknown): SearchCursor["queues"][number] {
  const [brokerName, queueId, begin, end] = row as unknown[];
  if (typeof brokerName !== "string") throw new TypeError();
  if (![queueId, begin, end].every(Number.isSafeInteger)) throw new TypeError();
  return { brokerName, queueId: queueId as number, begin: begin as number, end: end as number };
}
