/** What a user does with the TypeScript client, and what has to come of it: the same with Comet and with Apache. */

import { PullConsumer } from "../../../client/mod.ts";
import { expectEqual, type ScenarioContext, textOf } from "./scenario_context.ts";

interface Scenario {
  readonly name: string;
  readonly restartsServer?: boolean;
  body(context: ScenarioContext): Promise<void>;
}

export const SCENARIOS: readonly Scenario[] = [
  { name: "sends of all kinds", body: sends },
  { name: "members share queues", body: sharedQueues },
  { name: "retry", body: retry },
  { name: "orderly consumer", body: orderly },
  { name: "transaction", body: transaction },
  { name: "request and reply", body: request },
  { name: "pull consumer", body: pulls },
  {
    name: "server restart: graceful",
    restartsServer: true,
    body: (context) => restart(context, "graceful"),
  },
  {
    name: "server restart: kill -9",
    restartsServer: true,
    body: (context) => restart(context, "kill"),
  },
];

async function sends(context: ScenarioContext): Promise<void> {
  const { topic } = context;
  const producer = context.producer();
  const big = "0123456789".repeat(20_000);
  await producer.send({ topic, body: "plain", tags: "a", keys: ["k1", "k2"] });
  await producer.send({ topic, body: big, properties: { größe: "groß" } });
  await producer.sendBatch([{ topic, body: "b1" }, { topic, body: "b2" }]);
  await producer.sendOneway({ topic, body: "oneway" });
  const sentAt = Date.now();
  await producer.send({ topic, body: "delayed", delayTimeLevel: 1 });
  const seen = new Map<string, { tags: string | undefined; keys: readonly string[] }>();
  let delayedAt = 0;
  await context.consumer((message) => {
    const body = textOf(message);
    if (body === "delayed") delayedAt = Date.now();
    seen.set(body, message);
  });
  await context.eventually("six messages", () => seen.size === 6, () => [...seen.keys()]);
  expectEqual(seen.has(big), true, "the big one is whole");
  expectEqual([seen.get("plain")!.tags, seen.get("plain")!.keys], ["a", ["k1", "k2"]], "plain");
  if (delayedAt - sentAt < 950) throw new Error(`${delayedAt - sentAt} ms is too early`);
}

async function sharedQueues(context: ScenarioContext): Promise<void> {
  const producer = context.producer();
  const seen = new Map<string, string>();
  for (const member of ["a", "b"]) {
    await context.consumer((message) => void seen.set(textOf(message), member));
  }
  let count = 0;
  await context.eventually("both members to get messages", () => {
    producer.send({ topic: context.topic, body: String(count++) });
    return new Set(seen.values()).size === 2;
  }, () => [...seen]);
  await context.eventually("every message", () => seen.size === count, () => [count, seen.size]);
}

async function retry(context: ScenarioContext): Promise<void> {
  await context.producer().send({ topic: context.topic, body: "hard" });
  const tries: number[] = [];
  await context.consumer(({ reconsumeTimes }) => {
    tries.push(reconsumeTimes);
    return reconsumeTimes === 0 ? "RECONSUME_LATER" : "CONSUME_SUCCESS";
  });
  await context.eventually("a second try", () => tries.length === 2, () => tries);
  expectEqual(tries, [0, 1], "reconsumeTimes");
}

async function orderly(context: ScenarioContext): Promise<void> {
  const producer = context.producer();
  const bodies = Array.from({ length: 10 }, (_, index) => String(index));
  for (const body of bodies) {
    await producer.send({ topic: context.topic, body }, { shardingKey: "one" });
  }
  const seen: string[] = [];
  await context.consumer((message) => {
    seen.push(textOf(message));
    return seen.length === 4 ? "RECONSUME_LATER" : "CONSUME_SUCCESS";
  }, { orderly: true, suspendCurrentQueueTimeMillis: 50 });
  await context.eventually("all messages", () => seen.length === 11, () => seen);
  expectEqual(seen, [...bodies.slice(0, 4), ...bodies.slice(3)], "the order");
}

async function transaction(context: ScenarioContext): Promise<void> {
  const { topic } = context;
  const producer = context.producer({
    checkTransaction: (message) => textOf(message) === "asked" ? "COMMIT" : "ROLLBACK",
  });
  await producer.sendInTransaction({ topic, body: "back" }, () => "ROLLBACK");
  await producer.sendInTransaction({ topic, body: "asked" }, () => "UNKNOWN");
  await producer.sendInTransaction({ topic, body: "there" }, () => "COMMIT");
  const seen: string[] = [];
  await context.consumer((message) => void seen.push(textOf(message)));
  await context.eventually("both", () => seen.length >= 2, () => seen);
  expectEqual(seen.sort(), ["asked", "there"], "what was committed");
}

async function request(context: ScenarioContext): Promise<void> {
  const producer = context.producer();
  await producer.send({ topic: context.topic, body: "so that the topic is there" });
  const consumer = await context.consumer(async (message) => {
    if (message.properties["CORRELATION_ID"] !== undefined) {
      await consumer.reply(message, `${textOf(message)}!`);
    }
  });
  const answer = await producer.request({ topic: context.topic, body: "ping" }, 30_000);
  expectEqual(textOf(answer), "ping!", "the answer");
}

async function pulls(context: ScenarioContext): Promise<void> {
  const { queue } = await context.producer().send({ topic: context.topic, body: "one" });
  await using consumer = new PullConsumer({
    nameServers: context.nameServers,
    group: context.group,
  });
  const found = await consumer.pull(queue, 0);
  expectEqual([found.status, found.messages.map(textOf)], ["FOUND", ["one"]], "the pull");
  expectEqual((await consumer.pull(queue, 1)).status, "NO_NEW_MSG", "the pull at the end");
  await consumer.commit(queue, 1);
  expectEqual(await consumer.committed(queue), 1, "the offset");
  expectEqual(await consumer.maxOffset(queue), 1, "the end");
}

async function restart(context: ScenarioContext, mode: "graceful" | "kill"): Promise<void> {
  const producer = context.producer();
  const acknowledged = new Set<string>();
  const send = async (body: string) => {
    await producer.send({ topic: context.topic, body }).then(
      () => acknowledged.add(body),
      () => {},
    );
  };
  const seen = new Set<string>();
  await context.consumer((message) => void seen.add(textOf(message)), { onError: () => {} });
  for (let index = 0; index < 20; index++) await send(`before ${index}`);
  await context.restartServer(mode);
  await context.eventually("sends to work again", () => {
    send(`after ${acknowledged.size}`);
    return [...acknowledged].some((body) => body.startsWith("after"));
  }, () => acknowledged.size);
  await context.eventually(
    "all that was acknowledged",
    () => [...acknowledged].every((body) => seen.has(body)),
    () => [...acknowledged].filter((body) => !seen.has(body)),
  );
}
