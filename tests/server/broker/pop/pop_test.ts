import { assertEquals, assertStringIncludes } from "@std/assert";
import { PEEK_MESSAGE, POLLING_INFO } from "../../../../client/protocol/commands/pop.ts";
import { decodeMessages } from "../../../../client/protocol/message_record.ts";
import { ResponseCode } from "../../../../client/protocol/response_code.ts";
import { createSubscriptionGroupConfig } from "../../../../client/protocol/subscription_group_config.ts";
import { createTopicConfig } from "../../../../client/protocol/topic_config.ts";
import { type PopAnswer, PopBroker, unreliableFileSystem } from "./pop_broker.ts";

const texts = (answer: PopAnswer) => answer.messages.map(({ text }) => text);
const tagged = (tag: string) => `TAGS\u0001${tag}\u0002`;

Deno.test("POP_MESSAGE gives messages once, and again when they are not acknowledged in time", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a", "b", "c"]);
  const first = await broker.pop1("T");
  assertEquals(texts(first), ["a", "b", "c"]);
  assertEquals(first.fields.get("startOffsetInfo"), "0 0 0");
  assertEquals(first.fields.get("msgOffsetInfo"), "0 0 0,1,2");
  assertEquals((await broker.pop1("T")).code, ResponseCode.POLLING_TIMEOUT);
  assertEquals(await broker.ack(first.messages[1]!), ResponseCode.SUCCESS);
  await broker.pass(59_999);
  assertEquals((await broker.pop1("T")).code, ResponseCode.POLLING_TIMEOUT);
  await broker.pass(1);
  await broker.until(() => broker.maxOffset("%RETRY%g_T") === 2);
  const again = await broker.pop1("T");
  assertEquals(texts(again), ["a", "c"]);
  assertEquals(again.messages.map(({ topic, reconsumeTimes }) => [topic, reconsumeTimes]), [
    ["T", 1],
    ["T", 1],
  ]);
  assertEquals(again.fields.get("startOffsetInfo"), "1 0 0");
  for (const message of again.messages) {
    assertEquals(await broker.ack(message), ResponseCode.SUCCESS);
  }
  await broker.pass(120_000);
  assertEquals(texts(await broker.pop1("T")), []);
});

Deno.test("POP_MESSAGE gives at most what is asked for, and says how many are left", async () => {
  await using broker = await PopBroker.start();
  broker.createTopic("T", 2);
  broker.send("T", ["a", "b", "c"], 0);
  broker.send("T", ["d", "e"], 1);
  const answer = await broker.pop1("T", { maxMsgNums: 4 });
  assertEquals(answer.messages.length, 4);
  assertEquals(answer.fields.get("restNum"), "1");
  assertEquals((await broker.pop1("T", { queueId: 1 })).messages.length, 1);
  assertEquals((await broker.pop1("T", { maxMsgNums: 33 })).code, ResponseCode.INVALID_PARAMETER);
});

Deno.test("POP_MESSAGE filters by tags and by SQL, and does not come back to what nobody wanted", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a"], 0, tagged("x"));
  broker.send("T", ["b"], 0, tagged("y"));
  broker.send("T", ["c"], 0, "n\u00015\u0002");
  assertEquals(texts(await broker.pop1("T", { exp: "x || z", expType: "TAG" })), ["a"]);
  assertEquals(texts(await broker.pop1("T")), []);
  const sql = { consumerGroup: "g2", exp: "n > 4", expType: "SQL92" };
  assertEquals(texts(await broker.pop1("T", sql)), ["c"]);
  const wrong = await broker.pop1("T", { exp: "n >", expType: "SQL92" });
  assertEquals(wrong.code, ResponseCode.SUBSCRIPTION_PARSE_FAILED);
});

Deno.test("a message that comes again is filtered like any other", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a"], 0, tagged("x"));
  await broker.pop1("T", { exp: "x", expType: "TAG", invisibleTime: 1_000 });
  await broker.pass(1_000);
  await broker.until(() => broker.maxOffset("%RETRY%g_T") === 1);
  assertEquals(texts(await broker.pop1("T", { exp: "x", expType: "TAG" })), ["a"]);
});

Deno.test("a group without an offset begins where its pop says", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a", "b"]);
  await using old = await broker.restart();
  // What was there before the start is not in memory, so a new group begins with the last message.
  assertEquals(texts(await old.pop1("T", { consumerGroup: "g2", initMode: 1 })), ["b"]);
  assertEquals(texts(await old.pop1("T", { consumerGroup: "g1", initMode: 0 })), ["a", "b"]);
  old.send("U", ["c", "d"]);
  assertEquals(texts(await old.pop1("U", { consumerGroup: "g3", initMode: 1 })), ["c", "d"]);
});

Deno.test("a reset sends a group back to messages that it has popped", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a", "b", "c"]);
  await broker.pop1("T");
  broker.offsets.assignResetOffset("g", "T", 0, 1);
  assertEquals(texts(await broker.pop1("T")), ["b", "c"]);
  await broker.offsets.flush();
  // Also when the broker dies: what was popped before the reset does not count.
  broker.offsets.assignResetOffset("g", "T", 0, 0);
  await broker.offsets.flush();
  await using killed = await broker.afterKill();
  assertEquals(texts(await killed.pop1("T")), ["a", "b", "c"]);
  await using third = await killed.afterKill();
  third.offsets.assignResetOffset("g", "T", 0, 1);
  await third.offsets.flush();
  await using fourth = await third.afterKill();
  assertEquals(texts(await fourth.pop1("T")), ["b", "c"]);
});

Deno.test("a group's offset follows what it has popped, once that is on the disk", async () => {
  await using broker = await PopBroker.start({ config: { flushIntervalCommitLog: 600_000 } });
  broker.send("T", ["a", "b", "c"]);
  await broker.pop1("T", { maxMsgNums: 2 });
  await broker.pass(500);
  // A power loss might still take the record of the pop.
  assertEquals(broker.offsets.queryOffset("g", "T", 0), 0);
  await broker.store.checkpoint();
  await broker.pass(500);
  assertEquals(broker.offsets.queryOffset("g", "T", 0), 2);
  // Somebody who pulls for the group commits for it.
  broker.offsets.commitOffset("g", "T", 0, 3);
  assertEquals(texts(await broker.pop1("T")), []);
});

Deno.test("POP_MESSAGE is refused for what is not there or not allowed", async () => {
  await using broker = await PopBroker.start({ config: { autoCreateSubscriptionGroup: false } });
  const code = async (fields: Parameters<PopBroker["pop1"]>[1]) =>
    (await broker.pop1("T", fields)).code;
  assertEquals(await code({}), ResponseCode.TOPIC_NOT_EXIST);
  broker.createTopic("T", 2);
  assertEquals(await code({}), ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
  broker.groups.update(createSubscriptionGroupConfig("g"));
  assertEquals(await code({}), ResponseCode.POLLING_TIMEOUT);
  assertEquals(await code({ queueId: 2 }), ResponseCode.INVALID_PARAMETER);
  broker.groups.update({ ...createSubscriptionGroupConfig("g"), consumeEnable: false });
  assertEquals(await code({}), ResponseCode.NO_PERMISSION);
  broker.topics.update(createTopicConfig("T", { perm: 2 }), new Map());
  assertEquals(await code({}), ResponseCode.NO_PERMISSION);
  broker.config.brokerPermission = 2;
  assertEquals(await code({}), ResponseCode.NO_PERMISSION);
});

Deno.test("PEEK_MESSAGE shows messages and leaves them there", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a", "b"]);
  const peek = () =>
    broker.ask(PEEK_MESSAGE, { consumerGroup: "g", topic: "T", queueId: -1, maxMsgNums: 1 });
  for (let time = 0; time < 2; time++) {
    const answer = await peek();
    assertEquals(decodeMessages(answer.body).map(({ queueOffset }) => queueOffset), [0]);
    assertEquals(answer.extFields.get("restNum"), "2");
  }
  await broker.pop1("T");
  assertEquals((await peek()).code, ResponseCode.PULL_NOT_FOUND);
});

Deno.test("a group gets no more from a queue of which it has too much in flight", async () => {
  await using broker = await PopBroker.start({
    config: { enablePopMessageThreshold: true, popInflightMessageThreshold: 1 },
  });
  broker.send("T", ["a", "b", "c"]);
  const first = await broker.pop1("T", { maxMsgNums: 2 });
  assertEquals(texts(await broker.pop1("T")), []);
  const waiting = broker.pop1("T", { pollTime: 10_000 });
  await broker.until(() => true);
  for (const message of first.messages) await broker.ack(message);
  assertEquals(texts(await waiting), ["c"]);
});

Deno.test("pops in flight are bounded", async () => {
  await using broker = await PopBroker.start({ config: { popCkMaxBufferSize: 2 } });
  broker.send("T", ["a", "b", "c"]);
  const first = await broker.pop1("T", { maxMsgNums: 1 });
  await broker.pop1("T", { maxMsgNums: 1 });
  assertEquals(texts(await broker.pop1("T")), []);
  await broker.ack(first.messages[0]!);
  assertEquals(texts(await broker.pop1("T")), ["c"]);
});

Deno.test("a reset is done when the log has it too, so that no pop from before counts after a power loss", async () => {
  const fileSystem = unreliableFileSystem();
  await using broker = await PopBroker.start({
    fileSystem,
    config: { flushDiskType: "SYNC_FLUSH" },
  });
  broker.send("T", ["a", "b"]);
  await broker.until(() => broker.maxOffset("T") === 2);
  const held = Promise.withResolvers<void>();
  // The broker cannot stop before.
  using _release = { [Symbol.dispose]: held.resolve };
  fileSystem.syncsAfter = held.promise;
  const popping = broker.pop1("T");
  await broker.until(() => broker.pop.table.find("T", "g", 0)?.uncommittedCount === 1);
  broker.offsets.assignResetOffset("g", "T", 0, 0);
  let isDone = false;
  const flushed = broker.offsets.flush().then(() => isDone = true);
  broker.createTopic("Other");
  await broker.topics.published();
  assertEquals(isDone, false);
  held.resolve();
  await flushed;
  assertEquals(broker.store.stats.durableOffset, broker.store.stats.maxOffset);
  assertEquals(texts(await popping), ["a", "b"]);
});

Deno.test("a disk that is full refuses pops and acks, and loses nothing", async () => {
  const fileSystem = unreliableFileSystem();
  await using broker = await PopBroker.start({ fileSystem });
  broker.send("T", ["a", "b"]);
  const first = await broker.pop1("T", { maxMsgNums: 1 });
  fileSystem.isFull = true;
  const refused = await broker.pop1("T");
  assertEquals(refused.code, ResponseCode.SYSTEM_ERROR);
  assertStringIncludes(refused.remark!, "pop message failed");
  assertEquals(await broker.ack(first.messages[0]!), ResponseCode.SYSTEM_ERROR);
  // Its time is over meanwhile: it is given back when the disk has room again.
  await broker.pass(60_000);
  await broker.until(() => broker.lines.some((line) => line.includes("cannot give messages back")));
  fileSystem.isFull = false;
  await broker.pass(2_000);
  await broker.until(() => broker.maxOffset("%RETRY%g_T") === 1);
  assertEquals(texts(await broker.pop1("T")).sort(), ["a", "b"]);
});

Deno.test("POLLING_INFO tells how many pops wait", async () => {
  await using broker = await PopBroker.start();
  broker.createTopic("T");
  const header = { consumerGroup: "g", topic: "T", queueId: -1 };
  const count = async () => (await broker.ask(POLLING_INFO, header)).extFields.get("pollingNum");
  assertEquals(await count(), "0");
  const waiting = broker.pop1("T", { pollTime: 1_000 });
  assertEquals(await count(), "1");
  await broker.pass(1_000);
  assertEquals((await waiting).code, ResponseCode.POLLING_TIMEOUT);
});
