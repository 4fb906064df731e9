import { assertEquals, assertStringIncludes } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import {
  QUERY_CONSUMER_OFFSET,
  UPDATE_CONSUMER_OFFSET,
} from "../../client/protocol/commands/offset.ts";
import { GET_ALL_SUBSCRIPTIONGROUP_CONFIG } from "../../client/protocol/commands/group.ts";
import { POP_MESSAGE } from "../../client/protocol/commands/pop.ts";
import { GET_MAX_OFFSET } from "../../client/protocol/commands/query.ts";
import { encodeBatch } from "../../client/protocol/message_batch.ts";
import { findProperty, printProperties } from "../../client/protocol/message.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { HELD_PULL, startComet, TestClient } from "../helpers/comet.ts";
import { COMMIT, TransactionProducer } from "../helpers/transaction_producer.ts";

const SERVED = ["--set", "enableLmq=true", "--set", "enableMultiDispatch=true"];

function named(names: string, more: [string, string][] = []): string {
  return printProperties([["TAGS", "a"], ["INNER_MULTI_DISPATCH", names], ...more]);
}

async function send(
  client: TestClient,
  body: string,
  names: string,
  more: [string, string][] = [],
) {
  const properties = named(names, more);
  const { code, remark } = await client.send("Parent", encodeUtf8(body), { properties });
  assertEquals(code, ResponseCode.SUCCESS, remark);
}

async function pull(client: TestClient, topic: string, fields = {}) {
  const { code, remark, body } = await client.pull(topic, fields);
  assertEquals(code, ResponseCode.SUCCESS, remark);
  return decodeMessages(body).map((message) => ({
    ...message,
    text: decodeUtf8(message.body, 0, message.body.length),
  }));
}

async function textsOf(client: TestClient, topic: string, fields = {}): Promise<string[]> {
  return (await pull(client, topic, fields)).map(({ text }) => text);
}

Deno.test("a message is pulled from every light queue that it names, a waiting pull gets it at once", async () => {
  await using comet = await startComet(Deno.makeTempDirSync(), SERVED);
  await using client = new TestClient(comet.brokerPort);
  const waiting = textsOf(client, "%LMQ%b", HELD_PULL);
  await send(client, "0", "%LMQ%a");
  await send(client, "1", "%LMQ%a,%LMQ%b");
  assertEquals(await waiting, ["1"]);
  assertEquals(await textsOf(client, "%LMQ%a"), ["0", "1"]);
  assertEquals(await textsOf(client, "Parent"), ["0", "1"]);
  const [message] = await pull(client, "%LMQ%b");
  assertEquals([message!.topic, message!.queueOffset], ["Parent", 1]);
  assertEquals(findProperty(message!.properties, "INNER_MULTI_QUEUE_OFFSET"), "1,0");
  assertEquals(await textsOf(client, "%LMQ%a", { subscription: "a" }), ["0", "1"]);
  // One that is sent to a light topic itself is in that alone.
  assertEquals((await client.send("%LMQ%a", encodeUtf8("2"))).code, 0);
  assertEquals(await textsOf(client, "%LMQ%a"), ["0", "1", "2"]);
});

Deno.test("messages of a batch, with a time and of a transaction come to light queues with their topic", async () => {
  await using comet = await startComet(Deno.makeTempDirSync(), SERVED);
  await using client = new TestClient(comet.brokerPort);
  await send(client, "timed", "%LMQ%a", [["TIMER_DELAY_MS", "300"]]);
  const items = ["b0", "b1"].map((body) => ({
    flag: 0,
    body: encodeUtf8(body),
    properties: named("%LMQ%a"),
  }));
  const batch = await client.send("Parent", encodeBatch(items), { batch: true });
  assertEquals(batch.code, 0, batch.remark);
  assertEquals(await textsOf(client, "%LMQ%a"), ["b0", "b1"]);
  assertEquals(await textsOf(client, "%LMQ%a", { ...HELD_PULL, queueOffset: 2 }), ["timed"]);
  await using producer = new TransactionProducer(comet.brokerPort, "Parent");
  const more: [string, string][] = [["INNER_MULTI_DISPATCH", "%LMQ%a"]];
  const half = await producer.sendHalf("half", more);
  const { extFields } = await client.invoke(GET_MAX_OFFSET, { topic: "%LMQ%a", queueId: 0 });
  assertEquals(extFields.get("offset"), "3");
  await producer.end(half, COMMIT);
  assertEquals(await textsOf(client, "%LMQ%a", { ...HELD_PULL, queueOffset: 3 }), ["half"]);
});

Deno.test("light queues and how far their groups are outlive a stop and SIGKILL", async () => {
  const folder = Deno.makeTempDirSync();
  const group = { consumerGroup: "%LMQ%g", topic: "%LMQ%a", queueId: 0 };
  const offset = async (client: TestClient) => {
    const { code, extFields } = await client.invoke(QUERY_CONSUMER_OFFSET, group);
    return code === 0 ? extFields.get("offset") : code;
  };
  {
    await using comet = await startComet(folder, SERVED);
    await using client = new TestClient(comet.brokerPort);
    await send(client, "0", "%LMQ%a");
    await send(client, "1", "%LMQ%a,%LMQ%b");
    assertEquals(
      (await client.invoke(UPDATE_CONSUMER_OFFSET, { ...group, commitOffset: 1 })).code,
      0,
    );
    assertEquals(await comet.stop(), 0);
  }
  const apaches = JSON.parse(Deno.readTextFileSync(`${folder}/config/lmqConsumerOffset.json`));
  assertEquals(apaches.lmqOffsetTable, { "%LMQ%a@%LMQ%g": 1 });
  {
    await using comet = await startComet(folder, SERVED);
    await using client = new TestClient(comet.brokerPort);
    assertEquals(await offset(client), "1");
    await send(client, "2", "%LMQ%a");
    await comet.kill();
  }
  await using comet = await startComet(folder, SERVED);
  await using client = new TestClient(comet.brokerPort);
  assertEquals(await textsOf(client, "%LMQ%a", { consumerGroup: "%LMQ%g" }), ["0", "1", "2"]);
  assertEquals(await textsOf(client, "%LMQ%b"), ["1"]);
  assertEquals(await offset(client), "1");
  const { body } = await client.invoke(GET_ALL_SUBSCRIPTIONGROUP_CONFIG, {});
  const { subscriptionGroupTable } = JSON.parse(decodeUtf8(body, 0, body.length));
  assertEquals(subscriptionGroupTable["%LMQ%g"], undefined);
});

Deno.test("popping gives messages of a light queue with their offsets there", async () => {
  await using comet = await startComet(Deno.makeTempDirSync(), SERVED);
  await using client = new TestClient(comet.brokerPort);
  for (const [body, names] of [["0", "%LMQ%a"], ["1", "%LMQ%b"], ["2", "%LMQ%b,%LMQ%a"]] as const) {
    await send(client, body, names);
  }
  const header = {
    consumerGroup: "g",
    topic: "%LMQ%a",
    queueId: -1,
    maxMsgNums: 8,
    invisibleTime: 10_000,
    pollTime: 0,
    bornTime: Date.now(),
    initMode: 0,
    expType: "TAG",
    exp: "*",
  };
  const { code, remark, body, extFields } = await client.invoke(POP_MESSAGE, header);
  assertEquals(code, ResponseCode.SUCCESS, remark);
  assertEquals(decodeMessages(body).map(({ body }) => decodeUtf8(body, 0, body.length)), [
    "0",
    "2",
  ]);
  assertEquals(extFields.get("msgOffsetInfo"), "0 0 0,1");
});

Deno.test("names that are none, and queues beyond maxLmqConsumeQueueNum, are refused", async () => {
  const flags = [...SERVED, "--set", "maxLmqConsumeQueueNum=2"];
  await using comet = await startComet(Deno.makeTempDirSync(), flags);
  await using client = new TestClient(comet.brokerPort);
  const rows: [string, number, string][] = [
    ["%LMQ%a,other", ResponseCode.MESSAGE_ILLEGAL, '"other"'],
    ["%LMQ%../a", ResponseCode.MESSAGE_ILLEGAL, '"%LMQ%../a"'],
    ["%LMQ%", ResponseCode.MESSAGE_ILLEGAL, '"%LMQ%"'],
    ["%LMQ%a,%LMQ%b,%LMQ%c", ResponseCode.SYSTEM_ERROR, "[LMQ_CONSUME_QUEUE_NUM_EXCEEDED]"],
  ];
  for (const [names, code, reason] of rows) {
    const response = await client.send("Parent", encodeUtf8("x"), { properties: named(names) });
    assertEquals(response.code, code, names);
    assertStringIncludes(response.remark ?? "", reason);
  }
  await send(client, "0", "%LMQ%a,%LMQ%b");
  await send(client, "1", "%LMQ%b");
  assertEquals((await client.send("%LMQ%c", encodeUtf8("x"))).code, ResponseCode.SYSTEM_ERROR);
  const properties = [named("%LMQ%a"), named("%LMQ%c")];
  const items = properties.map((properties) => ({ flag: 0, body: encodeUtf8("x"), properties }));
  const batch = await client.send("Parent", encodeBatch(items), { batch: true });
  assertEquals(batch.code, ResponseCode.SYSTEM_ERROR);
  assertEquals(await textsOf(client, "Parent"), ["0", "1"]);
});

Deno.test("without enableLmq and enableMultiDispatch, as in Apache's defaults, there are no light queues", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  await send(client, "0", "%LMQ%a,other");
  assertEquals((await client.pull("%LMQ%a", {})).code, ResponseCode.TOPIC_NOT_EXIST);
  const [message] = await pull(client, "Parent");
  assertEquals(findProperty(message!.properties, "INNER_MULTI_DISPATCH"), "%LMQ%a,other");
  assertEquals(findProperty(message!.properties, "INNER_MULTI_QUEUE_OFFSET"), undefined);
});
