import { assertEquals } from "@std/assert";
import { ResponseCode } from "../../../../client/protocol/response_code.ts";
import { turn } from "./manual_clock.ts";
import { type PopAnswer, PopBroker, type Popped } from "./pop_broker.ts";

const texts = (answer: PopAnswer) => answer.messages.map(({ text }) => text);

function popInOrder(broker: PopBroker, fields: Parameters<PopBroker["pop1"]>[1] = {}) {
  return broker.pop1("T", { order: true, invisibleTime: 10_000, ...fields });
}

Deno.test("a queue that is popped in order gives nothing more until all of it is acknowledged", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a", "b", "c"]);
  const first = await popInOrder(broker, { maxMsgNums: 2 });
  assertEquals(texts(first), ["a", "b"]);
  assertEquals(first.fields.get("reviveQid"), "999");
  assertEquals(first.fields.get("orderCountInfo"), "0 0 0");
  assertEquals(texts(await popInOrder(broker)), []);
  assertEquals(await broker.ack(first.messages[1]!), ResponseCode.SUCCESS);
  assertEquals(texts(await popInOrder(broker)), []);
  assertEquals(broker.offsets.queryOffset("g", "T", 0), 0);
  assertEquals(await broker.ack(first.messages[0]!), ResponseCode.SUCCESS);
  assertEquals(texts(await popInOrder(broker)), ["c"]);
});

Deno.test("what is not acknowledged in order comes again from there, and is counted", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a", "b", "c"]);
  const first = await popInOrder(broker, { maxMsgNums: 2 });
  await broker.ack(first.messages[0]!);
  await broker.pass(10_000);
  const second = await popInOrder(broker);
  assertEquals(texts(second), ["b", "c"]);
  assertEquals(second.fields.get("orderCountInfo"), "0 qo0%1 1;0 0 0");
  await broker.pass(10_000);
  const third = await popInOrder(broker);
  assertEquals(third.fields.get("orderCountInfo"), "0 qo0%1 2;0 qo0%2 1;0 0 1");
  assertEquals(await broker.ack(second.messages[0]!), ResponseCode.NO_MESSAGE);
  assertEquals(await broker.ack(first.messages[0]!), ResponseCode.SUCCESS, "it is consumed");
});

Deno.test("the same attempt gets the same messages again", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a"]);
  assertEquals(texts(await popInOrder(broker, { attemptId: "x" })), ["a"]);
  assertEquals(texts(await popInOrder(broker, { attemptId: "y" })), []);
  assertEquals(texts(await popInOrder(broker, { attemptId: "x" })), ["a"]);
});

Deno.test("pops in order wait until the queue is free, by acknowledgement or by time", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a", "b"]);
  const first = await popInOrder(broker, { maxMsgNums: 1 });
  const second = popInOrder(broker, { maxMsgNums: 1, pollTime: 60_000 });
  await turn();
  await broker.ack(first.messages[0]!);
  assertEquals(texts(await second), ["b"]);
  const third = popInOrder(broker, { pollTime: 60_000 });
  await turn();
  await broker.pass(10_000);
  assertEquals(texts(await third), ["b"]);
});

Deno.test("a message that is popped in order can be hidden for another time", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a"]);
  const { messages: [message] } = await popInOrder(broker);
  const hidden = await broker.hide(message!, 30_000) as Popped;
  await broker.pass(29_999);
  assertEquals(texts(await popInOrder(broker)), []);
  assertEquals(await broker.ack(hidden), ResponseCode.SUCCESS);
  await broker.pass(1);
  assertEquals(texts(await popInOrder(broker)), []);
});

Deno.test("what is popped in order is so after SIGKILL, and after a stop as Apache has it", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a", "b", "c"]);
  const { messages } = await popInOrder(broker, { attemptId: "x" });
  await broker.ack(messages[0]!);
  await broker.ack(messages[2]!);
  await broker.saved();
  await using killed = await broker.afterKill();
  assertEquals(texts(await popInOrder(killed)), []);
  await using restarted = await killed.restart();
  const file = JSON.parse(
    Deno.readTextFileSync(`${restarted.folder}/config/consumerOrderInfo.json`),
  );
  const popTime = Number(messages[0]!.handle.split(" ")[1]);
  assertEquals(file.table["T@g"]["0"], {
    a: "x",
    cm: 5,
    i: 10_000,
    l: popTime,
    o: [0, 1, 2],
    oc: {},
    popTime,
  });
  assertEquals(await restarted.ack(messages[1]!), ResponseCode.SUCCESS);
  restarted.send("T", ["d"]);
  assertEquals(texts(await popInOrder(restarted)), ["d"]);
});
