import { assert, assertEquals } from "@std/assert";
import { findProperty, parseProperties } from "../../../../client/protocol/message.ts";
import { ResponseCode } from "../../../../client/protocol/response_code.ts";
import { type Check, COMMIT, ROLLBACK, TransactionBroker, UNKNOWN } from "./transaction_broker.ts";

const HALF = "RMQ_SYS_TRANS_HALF_TOPIC";
const DISCARD = "TRANS_CHECK_MAX_TIME_TOPIC";

function placeOf({ header }: Check) {
  return { queueOffset: header.tranStateTableOffset, physicalOffset: header.commitLogOffset };
}

Deno.test("CHECK_TRANSACTION_STATE comes after transactionTimeOut, again after transactionCheckInterval", async () => {
  await using broker = await TransactionBroker.start();
  const { checks } = broker.producer("p");
  const half = (await broker.sendHalf("a", [["TAGS", "t"]], { queueId: 0 }))!;
  await broker.pass(5_900);
  assertEquals(checks.length, 0);
  await broker.pass(200);
  assertEquals(checks.length, 1);
  const [{ header, message, text }] = checks as [Check];
  assertEquals(header.topic, "T");
  assertEquals([header.msgId, header.transactionId], ["key-a", "key-a"]);
  assertEquals(header.offsetMsgId, message.offsetMsgId);
  assertEquals([message.topic, message.queueId, text], ["T", 0, "a"]);
  assertEquals(findProperty(message.properties, "PGROUP"), "p");
  assertEquals(findProperty(message.properties, "TAGS"), "t");
  await broker.pass(29_000);
  assertEquals(checks.length, 1);
  await broker.pass(2_000);
  assertEquals(
    checks.map(({ message: { properties } }) =>
      findProperty(properties, "TRANSACTION_CHECK_TIMES")
    ),
    ["1", "2"],
  );
  // Each check has a record of its own, and any of them may be answered.
  assertEquals((await broker.messages(HALF)).length, 3);
  assertEquals((await broker.end(half, COMMIT))!.code, ResponseCode.SUCCESS);
  const answered = await broker.end(placeOf(checks[1]!), COMMIT, { fromTransactionCheck: true });
  assertEquals(answered!.code, ResponseCode.SUCCESS);
  assertEquals(await broker.texts("T"), ["a"]);
  await broker.pass(120_000);
  assertEquals(checks.length, 2);
});

Deno.test("a commit in answer to a check delivers, and the first record's commit does not again", async () => {
  await using broker = await TransactionBroker.start();
  const { checks } = broker.producer("p");
  const half = (await broker.sendHalf("a"))!;
  await broker.pass(40_000);
  assertEquals(checks.length, 2);
  assertEquals((await broker.end(placeOf(checks[0]!), COMMIT))!.code, ResponseCode.SUCCESS);
  assertEquals((await broker.end(half, COMMIT))!.code, ResponseCode.SUCCESS);
  assertEquals(
    (await broker.end(placeOf(checks[1]!), ROLLBACK))!.code,
    ResponseCode.ILLEGAL_OPERATION,
  );
  assertEquals(await broker.texts("T"), ["a"]);
});

Deno.test("CHECK_IMMUNITY_TIME_IN_SECONDS puts the first check off, and costs none", async () => {
  await using broker = await TransactionBroker.start();
  const { checks } = broker.producer("p");
  await broker.sendHalf("a", [["CHECK_IMMUNITY_TIME_IN_SECONDS", "3600"]]);
  await broker.sendHalf("b", [["CHECK_IMMUNITY_TIME_IN_SECONDS", "1"]]);
  await broker.sendHalf("c", [["CHECK_IMMUNITY_TIME_IN_SECONDS", "soon"]]);
  await broker.pass(1_100);
  assertEquals(checks.map(({ text }) => text), ["b"]);
  await broker.pass(5_000);
  assertEquals(checks.map(({ text }) => text), ["b", "c"]);
  await broker.pass(3_593_000);
  assert(checks.every(({ text }) => text !== "a"));
  await broker.pass(2_000);
  const [check] = checks.filter(({ text }) => text === "a");
  assertEquals(findProperty(check!.message.properties, "TRANSACTION_CHECK_TIMES"), "1");
});

Deno.test("a transaction about which producers were asked too often goes to TRANS_CHECK_MAX_TIME_TOPIC", async () => {
  await using broker = await TransactionBroker.start({ config: { transactionCheckMax: 3 } });
  const { checks } = broker.producer("p");
  const half = (await broker.sendHalf("a"))!;
  await broker.pass(100_000);
  assertEquals(checks.length, 3);
  const [given] = await broker.messages(DISCARD);
  assertEquals(findProperty(given!.properties, "REAL_TOPIC"), "T");
  assertEquals(findProperty(given!.properties, "TRANSACTION_CHECK_TIMES"), "3");
  assertEquals(await broker.transactions.list(-1, 10), []);
  assertEquals((await broker.end(half, COMMIT))!.code, ResponseCode.ILLEGAL_OPERATION);
  assertEquals((await broker.end(half, ROLLBACK))!.code, ResponseCode.SUCCESS);
  await broker.pass(100_000);
  assertEquals([checks.length, (await broker.messages(DISCARD)).length], [3, 1]);
});

Deno.test("a check that nobody can hear does not count, and comes as soon as somebody of the group is there", async () => {
  await using broker = await TransactionBroker.start({ config: { transactionCheckMax: 1 } });
  const first = broker.producer("p");
  broker.producer("other");
  await broker.sendHalf("a");
  first.client.close();
  await broker.pass(3_600_000);
  const [row] = await broker.transactions.list(-1, 10);
  assertEquals([row!.checks, row!.isWaiting, row!.ageMillis], [0, true, 3_600_000]);
  const second = broker.producer("p");
  await broker.pass(0);
  assertEquals(second.checks.map(({ text }) => text), ["a"]);
  assertEquals(first.checks, []);
  assertEquals((await broker.end(placeOf(second.checks[0]!), COMMIT))!.code, ResponseCode.SUCCESS);
  assertEquals(await broker.texts("T"), ["a"]);
});

Deno.test("checks go to the producers of the group in turn", async () => {
  await using broker = await TransactionBroker.start();
  const producers = [broker.producer("p"), broker.producer("p")];
  await broker.sendHalf("a");
  await broker.pass(37_000);
  assertEquals(producers.map(({ checks }) => checks.length), [1, 1]);
});

Deno.test("a transaction older than fileReservedTime is given up, even if nobody was asked", async () => {
  await using broker = await TransactionBroker.start({ config: { fileReservedTime: 1 } });
  await broker.sendHalf("a");
  await broker.sendHalf("b", [["CHECK_IMMUNITY_TIME_IN_SECONDS", "999999"]]);
  await broker.pass(3_599_000);
  assertEquals((await broker.transactions.list(-1, 10)).length, 2);
  await broker.pass(2_000);
  assertEquals((await broker.texts(DISCARD)).sort(), ["a", "b"]);
});

Deno.test("checks do not care what is done to the time of day", async () => {
  await using broker = await TransactionBroker.start();
  const { checks } = broker.producer("p");
  await broker.sendHalf("a");
  broker.clock.jump(-3_600_000);
  await broker.sendHalf("b", [], { bornTimestamp: broker.clock.timeOfDay() + 86_400_000 });
  await broker.pass(6_100);
  assertEquals(checks.map(({ text }) => text), ["a", "b"]);
});

Deno.test("RESUME_CHECK_HALF_MESSAGE takes a transaction up again, once", async () => {
  const config = { transactionCheckMax: 1, fileReservedTime: 1 };
  await using broker = await TransactionBroker.start({ config });
  await broker.sendHalf("a");
  await broker.pass(3_700_000);
  const [given] = await broker.messages(DISCARD);
  const { checks } = broker.producer("p");
  assertEquals((await broker.resume(given!.offsetMsgId))!.code, ResponseCode.SUCCESS);
  assertEquals((await broker.resume(given!.offsetMsgId))!.code, ResponseCode.SUCCESS);
  await broker.pass(0);
  assertEquals(checks.map(({ text }) => text), ["a"]);
  assertEquals((await broker.transactions.list(-1, 10)).length, 1);
  assertEquals((await broker.end(placeOf(checks[0]!), COMMIT))!.code, ResponseCode.SUCCESS);
  assertEquals(await broker.texts("T"), ["a"]);
  const [final] = await broker.messages("T");
  assert(!parseProperties(final!.properties).has("COMET_RESUMED"));
  for (const msgId of [given!.offsetMsgId, final!.offsetMsgId, "x", ""]) {
    const answer = (await broker.resume(msgId))!;
    assertEquals(answer.code, ResponseCode.SYSTEM_ERROR);
    assert(answer.remark!.startsWith(`Put message back to ${HALF} failed`));
  }
  assertEquals(await broker.texts("T"), ["a"]);
});

Deno.test("a half message that is damaged is passed over and reported", async () => {
  const config = { mappedFileSizeCommitLog: 20 * 1024 };
  await using broker = await TransactionBroker.start({ config });
  const { checks } = broker.producer("p");
  const damaged = (await broker.sendHalf("a"))!;
  await broker.sendHalf("b");
  const log = broker.fileSystem.disk.file("/data/store/commitlog/00000000000000000000")!;
  log.write(new Uint8Array(8).fill(99), damaged.physicalOffset + 90);
  const disk = await broker.close();
  await using again = await TransactionBroker.start({ disk, config });
  again.producer("p", (check) => checks.push(check));
  const errors = again.lines.filter((line) => line.includes("ERROR"));
  assert(errors.some((line) => line.includes("half messages cannot be read")), errors.join("\n"));
  assertEquals((await again.transactions.list(-1, 10)).map(({ msgId }) => msgId), ["key-b"]);
  await again.pass(6_100);
  assertEquals(checks.map(({ text }) => text), ["b"]);
  const answer = (await again.end(damaged, COMMIT))!;
  assertEquals([answer.code, answer.remark], [
    ResponseCode.SYSTEM_ERROR,
    "Find prepared transaction message failed",
  ]);
});

Deno.test("checks go on when the disk takes messages again", async () => {
  let isFull = false;
  const fault = ({ kind }: { kind: string }) => isFull && kind === "write" ? "no room" : undefined;
  await using broker = await TransactionBroker.start({ faults: { fault } });
  const { checks } = broker.producer("p");
  await broker.sendHalf("a");
  isFull = true;
  await broker.pass(20_000);
  assertEquals(checks, []);
  isFull = false;
  await broker.pass(2_000);
  assertEquals(checks.length, 1);
  assertEquals(findProperty(checks[0]!.message.properties, "TRANSACTION_CHECK_TIMES"), "1");
  await broker.end(placeOf(checks[0]!), UNKNOWN);
  await broker.pass(30_000);
  assertEquals(checks.length, 2);
});
