import { assertEquals } from "@std/assert";
import { NOTIFICATION } from "../../../../client/protocol/commands/pop.ts";
import { ResponseCode } from "../../../../client/protocol/response_code.ts";
import { turn } from "./manual_clock.ts";
import { type PopAnswer, PopBroker } from "./pop_broker.ts";

const texts = (answer: PopAnswer) => answer.messages.map(({ text }) => text);
const WAITS = { pollTime: 10_000 };

async function withTopic(queueNums = 1, config: Parameters<typeof PopBroker.start>[0] = {}) {
  const broker = await PopBroker.start(config);
  broker.createTopic("T", queueNums);
  return broker;
}

Deno.test("a pop that waits gets a message when it arrives, together with those of the same write", async () => {
  await using broker = await withTopic(2);
  const waiting = broker.pop1("T", WAITS);
  await turn();
  broker.send("T", ["a", "b"], 1);
  assertEquals(texts(await waiting), ["a", "b"]);
});

Deno.test("a pop that waits is answered when its time is over", async () => {
  await using broker = await withTopic();
  const waiting = broker.pop1("T", WAITS);
  await turn();
  await broker.pass(10_000);
  assertEquals((await waiting).code, ResponseCode.POLLING_TIMEOUT);
});

Deno.test("of two pops that wait, each gets what the other does not take", async () => {
  await using broker = await withTopic();
  const first = broker.pop1("T", { ...WAITS, maxMsgNums: 2 });
  const second = broker.pop1("T", WAITS);
  await turn();
  broker.send("T", ["a", "b", "c"]);
  assertEquals([texts(await first), texts(await second)], [["a", "b"], ["c"]]);
});

Deno.test("one message wakes one of two pops, the other goes on waiting", async () => {
  await using broker = await withTopic();
  const pops = [broker.pop1("T", WAITS), broker.pop1("T", WAITS)];
  await turn();
  broker.send("T", ["a"]);
  assertEquals(texts(await Promise.race(pops)), ["a"]);
  broker.send("T", ["b"]);
  assertEquals((await Promise.all(pops)).flatMap(texts).sort(), ["a", "b"]);
});

Deno.test("a pop that waits for one queue is not woken by another", async () => {
  await using broker = await withTopic(2);
  const waiting = broker.pop1("T", { ...WAITS, queueId: 1 });
  await turn();
  broker.send("T", ["a"], 0);
  broker.send("T", ["b"], 1);
  assertEquals(texts(await waiting), ["b"]);
});

Deno.test("a pop that waits is woken by a message that it wants, not by others", async () => {
  await using broker = await withTopic();
  const waiting = broker.pop1("T", { ...WAITS, exp: "x", expType: "TAG" });
  await turn();
  broker.send("T", ["a"], 0, "TAGS\u0001y\u0002");
  await turn();
  broker.send("T", ["b"], 0, "TAGS\u0001x\u0002");
  assertEquals(texts(await waiting), ["b"]);
});

Deno.test("a pop that waits is woken by a message that comes again, in either spelling", async () => {
  for (const enableRetryTopicV2 of [false, true]) {
    await using broker = await withTopic(1, { config: { enableRetryTopicV2 } });
    broker.send("T", ["a"]);
    await broker.pop1("T", { invisibleTime: 1_000 });
    const waiting = broker.pop1("T", WAITS);
    await turn();
    await broker.pass(1_000);
    assertEquals(texts(await waiting), ["a"]);
  }
});

Deno.test("a pop that wants little of a long queue finds it", async () => {
  await using broker = await withTopic();
  const many = Array.from({ length: 2_500 }, (_, index) => String(index));
  broker.send("T", many, 0, "TAGS\u0001y\u0002");
  broker.send("T", ["wanted"], 0, "TAGS\u0001x\u0002");
  const waiting = broker.pop1("T", { ...WAITS, exp: "x", expType: "TAG" });
  await turn();
  await broker.pass(100);
  assertEquals(texts(await waiting), ["wanted"]);
});

Deno.test("no more pops wait than the settings allow", async () => {
  await using broker = await withTopic(1, { config: { maxPopPollingSize: 2 } });
  const waiting = [broker.pop1("T", WAITS), broker.pop1("T", { ...WAITS, queueId: 0 })];
  assertEquals((await broker.pop1("T", WAITS)).code, ResponseCode.POLLING_FULL);
  broker.pop.answerAll();
  for (const pop of waiting) assertEquals((await pop).code, ResponseCode.POLLING_TIMEOUT);
});

Deno.test("a message does not go to a client that has left while it waited", async () => {
  await using broker = await withTopic();
  const gone = broker.connect();
  const lost = broker.pop1("T", WAITS, gone).catch(() => "gone");
  await turn();
  const waiting = broker.pop1("T", WAITS);
  await turn();
  gone.close();
  assertEquals(await lost, "gone");
  await turn();
  broker.send("T", ["a"]);
  assertEquals(texts(await waiting), ["a"]);
});

Deno.test("messages that are read from the files go to one of two pops at the same time", async () => {
  await using broker = await withTopic();
  broker.send("T", ["a", "b", "c", "d"]);
  await using started = await broker.restart();
  const pops = await Promise.all([
    started.pop1("T", { ...WAITS, maxMsgNums: 2 }),
    started.pop1("T", { ...WAITS, maxMsgNums: 2 }),
  ]);
  assertEquals(pops.map(texts), [["a", "b"], ["c", "d"]]);
});

Deno.test("NOTIFICATION says whether there is something to pop, now or soon", async () => {
  await using broker = await withTopic();
  const ask = async (pollTime: number) => {
    const header = { consumerGroup: "g", topic: "T", queueId: -1, pollTime };
    return (await broker.ask(NOTIFICATION, header)).extFields.get("hasMsg");
  };
  assertEquals(await ask(0), "false");
  const waiting = ask(10_000);
  await turn();
  broker.send("T", ["a"]);
  assertEquals(await waiting, "true");
  assertEquals(await ask(0), "true");
  await broker.pop1("T", { invisibleTime: 1_000 });
  assertEquals(await ask(0), "false");
  const again = ask(10_000);
  await turn();
  await broker.pass(1_000);
  assertEquals(await again, "true");
});
