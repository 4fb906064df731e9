import { assertEquals } from "@std/assert";
import { parseProperties } from "../../../../client/protocol/message.ts";
import { decodeMessages } from "../../../../client/protocol/message_record.ts";
import { ResponseCode } from "../../../../client/protocol/response_code.ts";
import { createSubscriptionGroupConfig } from "../../../../client/protocol/subscription_group_config.ts";
import { type PopAnswer, PopBroker } from "./pop_broker.ts";

const texts = (answer: PopAnswer) => answer.messages.map(({ text }) => text);

/** Lets the messages that are in flight come again. */
async function passAndWait(broker: PopBroker, topic: string, count: number): Promise<void> {
  await broker.pass(1_000);
  await broker.until(() => broker.maxOffset(topic) === count);
}

async function recordsOf(broker: PopBroker, topic: string) {
  const options = { queueOffset: 0, maxMsgNums: 32, maxMsgBytes: 1e6, filter: undefined };
  const { parts } = await broker.store.getMessage(topic, 0, options);
  return parts.flatMap((part) => decodeMessages(part.slice()));
}

Deno.test("a message that comes again keeps what it had, and tells when it was popped first", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a"], 0, "KEYS\u0001k\u0002TAGS\u0001x\u0002");
  const popTime = broker.clock.now();
  await broker.pop1("T", { invisibleTime: 1_000 });
  await passAndWait(broker, "%RETRY%g_T", 1);
  // Without its topic nobody would find the message after a crash.
  const topics = JSON.parse(Deno.readTextFileSync(`${broker.folder}/config/topics.json`));
  assertEquals(topics.topicConfigTable["%RETRY%g_T"].readQueueNums, 1);
  const [copy] = await recordsOf(broker, "%RETRY%g_T");
  const properties = parseProperties(copy!.properties);
  properties.delete("__CRC32#");
  assertEquals(Object.fromEntries(properties), {
    KEYS: "k",
    TAGS: "x",
    "1ST_POP_TIME": String(popTime),
  });
  assertEquals([copy!.reconsumeTimes, copy!.queueId], [1, 0]);
  // Both are kept when it comes for the third time, through the same topic.
  await broker.pop1("T", { invisibleTime: 1_000 });
  await passAndWait(broker, "%RETRY%g_T", 2);
  const [, second] = await recordsOf(broker, "%RETRY%g_T");
  assertEquals(second!.reconsumeTimes, 2);
  assertEquals(parseProperties(second!.properties).get("1ST_POP_TIME"), String(popTime));
});

Deno.test("a message that came too often goes to the group's dead letters", async () => {
  await using broker = await PopBroker.start();
  broker.groups.update({ ...createSubscriptionGroupConfig("g"), retryMaxTimes: 1 });
  broker.send("T", ["a"]);
  await broker.pop1("T", { invisibleTime: 1_000 });
  await passAndWait(broker, "%RETRY%g_T", 1);
  await broker.pop1("T", { invisibleTime: 1_000 });
  await passAndWait(broker, "%DLQ%g", 1);
  assertEquals(texts(await broker.pop1("T")), []);
  const [dead] = await recordsOf(broker, "%DLQ%g");
  assertEquals(dead!.reconsumeTimes, 2);
  const properties = parseProperties(dead!.properties);
  assertEquals(properties.get("DLQ_ORIGIN_TOPIC"), "T");
  assertEquals(properties.get("RETRY_TOPIC"), "T");
  assertEquals(broker.topics.get("%DLQ%g")?.readQueueNums, 1);
});

Deno.test("messages come again through a topic of the second spelling, and those of the first are not forgotten", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a"]);
  await broker.pop1("T", { invisibleTime: 1_000 });
  await passAndWait(broker, "%RETRY%g_T", 1);
  broker.config.enableRetryTopicV2 = true;
  broker.send("T", ["b"]);
  // Whatever comes first, it is one spelling at a time.
  const first = await broker.pop1("T", { queueId: 0, invisibleTime: 1_000 });
  assertEquals(texts(first).sort(), ["a", "b"]);
  await broker.pass(1_000);
  await broker.until(() =>
    broker.maxOffset("%RETRY%g_T") === 2 && broker.maxOffset("%RETRY%g+T") === 1
  );
  const found = [...texts(await broker.pop1("T")), ...texts(await broker.pop1("T"))];
  assertEquals(found.sort(), ["a", "b"]);
});

Deno.test("messages that come again carry their retry topic's name when that is set", async () => {
  await using broker = await PopBroker.start({
    config: { popResponseReturnActualRetryTopic: true, enableRetryTopicV2: true },
  });
  broker.send("T", ["a"]);
  await broker.pop1("T", { invisibleTime: 1_000 });
  await passAndWait(broker, "%RETRY%g+T", 1);
  const { messages, fields } = await broker.pop1("T");
  assertEquals(messages.map(({ topic }) => topic), ["%RETRY%g+T"]);
  assertEquals(fields.get("msgOffsetInfo"), "2 0 0");
  assertEquals(await broker.ack(messages[0]!), 0);
});

Deno.test("nobody gets messages of a topic or a group that is gone meanwhile", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a"]);
  broker.send("U", ["b"]);
  await broker.pop1("T", { invisibleTime: 1_000 });
  await broker.pop1("U", { invisibleTime: 1_000, consumerGroup: "h" });
  broker.topics.delete("T");
  broker.groups.delete("h");
  await broker.pass(1_000);
  await broker.until(() => reviveDone(broker));
  assertEquals(broker.maxOffset("%RETRY%g_T"), 0);
  assertEquals(broker.maxOffset("%RETRY%h_U"), 0);
});

Deno.test("what was popped of a topic or by a group does not count for another of its name", async () => {
  await using broker = await PopBroker.start({ config: { flushIntervalCommitLog: 600_000 } });
  broker.send("T", ["a", "b"]);
  const { messages } = await broker.pop1("T", { invisibleTime: 1_000 });
  broker.offsets.removeTopic("T");
  assertEquals(await broker.ack(messages[0]!), ResponseCode.NO_MESSAGE);
  await broker.store.checkpoint();
  await broker.pass(2_000);
  assertEquals(broker.offsets.queryOffset("g", "T", 0), -1);
  assertEquals(broker.maxOffset("%RETRY%g_T"), 0);
  assertEquals(texts(await broker.pop1("T")), ["a", "b"]);
  broker.offsets.removeGroup("g");
  await broker.saved();
  await using killed = await broker.afterKill();
  await killed.pass(60_000);
  assertEquals(killed.maxOffset("%RETRY%g_T"), 0);
});

/** Whether both pops have been ended by a record. */
function reviveDone(broker: PopBroker): boolean {
  const topic = "rmq_sys_REVIVE_LOG_DefaultCluster";
  return broker.maxOffset(topic, 0) === 2 && broker.maxOffset(topic, 1) === 2;
}

Deno.test("many messages come again in batches, and each once", async () => {
  await using broker = await PopBroker.start();
  const sent = Array.from({ length: 1_000 }, (_, index) => String(index));
  broker.send("T", sent);
  for (let popped = 0; popped < sent.length;) {
    popped += (await broker.pop1("T", { invisibleTime: 1_000 })).messages.length;
  }
  await passAndWait(broker, "%RETRY%g_T", sent.length);
  const found: string[] = [];
  for (;;) {
    const answer = await broker.pop1("T");
    if (answer.messages.length === 0) break;
    found.push(...texts(answer));
  }
  assertEquals(found, sent);
});
