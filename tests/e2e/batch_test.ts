import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { GET_MAX_OFFSET } from "../../client/protocol/commands/query.ts";
import { UPDATE_AND_CREATE_TOPIC } from "../../client/protocol/commands/topic.ts";
import { encodeBatch } from "../../client/protocol/message_batch.ts";
import { MessageSysFlag } from "../../client/protocol/message.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { startComet, TestClient } from "../helpers/comet.ts";

const FLAGS = ["--set", "maxMessageSize=1000"];

interface Item {
  body: string;
  properties?: string;
}

function sendBatch(client: TestClient, topic: string, items: Item[], fields = {}) {
  const batch = encodeBatch(
    items.map(({ body, properties = "" }) => ({ flag: 0, body: encodeUtf8(body), properties })),
  );
  return client.send(topic, batch, { batch: true, ...fields });
}

async function maxOffset(client: TestClient, topic: string): Promise<number> {
  const response = await client.invoke(GET_MAX_OFFSET, { topic, queueId: 0, committed: false });
  return Number(response.extFields.get("offset"));
}

Deno.test("a batch is taken as a whole, in its order", async () => {
  await using comet = await startComet(Deno.makeTempDirSync(), FLAGS);
  await using client = new TestClient(comet.brokerPort);
  const response = await sendBatch(client, "Whole", [{ body: "a" }, { body: "b" }, { body: "c" }]);
  assertEquals(response.code, 0, response.remark);
  assertEquals(response.extFields.get("msgId")?.split(",").length, 3);
  const pulled = await client.pull("Whole", { queueOffset: 0 });
  const bodies = decodeMessages(pulled.body).map(({ body }) => new TextDecoder().decode(body));
  assertEquals(bodies, ["a", "b", "c"]);
});

Deno.test("a batch with one message that is refused stores none of them", async () => {
  await using comet = await startComet(Deno.makeTempDirSync(), FLAGS);
  await using client = new TestClient(comet.brokerPort);
  await client.send("Atomic", encodeUtf8("first"));
  const bad: [string, Item, string][] = [
    ["a long body", { body: "x".repeat(1001) }, "msg body length"],
    // 32,700 bytes, to which the broker adds its own.
    ["long properties", { body: "x", properties: `k\u0001${"v".repeat(32_698)}` }, "32KB"],
    ["wide properties", { body: "x", properties: `k\u0001${"\u00e9".repeat(16_350)}` }, "32KB"],
    [
      "a time too far away",
      { body: "x", properties: "TIMER_DELAY_SEC\u0001999999999\u0002" },
      "timer message illegal",
    ],
    ["a part of an inner batch", { body: "x", properties: "INNER_NUM\u00012\u0002" }, "BatchCQ"],
  ];
  for (const [what, item, reason] of bad) {
    const response = await sendBatch(client, "Atomic", [{ body: "good" }, item, { body: "good" }]);
    assertEquals(response.code, ResponseCode.MESSAGE_ILLEGAL, `${what}: ${response.remark}`);
    assertStringIncludes(response.remark ?? "", reason, what);
    assertEquals(await maxOffset(client, "Atomic"), 1, what);
  }
});

Deno.test("messages of a MULTI_TAG topic have the bit that says so, alone and in a batch", async () => {
  await using comet = await startComet(Deno.makeTempDirSync(), FLAGS);
  await using client = new TestClient(comet.brokerPort);
  for (const [topic, topicFilterType] of [["Many", "MULTI_TAG"], ["One", "SINGLE_TAG"]] as const) {
    await client.invoke(UPDATE_AND_CREATE_TOPIC, {
      topic,
      defaultTopic: "TBW102",
      readQueueNums: 1,
      writeQueueNums: 1,
      perm: 6,
      topicFilterType,
      order: false,
    });
    await client.send(topic, encodeUtf8("x"));
    await sendBatch(client, topic, [{ body: "x" }]);
    const pulled = await client.pull(topic, { queueOffset: 0 });
    const flags = decodeMessages(pulled.body).map(({ sysFlag }) => sysFlag);
    const expected = topicFilterType === "MULTI_TAG" ? MessageSysFlag.MULTI_TAGS : 0;
    assertEquals(flags, [expected, expected]);
  }
});

Deno.test("an inner batch is refused with the reason, alone too", async () => {
  await using comet = await startComet(Deno.makeTempDirSync(), FLAGS);
  await using client = new TestClient(comet.brokerPort);
  const refusals = [
    await client.send("Inner", encodeUtf8("x"), { sysFlag: MessageSysFlag.INNER_BATCH }),
    await client.send("Inner", encodeUtf8("x"), { properties: "INNER_NUM\u00012\u0002" }),
    await sendBatch(client, "Inner", [{ body: "x" }], { sysFlag: MessageSysFlag.INNER_BATCH }),
  ];
  for (const { code, remark } of refusals) {
    assertEquals(code, ResponseCode.MESSAGE_ILLEGAL);
    assertStringIncludes(remark ?? "", "queue.type=BatchCQ");
  }
  const named = { properties: "INNER_NUMBER\u00012\u0002" };
  assertEquals((await client.send("Inner", encodeUtf8("x"), named)).code, 0);
});

Deno.test("a folder of Apache's with a topic of queue.type=BatchCQ keeps it, and it takes no messages", async () => {
  const folder = Deno.makeTempDirSync();
  Deno.mkdirSync(`${folder}/config`, { recursive: true });
  const topic = {
    topicName: "Inner",
    readQueueNums: 1,
    writeQueueNums: 1,
    perm: 6,
    attributes: { "queue.type": "BatchCQ" },
  };
  const file = { topicConfigTable: { Inner: topic }, dataVersion: { counter: 1, timestamp: 1 } };
  Deno.writeTextFileSync(`${folder}/config/topics.json`, JSON.stringify(file));
  {
    await using comet = await startComet(folder);
    await using client = new TestClient(comet.brokerPort);
    for (
      const { code, remark } of [
        await client.send("Inner", encodeUtf8("x")),
        await sendBatch(client, "Inner", [{ body: "x" }]),
      ]
    ) {
      assertEquals(code, ResponseCode.MESSAGE_ILLEGAL);
      assertStringIncludes(remark ?? "", "has queue.type=BatchCQ");
    }
    assertEquals((await client.send("Other", encodeUtf8("x"))).code, 0);
    assertEquals(await comet.stop(), 0);
  }
  const kept = JSON.parse(Deno.readTextFileSync(`${folder}/config/topics.json`));
  assertEquals(kept.topicConfigTable.Inner.attributes, { "queue.type": "BatchCQ" });
  assertEquals([...Deno.readDirSync(`${folder}/consumequeue`)].map(({ name }) => name), ["Other"]);
});
