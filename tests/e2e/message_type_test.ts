import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { UPDATE_BROKER_CONFIG } from "../../client/protocol/commands/admin_broker.ts";
import { GET_TOPIC_CONFIG, UPDATE_AND_CREATE_TOPIC } from "../../client/protocol/commands/topic.ts";
import { printProperties } from "../../client/protocol/message.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { startComet, TestClient } from "../helpers/comet.ts";

const MESSAGES: Record<string, [string, string][]> = {
  NORMAL: [["KEYS", "k"]],
  FIFO: [["__SHARDINGKEY", "k"]],
  DELAY: [["DELAY", "1"], ["__SHARDINGKEY", "k"]],
  TRANSACTION: [["TRAN_MSG", "true"], ["DELAY", "1"]],
};
const TIMES = ["TIMER_DELAY_MS", "TIMER_DELAY_SEC", "TIMER_DELIVER_MS"];
const SETTINGS = ["enableTopicMessageTypeCheck", "enableMixedMessageType"];

function create(client: TestClient, topic: string, attributes?: string) {
  return client.invoke(UPDATE_AND_CREATE_TOPIC, {
    topic,
    defaultTopic: "TBW102",
    readQueueNums: 1,
    writeQueueNums: 1,
    perm: 6,
    topicFilterType: "SINGLE_TAG",
    order: false,
    attributes,
  });
}

function set(client: TestClient, text: string) {
  return client.invoke(UPDATE_BROKER_CONFIG, {}, encodeUtf8(text));
}

function send(client: TestClient, topic: string, properties: [string, string][]) {
  return client.send(topic, encodeUtf8("x"), { properties: printProperties(properties) });
}

Deno.test("message.type is kept, shown and may change; MIXED wants enableMixedMessageType", async () => {
  const folder = Deno.makeTempDirSync();
  {
    await using comet = await startComet(folder);
    await using client = new TestClient(comet.brokerPort);
    assertEquals((await create(client, "Typed", "+message.type=FIFO")).code, 0);
    assertEquals((await create(client, "Typed", "+message.type=DELAY")).code, 0);
    const wrong = await create(client, "Typed", "+message.type=ODD");
    assertEquals(
      [wrong.code, wrong.remark],
      [
        ResponseCode.SYSTEM_ERROR,
        "value is not in set: [UNSPECIFIED, NORMAL, FIFO, DELAY, TRANSACTION, MIXED]",
      ],
    );
    const mixed = await create(client, "Mixed", "+message.type=MIXED");
    assertEquals(
      [mixed.code, mixed.remark],
      [ResponseCode.INVALID_PARAMETER, "MIXED message type is not supported."],
    );
    assertEquals((await set(client, "enableMixedMessageType=true")).code, 0);
    assertEquals((await create(client, "Mixed", "+message.type=MIXED")).code, 0);
    assertEquals(await comet.stop(), 0);
  }
  await using comet = await startComet(folder);
  await using client = new TestClient(comet.brokerPort);
  for (const [topic, type] of [["Typed", "DELAY"], ["Mixed", "MIXED"]] as const) {
    const { body } = await client.invoke(GET_TOPIC_CONFIG, { topic });
    const config = JSON.parse(new TextDecoder().decode(body));
    assertEquals(config.attributes, { "message.type": type });
  }
});

Deno.test("enableTopicMessageTypeCheck refuses messages of another type than their topic's", async () => {
  const comet = await startComet(
    Deno.makeTempDirSync(),
    SETTINGS.flatMap((name) => ["--set", `${name}=true`]),
  );
  await using _ = comet;
  await using client = new TestClient(comet.brokerPort);
  const types = [...Object.keys(MESSAGES), "UNSPECIFIED", "MIXED"];
  for (const type of types) await create(client, type, `+message.type=${type}`);
  for (const topic of types) {
    for (const [type, properties] of Object.entries(MESSAGES)) {
      const { code, remark } = await send(client, topic, properties);
      const expected = topic === type || topic === "MIXED" ? [ResponseCode.SUCCESS, undefined] : [
        ResponseCode.MESSAGE_ILLEGAL,
        `TopicMessageType validate failed, the expected type is ${topic}, but actual type is ${type}`,
      ];
      assertEquals([code, remark], expected, `${type} to ${topic}`);
    }
  }
  for (const name of TIMES) {
    const { code } = await send(client, "NORMAL", [[name, "10"]]);
    assertEquals(code, ResponseCode.MESSAGE_ILLEGAL, name);
  }
  await create(client, "Untyped");
  assertEquals((await send(client, "Untyped", MESSAGES["NORMAL"]!)).code, 0);
  assertEquals((await send(client, "Untyped", MESSAGES["FIFO"]!)).code, 13);
  const transferred: [string, string][] = [["__SHARDINGKEY", "k"], ["TRANSFER_FLAG", "true"]];
  assertEquals((await send(client, "Untyped", transferred)).code, 0);
  assertEquals((await send(client, "%RETRY%g", MESSAGES["DELAY"]!)).code, 0);
  // As Apache's broker, which leaves the check to its proxy.
  assertEquals((await set(client, "enableTopicMessageTypeCheck=false")).code, 0);
  assertEquals((await send(client, "NORMAL", MESSAGES["FIFO"]!)).code, 0);
});
