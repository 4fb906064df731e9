import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { CONSUMER_SEND_MSG_BACK } from "../../client/protocol/commands/send.ts";
import { MessageProperty, MessageSysFlag, printProperties } from "../../client/protocol/message.ts";
import { parseMessageId } from "../../client/protocol/message.ts";
import { TestClient } from "../helpers/comet.ts";
import { eventually } from "../helpers/eventually.ts";
import { type Json, startWithApi } from "../helpers/http_api.ts";

const text = (message: Json) => message.body;

Deno.test("messages are consumed over HTTP, acknowledged with a handle, and given out again without", async () => {
  await using server = await startWithApi();
  const { api } = server;
  await api.post("/topics", { topic: "jobs", readQueueNums: 1, writeQueueNums: 1 }, 201);
  await api.post("/groups", { group: "workers" }, 201);
  for (const body of ["one", "two"]) await api.post("/messages", { topic: "jobs", body }, 201);
  const request = { topic: "jobs", maxMessages: 32, invisibleMillis: 10_000 };
  const { messages } = await api.post("/consume/workers", request);
  assertEquals(messages.map(text), ["one", "two"]);
  assertEquals((await api.post("/consume/workers", request)).messages, []);
  const [one, two] = messages;
  const { outcomes } = await api.post("/consume/workers/ack", { handles: [one.handle] });
  assertEquals(outcomes, [{ handle: one.handle, isAcknowledged: true }]);
  const longer = await api.post("/consume/workers/invisible", {
    handle: two.handle,
    invisibleMillis: 100,
  });
  const late = await api.post("/consume/workers/ack", { handles: [two.handle] });
  assertEquals(late.outcomes[0].isAcknowledged, false);
  assert(longer.handle !== two.handle);
  const again = (await api.post("/consume/workers", { ...request, waitMillis: 20_000 })).messages;
  assertEquals(again.map(text), ["two"]);
  const acked = await api.post("/consume/workers/ack", { handles: [again[0].handle] });
  assertEquals(acked.outcomes[0].isAcknowledged, true);
  await api.post("/consume/workers/ack", { handles: ["nonsense"] }, 400);
  await api.post("/consume/others/ack", { handles: [one.handle] }, 400);
});

Deno.test("a topic is followed as server-sent events, from the last event that the reader has seen", async () => {
  await using server = await startWithApi();
  const { api } = server;
  await api.post("/topics", { topic: "t", readQueueNums: 2, writeQueueNums: 2 }, 201);
  for (let number = 0; number < 6; number++) {
    await api.post("/messages", { topic: "t", body: `m${number}`, tag: "x" }, 201);
  }
  const first = await events(`${api.base}/topics/t/stream?from=earliest&tag=x`, 4);
  const rest = await events(`${api.base}/topics/t/stream?tag=x`, 2, first.at(-1)!.id);
  const bodies = [...first, ...rest].map(({ data }) => data.body).toSorted();
  assertEquals(bodies, ["m0", "m1", "m2", "m3", "m4", "m5"]);
});

/** The first events of a stream, whose reader then goes. */
async function events(
  url: string,
  count: number,
  lastEventId?: string,
): Promise<{ id: string; data: Json }[]> {
  const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const response = await fetch(url, { headers });
  assertEquals(response.status, 200);
  const found: { id: string; data: Json }[] = [];
  let buffer = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    buffer += chunk;
    const parts = buffer.split("\n\n");
    buffer = parts.pop()!;
    for (const part of parts) {
      const match = /^id: (.*)\ndata: (.*)$/.exec(part);
      if (match !== null) found.push({ id: match[1]!, data: JSON.parse(match[2]!) });
    }
    if (found.length >= count) break;
  }
  return found.slice(0, count);
}

Deno.test("the trace of a message has what clients wrote and what the broker stored: retries and the dead letter", async () => {
  await using server = await startWithApi();
  const { api, comet } = server;
  await using client = new TestClient(comet.brokerPort);
  await api.post("/topics", { topic: "t", readQueueNums: 1, writeQueueNums: 1 }, 201);
  await api.post("/groups", { group: "g" }, 201);
  const { msgId, offsetMsgId } = await api.post("/messages", { topic: "t", body: "x" }, 201);
  await client.pull("t", { queueId: 0 });
  const record = ["SubBefore", String(Date.now()), "", "g", "request-1", msgId, "0", ""];
  const properties = printProperties([[MessageProperty.KEYS, msgId]]);
  await client.send("RMQ_SYS_TRACE_TOPIC", encodeUtf8(record.join("\x01") + "\x02"), {
    properties,
  });
  const { physicalOffset } = parseMessageId(offsetMsgId);
  const back = { offset: physicalOffset, group: "g", originMsgId: offsetMsgId, originTopic: "t" };
  await client.invoke(CONSUMER_SEND_MSG_BACK, { ...back, delayLevel: 1 });
  await client.invoke(CONSUMER_SEND_MSG_BACK, { ...back, delayLevel: -1 });
  const kinds = ["STORED", "SubBefore", "DELAYED", "DEAD_LETTERED", "RETRIED"];
  let found: string[] = [];
  await eventually("all events are there", async () => {
    const { events } = await api.get(`/messages/${msgId}/trace?topic=t`);
    found = events.map(({ event }: Json) => event);
    return found.length >= kinds.length;
  });
  assertEquals(found.toSorted(), kinds.toSorted());
  const { tracks } = await api.get(`/messages/${msgId}/track?topic=t`);
  assert(Array.isArray(tracks));
  const dead = await api.get("/dlq/g/messages");
  assertEquals(dead.messages.length, 1);
  const { items } = await api.get("/dlq");
  assertEquals([items[0].group, items[0].messageCount], ["g", 1]);
  const tried = await api.post("/dlq/g/resend", { dryRun: true, to: "topic" });
  assertEquals([tried.messages[0].toTopic, tried.resentCount], ["t", 0]);
  const sent = await api.post("/dlq/g/resend", { msgIds: [msgId] });
  assertEquals([sent.messages[0].toTopic, sent.resentCount, sent.failedCount], ["%RETRY%g", 1, 0]);
  const retried = await api.get("/messages?topic=%25RETRY%25g");
  const [copy] = retried.messages;
  assertEquals([copy.msgId, copy.properties.RETRY_TOPIC, copy.body], [msgId, "t", "x"]);
});

Deno.test("timers that wait are listed by when they are due and taken back, open transactions are listed", async () => {
  await using server = await startWithApi(["--set", "recallMessageEnable=true"]);
  const { api, comet } = server;
  await using client = new TestClient(comet.brokerPort);
  await api.post("/topics", { topic: "t", readQueueNums: 1, writeQueueNums: 1 }, 201);
  const late = await api.post("/messages", { topic: "t", body: "late", delayMillis: 500_000 }, 201);
  const soon = await api.post("/messages", { topic: "t", body: "soon", delayMillis: 400_000 }, 201);
  const { timers, isComplete } = await api.get("/timers");
  assertEquals(timers.map(({ msgId }: Json) => msgId), [soon.msgId, late.msgId]);
  assert(isComplete);
  assertEquals(timers[1].recallHandle, late.recallHandle);
  await api.post("/timers/recall", { recallHandle: timers[0].recallHandle });
  await eventually("only the other one waits", async () => {
    const left = (await api.get("/timers?topic=t")).timers;
    return left.length === 1 && left[0].msgId === late.msgId;
  });
  await api.post("/timers/recall", { recallHandle: "nonsense" }, 400);
  await client.send("t", encodeUtf8("half"), {
    sysFlag: MessageSysFlag.TRANSACTION_PREPARED,
    properties: printProperties([["TRAN_MSG", "true"], ["PGROUP", "pg"], ["UNIQ_KEY", "u1"]]),
  });
  const { messages } = await api.get("/transactions");
  const [{ topic, producerGroup, msgId, checkTimes }] = messages;
  assertEquals({ topic, producerGroup, msgId, checkTimes }, {
    topic: "t",
    producerGroup: "pg",
    msgId: "u1",
    checkTimes: 0,
  });
});
