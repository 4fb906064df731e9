import { assertEquals, assertRejects } from "@std/assert";
import {
  Producer,
  PullConsumer,
  PushConsumer,
  type PushConsumerOptions,
  type ReceivedMessage,
  RemotingError,
  RequestTimeoutError,
} from "../../client/mod.ts";
import { type Comet, startComet } from "../helpers/comet.ts";
import { eventually } from "../helpers/eventually.ts";

const FLAGS = [
  ...["--set", "messageDelayLevel=1s 1s 1s 1s 1s 1s"],
  ...["--set", "transactionTimeOut=300", "--set", "transactionCheckInterval=300"],
];

function text({ body }: ReceivedMessage): string {
  return new TextDecoder().decode(body);
}

function options({ namesrvPort }: Comet) {
  // A server that stops first is no failure here.
  return { nameServers: `127.0.0.1:${namesrvPort}`, onError: () => {} };
}

async function consume(
  comet: Comet,
  more: Omit<PushConsumerOptions, "nameServers">,
  topic: string,
) {
  const consumer = new PushConsumer({
    consumeFrom: "CONSUME_FROM_FIRST_OFFSET",
    ...options(comet),
    ...more,
  });
  return await consumer.subscribe(topic).start();
}

Deno.test("Producer and PullConsumer: what is sent is found by queue, offset and time", async () => {
  await using comet = await startComet(await Deno.makeTempDir(), FLAGS);
  await using producer = new Producer(options(comet));
  const sent = await producer.send({
    topic: "Orders",
    body: "hello",
    tags: "new",
    keys: ["a", "b"],
    properties: { color: "blue" },
  });
  assertEquals([sent.sendStatus, sent.queueOffset], ["SEND_OK", 0]);
  await using consumer = new PullConsumer({ ...options(comet), group: "pulling" });
  const { status, messages, nextBeginOffset } = await consumer.pull(sent.queue, 0);
  const [message] = messages;
  assertEquals([status, messages.length, nextBeginOffset], ["FOUND", 1, 1]);
  assertEquals([text(message!), message!.tags, message!.keys], ["hello", "new", ["a", "b"]]);
  assertEquals([message!.msgId, message!.offsetMsgId], [sent.msgId, sent.offsetMsgId]);
  assertEquals(message!.properties["color"], "blue");
  assertEquals((await consumer.pull(sent.queue, 0, { expression: "old" })).messages, []);
  const bySql = await consumer.pull(sent.queue, 0, { expression: { sql: "color = 'blue'" } });
  assertEquals(bySql.messages.length, 1);
  assertEquals(await consumer.committed(sent.queue), 0);
  await consumer.commit(sent.queue, 1);
  assertEquals(await consumer.committed(sent.queue), 1);
  assertEquals([await consumer.minOffset(sent.queue), await consumer.maxOffset(sent.queue)], [
    0,
    1,
  ]);
  assertEquals(await consumer.offsetByTime(sent.queue, message!.storeTimestamp + 1), 1);
  await assertRejects(() => consumer.queues("Nowhere"), RemotingError, "Nowhere");
});

Deno.test("Producer: batches stay together, a sharding key chooses the queue, oneway needs no answer", async () => {
  await using comet = await startComet(await Deno.makeTempDir(), FLAGS);
  await using producer = new Producer(options(comet));
  const seen: ReceivedMessage[] = [];
  const bodies = ["1", "2", "3"];
  const batch = await producer.sendBatch(bodies.map((body) => ({ topic: "Batches", body })));
  assertEquals(batch.msgId.split(",").length, 3);
  const placed = new Set<number>();
  for (const body of ["4", "5"]) {
    const { queue } = await producer.send({ topic: "Batches", body }, { shardingKey: "order-7" });
    placed.add(queue.queueId);
  }
  assertEquals(placed.size, 1);
  await producer.sendOneway({ topic: "Batches", body: "6" });
  await using _ = await consume(comet, {
    group: "batching",
    onMessages: ([message]) => void seen.push(message!),
  }, "Batches");
  await eventually("all to come", () => seen.length === 6);
  assertEquals(seen.map(text).sort(), ["1", "2", "3", "4", "5", "6"]);
  const ofBatch = seen.filter((message) => bodies.includes(text(message)));
  assertEquals(ofBatch.map(text), bodies);
  await assertRejects(() => producer.sendBatch([]), TypeError, "at least one");
  await assertRejects(
    () => producer.sendBatch([{ topic: "a", body: "" }, { topic: "b", body: "" }]),
    TypeError,
    "one topic",
  );
});

Deno.test("PushConsumer: members share the queues, and what one has not finished the other gets", async () => {
  await using comet = await startComet(await Deno.makeTempDir(), FLAGS);
  await using producer = new Producer(options(comet));
  const bodies = Array.from({ length: 40 }, (_, index) => String(index));
  const seen: [member: string, body: string][] = [];
  const member = (name: string) =>
    consume(comet, {
      group: "sharing",
      onMessages: ([message]) => void seen.push([name, text(message!)]),
    }, "Shared");
  await producer.send({ topic: "Shared", body: "first" });
  await using _ = await member("a");
  {
    await using _other = await member("b");
    await eventually("both to have queues", async () => {
      for (const body of bodies) await producer.send({ topic: "Shared", body });
      return new Set(seen.map(([name]) => name)).size === 2;
    });
  }
  const before = seen.length;
  for (let count = 0; count < 8; count++) await producer.send({ topic: "Shared", body: "last" });
  await eventually("one to get all", () => seen.length >= before + 8);
  assertEquals(new Set(seen.slice(before).map(([name]) => name)), new Set(["a"]));
});

Deno.test("PushConsumer: what a listener throws on comes again, and is a dead letter in the end", async () => {
  await using comet = await startComet(await Deno.makeTempDir(), FLAGS);
  await using producer = new Producer(options(comet));
  const tries: [number, string][] = [];
  await producer.send({ topic: "Hard", body: "no" });
  await using _ = await consume(comet, {
    group: "failing",
    maxReconsumeTimes: 2,
    onMessages: ([message]) => {
      tries.push([message!.reconsumeTimes, message!.topic]);
      throw new Error("cannot");
    },
  }, "Hard");
  await using letters = new PullConsumer({ ...options(comet), group: "looking" });
  const queue = { topic: "%DLQ%failing", brokerName: "broker-a", queueId: 0 };
  await eventually("the dead letter", async () => {
    const found = await letters.pull(queue, 0).catch(() => undefined);
    return found?.messages.length === 1;
  });
  assertEquals(tries, [[0, "Hard"], [1, "Hard"], [2, "Hard"]]);
});

Deno.test("PushConsumer: an orderly one tries a message again before the next", async () => {
  await using comet = await startComet(await Deno.makeTempDir(), FLAGS);
  await using producer = new Producer(options(comet));
  for (const body of ["1", "2", "3"]) {
    await producer.send({ topic: "Ordered", body }, { shardingKey: "k" });
  }
  const seen: string[] = [];
  await using _ = await consume(comet, {
    group: "ordering",
    orderly: true,
    suspendCurrentQueueTimeMillis: 10,
    onMessages: ([message]) => {
      seen.push(text(message!));
      return seen.length < 3 ? "RECONSUME_LATER" : "CONSUME_SUCCESS";
    },
  }, "Ordered");
  await eventually("all to come", () => seen.length === 5);
  assertEquals(seen, ["1", "1", "1", "2", "3"]);
});

Deno.test("Producer: a transaction is seen when it is committed, also by a check", async () => {
  await using comet = await startComet(await Deno.makeTempDir(), FLAGS);
  await using producer = new Producer({
    ...options(comet),
    group: "paying",
    checkTransaction: (message) => text(message) === "asked" ? "COMMIT" : "ROLLBACK",
  });
  const seen: string[] = [];
  const send = (body: string, outcome: "COMMIT" | "ROLLBACK" | "UNKNOWN") =>
    producer.sendInTransaction({ topic: "Payments", body }, () => outcome);
  await send("rolled back", "ROLLBACK");
  await send("asked", "UNKNOWN");
  assertEquals((await send("committed", "COMMIT")).outcome, "COMMIT");
  await using _ = await consume(comet, {
    group: "booking",
    onMessages: ([message]) => void seen.push(text(message!)),
  }, "Payments");
  await eventually("both to come", () => seen.length === 2);
  assertEquals(seen.sort(), ["asked", "committed"]);
});

Deno.test("Producer.request() gets what a consumer replies, or is told that nobody did", async () => {
  await using comet = await startComet(await Deno.makeTempDir(), FLAGS);
  await using producer = new Producer({ ...options(comet), group: "asking" });
  await assertRejects(
    () => producer.request({ topic: "Questions", body: "anyone?" }, 200),
    RequestTimeoutError,
    "within 200 ms",
  );
  const consumer: PushConsumer = await consume(comet, {
    group: "answering",
    onMessages: async ([message]) => {
      await consumer.reply(message!, `${text(message!)}!`);
    },
  }, "Questions");
  await using _ = consumer;
  const answer = await producer.request({ topic: "Questions", body: "ping" }, 8_000);
  assertEquals(text(answer), "ping!");
});

Deno.test("PushConsumer: one that listens to a broadcast gets everything, whoever else is there", async () => {
  await using comet = await startComet(await Deno.makeTempDir(), FLAGS);
  await using producer = new Producer(options(comet));
  await producer.send({ topic: "News", body: "first" });
  const seen: string[][] = [[], []];
  const listen = (index: number) =>
    consume(comet, {
      group: "readers",
      messageModel: "BROADCASTING",
      onMessages: ([message]) => void seen[index]!.push(text(message!)),
    }, "News");
  await using _a = await listen(0);
  await using _b = await listen(1);
  await producer.send({ topic: "News", body: "second" });
  await eventually("both to hear", () => seen.every((bodies) => bodies.length === 2));
  assertEquals(seen.map((bodies) => bodies.sort()), [["first", "second"], ["first", "second"]]);
});
