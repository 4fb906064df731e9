import { assert, assertEquals, assertThrows } from "@std/assert";
import { createTopicConfig } from "../../../client/protocol/topic_config.ts";
import { CorruptStoreError } from "../../../store/errors.ts";
import { setupTables } from "../../helpers/broker_tables.ts";

const SEND = {
  topic: "T",
  defaultTopic: "TBW102",
  clientDefaultTopicQueueNums: 4,
  topicSysFlag: 0,
  remoteAddress: "127.0.0.1:1",
};

function config(topicName: string, fields: Parameters<typeof createTopicConfig>[1] = {}) {
  return createTopicConfig(topicName, fields);
}

Deno.test("TopicTable has Apache's system topics from the start", async () => {
  await using tables = setupTables();
  const rows = [...tables.openTopics().topics.values()].map((topic) =>
    [topic.topicName, topic.readQueueNums, topic.perm] as const
  );
  assertEquals(rows, [
    ["SELF_TEST_TOPIC", 1, 6],
    ["TBW102", 8, 7],
    ["BenchmarkTest", 1024, 6],
    ["DefaultCluster", 16, 7],
    ["broker-a", 1, 7],
    ["OFFSET_MOVED_EVENT", 1, 6],
    ["SCHEDULE_TOPIC_XXXX", 18, 6],
    ["DefaultCluster_REPLY_TOPIC", 1, 6],
    ["rmq_sys_REVIVE_LOG_DefaultCluster", 8, 6],
    ["rmq_sys_SYNC_BROKER_MEMBER_broker-a", 1, 1],
    ["RMQ_SYS_TRANS_HALF_TOPIC", 1, 6],
    ["RMQ_SYS_TRANS_OP_HALF_TOPIC", 1, 6],
    ["rmq_sys_wheel_timer", 1, 6],
  ]);
});

Deno.test("createTopicInSendMessage() takes perm and filter of the default topic and the fewer queues", async () => {
  await using tables = setupTables();
  const topics = tables.openTopics();
  topics.update(
    config("MODEL", { perm: 5, writeQueueNums: 3, topicFilterType: "MULTI_TAG" }),
    new Map(),
  );
  const { writeQueueNums, readQueueNums, perm, topicFilterType, topicSysFlag } = topics
    .createTopicInSendMessage({ ...SEND, defaultTopic: "MODEL", topicSysFlag: 1 })!;
  assertEquals({ writeQueueNums, readQueueNums, perm, topicFilterType, topicSysFlag }, {
    writeQueueNums: 3,
    readQueueNums: 3,
    perm: 4,
    topicFilterType: "MULTI_TAG",
    topicSysFlag: 1,
  });
  const other = topics.createTopicInSendMessage({ ...SEND, topic: "U" })!;
  assertEquals([other.writeQueueNums, other.perm], [4, 6]);
  const none = topics.createTopicInSendMessage({
    ...SEND,
    topic: "V",
    clientDefaultTopicQueueNums: -1,
  });
  assertEquals(none?.writeQueueNums, 0);
});

Deno.test("createTopicInSendMessage() creates nothing after a topic that is not there or is not inherited", async () => {
  await using tables = setupTables();
  const topics = tables.openTopics();
  topics.update(config("MODEL", { perm: 6 }), new Map());
  for (const defaultTopic of ["MODEL", "NONE"]) {
    assertEquals(topics.createTopicInSendMessage({ ...SEND, defaultTopic }), undefined);
  }
  assertEquals(topics.get("T"), undefined);
});

Deno.test("TBW102 follows the settings, whatever the file says", async () => {
  await using tables = setupTables();
  const topics = tables.openTopics();
  topics.createTopicInSendMessage(SEND);
  await topics.published();
  tables.settings.defaultTopicQueueNums = 2;
  assertEquals(tables.openTopics().get("TBW102")?.writeQueueNums, 2);
  tables.settings.autoCreateTopicEnable = false;
  const off = tables.openTopics();
  assertEquals(off.get("TBW102"), undefined);
  assertEquals(off.createTopicInSendMessage({ ...SEND, topic: "U" }), undefined);
  tables.settings.autoCreateTopicEnable = true;
  off.settingsChanged();
  assertEquals(off.createTopicInSendMessage({ ...SEND, topic: "U" })?.writeQueueNums, 2);
});

Deno.test("every change has its own dataVersion and is announced and on disk with published()", async () => {
  await using tables = setupTables();
  const topics = tables.openTopics();
  assertEquals(topics.dataVersion, { counter: 0, stateVersion: 0, timestamp: 1_000_000 });
  tables.clock.millis++;
  topics.createTopicInSendMessage(SEND);
  topics.createTopicInSendMessageBack({ topic: "%RETRY%G", queueNums: 1 });
  topics.createTopicInSendMessageBack({ topic: "%RETRY%G", queueNums: 5 });
  assertEquals(topics.dataVersion, { counter: 2, stateVersion: 0, timestamp: 1_000_001 });
  await topics.published();
  assertEquals(tables.changes.count, 2);
  const again = tables.openTopics();
  assertEquals(again.get("%RETRY%G"), topics.get("%RETRY%G"));
  assertEquals(again.dataVersion, topics.dataVersion);
  assert(again.delete("T"));
  assert(!again.delete("T"));
  assertEquals(again.dataVersion.counter, 3);
});

Deno.test("createTopicInSendMessageBack() follows the order of the group's topics", async () => {
  await using tables = setupTables();
  const topics = tables.openTopics();
  topics.createTopicInSendMessageBack({ topic: "%RETRY%G", queueNums: 1 });
  topics.createTopicInSendMessageBack({ topic: "%RETRY%G", queueNums: 1, order: true });
  assertEquals(topics.get("%RETRY%G")?.order, true);
});

Deno.test("update() changes attributes by signed keys and nothing when all is the same", async () => {
  await using tables = setupTables();
  const topics = tables.openTopics();
  topics.update(config("T"), new Map([["+message.type", "FIFO"]]));
  topics.update(config("T"), new Map());
  assertEquals(topics.dataVersion.counter, 1);
  assertEquals(topics.get("T")?.attributes, { "message.type": "FIFO" });
  for (
    const [key, value, reason] of [
      ["-cleanup.policy", "", "attempt to delete a nonexistent key: cleanup.policy"],
      ["+nonsense", "1", "unsupported key: nonsense"],
      ["+queue.type", "SimpleCQ", "attempt to update an unchangeable attribute. key: queue.type"],
      ["+message.type", "LOUD", "value is not in set"],
    ] as const
  ) {
    assertThrows(() => topics.update(config("T"), new Map([[key, value]])), RangeError, reason);
  }
  topics.update(config("T"), new Map([["-message.type", ""]]));
  assertEquals(topics.get("T")?.attributes, {});
});

Deno.test("TopicTable loads Apache's file", async () => {
  await using tables = setupTables();
  tables.write(
    "topics.json",
    `{
\t"dataVersion":{
\t\t"counter":7,
\t\t"stateVersion":0,
\t\t"timestamp":1795506708693
\t},
\t"topicConfigTable":{
\t\t"A":{
\t\t\t"attributes":{"message.type":"DELAY"},
\t\t\t"order":false,
\t\t\t"perm":6,
\t\t\t"readQueueNums":4,
\t\t\t"topicFilterType":"SINGLE_TAG",
\t\t\t"topicName":"A",
\t\t\t"topicSysFlag":0,
\t\t\t"writeQueueNums":2
\t\t}
\t}
}`,
  );
  const topics = tables.openTopics();
  assertEquals(topics.dataVersion.counter, 7);
  assertEquals(
    topics.get("A"),
    config("A", { readQueueNums: 4, writeQueueNums: 2, attributes: { "message.type": "DELAY" } }),
  );
});

Deno.test("TopicTable keeps fields that it does not know, also of a topic that changes", async () => {
  await using tables = setupTables();
  const row = { ...config("A"), ofALaterVersion: { a: [1] } };
  tables.write("topics.json", JSON.stringify({ topicConfigTable: { A: row } }));
  const topics = tables.openTopics();
  topics.update(config("A", { readQueueNums: 5 }), new Map());
  await topics.published();
  const { topicConfigTable } = tables.read("topics.json");
  assertEquals(topicConfigTable["A"], { ...row, readQueueNums: 5 });
});

Deno.test("TopicTable does not start over a file that is damaged without a copy", async () => {
  await using tables = setupTables();
  tables.write("topics.json", '{"topicConfigTable":{"A":{}}}');
  assertThrows(() => tables.openTopics(), CorruptStoreError, "topics.json");
});
