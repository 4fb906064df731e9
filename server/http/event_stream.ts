/** A topic as server-sent events. The reader sets the pace: what it does not take is not pulled. */

import type { AdminClient } from "../../client/admin/admin_client.ts";
import type { SearchFilter } from "../../client/admin/search_types.ts";
import { Tail, type TailPosition } from "../../client/admin/tail.ts";
import { describeError, type Log } from "../log.ts";
import { type BodyEncoding, messageJson } from "./message_schema.ts";
import { problem, problemDocument } from "./problem.ts";
import { parseCursor, printCursor } from "./search_run.ts";

export interface EventStreamRequest {
  topic: string;
  from: "latest" | "earliest" | number;
  /** The id of the last event that the reader has seen. */
  lastEventId: string | undefined;
  filter: SearchFilter;
  bodyEncoding: BodyEncoding;
  bodyLimit: number;
}

const STREAMS_MAX = 50;
/** A comment that nobody sees, so that a reader that is gone is noticed. */
const HEARTBEAT_MILLIS = 15_000;

export class EventStreams {
  readonly #admin: AdminClient;
  readonly #log: Log;
  #count = 0;

  constructor(admin: AdminClient, log: Log) {
    this.#admin = admin;
    this.#log = log;
  }

  /** Follows a topic. @throws {HTTPException} 503 when too many are open. */
  async open(request: EventStreamRequest): Promise<Response> {
    if (this.#count >= STREAMS_MAX) throw problem(503, `${STREAMS_MAX} streams are open already`);
    this.#count++;
    const writer = new EventWriter(() => this.#count--);
    const { topic, filter, bodyLimit, bodyEncoding } = request;
    try {
      writer.follows(
        await Tail.start(this.#admin, {
          topic,
          from: startOf(request),
          filter,
          bodyLimit,
          onMessage: (message, given) => {
            const data = JSON.stringify(messageJson(message, bodyEncoding));
            return writer.write(() => `id: ${printPositions(given())}\ndata: ${data}\n\n`);
          },
          onError: (error) => {
            this.#log.warn("a stream of a topic ended", { topic, error });
            writer.fail(JSON.stringify(problemDocument(502, describeError(error))));
          },
        }),
      );
    } catch (error) {
      writer.end();
      if (error instanceof RangeError) throw problem(400, error.message);
      throw error;
    }
    return new Response(writer.body, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  }
}

/** One stream: takes an event when the reader has taken those before. */
class EventWriter {
  readonly body: ReadableStream<Uint8Array>;
  readonly #onEnd: () => void;
  readonly #encoder = new TextEncoder();
  readonly #timer: ReturnType<typeof setInterval>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #waiting: (() => void)[] = [];
  #tail: Disposable | undefined;
  #isEnded = false;

  /** @param onEnd is called once. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#wake(),
      cancel: () => this.end(),
    });
    this.#put(": following\n\n");
    this.#timer = setInterval(() => {
      if (this.#hasRoom()) this.#put(":\n\n");
    }, HEARTBEAT_MILLIS);
    Deno.unrefTimer(this.#timer);
  }

  /** What ends with the stream. */
  follows(tail: Disposable): void {
    this.#tail = tail;
    if (this.#isEnded) tail[Symbol.dispose]();
  }

  /** Waits for the reader. `text` is asked for when it is written, and not at all when the stream ends before. */
  async write(text: () => string): Promise<void> {
    while (!this.#isEnded && !this.#hasRoom()) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (!this.#isEnded) this.#put(text());
  }

  /** Tells why nothing more comes. */
  fail(problem: string): void {
    if (this.#isEnded) return;
    this.#put(`event: problem\ndata: ${problem}\n\n`);
    this.end();
    this.#controller.close();
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearInterval(this.#timer);
    this.#tail?.[Symbol.dispose]();
    this.#wake();
    this.#onEnd();
  }

  #hasRoom(): boolean {
    return (this.#controller.desiredSize ?? 0) > 0;
  }

  #put(text: string): void {
    this.#controller.enqueue(this.#encoder.encode(text));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function startOf(
  { from, lastEventId }: EventStreamRequest,
): EventStreamRequest["from"] | TailPosition[] {
  if (lastEventId === undefined || lastEventId === "") return from;
  return parseCursor(lastEventId).queues.map(({ brokerName, queueId, begin }) => ({
    brokerName,
    queueId,
    queueOffset: begin,
  }));
}

/** The same form as a search's cursor; the end of a range that has none is its beginning. */
function printPositions(positions: readonly TailPosition[]): string {
  const queues = positions.map(({ queueOffset, ...queue }) => ({
    ...queue,
    begin: queueOffset,
    end: queueOffset,
  }));
  return printCursor({ order: "asc", queues });
}
