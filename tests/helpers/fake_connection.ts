/** Real connections without sockets: two ends whose bytes go from one to the other in memory. */

import { type ByteStream, Connection } from "../../client/remoting/connection.ts";
import { createRequest, type RemotingCommand } from "../../client/protocol/frame.ts";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import { Dispatcher, type Route } from "../../server/dispatcher.ts";
import { createLog, type Log } from "../../server/log.ts";

/** A log that keeps its lines. */
export function memoryLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  return { log: createLog("debug", (line) => lines.push(line)), lines };
}

/** One direction: what is written to it can be read from it. */
class Pipe {
  readonly #chunks: Uint8Array[] = [];
  #isClosed = false;
  #wake: (() => void) | undefined;

  write(bytes: Uint8Array): void {
    if (this.#isClosed) throw new Error("The pipe is closed");
    this.#chunks.push(bytes.slice());
    this.#wake?.();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#chunks.length === 0) {
      if (this.#isClosed) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const chunk = this.#chunks[0]!;
    const count = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, count));
    if (count === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(count);
    return count;
  }
}

/** Two streams of which each reads what the other writes. */
export function streamPair(): [ByteStream, ByteStream] {
  const pipes = [new Pipe(), new Pipe()] as const;
  const streamOf = (from: Pipe, to: Pipe): ByteStream => ({
    read: (into) => from.read(into),
    write(bytes) {
      to.write(bytes);
      return Promise.resolve(bytes.length);
    },
    close() {
      from.close();
      to.close();
    },
  });
  return [streamOf(pipes[0], pipes[1]), streamOf(pipes[1], pipes[0])];
}

/** A request's answer, ready to be compared. */
export interface Answer {
  code: number;
  remark: string | undefined;
  fields: Record<string, string>;
  /** The body as JSON, undefined when it is empty. */
  json: unknown;
}

/** One client of the routes under test. */
export interface TestClient {
  /** The server's end, which the handlers see. */
  connection: Connection;
  /** What the server has asked of this client. */
  received: RemotingCommand[];
  ask(
    code: number,
    fields?: Record<string, string | number | boolean>,
    body?: unknown,
  ): Promise<Answer>;
  close(): void;
}

const INVOKE_TIMEOUT_MILLIS = 5_000;
let nextPort = 40_000;

/** Makes clients of some routes. */
export function serveRoutes(
  routes: Route[],
  onClose: (connection: Connection) => void = () => {},
): { connect(): TestClient } {
  const dispatcher = new Dispatcher(
    routes,
    memoryLog().log,
    (code) => `request type ${code} not supported`,
  );
  return {
    connect() {
      const [near, far] = streamPair();
      const local = { hostname: "127.0.0.1", port: 10911 };
      const remote = { hostname: "127.0.0.1", port: nextPort++ };
      const connection = new Connection({
        stream: near,
        local,
        remote,
        onRequest: (request, connection) => dispatcher.dispatch(request, connection),
        onClose,
      });
      const received: RemotingCommand[] = [];
      const client = new Connection({
        stream: far,
        local: remote,
        remote: local,
        onRequest: (request) => received.push({ ...request, body: request.body.slice() }),
      });
      connection.run();
      client.run();
      return { connection, received, ask: asker(client), close: () => client.close() };
    },
  };
}

function asker(client: Connection): TestClient["ask"] {
  return async (code, fields = {}, body) => {
    const entries = Object.entries(fields).map(([key, value]) => [key, String(value)] as const);
    const bytes = body === undefined
      ? undefined
      : encodeUtf8(typeof body === "string" ? body : JSON.stringify(body));
    const answer = await client.invoke(
      createRequest(code, new Map(entries), bytes),
      INVOKE_TIMEOUT_MILLIS,
    );
    const text = decodeUtf8(answer.body, 0, answer.body.length);
    return {
      code: answer.code,
      remark: answer.remark,
      fields: Object.fromEntries(answer.extFields),
      json: text === "" ? undefined : JSON.parse(text),
    };
  };
}
