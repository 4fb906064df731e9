import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../../client/protocol/bytes.ts";
import { hostBytes } from "../../../../client/protocol/message.ts";
import { ResponseCode } from "../../../../client/protocol/response_code.ts";
import { COMMITTED_GROUP, REVIVE_GROUP } from "../../../../server/broker/pop/revive_log.ts";
import { type PopAnswer, PopBroker, STARTED_AT } from "./pop_broker.ts";

const REVIVE_TOPIC = "rmq_sys_REVIVE_LOG_DefaultCluster";
const HOST = hostBytes("10.0.0.1", 10911);
const texts = (answer: PopAnswer) => answer.messages.map(({ text }) => text);

/** Puts a record as Apache's timer does when it is due. */
function putApache(broker: PopBroker, tag: string, body: unknown, queueId = 0): void {
  broker.store.putMessage({
    topic: REVIVE_TOPIC,
    queueId,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 0,
    bornHost: HOST,
    storeHost: HOST,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: encodeUtf8(typeof body === "string" ? body : JSON.stringify(body)),
    properties: `TAGS\u0001${tag}\u0002TIMER_OUT_MS\u00011\u0002`,
  });
  broker.store.commit();
}

/** A pop of Apache's of the messages 0, 1 and 3. */
const APACHE_CHECK_POINT = {
  bm: 0,
  bn: "broker-a",
  c: "g",
  d: [0, 1, 3],
  it: 10_000,
  n: 3,
  pt: STARTED_AT,
  q: 0,
  ro: 0,
  so: 0,
  t: "T",
};
const APACHE_ACK = { ao: 1, bn: "broker-a", c: "g", pt: STARTED_AT, q: 0, so: 0, t: "T" };

Deno.test("what Apache's broker popped comes again, but for what was acknowledged there", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a", "b", "c", "d"]);
  broker.offsets.commitOffset("g", "T", 0, 4);
  broker.groups.find("g");
  // Apache has a checkpoint read a second before its time, the acknowledgements at it.
  putApache(broker, "ck", APACHE_CHECK_POINT);
  await broker.pass(10_000);
  putApache(broker, "ack", APACHE_ACK);
  await broker.pass(10_000);
  await broker.until(() => broker.maxOffset("%RETRY%g_T") === 2);
  assertEquals(texts(await broker.pop1("T")), ["a", "d"]);
  await using restarted = await broker.restart();
  assertEquals(restarted.offsets.queryOffset(REVIVE_GROUP, REVIVE_TOPIC, 0), 2);
});

Deno.test("records of Apache's that are in the log at the start count as well", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a", "b", "c", "d"]);
  broker.groups.find("g");
  await broker.saved();
  putApache(broker, "ck", APACHE_CHECK_POINT, 3);
  putApache(broker, "bAck", { ...APACHE_ACK, aol: [0, 3] }, 3);
  putApache(broker, "ck", "7-12", 3);
  await using killed = await broker.afterKill();
  await killed.pass(20_000);
  await killed.until(() => killed.maxOffset("%RETRY%g_T") === 1);
  // Where the group goes on is Apache's word; nothing was committed here.
  assertEquals(texts(await killed.pop1("T")), ["a", "b", "c", "d", "b"]);
});

Deno.test("an acknowledgement of what Apache's broker popped is recorded as Apache finds it", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a", "b", "c", "d"]);
  putApache(broker, "ck", { ...APACHE_CHECK_POINT, bn: "other-name" }, 5);
  await broker.until(() => broker.maxOffset(REVIVE_TOPIC, 5) === 1);
  await broker.pass(0);
  const handle = `0 ${STARTED_AT} 10000 5 0 other-name 0 3`;
  const message = { topic: "T", queueId: 0, queueOffset: 3, reconsumeTimes: 0, text: "", handle };
  assertEquals(await broker.ack({ ...message, realTopic: "T" }), ResponseCode.SUCCESS);
  assertEquals(broker.maxOffset(REVIVE_TOPIC, 5), 2);
  const options = { queueOffset: 1, maxMsgNums: 1, maxMsgBytes: 1, filter: undefined };
  const { parts } = await broker.store.getMessage(REVIVE_TOPIC, 5, options);
  const text = new TextDecoder().decode(parts[0]);
  const { ao, bn, c, pt, q, so, t } = JSON.parse(/\{.*?\}/.exec(text)![0]);
  assertEquals({ ao, bn, c, pt, q, so, t }, { ...APACHE_ACK, ao: 3, bn: "other-name" });
});

Deno.test("a record that makes no sense is passed over", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a"]);
  putApache(broker, "ck", "{no json", 0);
  await broker.saved();
  await using killed = await broker.afterKill();
  assertEquals(texts(await killed.pop1("T")), ["a"]);
  assert(killed.lines.some((line) => line.includes("cannot read a record of the revive log")));
});

Deno.test("a start reads a bounded part of the log, however long one pop is open", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["stays"]);
  const [open] = (await broker.pop1("T", { invisibleTime: 86_400_000 })).messages;
  const reviveQid = Number(open!.handle.split(" ")[3]);
  const COUNT = 22_000;
  // As many others come and go in the same queue of the log.
  for (let number = 0; number < COUNT; number++) {
    putApache(broker, "ck", { ...APACHE_CHECK_POINT, n: 0, d: [], pt: number }, reviveQid);
    if (number % 1_000 === 0) await broker.pass(0);
  }
  await broker.store.checkpoint();
  broker.send("U", ["a"]);
  const pops = Array.from({ length: 8 }, () => broker.pop1("U"));
  for (const pop of pops) for (const message of (await pop).messages) await broker.ack(message);
  await broker.pass(1_000);
  await broker.store.checkpoint();
  await broker.pass(1_000);
  const done = broker.offsets.queryOffset(REVIVE_GROUP, REVIVE_TOPIC, reviveQid);
  assert(done >= COUNT - 20_000, `a start would read on from ${done}`);
  await broker.saved();
  await broker.offsets.flush();
  await using killed = await broker.afterKill();
  assertEquals(await killed.ack(open!), ResponseCode.SUCCESS);
});

Deno.test("offsets that are ahead of a log which lost its end hide nothing", async () => {
  await using broker = await PopBroker.start();
  broker.send("T", ["a"]);
  broker.groups.find("g");
  for (const group of [REVIVE_GROUP, COMMITTED_GROUP]) {
    for (let queueId = 0; queueId < 8; queueId++) {
      broker.offsets.commitOffset(group, REVIVE_TOPIC, queueId, 100);
    }
  }
  await using restarted = await broker.restart();
  assertEquals(texts(await restarted.pop1("T", { invisibleTime: 1_000 })), ["a"]);
  await using killed = await restarted.afterKill();
  assertEquals(texts(await killed.pop1("T")), []);
  await killed.pass(1_000);
  await killed.until(() => killed.maxOffset("%RETRY%g_T") === 1);
});
