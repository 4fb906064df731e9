/** What the HTTP API must do with messages on every cluster, Comet's or Apache's. */

import { assert, assertEquals } from "@std/assert";
import { Producer } from "../../client/mod.ts";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { eventually } from "./eventually.ts";
import type { HttpApi, Json } from "./http_api.ts";
import type { CheckedCluster } from "./http_checks.ts";

type Check = (cluster: CheckedCluster) => Promise<void>;

/** The checks by name; each has topics and groups of its own. */
export const HTTP_MESSAGE_CHECKS: Readonly<Record<string, Check>> = {
  "messages: publish, by id, by key, by content, in pages": checkMessages,
  "messages: a range of time is exact": checkTimes,
  "messages: trace with what clients wrote, resend": checkTrace,
  "consume over HTTP, acknowledge, get again": checkConsume,
  "rates and server-sent events": checkLive,
  "messages that wait, and transactions": checkPending,
};

const ids = (messages: Json[]) => messages.map(({ msgId }) => msgId);

/** Publishes, and waits until the message can be found: Apache's brokers index a little later. */
async function publish(api: HttpApi, message: Json): Promise<Json> {
  const sent = await api.post("/messages", message, 201);
  await eventually("the message can be read", async () => {
    const response = await fetch(`${api.base}/messages/${sent.msgId}?topic=${message.topic}`);
    await response.body?.cancel();
    return response.status === 200;
  });
  return sent;
}

async function checkMessages({ api }: CheckedCluster): Promise<void> {
  const topic = "HttpMessages";
  await api.post("/topics", { topic, readQueueNums: 3, writeQueueNums: 3 }, 201);
  const sent: Json[] = [];
  for (let number = 0; number < 20; number++) {
    sent.push(
      await publish(api, {
        topic,
        body: `{"number":${number}}`,
        keys: [`key-${number}`, "every"],
        tag: number % 5 === 0 ? "fifth" : "other",
        properties: { n: String(number) },
      }),
    );
  }
  const byId = await api.get(`/messages/${sent[3].msgId}?topic=${topic}&bodyEncoding=json`);
  assertEquals([byId.body, byId.offsetMsgId], [{ number: 3 }, sent[3].offsetMsgId]);
  assertEquals((await api.get(`/messages/${sent[3].offsetMsgId}`)).msgId, sent[3].msgId);
  assertEquals(ids((await api.get(`/messages?topic=${topic}&key=key-7`)).messages), [
    sent[7].msgId,
  ]);
  assertEquals((await api.get(`/messages?topic=${topic}&key=every`)).messages.length, 20);
  for (
    const [filter, wanted] of [
      ["tag=fifth", [15, 10, 5, 0]],
      ["sql=n%20BETWEEN%203%20AND%205", [5, 4, 3]],
      ["text=%22number%22:1%7D", [1]],
      ["jsonPath=number&jsonValue=12", [12]],
      ["sql=n%20%3E%2017&order=asc", [18, 19]],
    ] as const
  ) {
    const page = await api.get(`/messages?topic=${topic}&limit=1000&${filter}`);
    assert(page.isComplete, filter);
    assertEquals(ids(page.messages), wanted.map((number) => sent[number].msgId), filter);
  }
  for (const order of ["asc", "desc"]) {
    const found: Json[] = [];
    let cursor = "";
    do {
      const page = await api.get(`/messages?topic=${topic}&order=${order}&limit=6${cursor}`);
      found.push(...page.messages);
      cursor = page.cursor === undefined ? "" : `&cursor=${page.cursor}`;
    } while (cursor !== "");
    const wanted = order === "asc" ? sent : sent.toReversed();
    assertEquals(ids(found), ids(wanted));
  }
  await api.get(`/messages/${"0".repeat(32)}`, 404);
  await api.post("/messages", { topic: "HttpNowhere", body: "x" }, 404);
}

async function checkTimes({ api, namesrv, random }: CheckedCluster): Promise<void> {
  const topic = "HttpRange";
  await api.post("/topics", { topic, readQueueNums: 2, writeQueueNums: 2 }, 201);
  await using producer = new Producer({ nameServers: [namesrv] });
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      Array.from({ length: 10 }, () => producer.send({ topic, body: encodeUtf8("x") })),
    );
  }
  const read = async (query: string) =>
    (await api.get(`/messages?topic=${topic}&limit=1000&order=asc${query}`)).messages;
  let all: Json[] = [];
  await eventually("all can be read", async () => (all = await read("")).length === 200);
  for (let round = 0; round < 20; round++) {
    const times = [0, 1].map(() => all[random(200)].storeTimestamp + random(3) - 1).sort((a, b) =>
      a - b
    );
    const [begin, end] = times as [number, number];
    const found = await read(`&begin=${begin}&end=${end}`);
    const wanted = all.filter(({ storeTimestamp }) =>
      storeTimestamp >= begin && storeTimestamp <= end
    );
    assertEquals(ids(found).toSorted(), ids(wanted).toSorted(), `${begin} to ${end}`);
  }
}

async function checkTrace({ api }: CheckedCluster): Promise<void> {
  const topic = "HttpTraced";
  const traceTopic = "HttpTraces";
  for (const name of [topic, traceTopic]) {
    await api.post("/topics", { topic: name, readQueueNums: 1, writeQueueNums: 1 }, 201);
  }
  const sent = await publish(api, { topic, body: "x", keys: ["order-1"] });
  const fields = ["SubAfter", "request-1", sent.msgId, "12", "true", "order-1", "0"];
  const record = [...fields, String(Date.now()), "billing"].join("\u0001") + "\u0002";
  await publish(api, { topic: traceTopic, body: record, keys: [sent.msgId, "order-1"] });
  const path = `/messages/${sent.msgId}/trace?topic=${topic}&traceTopics=${traceTopic},Missing`;
  const { events, missingTraceTopics } = await api.get(path);
  assertEquals(events.map(({ event }: Json) => event), ["STORED", "SubAfter"]);
  assertEquals([events[1].record.group, events[1].record.success], ["billing", true]);
  assertEquals(missingTraceTopics, ["Missing"]);
  const { tracks } = await api.get(`/messages/${sent.offsetMsgId}/track`);
  assertEquals(tracks, []);
  const { published } = await api.post(`/messages/${sent.msgId}/resend`, { topic });
  assert(published.msgId !== sent.msgId);
  const again = await api.get(`/messages/${published.offsetMsgId}`);
  assertEquals([again.body, again.keys], ["x", ["order-1"]]);
}

async function checkConsume({ api }: CheckedCluster): Promise<void> {
  const topic = "HttpConsumed";
  const group = "HttpConsumers";
  await api.post("/topics", { topic, readQueueNums: 1, writeQueueNums: 1 }, 201);
  await api.post("/groups", { group }, 201);
  for (const body of ["one", "two"]) await publish(api, { topic, body });
  const request = { topic, maxMessages: 2, invisibleMillis: 10_000, waitMillis: 1_000 };
  const { messages } = await api.post(`/consume/${group}`, request);
  assertEquals(messages.map(({ body }: Json) => body), ["one", "two"]);
  const [one, two] = messages;
  const acked = await api.post(`/consume/${group}/ack`, { handles: [one.handle] });
  assertEquals(acked.outcomes[0].isAcknowledged, true);
  await api.post(`/consume/${group}/invisible`, { handle: two.handle, invisibleMillis: 1_000 });
  let again: Json[] = [];
  const wait = { ...request, waitMillis: 10_000 };
  for (let tries = 0; again.length === 0 && tries < 4; tries++) {
    again = (await api.post(`/consume/${group}`, wait)).messages;
  }
  assertEquals(again.map(({ body }: Json) => body), ["two"]);
  const last = await api.post(`/consume/${group}/ack`, { handles: [again[0].handle] });
  assertEquals(last.outcomes[0].isAcknowledged, true);
}

async function checkLive({ api }: CheckedCluster): Promise<void> {
  const topic = "HttpStreamed";
  await api.post("/topics", { topic, readQueueNums: 1, writeQueueNums: 1 }, 201);
  await publish(api, { topic, body: "streamed" });
  const response = await fetch(`${api.base}/topics/${topic}/stream?from=earliest`);
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes("streamed")) break;
  }
  const { samples } = await api.get("/rates");
  assertEquals(samples[0].brokers[0].brokerName, "broker-a");
}

async function checkPending({ api, namesrv }: CheckedCluster): Promise<void> {
  const topic = "HttpPending";
  await api.post("/topics", { topic, readQueueNums: 1, writeQueueNums: 1 }, 201);
  const later = await api.post("/messages", { topic, body: "x", delayMillis: 500_000 }, 201);
  const sooner = await api.post("/messages", { topic, body: "x", delayMillis: 400_000 }, 201);
  await eventually("both wait", async () => {
    const { timers, isComplete } = await api.get(`/timers?topic=${topic}`);
    assert(isComplete);
    return timers.length === 2 && timers[0].msgId === sooner.msgId &&
      timers[1].msgId === later.msgId;
  });
  await using producer = new Producer({ nameServers: [namesrv], group: "HttpPendingProducers" });
  const message = { topic, body: encodeUtf8("half") };
  const { msgId } = await producer.sendInTransaction(message, () => "UNKNOWN");
  await eventually("the transaction is open", async () => {
    const { messages } = await api.get("/transactions");
    return messages.some((half: Json) => half.msgId === msgId && half.topic === topic);
  });
}
