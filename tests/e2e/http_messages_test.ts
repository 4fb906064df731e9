import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { deflateSync } from "node:zlib";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { printProperties } from "../../client/protocol/message.ts";
import { TestClient } from "../helpers/comet.ts";
import { eventually } from "../helpers/eventually.ts";
import { type HttpApi, type Json, startWithApi } from "../helpers/http_api.ts";
import { HTTP_MESSAGE_CHECKS } from "../helpers/http_message_checks.ts";
import { seededRandom } from "../helpers/random.ts";

function bodies(page: Json): string[] {
  return page.messages.map((message: Json) => message.body);
}

Deno.test("a message that is published over HTTP is found by id, offset id, key, time and content", async () => {
  await using server = await startWithApi();
  const { api } = server;
  await api.post("/topics", { topic: "orders", readQueueNums: 4, writeQueueNums: 4 }, 201);
  const before = Date.now();
  const sent = await api.post("/messages", {
    topic: "orders",
    body: '{"order":{"id":42,"items":[{"sku":"a-1"}]}}',
    keys: ["k1", "k2"],
    tag: "paid",
    properties: { price: "12", region: "eu" },
    shardingKey: "customer-7",
  }, 201);
  assertEquals(sent.sendStatus, "SEND_OK");
  await api.post("/messages", { topic: "orders", body: "other", tag: "open" }, 201);

  const byId = await api.get(`/messages/${sent.msgId}?topic=orders`);
  const { offsetMsgId, keys, tags, topic, queueOffset } = byId;
  assertEquals({ offsetMsgId, keys, tags, topic, queueOffset }, {
    offsetMsgId: sent.offsetMsgId,
    keys: ["k1", "k2"],
    tags: "paid",
    topic: "orders",
    queueOffset: sent.queueOffset,
  });
  assertEquals((await api.get(`/messages/${sent.offsetMsgId}`)).msgId, sent.msgId);
  assertEquals(
    (await api.get(`/messages/${sent.offsetMsgId}?bodyEncoding=json`)).body.order.id,
    42,
  );
  assertEquals((await api.get(`/messages?topic=orders&key=k2`)).messages[0].msgId, sent.msgId);
  const one = [sent.msgId];
  for (
    const filter of [
      `begin=${byId.storeTimestamp}&end=${byId.storeTimestamp}&tag=paid`,
      `begin=${before}&tag=paid`,
      "sql=price%20%3E%2010%20AND%20region%20%3D%20'eu'",
      "text=a-1",
      "jsonPath=order.items.0.sku&jsonValue=a-1",
      "order=asc&tag=paid%7C%7Cnone",
      `queue=${sent.queueId}&tag=paid`,
    ]
  ) {
    const page = await api.get(`/messages?topic=orders&${filter}`);
    assertEquals(page.messages.map(({ msgId }: Json) => msgId), one, filter);
    assert(page.isComplete, filter);
  }
  const all = await api.get("/messages?topic=orders");
  assertEquals([all.messages.length, all.scanned, all.isComplete], [2, 2, true]);
  const queue = await api.get(`/topics/orders/queues/${sent.queueId}/messages?offset=0`);
  assertEquals(queue.messages[0].msgId, sent.msgId);
  const missing = await api.get("/messages/0102?topic=orders", 404);
  assertStringIncludes(missing.detail, "0102");
  assertStringIncludes((await api.get("/messages?topic=orders&sql=a%20%3E", 400)).detail, "sql");
  await api.get("/messages?topic=nothing", 404);
});

Deno.test("a search pages through all queues in order of time, forwards and backwards, by its cursor", async () => {
  await using server = await startWithApi();
  const { api, comet } = server;
  await api.post("/topics", { topic: "t", readQueueNums: 3, writeQueueNums: 3 }, 201);
  await using client = new TestClient(comet.brokerPort);
  const expected: string[] = [];
  for (let number = 0; number < 200; number++) {
    const properties = printProperties([["TAGS", number % 10 === 0 ? "tenth" : "other"]]);
    await client.send("t", encodeUtf8(`m${number}`), { queueId: number % 3, properties });
    expected.push(`m${number}`);
  }
  for (const [order, all] of [["asc", expected], ["desc", expected.toReversed()]] as const) {
    for (const filter of ["", "&tag=tenth", "&sql=TAGS%20%3D%20'tenth'", "&text=0"]) {
      const wanted = all.filter((body) =>
        filter === "" || body.endsWith("0") ||
        (filter === "&text=0" && body.includes("0"))
      );
      const found: Json[] = [];
      let cursor = "";
      do {
        const page = await api.get(`/messages?topic=t&order=${order}&limit=7${filter}${cursor}`);
        assert(page.messages.length > 0 || page.isComplete);
        found.push(...page.messages);
        cursor = page.cursor === undefined ? "" : `&cursor=${page.cursor}`;
      } while (cursor !== "");
      assertEquals(bodies({ messages: found }).toSorted(), wanted.toSorted(), `${order} ${filter}`);
      assertInOrder(found, order);
    }
    const lines = await api.lines(`/messages?topic=t&order=${order}`);
    const messages = lines.filter(({ type }) => type === "message").map(({ message }) =>
      message.body
    );
    assertEquals(messages.toSorted(), all.toSorted());
    const { type, scanned, isComplete } = lines.at(-1)!;
    assertEquals({ type, scanned, isComplete }, { type: "end", scanned: 200, isComplete: true });
  }
});

/** Several messages of one millisecond have no order between queues; what was stored apart must be in order. */
function assertInOrder(messages: Json[], order: string): void {
  const times: number[] = messages.map(({ storeTimestamp }) => storeTimestamp);
  const sorted = times.toSorted((a, b) => order === "asc" ? a - b : b - a);
  assertEquals(times, sorted);
}

Deno.test("a search that streams waits for a slow reader, and ends when the reader goes", async () => {
  await using server = await startWithApi();
  const { api, comet } = server;
  await using client = new TestClient(comet.brokerPort);
  const body = new Uint8Array(20_000).fill(65);
  for (let round = 0; round < 30; round++) {
    await Promise.all(Array.from({ length: 20 }, () => client.send("big", body)));
  }
  const query = "topic=big&order=asc&bodyLimit=20000";
  const response = await fetch(`${api.base}/messages?${query}`, {
    headers: { accept: "application/x-ndjson" },
  });
  const reader = response.body!.getReader();
  await reader.read();
  // 12 MB are more than what lies between the two; as long as nobody reads, no more is pulled from the broker.
  let before = -1;
  await eventually("the search has come to a stand", async () => {
    const now = await pulled(api);
    const isStill = now === before;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return isStill;
  });
  assert(before < 600, `${before} messages were pulled for a reader that does not read`);
  await reader.cancel();
  // 16 searches may be under way; more than that have been given up here.
  for (let round = 0; round < 20; round++) {
    const stream = await fetch(`${api.base}/messages?${query}`, {
      headers: { accept: "application/x-ndjson" },
    });
    assertEquals(stream.status, 200);
    await stream.body!.cancel();
  }
  const text = await api.lines(`/messages?${query}&text=nothing`);
  assertEquals(text.at(-1)!.scanned, 600);
});

/** Messages that the broker has given out so far. */
async function pulled(api: HttpApi): Promise<number> {
  const { runtimeInfo } = await api.get("/brokers/broker-a");
  return Number(runtimeInfo.msgGetTotalTodayNow);
}

Deno.test("a search by time is exact to the millisecond", async () => {
  await using server = await startWithApi();
  const { api, comet } = server;
  await using client = new TestClient(comet.brokerPort);
  for (let number = 0; number < 100; number++) {
    await client.send("t", encodeUtf8(`m${number}`), {
      defaultTopicQueueNums: 3,
      queueId: number % 3,
    });
  }
  const { messages: all } = await api.get("/messages?topic=t&order=asc&limit=1000");
  assertInOrder(all, "asc");
  for (let index = 0; index < 100; index += 9) {
    const [begin, end] = [all[index].storeTimestamp, all[Math.min(99, index + 20)].storeTimestamp];
    for (const order of ["asc", "desc"]) {
      const query = `topic=t&begin=${begin}&end=${end}&order=${order}&limit=1000`;
      const { messages } = await api.get(`/messages?${query}`);
      assertInOrder(messages, order);
      const wanted = all.filter(({ storeTimestamp }: Json) =>
        storeTimestamp >= begin && storeTimestamp <= end
      );
      assertEquals(bodies({ messages }).toSorted(), bodies({ messages: wanted }).toSorted());
    }
  }
  const later = await api.get(`/messages?topic=t&begin=${all.at(-1).storeTimestamp + 1}`);
  assertEquals([later.messages, later.isComplete, later.scanned], [[], true, 0]);
});

Deno.test("all messages with one key come in pages, newest first", async () => {
  await using server = await startWithApi();
  const { api, comet } = server;
  await using client = new TestClient(comet.brokerPort);
  const sent: string[] = [];
  for (let number = 0; number < 100; number++) {
    const properties = printProperties([["KEYS", number % 2 === 0 ? "same" : "other same2"]]);
    await client.send("t", encodeUtf8(`m${number}`), { properties });
    if (number % 2 === 0) sent.unshift(`m${number}`);
  }
  const found: Json[] = [];
  let cursor = "";
  do {
    const page = await api.get(`/messages?topic=t&key=same&limit=8${cursor}`);
    found.push(...page.messages);
    cursor = page.cursor === undefined ? "" : `&cursor=${encodeURIComponent(page.cursor)}`;
  } while (cursor !== "");
  assertEquals(bodies({ messages: found }), sent);
});

Deno.test("bodies are shown as text, JSON, hex or base64, decompressed, and cut with a mark", async () => {
  await using server = await startWithApi();
  const { api, comet } = server;
  await using client = new TestClient(comet.brokerPort);
  const show = async (body: Uint8Array, query: string, sysFlag = 0) => {
    await client.send("t", body, { sysFlag });
    const { messages } = await api.get(`/messages?topic=t&limit=1&${query}`);
    const { body: shown, bodyEncoding, bodyLength, bodyTruncated, compression } = messages[0];
    return [shown, bodyEncoding, bodyLength, bodyTruncated, compression];
  };
  const text = encodeUtf8("0123456789äöü");
  assertEquals(await show(text, ""), ["0123456789äöü", "text", 16, false, undefined]);
  const cut = ["0123456789… [cut: 11 of 16 bytes]", "text", 16, true, undefined];
  assertEquals(await show(text, "bodyLimit=11"), cut);
  assertEquals(await show(encodeUtf8('{"a":1}'), "bodyEncoding=json"), [
    { a: 1 },
    "json",
    7,
    false,
    undefined,
  ]);
  assertEquals((await show(text, "bodyEncoding=hex"))[0], "30313233343536373839C3A4C3B6C3BC");
  assertEquals(await show(Uint8Array.of(0, 255), ""), ["AP8=", "base64", 2, false, undefined]);
  const packed = ["0123456789äöü", "text", 16, false, "ZLIB"];
  assertEquals(await show(deflateSync(text), "", 1), packed);
});

Deno.test("the HTTP API does with Comet's messages what it does with Apache's", async (test) => {
  await using server = await startWithApi();
  const { comet, api } = server;
  const cluster = { api, namesrv: `127.0.0.1:${comet.namesrvPort}`, random: seededRandom() };
  for (const [name, check] of Object.entries(HTTP_MESSAGE_CHECKS)) {
    await test.step(name, () => check(cluster));
  }
});
