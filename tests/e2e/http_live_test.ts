import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { printProperties } from "../../client/protocol/message.ts";
import { type HttpApi, type Json, startWithApi } from "../helpers/http_api.ts";
import { TestClient } from "../helpers/comet.ts";

/** A WebSocket whose messages can be waited for. */
class Live implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #received: Json[] = [];
  readonly #wakers: (() => void)[] = [];

  constructor(api: HttpApi) {
    this.#socket = new WebSocket(`${api.base.replace("http", "ws")}/live`);
    this.#socket.onmessage = ({ data }) => {
      this.#received.push(JSON.parse(data));
      for (const wake of this.#wakers.splice(0)) wake();
    };
  }

  async open(): Promise<void> {
    await new Promise((resolve, reject) => {
      this.#socket.onopen = resolve;
      this.#socket.onerror = reject;
    });
  }

  send(request: unknown): void {
    this.#socket.send(JSON.stringify(request));
  }

  /** A message that fits, of all that have come or the next one. */
  async next(fits: (message: Json) => boolean): Promise<Json> {
    for (let index = 0;; index++) {
      while (index >= this.#received.length) {
        await new Promise<void>((resolve) => this.#wakers.push(resolve));
      }
      if (fits(this.#received[index])) return this.#received[index];
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    this.#socket.close();
    await closed;
  }
}

Deno.test("/api/live tells the rates of the cluster and of topics and the lag of groups, and tails a topic with a filter", async () => {
  await using server = await startWithApi();
  const { api, comet } = server;
  await api.post("/topics", { topic: "t", readQueueNums: 2, writeQueueNums: 2 }, 201);
  await using client = new TestClient(comet.brokerPort);
  await client.pull("t", { queueId: 0 });
  await using live = new Live(api);
  await live.open();
  live.send({ type: "subscribe", id: "c", feed: "cluster" });
  live.send({ type: "subscribe", id: "t", feed: "topics", topics: ["t"] });
  live.send({ type: "subscribe", id: "tail", feed: "tail", topic: "t", sql: "n > 5" });
  live.send({ type: "subscribe", id: "tags", feed: "tail", topic: "t", tag: "odd" });
  live.send({ type: "subscribe", id: "none", feed: "tail", topic: "nothing" });
  live.send({ type: "subscribe", id: "bad", feed: "tail", topic: "t", sql: "n >" });
  live.send({ type: "subscribe", id: "what", feed: "other" });
  await live.next(({ type, id }) => type === "problem" && id === "what");
  const none = await live.next(({ type, id }) => type === "problem" && id === "none");
  assertEquals(none.code, 17);
  await live.next(({ type, id }) => type === "data" && id === "t");
  // A tail shows what comes after it has begun, so it is asked until it has.
  const first = live.next(({ type, id }) => type === "data" && id === "tail");
  let hasCome = false;
  first.then(() => hasCome = true);
  for (let number = 6; !hasCome; number++) {
    await client.send("t", encodeUtf8(`m${number}`), {
      queueId: number % 2,
      properties: printProperties([["n", String(number)], ["TAGS", "odd"]]),
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const message = (await first).data;
  assert(Number(message.properties.n) > 5);
  assertEquals(message.topic, "t");
  const sent = printProperties([["n", "1"], ["TAGS", "even"]]);
  await client.send("t", encodeUtf8("unwanted"), { properties: sent });
  const last = printProperties([["n", "99"], ["TAGS", "odd"]]);
  await client.send("t", encodeUtf8("last"), { properties: last });
  const tagged = await live.next(({ id, data }) => id === "tags" && data?.body === "last");
  assertEquals(tagged.data.tags, "odd");
  const rate = await live.next(({ id, data }) => id === "t" && data?.inTps > 0);
  assert(rate.data.maxOffsetTotal > 0);
  const cluster = await live.next(({ id, data }) => id === "c" && data?.inTps > 0);
  assertEquals(cluster.data.brokers[0].brokerName, "broker-a");
  const { samples } = await api.get("/rates");
  assert(samples.length > 0);
});

Deno.test("/api/live drops and counts what a tail cannot show", async () => {
  await using server = await startWithApi();
  const { api, comet } = server;
  await api.post("/topics", { topic: "t", readQueueNums: 1, writeQueueNums: 1 }, 201);
  await using client = new TestClient(comet.brokerPort);
  await using live = new Live(api);
  await live.open();
  live.send({ type: "subscribe", id: "tail", feed: "tail", topic: "t", maxPerSecond: 10 });
  let shown = 0;
  let dropped = 0;
  const counting = live.next(({ type, data, count }) => {
    if (type === "data") shown++;
    if (type === "dropped") dropped += count;
    return dropped > 0 && data !== undefined;
  });
  let isDone = false;
  counting.then(() => isDone = true);
  while (!isDone) {
    await Promise.all(Array.from({ length: 20 }, () => client.send("t", encodeUtf8("x"))));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert(shown > 0);
  assert(dropped > 0);
});

Deno.test("/api/live is refused to pages of other sites, and to what is no WebSocket", async () => {
  await using server = await startWithApi();
  const problem = await server.api.get("/live", 400);
  assertStringIncludes(problem.detail, "WebSocket");
  const response = await fetch(`${server.api.base}/live`, {
    headers: { upgrade: "websocket", connection: "upgrade", origin: "http://evil.example" },
  });
  assertEquals(response.status, 403);
  await response.body?.cancel();
});

Deno.test("/api/live keeps little for somebody who does not read, and tells what was dropped", async () => {
  await using server = await startWithApi();
  const { api, comet } = server;
  await api.post("/topics", { topic: "t", readQueueNums: 1, writeQueueNums: 1 }, 201);
  await using client = new TestClient(comet.brokerPort);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: comet.httpPort });
  await connection.write(encodeUtf8(
    `GET /api/live HTTP/1.1\r\nhost: 127.0.0.1:${comet.httpPort}\r\nupgrade: websocket\r\n` +
      "connection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  ));
  const feed = { feed: "tail", topic: "t", maxPerSecond: 1_000, bodyLimit: 65_536 };
  await connection.write(textFrame(JSON.stringify({ type: "subscribe", id: "1", ...feed })));
  const received = receiver(connection);
  await received.until('"subscribed"');
  const body = new Uint8Array(60_000).fill(65);
  // More than the two ends of a connection hold, again and again until something is dropped; nobody reads meanwhile.
  for (let round = 0; round < 30; round++) {
    await Promise.all(Array.from({ length: 20 }, () => client.send("t", body)));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  let isTold = false;
  const told = received.until('"dropped"').then(() => isTold = true);
  while (!isTold) {
    await client.send("t", encodeUtf8("x"));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await told;
});

/** A short text as a client sends it; masked with zeros, which leave it as it is. */
function textFrame(text: string): Uint8Array<ArrayBuffer> {
  const bytes = encodeUtf8(text);
  const frame = new Uint8Array(8 + bytes.length);
  frame.set([0x81, 0x80 | 126, bytes.length >> 8, bytes.length & 0xff]);
  frame.set(bytes, 8);
  return frame;
}

function receiver(connection: Deno.Conn): { until(text: string): Promise<void> } {
  const buffer = new Uint8Array(65_536);
  let end = "";
  return {
    async until(text) {
      while (!end.includes(text)) {
        const count = await connection.read(buffer);
        if (count === null) throw new Error(`The connection ended before ${text}`);
        end = end.slice(-100) + new TextDecoder().decode(buffer.subarray(0, count));
      }
    },
  };
}
