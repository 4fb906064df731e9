/** A search through a topic: as it goes on, what it has found, how much it has looked at, and stopping it. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { api, ApiError, read } from "./api.ts";
import type { Message } from "./message.ts";
import { JsonLines, parseJsonFilter, parseWanted } from "./search.ts";

export type FilterKind = "none" | "tag" | "text" | "jsonPath" | "sql";

/** What is looked for, as the URL has it. */
export interface SearchRequest {
  readonly topic: string;
  /** An id, a key or a place; then nothing else counts. */
  readonly find: string;
  readonly from: "newest" | "oldest" | "time" | "offset";
  /** In milliseconds, for "time". */
  readonly time: number | undefined;
  readonly brokerName: string;
  /** Of one queue only; all without it. */
  readonly queue: number | undefined;
  readonly offset: number | undefined;
  readonly filter: FilterKind;
  readonly filterValue: string;
}

export interface Search {
  readonly messages: readonly Message[];
  readonly scanned: number;
  /** When the messages were stored, about, at which it is. */
  readonly horizon: number | undefined;
  readonly isRunning: boolean;
  readonly isComplete: boolean;
  readonly error: Error | undefined;
  /** Goes on behind what was found. */
  more(): void;
  stop(): void;
}

type State = Omit<Search, "more" | "stop"> & { cursor?: string | undefined };

const NDJSON = "application/x-ndjson";
const FOUND_AT_A_TIME = 50;
/** Of a body, in the list. */
const PREVIEW_BYTES = "200";
const IDLE: State = {
  messages: [],
  scanned: 0,
  horizon: undefined,
  isRunning: false,
  isComplete: false,
  error: undefined,
};

/** Searches when the request changes; undefined searches for nothing. */
export function useMessageSearch(request: SearchRequest | undefined): Search {
  const [state, setState] = useState(IDLE);
  const controller = useRef<AbortController>(undefined);
  const run = async (before: State) => {
    controller.current?.abort();
    const { signal } = controller.current = new AbortController();
    // Lines come faster than the page can be drawn.
    let latest: State = { ...before, isRunning: true, error: undefined };
    let frame = 0;
    const show = (change: Partial<State>) => {
      latest = { ...latest, ...change };
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        if (!signal.aborted) setState(latest);
      });
    };
    show({});
    try {
      const results = request!.find === ""
        ? streamed(request!, before, signal)
        : found(request!, signal);
      for await (const change of results) {
        show({ ...change, messages: [...latest.messages, ...change.messages ?? []] });
      }
    } catch (error) {
      if (!signal.aborted) show({ error: error as Error });
    }
    show({ isRunning: false });
  };
  useEffect(() => {
    if (request === undefined) setState(IDLE);
    else run(IDLE);
    return () => controller.current?.abort();
  }, [JSON.stringify(request)]);
  const stop = useCallback(() => {
    controller.current?.abort();
    setState((before) => ({ ...before, isRunning: false }));
  }, []);
  return { ...state, stop, more: () => void run(state) };
}

/** By id, key or place. */
async function* found(
  { topic, find }: SearchRequest,
  signal: AbortSignal,
): AsyncGenerator<Partial<State>> {
  const wanted = parseWanted(find);
  const init = { init: { signal } };
  if (wanted.kind === "offset") {
    const { brokerName, queueId, offset } = wanted;
    const param = { topic, queue: String(queueId) };
    const query = { limit: "1", offset: String(offset), ...(brokerName && { brokerName }) };
    const route = api.topics[":topic"].queues[":queue"].messages;
    const { messages } = await read(route.$get({ param, query }, init)) as { messages: Message[] };
    yield {
      messages: messages.filter(({ queueOffset }) => queueOffset === offset),
      isComplete: true,
    };
    return;
  }
  if (wanted.kind === "id") {
    const byId = read(api.messages[":id"].$get({ param: wanted, query: { topic } }, init));
    const message = await byId.catch((error) => {
      if (error instanceof ApiError && [400, 404].includes(error.status)) return undefined;
      throw error;
    });
    if (message !== undefined) {
      yield { messages: [message as Message], scanned: 1, isComplete: true };
      return;
    }
  }
  const query = { topic, key: find, bodyLimit: PREVIEW_BYTES };
  const { messages, scanned } = await read(api.messages.$get({ query }, init)) as {
    messages: Message[];
    scanned: number;
  };
  yield { messages, scanned, isComplete: true };
}

/** What the search streams, one change of the state for each piece that arrives. */
async function* streamed(
  request: SearchRequest,
  { cursor, scanned: scannedBefore }: State,
  signal: AbortSignal,
): AsyncGenerator<Partial<State>> {
  const response = await openStream(request, cursor, signal);
  const lines = new JsonLines();
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    const messages: Message[] = [];
    let change: Partial<State> = {};
    for (const line of lines.push(piece) as StreamLine[]) {
      if (line.type === "message") messages.push(line.message);
      else if (line.type === "problem") {
        throw new ApiError(line.problem.status, line.problem.detail);
      } else change = { ...change, ...line, scanned: scannedBefore + line.scanned };
    }
    yield { ...change, messages };
  }
}

type StreamLine =
  | { type: "message"; message: Message }
  | { type: "progress" | "end"; scanned: number; isComplete?: boolean; cursor?: string }
  | { type: "problem"; problem: { status: number; detail: string } };

async function openStream(
  request: SearchRequest,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<Response> {
  const { topic, from, time, brokerName, queue, offset } = request;
  const query = {
    topic,
    limit: String(FOUND_AT_A_TIME),
    bodyLimit: PREVIEW_BYTES,
    order: from === "newest" ? "desc" as const : "asc" as const,
    ...(brokerName === "" ? {} : { brokerName }),
    ...filterOf(request),
    ...(cursor === undefined ? {} : { cursor }),
  };
  const options = { headers: { accept: NDJSON }, init: { signal } };
  const isByOffset = from === "offset" && queue !== undefined;
  const answering = isByOffset
    ? api.topics[":topic"].queues[":queue"].messages.$get({
      param: { topic, queue: String(queue) },
      query: { ...query, offset: String(offset ?? 0) },
    }, options)
    : api.messages.$get({
      query: {
        ...query,
        ...(queue === undefined ? {} : { queue: String(queue) }),
        ...(from === "time" && time !== undefined ? { begin: String(time) } : {}),
      },
    }, options);
  const response = await answering as unknown as Response;
  // Turns the problem into the error that says it.
  if (!response.ok) await read(Promise.resolve(response));
  return response;
}

/** The filter's part of a query. */
export function filterOf({ filter, filterValue }: Pick<SearchRequest, "filter" | "filterValue">) {
  if (filter === "none" || filterValue.trim() === "") return {};
  return filter === "jsonPath" ? parseJsonFilter(filterValue) : { [filter]: filterValue };
}
