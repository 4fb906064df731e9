/** A running Comet and its HTTP API, for tests. */

import { assertEquals } from "@std/assert";
import { type Comet, startComet } from "./comet.ts";

/** What tests read of an answer; they look at each field that they name. */
// deno-lint-ignore no-explicit-any -- answers are looked at field by field
export type Json = any;

export class HttpApi {
  /** Without a slash at its end. */
  readonly base: string;

  constructor(port: number) {
    this.base = `http://127.0.0.1:${port}/api`;
  }

  async get(path: string, status = 200): Promise<Json> {
    const response = await fetch(this.base + path);
    const body = await response.json();
    assertEquals(response.status, status, JSON.stringify(body));
    return body;
  }

  post(path: string, body: unknown, status = 200): Promise<Json> {
    return this.send("POST", path, body, status);
  }

  async send(method: string, path: string, body: unknown, status = 200): Promise<Json> {
    const response = await fetch(this.base + path, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    assertEquals(response.status, status, JSON.stringify(answer));
    return answer;
  }

  /** The lines of a stream. */
  async lines(path: string): Promise<Json[]> {
    const headers = { accept: "application/x-ndjson" };
    const response = await fetch(this.base + path, { headers });
    assertEquals(response.headers.get("content-type"), "application/x-ndjson");
    const text = await response.text();
    return text.trimEnd().split("\n").map((line) => JSON.parse(line));
  }
}

/** Starts Comet over a folder that is removed at the end. */
export async function startWithApi(
  flags: string[] = [],
): Promise<{ comet: Comet; api: HttpApi } & AsyncDisposable> {
  const folder = await Deno.makeTempDir();
  const comet = await startComet(folder, flags);
  return {
    comet,
    api: new HttpApi(comet.httpPort),
    async [Symbol.asyncDispose]() {
      await comet[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
