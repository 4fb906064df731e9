import { assert, assertEquals } from "@std/assert";
import { BATCH_ACK_MESSAGE } from "../../../../client/protocol/commands/pop.ts";
import { encodeUtf8 } from "../../../../client/protocol/bytes.ts";
import { ResponseCode } from "../../../../client/protocol/response_code.ts";
import { turn } from "./manual_clock.ts";
import { PopBroker, type Popped, unreliableFileSystem } from "./pop_broker.ts";

const REVIVE_TOPIC = "rmq_sys_REVIVE_LOG_DefaultCluster";

/** How many records the revive log has. */
function recordCount(broker: PopBroker): number {
  let count = 0;
  for (let queueId = 0; queueId < 8; queueId++) count += broker.maxOffset(REVIVE_TOPIC, queueId);
  return count;
}

async function popped(broker: PopBroker, texts: string[]): Promise<Popped[]> {
  broker.send("T", texts);
  const { messages } = await broker.pop1("T");
  assertEquals(messages.length, texts.length);
  return messages;
}

Deno.test("an acknowledged message stays so after SIGKILL", async () => {
  await using broker = await PopBroker.start();
  const messages = await popped(broker, ["a", "b", "c"]);
  assertEquals(await broker.ack(messages[0]!), ResponseCode.SUCCESS);
  assertEquals(await broker.batchAck([messages[2]!]), ResponseCode.SUCCESS);
  await broker.saved();
  await using killed = await broker.afterKill();
  await killed.pass(60_000);
  await killed.until(() => killed.maxOffset("%RETRY%g_T") === 1);
  assertEquals((await killed.pop1("T")).messages.map(({ text }) => text), ["b"]);
});

Deno.test("acknowledging twice is as good as once, also when the answers cross", async () => {
  await using broker = await PopBroker.start();
  const [message, other] = await popped(broker, ["a", "b"]);
  const answers = await Promise.all([broker.ack(message!), broker.ack(message!)]);
  assertEquals(answers, [ResponseCode.SUCCESS, ResponseCode.SUCCESS]);
  await broker.ack(other!);
  // The checkpoint is gone by now.
  assertEquals(await broker.ack(message!), ResponseCode.SUCCESS);
});

Deno.test("acknowledgements of one chunk become one record for each pop", async () => {
  await using broker = await PopBroker.start();
  const messages = await popped(broker, ["a", "b", "c", "d"]);
  assertEquals(recordCount(broker), 1);
  const answers = await Promise.all(messages.map((message) => broker.ack(message)));
  assert(answers.every((code) => code === ResponseCode.SUCCESS));
  assertEquals(recordCount(broker), 2);
});

Deno.test("with SYNC_FLUSH acknowledgements gather while others are brought to disk", async () => {
  const fileSystem = unreliableFileSystem();
  await using broker = await PopBroker.start({
    fileSystem,
    config: { flushDiskType: "SYNC_FLUSH" },
  });
  broker.send("T", ["a", "b", "c", "d", "e", "f"]);
  await broker.until(() => broker.maxOffset("T") === 6);
  const { messages } = await broker.pop1("T");
  const isDurable = () => broker.store.stats.durableOffset === broker.store.stats.maxOffset;
  await broker.until(isDurable);
  const { promise, resolve } = Promise.withResolvers<void>();
  fileSystem.syncsAfter = promise;
  const answers: Promise<number>[] = [];
  for (const message of messages) {
    answers.push(broker.ack(message));
    // Each in a chunk of its own.
    await turn();
  }
  assert(!isDurable());
  resolve();
  for (const answer of answers) assertEquals(await answer, ResponseCode.SUCCESS);
  assertEquals(recordCount(broker), 1 + 2);
});

Deno.test("an acknowledgement that comes too late is refused, and one just in time is not", async () => {
  await using broker = await PopBroker.start();
  const [first, second] = await popped(broker, ["a", "b"]);
  await broker.pass(59_999);
  assertEquals(await broker.ack(first!), ResponseCode.SUCCESS);
  await broker.pass(1);
  await broker.until(() => broker.maxOffset("%RETRY%g_T") === 1);
  assertEquals(await broker.ack(second!), ResponseCode.NO_MESSAGE);
  assertEquals(await broker.batchAck([first!, second!]), ResponseCode.NO_MESSAGE);
});

Deno.test("an acknowledgement is refused for what never was popped", async () => {
  await using broker = await PopBroker.start();
  const [message] = await popped(broker, ["a", "b"]);
  const code = (fields: Partial<Popped>) => broker.ack({ ...message!, ...fields });
  assertEquals(await code({ queueOffset: 2 }), ResponseCode.NO_MESSAGE);
  assertEquals(await code({ queueId: 1 }), ResponseCode.MESSAGE_ILLEGAL);
  assertEquals(await code({ realTopic: "U" }), ResponseCode.TOPIC_NOT_EXIST);
  assertEquals(await code({ handle: "0 x" }), ResponseCode.MESSAGE_ILLEGAL);
  const parts = message!.handle.split(" ");
  broker.send("T", ["c"]);
  const other = { queueOffset: 2, handle: [2, ...parts.slice(1)].join(" ") };
  assertEquals(await code(other), ResponseCode.NO_MESSAGE);
});

Deno.test("BATCH_ACK_MESSAGE takes the acks of several pops and topics", async () => {
  await using broker = await PopBroker.start();
  const first = await popped(broker, ["a", "b", "c"]);
  broker.send("U", ["d"]);
  const second = (await broker.pop1("U")).messages;
  assertEquals(await broker.batchAck([first[0]!, first[2]!, ...second]), ResponseCode.SUCCESS);
  await broker.pass(60_000);
  await broker.until(() => broker.maxOffset("%RETRY%g_T") === 1);
  assertEquals((await broker.pop1("T")).messages.map(({ text }) => text), ["b"]);
  assertEquals((await broker.pop1("U")).messages, []);
});

Deno.test("BATCH_ACK_MESSAGE without acks is refused, and so is one that makes no sense", async () => {
  await using broker = await PopBroker.start();
  const code = async (body: string) =>
    (await broker.ask(BATCH_ACK_MESSAGE, {}, encodeUtf8(body))).code;
  assertEquals(await code(""), ResponseCode.NO_MESSAGE);
  assertEquals(await code("{}"), ResponseCode.NO_MESSAGE);
  assertEquals(await code('{"acks":[{"t":"T"}]}'), ResponseCode.SYSTEM_ERROR);
  assertEquals(await code("no json"), ResponseCode.SYSTEM_ERROR);
});

Deno.test("a message that is hidden for another time comes then, under its new handle", async () => {
  await using broker = await PopBroker.start();
  const [message, other] = await popped(broker, ["a", "b"]);
  const hidden = await broker.hide(message!, 90_000) as Popped;
  assertEquals(await broker.ack(message!), ResponseCode.NO_MESSAGE, "the old handle is over");
  assertEquals(await broker.hide(message!, 1), ResponseCode.NO_MESSAGE);
  await broker.ack(other!);
  assertEquals(await broker.ack(message!), ResponseCode.NO_MESSAGE, "also without its checkpoint");
  await broker.saved();
  await using killed = await broker.afterKill();
  await killed.pass(89_999);
  assertEquals((await killed.pop1("T")).messages, []);
  assertEquals(await killed.ack(hidden), ResponseCode.SUCCESS);
  // The handles of one millisecond differ, so this one's time is one longer.
  await broker.pass(2);
  await broker.until(() => broker.maxOffset("%RETRY%g_T") === 1);
  assertEquals(await broker.ack(hidden), ResponseCode.NO_MESSAGE);
});
