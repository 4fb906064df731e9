import { assert, assertEquals } from "@std/assert";
import {
  findProperty,
  MessageSysFlag,
  parseProperties,
} from "../../../../client/protocol/message.ts";
import { ResponseCode } from "../../../../client/protocol/response_code.ts";
import { COMMIT, ROLLBACK, TransactionBroker, UNKNOWN } from "./transaction_broker.ts";

const HALF = "RMQ_SYS_TRANS_HALF_TOPIC";
const OP = "RMQ_SYS_TRANS_OP_HALF_TOPIC";

Deno.test("SEND_MESSAGE of a transaction keeps the message back until it is committed", async () => {
  await using broker = await TransactionBroker.start();
  const half = (await broker.sendHalf("a", [["TAGS", "t"]]))!;
  assertEquals(half.queueOffset, 0);
  const [stored] = await broker.messages(HALF);
  const { sysFlag, flag, queueId } = stored!;
  assertEquals({ sysFlag, flag, queueId }, { sysFlag: 0, flag: 3, queueId: 0 });
  const properties = parseProperties(stored!.properties);
  const expected = { __transactionId__: "key-a", REAL_TOPIC: "T", REAL_QID: "0", TRAN_MSG: "true" };
  for (const [name, value] of Object.entries(expected)) assertEquals(properties.get(name), value);
  assertEquals(await broker.texts("T"), []);

  assertEquals((await broker.end(half, COMMIT))!.code, ResponseCode.SUCCESS);
  const [final] = await broker.messages("T");
  assertEquals(final!.sysFlag, MessageSysFlag.TRANSACTION_COMMIT);
  assertEquals(final!.preparedTransactionOffset, half.physicalOffset);
  assertEquals(final!.bornTimestamp, stored!.bornTimestamp);
  assertEquals(final!.flag, 3);
  const kept = parseProperties(final!.properties);
  // Apache leaves these in, and gRPC consumers see by TRAN_MSG what kind of message it is.
  for (const name of ["TRAN_MSG", "REAL_TOPIC", "REAL_QID", "PGROUP", "TAGS"]) {
    assert(kept.has(name));
  }
  const [op] = await broker.messages(OP);
  assertEquals(new TextDecoder().decode(op!.body), "0,");
  assertEquals(findProperty(op!.properties, "TAGS"), "d");
});

Deno.test("END_TRANSACTION rolls back, and does nothing when the outcome is not known yet", async () => {
  await using broker = await TransactionBroker.start();
  const half = (await broker.sendHalf("a"))!;
  assertEquals((await broker.end(half, UNKNOWN))!.code, ResponseCode.SUCCESS);
  assertEquals((await broker.transactions.list(-1, 10)).length, 1);
  assertEquals((await broker.end(half, ROLLBACK))!.code, ResponseCode.SUCCESS);
  assertEquals(await broker.transactions.list(-1, 10), []);
  assertEquals(await broker.texts("T"), []);
});

Deno.test("END_TRANSACTION refuses what does not fit its half message, in Apache's words", async () => {
  await using broker = await TransactionBroker.start();
  const half = (await broker.sendHalf("a"))!;
  const remarkOf = async (answer: ReturnType<TransactionBroker["end"]>) => {
    const { code, remark } = (await answer)!;
    assertEquals(code, ResponseCode.SYSTEM_ERROR);
    return remark;
  };
  const { queueOffset, physicalOffset } = half;
  assertEquals(
    await remarkOf(broker.end(half, COMMIT, { producerGroup: "q" })),
    "The producer group wrong",
  );
  assertEquals(
    await remarkOf(broker.end({ queueOffset: 7, physicalOffset }, COMMIT)),
    "The transaction state table offset wrong",
  );
  const nowhere = "Find prepared transaction message failed";
  assertEquals(await remarkOf(broker.end({ queueOffset, physicalOffset: 5 }, COMMIT)), nowhere);
  assertEquals(await remarkOf(broker.end({ queueOffset, physicalOffset: -1 }, COMMIT)), nowhere);
  assertEquals(await remarkOf(broker.end(half, 5)), "commitOrRollback field wrong");
  // A message that is no half message, although one would have its offsets.
  await broker.end(half, COMMIT);
  const [final] = await broker.messages("T");
  assertEquals(await remarkOf(broker.end(final!, COMMIT)), nowhere);
  assertEquals(await broker.texts("T"), ["a"]);
});

Deno.test("END_TRANSACTION delivers once however often it comes, and says how a transaction has ended", async () => {
  await using first = await TransactionBroker.start();
  const [committed, rolledBack] = [(await first.sendHalf("a"))!, (await first.sendHalf("b"))!];
  // Both of the first are under way at the same time.
  const answers = await Promise.all([first.end(committed, COMMIT), first.end(committed, COMMIT)]);
  assertEquals(answers.map((answer) => answer!.code), [0, 0]);
  assertEquals((await first.end(rolledBack, ROLLBACK))!.code, ResponseCode.SUCCESS);
  const disk = await first.close();
  await using broker = await TransactionBroker.start({ disk });
  for (const half of [committed, rolledBack]) {
    const isCommitted = half === committed;
    const { SUCCESS, ILLEGAL_OPERATION } = ResponseCode;
    assertEquals((await broker.end(half, COMMIT))!.code, isCommitted ? SUCCESS : ILLEGAL_OPERATION);
    assertEquals(
      (await broker.end(half, ROLLBACK))!.code,
      isCommitted ? ILLEGAL_OPERATION : SUCCESS,
    );
  }
  assertEquals(await broker.texts("T"), ["a"]);
});

Deno.test("END_TRANSACTION of what has ended is not taken for done when nothing can tell how it ended", async () => {
  await using broker = await TransactionBroker.start({ config: { messageIndexEnable: false } });
  const half = (await broker.sendHalf("a"))!;
  await broker.end(half, COMMIT);
  const again = (await broker.end(half, COMMIT))!;
  assertEquals(again.code, ResponseCode.SYSTEM_ERROR);
  assert(again.remark!.includes("messageIndexEnable"));
  assertEquals(await broker.texts("T"), ["a"]);
});

Deno.test("a transaction stays open when its end cannot be written", async () => {
  let isFull = false;
  const fault = ({ kind }: { kind: string }) => isFull && kind === "write" ? "no room" : undefined;
  await using broker = await TransactionBroker.start({ faults: { fault } });
  const half = (await broker.sendHalf("a"))!;
  isFull = true;
  assertEquals((await broker.end(half, COMMIT))!.code, ResponseCode.SERVICE_NOT_AVAILABLE);
  isFull = false;
  assertEquals((await broker.end(half, COMMIT))!.code, ResponseCode.SUCCESS);
  assertEquals(await broker.texts("T"), ["a"]);
});

Deno.test("a transactional message with a delay waits after its commit, and not before", async () => {
  await using broker = await TransactionBroker.start();
  const half = (await broker.sendHalf("a", [["DELAY", "2"]]))!;
  const [stored] = await broker.messages(HALF);
  assertEquals(findProperty(stored!.properties, "DELAY"), undefined);
  await broker.end(half, COMMIT);
  const [waiting] = await broker.messages("SCHEDULE_TOPIC_XXXX", 1);
  const properties = parseProperties(waiting!.properties);
  const [topic, level] = [properties.get("REAL_TOPIC"), properties.get("DELAY")];
  assertEquals({ topic, level }, { topic: "T", level: "2" });
  assertEquals([...properties.keys()].filter((name) => name.startsWith("COMET_")), []);
  assertEquals(await broker.texts("T"), []);
  // The same from the delay's topic: it was delivered.
  assertEquals((await broker.end(half, COMMIT))!.code, ResponseCode.SUCCESS);
  assertEquals((await broker.messages("SCHEDULE_TOPIC_XXXX", 1)).length, 1);
});

Deno.test("SEND_MESSAGE refuses transactions when a setting says so, or too many are open", async () => {
  await using broker = await TransactionBroker.start({ config: { transactionOpenMax: 1 } });
  broker.config.rejectTransactionMessage = true;
  assertEquals((await broker.send("a"))!.code, ResponseCode.NO_PERMISSION);
  broker.config.rejectTransactionMessage = false;
  const half = (await broker.sendHalf("a"))!;
  assertEquals((await broker.send("b"))!.code, ResponseCode.SYSTEM_BUSY);
  await broker.end(half, ROLLBACK);
  assertEquals((await broker.send("b"))!.code, ResponseCode.SUCCESS);
});

Deno.test("SEND_MESSAGE takes what an old client sends back for no transaction", async () => {
  await using broker = await TransactionBroker.start();
  const answer = await broker.send("a", [["DELAY", "1"]], { reconsumeTimes: 1, sysFlag: 0 });
  assertEquals(answer!.code, ResponseCode.SUCCESS);
  assertEquals((await broker.messages(HALF)).length, 0);
  assertEquals((await broker.messages("SCHEDULE_TOPIC_XXXX")).length, 1);
});

Deno.test("SEND_MESSAGE of a transaction gives what the client left out, and drops what is from another one", async () => {
  await using broker = await TransactionBroker.start();
  const half = (await broker.sendHalf("a", [
    ["UNIQ_KEY", ""],
    ["PGROUP", ""],
    ["REAL_TOPIC", "other"],
    ["TRANSACTION_CHECK_TIMES", "99"],
    ["TRAN_PREPARED_QUEUE_OFFSET", "5"],
    ["COMET_RESUMED", "5"],
  ]))!;
  assertEquals(half.msgId.length, 32);
  const [stored] = await broker.messages(HALF);
  const properties = parseProperties(stored!.properties);
  assertEquals(properties.get("UNIQ_KEY"), half.msgId);
  assertEquals(properties.get("PGROUP"), "p");
  assertEquals(properties.get("REAL_TOPIC"), "T");
  for (const name of ["TRANSACTION_CHECK_TIMES", "TRAN_PREPARED_QUEUE_OFFSET", "COMET_RESUMED"]) {
    assertEquals(properties.get(name), undefined, name);
  }
  assertEquals((await broker.end(half, COMMIT))!.code, ResponseCode.SUCCESS);
  assertEquals(await broker.texts("T"), ["a"]);
});

Deno.test("a commit of which only the message could be written is not delivered again", async () => {
  let found = 0;
  // In one of them the message just fits into the first file of the log, and what follows needs the second.
  for (let rest = 960; rest < 1_160; rest += 40) {
    let isFull = false;
    const fault = ({ kind, path }: { kind: string; path: string }) =>
      isFull && kind === "create" && path.includes("/commitlog/") ? "no room" : undefined;
    await using broker = await TransactionBroker.start({ faults: { fault } });
    const filler = "x".repeat(16 * 1024 - rest);
    await broker.end((await broker.sendHalf(filler, [["UNIQ_KEY", "filler"]]))!, ROLLBACK);
    const half = (await broker.sendHalf("a"))!;
    isFull = true;
    const { code } = (await broker.end(half, COMMIT))!;
    const isDelivered = (await broker.texts("T")).length === 1;
    if (code === ResponseCode.SUCCESS || !isDelivered) continue;
    found++;
    isFull = false;
    assertEquals((await broker.end(half, ROLLBACK))!.code, ResponseCode.ILLEGAL_OPERATION);
    assertEquals((await broker.end(half, COMMIT))!.code, ResponseCode.SUCCESS);
    assertEquals(await broker.texts("T"), ["a"]);
    assertEquals(await broker.transactions.list(-1, 10), []);
  }
  assert(found > 0);
});
