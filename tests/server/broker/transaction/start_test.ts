import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../../client/protocol/bytes.ts";
import { hostBytes, MessageSysFlag, printProperties } from "../../../../client/protocol/message.ts";
import type { MessageToStore } from "../../../../client/protocol/message_record.ts";
import { ResponseCode } from "../../../../client/protocol/response_code.ts";
import { COMMIT, ROLLBACK, TransactionBroker } from "./transaction_broker.ts";

const HALF = "RMQ_SYS_TRANS_HALF_TOPIC";
const OP = "RMQ_SYS_TRANS_OP_HALF_TOPIC";
const GROUP = "CID_RMQ_SYS_TRANS";
const HOST = hostBytes("10.0.0.1", 10911);
const BIG_FILES = {
  mappedFileSizeCommitLog: 64 * 1024 * 1024,
  mappedFileSizeConsumeQueue: 6_000_000,
  maxHashSlotNum: 10_000,
  maxIndexNum: 50_000,
};

/** Puts a message into the log as another broker has left it there, once the store has committed. */
function put(broker: TransactionBroker, fields: Partial<MessageToStore>): number {
  const result = broker.store.putMessage({
    topic: "T",
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: broker.clock.timeOfDay(),
    bornHost: HOST,
    storeHost: HOST,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: encodeUtf8("x"),
    properties: "",
    ...fields,
  });
  assert(result.status === "PUT_OK");
  return result.physicalOffset;
}

/** A half message as Apache puts it. */
function putHalf(broker: TransactionBroker, text: string, more: [string, string][] = []): number {
  const properties = printProperties([
    ["UNIQ_KEY", `key-${text}`],
    ["TRAN_MSG", "true"],
    ["PGROUP", "p"],
    ["REAL_TOPIC", "T"],
    ["REAL_QID", "0"],
    ...more,
  ]);
  return put(broker, { topic: HALF, body: encodeUtf8(text), properties });
}

function putOp(broker: TransactionBroker, body: string): void {
  const properties = printProperties([["WAIT", "true"], ["TAGS", "d"]]);
  put(broker, { topic: OP, body: encodeUtf8(body), properties });
}

async function openKeys(broker: TransactionBroker): Promise<(string | undefined)[]> {
  return (await broker.transactions.list(-1, 100)).map(({ msgId }) => msgId);
}

Deno.test("a start finds the open transactions, how often their producers were asked, and asks on", async () => {
  await using first = await TransactionBroker.start();
  const { checks } = first.producer("p");
  const [a, b] = [(await first.sendHalf("a"))!, (await first.sendHalf("b"))!];
  await first.sendHalf("c", [["CHECK_IMMUNITY_TIME_IN_SECONDS", "600"]]);
  await first.pass(7_000);
  assertEquals(checks.length, 2);
  await first.end(b, ROLLBACK);
  await using broker = await TransactionBroker.start({
    disk: await first.close(),
    clock: first.clock,
  });
  const rows = await broker.transactions.list(-1, 10);
  assertEquals(rows.map(({ msgId, checks }) => [msgId, checks]), [["key-c", 0], ["key-a", 1]]);
  const again = broker.producer("p");
  await broker.pass(28_000);
  assertEquals(again.checks.length, 0);
  await broker.pass(2_000);
  assertEquals(again.checks.map(({ text }) => text), ["a"]);
  assertEquals((await broker.end(a, COMMIT))!.code, ResponseCode.SUCCESS);
  assertEquals(await broker.texts("T"), ["a"]);
  await broker.pass(564_000);
  assertEquals(again.checks.map(({ text }) => text), ["a", "c"]);
});

Deno.test("a start reads what Apache has left: op messages about many, and of before 5.0", async () => {
  await using first = await TransactionBroker.start();
  for (const text of ["a", "b", "c", "d", "e"]) putHalf(first, text);
  putOp(first, "0,2,");
  putOp(first, "4");
  put(first, { topic: OP, body: encodeUtf8("1,"), properties: "" });
  await using broker = await TransactionBroker.start({ disk: await first.close() });
  // Without the tag it means nothing.
  assertEquals(await openKeys(broker), ["key-b", "key-d"]);
  await broker.pass(3_000);
  assertEquals(broker.committed, { half: 1, op: 0 });
  await broker.end({
    queueOffset: 1,
    physicalOffset: (await broker.messages(HALF))[1]!.physicalOffset,
  }, COMMIT);
  await broker.pass(3_000);
  assertEquals(broker.committed, { half: 3, op: 1 });
});

Deno.test("a start goes on at the committed offsets", async () => {
  await using first = await TransactionBroker.start();
  for (const text of ["a", "b", "c"]) putHalf(first, text);
  putOp(first, "1,");
  await first.pass(2_000);
  first.offsets.commitOffset(GROUP, HALF, 0, 1);
  await using broker = await TransactionBroker.start({ disk: await first.close() });
  assertEquals(await openKeys(broker), ["key-c"]);
});

Deno.test("a record that Apache put anew is the same transaction, also when its offset was not saved in time", async () => {
  await using first = await TransactionBroker.start();
  putHalf(first, "a");
  putHalf(first, "b");
  putHalf(first, "a", [["TRANSACTION_CHECK_TIMES", "1"]]);
  putHalf(first, "b", [["TRAN_PREPARED_QUEUE_OFFSET", "1"]]);
  await using broker = await TransactionBroker.start({ disk: await first.close() });
  const rows = await broker.transactions.list(-1, 10);
  assertEquals(rows.map(({ msgId, queueOffset }) => [msgId, queueOffset]), [["key-a", 2], [
    "key-b",
    3,
  ]]);
  // The earlier records are ended for whoever reads the folder next.
  const bodies = (await broker.messages(OP)).map(({ body }) => new TextDecoder().decode(body));
  assertEquals(bodies, ["0,", "1,"]);
});

Deno.test("a message that was delivered without a note of it is not delivered again", async () => {
  await using first = await TransactionBroker.start();
  const { checks } = first.producer("p");
  const properties = printProperties([["UNIQ_KEY", "key-a"], ["PGROUP", "p"]]);
  const half = { queueOffset: 0, physicalOffset: putHalf(first, "a") };
  putHalf(first, "b");
  const bornTimestamp = first.clock.timeOfDay();
  const sysFlag = MessageSysFlag.TRANSACTION_COMMIT;
  put(first, { body: encodeUtf8("a"), properties, bornTimestamp, sysFlag });
  first.store.commit();
  // A start in order after it must not forget that there is a doubt.
  await using second = await TransactionBroker.start({ disk: await first.stop() });
  await using broker = await TransactionBroker.start({ disk: await second.close() });
  broker.producer("p", (check) => checks.push(check));
  await broker.pass(7_000);
  assertEquals(checks.map(({ text }) => text), ["b"]);
  assertEquals(await openKeys(broker), ["key-b"]);
  assertEquals((await broker.end(half, COMMIT))!.code, ResponseCode.SUCCESS);
  assertEquals((await broker.end(half, ROLLBACK))!.code, ResponseCode.ILLEGAL_OPERATION);
  assertEquals(await broker.texts("T"), ["a"]);
});

Deno.test("half messages that make no sense are passed over and reported", async () => {
  await using first = await TransactionBroker.start();
  put(first, { topic: HALF, properties: "" });
  put(first, {
    topic: HALF,
    properties: printProperties([["REAL_TOPIC", "T"], ["REAL_QID", "x"]]),
  });
  putHalf(first, "a");
  await using broker = await TransactionBroker.start({ disk: await first.close() });
  assertEquals(await openKeys(broker), ["key-a"]);
  const [error] = broker.lines.filter((line) => line.includes("ERROR"));
  assert(error!.includes("half messages cannot be read") && error!.includes("queueOffsets=[0,1]"));
});

Deno.test("an old open transaction does not keep the offsets back", async () => {
  await using first = await TransactionBroker.start({ config: BIG_FILES });
  const immune: [string, string][] = [["CHECK_IMMUNITY_TIME_IN_SECONDS", "99999"]];
  const old = (await first.sendHalf("old", immune))!;
  await first.sendHalf("older", immune);
  for (let queueOffset = 2; queueOffset < 10_010; queueOffset++) {
    putHalf(first, `m${queueOffset}`);
    putOp(first, `${queueOffset},`);
  }
  await using broker = await TransactionBroker.start({
    disk: await first.close(),
    config: BIG_FILES,
  });
  assertEquals(await openKeys(broker), ["key-old", "key-older"]);
  await broker.pass(5_000);
  const max = (topic: string) => broker.store.getMaxOffsetInQueue(topic, 0);
  assertEquals(broker.committed, { half: max(HALF) - 2, op: max(OP) });
  // Its first place is as good as its new one.
  assertEquals((await broker.end(old, COMMIT))!.code, ResponseCode.SUCCESS);
  assertEquals(await broker.texts("T"), ["old"]);
  const { checks } = broker.producer("p");
  await broker.pass(100_000_000);
  assertEquals(checks.map(({ text }) => text).slice(0, 1), ["older"]);
});

Deno.test("the committed offsets count on nothing that a power loss could take", async () => {
  const config = { flushDiskType: "ASYNC_FLUSH", flushIntervalCommitLog: 1 << 30 } as const;
  await using first = await TransactionBroker.start({ config });
  const half = (await first.sendHalf("a"))!;
  await first.store.checkpoint();
  assertEquals((await first.end(half, COMMIT))!.code, ResponseCode.SUCCESS);
  await first.pass(60_000);
  await first.offsets.flush();
  assertEquals(first.committed, { half: -1, op: -1 });
  // Whatever of the commit is lost, the half message is still looked at.
  await using broker = await TransactionBroker.start({ disk: await first.stop(true), config });
  const wasKept = (await broker.texts("T")).length === 1;
  if (!wasKept) assertEquals(await openKeys(broker), ["key-a"]);
  assertEquals((await broker.end(half, COMMIT))!.code, ResponseCode.SUCCESS);
  assertEquals(await broker.texts("T"), ["a"]);
  await broker.store.checkpoint();
  await broker.pass(3_000);
  const max = (topic: string) => broker.store.getMaxOffsetInQueue(topic, 0);
  assertEquals(broker.committed, { half: max(HALF), op: max(OP) });
});
