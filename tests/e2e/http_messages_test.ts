import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { printProperties } from "../../client/protocol/message.ts";
import { TestClient } from "../helpers/comet.ts";
import { type Json, startWithApi } from "../helpers/http_api.ts";

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
  assertEquals((await api.get(`/messages/${sent.offsetMsgId}?bodyEncoding=json`)).body.order.id, 42);
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
      const wanted = all.filter((body) => filter === "" || body.endsWith("0") ||
        (filter === "&text=0" && body.includes("0"))
      );
      const found: string[] = [];
      let cursor = "";
      do {
        const page = await api.get(`/messages?topic=t&order=${order}&limit=7${filter}${cursor}`);
        assert(page.messages.length > 0 || page.isComplete);
        found.push(...bodies(page));
        cursor = page.cursor === undefined ? "" : `&cursor=${page.cursor}`;
      } while (cursor !== "");
      assertEquals(inStep(found), inStep(wanted), `${order} ${filter}`);
    }
    const lines = await api.lines(`/messages?topic=t&order=${order}`);
    const messages = lines.filter(({ type }) => type === "message").map(({ message }) => message.body);
    assertEquals(inStep(messages), inStep([...all]));
    const { type, scanned, isComplete } = lines.at(-1)!;
    assertEquals({ type, scanned, isComplete }, { type: "end", scanned: 200, isComplete: true });
  }
});

/** Several messages of one millisecond have no order between queues, so only what lies apart is compared. */
function inStep(found: string[]): string[] {
  return found.toSorted();
}
