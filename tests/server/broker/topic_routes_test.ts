import { assertEquals } from "@std/assert";
import { RequestCode } from "../../../client/protocol/request_code.ts";
import { ResponseCode } from "../../../client/protocol/response_code.ts";
import { topicRoutes } from "../../../server/broker/topic_routes.ts";
import { setupTables } from "../../helpers/broker_tables.ts";
import { serveRoutes } from "../../helpers/fake_connection.ts";

const CREATE = {
  topic: "T",
  defaultTopic: "TBW102",
  readQueueNums: 4,
  writeQueueNums: 3,
  perm: 6,
  topicFilterType: "SINGLE_TAG",
  order: false,
};

function setup() {
  const tables = setupTables();
  const topics = tables.openTopics();
  const { ask } = serveRoutes(topicRoutes({ config: tables.settings, topics })).connect();
  return {
    tables,
    topics,
    ask,
    create: (fields = {}) => ask(RequestCode.UPDATE_AND_CREATE_TOPIC, { ...CREATE, ...fields }),
    [Symbol.asyncDispose]: () => tables[Symbol.asyncDispose](),
  };
}

Deno.test("UPDATE_AND_CREATE_TOPIC answers when the topic is on disk and announced", async () => {
  await using broker = setup();
  assertEquals((await broker.create({ attributes: "+message.type=FIFO" })).code, 0);
  const file = broker.tables.read("topics.json");
  assertEquals(file.topicConfigTable.T, {
    topicName: "T",
    readQueueNums: 4,
    writeQueueNums: 3,
    perm: 6,
    topicFilterType: "SINGLE_TAG",
    topicSysFlag: 0,
    order: false,
    attributes: { "message.type": "FIFO" },
  });
  assertEquals(broker.tables.changes.count, 1);
});

Deno.test("UPDATE_AND_CREATE_TOPIC refuses what Java refuses, with its words", async () => {
  await using broker = setup();
  const rows = [
    [
      { topic: "a b" },
      29,
      "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$",
    ],
    [{ topic: "TBW102" }, 29, "The topic[TBW102] is conflict with system topic."],
    [{ topic: "broker-a" }, 29, "The topic[broker-a] is conflict with system topic."],
    [{ topic: "rmq_sys_x" }, 29, "The topic[rmq_sys_x] is conflict with system topic."],
    [{ attributes: "+message.type=MIXED" }, 29, "MIXED message type is not supported."],
    [{ attributes: "message.type=FIFO" }, 1, "add/alter attribute format is wrong: message.type"],
    [
      { attributes: "-message.type" },
      1,
      "only add attribute is supported while creating topic. key: message.type",
    ],
    [{ topicFilterType: "NONE" }, 1, "topicFilterType = [NONE] value invalid"],
    [{ perm: 8 }, 29, "perm is 8, expected 0 to 7"],
    [{ readQueueNums: -1 }, 29, "readQueueNums is -1, expected 0 to 65535"],
  ] as const;
  for (const [fields, code, remark] of rows) {
    const answer = await broker.create(fields);
    assertEquals([answer.code, answer.remark], [code, remark]);
  }
  assertEquals(broker.topics.get("T"), undefined);
});

Deno.test("GET_ALL_TOPIC_CONFIG answers all topics with their version", async () => {
  await using broker = setup();
  await broker.create();
  const { json } = await broker.ask(RequestCode.GET_ALL_TOPIC_CONFIG);
  const body = json as Record<string, Record<string, unknown>>;
  assertEquals(Object.keys(body).toSorted(), [
    "dataVersion",
    "mappingDataVersion",
    "topicConfigTable",
    "topicQueueMappingDetailMap",
    "topicQueueMappingInfoMap",
  ]);
  assertEquals(body["dataVersion"]!["counter"], 1);
  assertEquals(Object.keys(body["topicConfigTable"]!).length, 14);
});

Deno.test("GET_TOPIC_CONFIG answers one topic, or TOPIC_NOT_EXIST", async () => {
  await using broker = setup();
  const known = await broker.ask(RequestCode.GET_TOPIC_CONFIG, { topic: "BenchmarkTest" });
  assertEquals((known.json as Record<string, unknown>)["writeQueueNums"], 1024);
  const unknown = await broker.ask(RequestCode.GET_TOPIC_CONFIG, { topic: "U" });
  assertEquals([unknown.code, unknown.remark], [
    ResponseCode.TOPIC_NOT_EXIST,
    "No topic in this broker. topic: U",
  ]);
});

Deno.test("GET_SYSTEM_TOPIC_LIST_FROM_BROKER answers the broker's own names", async () => {
  await using broker = setup();
  const { json } = await broker.ask(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER);
  const { topicList } = json as { topicList: string[] };
  for (const topic of ["TBW102", "DefaultCluster", "broker-a", "CHECKPOINT_TOPIC"]) {
    assertEquals(topicList.includes(topic), true);
  }
});
