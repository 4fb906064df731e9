/** What the HTTP API must do with every cluster, Comet's or Apache's: each check has topics and groups of its own. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { HEART_BEAT } from "../../client/protocol/commands/client.ts";
import { Producer, PullConsumer, PushConsumer } from "../../client/mod.ts";
import { TestClient } from "./comet.ts";
import { eventually } from "./eventually.ts";
import type { HttpApi, Json } from "./http_api.ts";
import type { Random } from "./random.ts";

export interface CheckedCluster {
  readonly api: HttpApi;
  /** host:port */
  readonly namesrv: string;
  readonly random: Random;
}

type Check = (cluster: CheckedCluster) => Promise<void>;

/** The checks by name. They may run in any order over the same cluster. */
export const HTTP_CHECKS: Readonly<Record<string, Check>> = {
  "the cluster, a broker and its settings": checkCluster,
  "topics: create, list, change, delete": checkTopics,
  "offsets by time are those of a full scan, and times by offset": checkOffsetsByTime,
  "groups: create, list, change, delete": checkGroups,
  "lookback of a group of which nobody is there": checkOfflineReset,
  "lookback of a group that consumes, its progress and its clients": checkOnlineReset,
  "clone and skip": checkClone,
  "key-value pairs and write permission": checkNamesrv,
  "definitions out and in": checkDefinitions,
};

const QUEUES = 2;

async function checkCluster({ api, namesrv }: CheckedCluster): Promise<void> {
  const cluster = await api.get("/cluster");
  assertEquals(cluster.nameServers, [namesrv]);
  assertEquals([cluster.brokers[0].brokerName, cluster.failures], ["broker-a", []]);
  assertEquals(cluster.brokers[0].runtime.version, "V5_3_3");
  const broker = await api.get("/brokers/broker-a");
  assert(
    broker.runtime.bootTimestamp > 1.6e12 && broker.runtimeInfo.brokerVersionDesc === "V5_3_3",
  );
  await api.get("/brokers/broker-z", 404);
  const path = "/brokers/broker-a/config";
  const changed = await api.send("PATCH", path, { fileReservedTime: 50, longPollingEnable: true });
  const find = (name: string) => changed.settings.find((one: Json) => one.name === name);
  assertEquals([find("fileReservedTime").value, find("fileReservedTime").changeable], ["50", true]);
  assertEquals(find("storePathRootDir").changeable, false);
  for (const key of ["storePathRootDir", "namesrvAddr", "brokerIP1", "listenPort"]) {
    const refused = await api.send("PATCH", path, { fileReservedTime: 51, [key]: "x" }, 403);
    assertStringIncludes(refused.detail, key);
  }
  await api.send("PATCH", path, { fileReservedTime: "soon" }, 400);
  await api.send("PATCH", path, { noSuchSetting: 1 }, 400);
  const { settings } = await api.get(path);
  assertEquals(settings.find((one: Json) => one.name === "fileReservedTime").value, "50");
}

async function checkTopics({ api }: CheckedCluster): Promise<void> {
  const settings = { readQueueNums: 3, writeQueueNums: 2, messageType: "FIFO" };
  const created = await api.post("/topics", { topic: "HttpTopic", ...settings }, 201);
  assertEquals([created.messageType, created.type, created.perm], ["FIFO", "normal", 6]);
  await api.post("/topics", { topic: "HttpTopic", ...settings }, 409);
  for (const topic of ["HttpTopicA", "HttpTopicB", "HttpTopicC"]) {
    await api.post("/topics", { topic, readQueueNums: 1, writeQueueNums: 1 }, 201);
  }
  const page = await api.get("/topics?search=HTTPTOPIC&type=normal&sort=-topic&limit=2&page=1");
  assertEquals(page.items.map((one: Json) => one.topic), ["HttpTopicC", "HttpTopicB"]);
  assertEquals([page.total, page.failures], [4, []]);
  const rest = await api.get("/topics?search=HTTPTOPIC&type=normal&sort=-topic&limit=2&page=2");
  assertEquals(rest.items.map((one: Json) => one.topic), ["HttpTopicA", "HttpTopic"]);
  const system = await api.get("/topics?type=system&search=SELF_TEST");
  assertEquals(system.items.map((one: Json) => one.topic), ["SELF_TEST_TOPIC"]);
  assertEquals((await api.get("/topics?messageType=FIFO&search=HttpTopic")).total, 1);
  const changed = await api.send("PUT", "/topics/HttpTopic", {
    writeQueueNums: 3,
    perm: 4,
    messageType: "DELAY",
  });
  assertEquals([changed.readQueueNums, changed.writeQueueNums, changed.perm], [3, 3, 4]);
  assertEquals((await api.get("/topics/HttpTopic")).messageType, "DELAY");
  await eventually("the route has the change", async () => {
    return (await api.get("/topics/HttpTopic/route")).queueDatas[0].writeQueueNums === 3;
  });
  await api.send("PUT", "/topics/HttpTopic", { attributes: { "no.such": "x" } }, 400);
  await api.post("/topics", { topic: "not a name", readQueueNums: 1, writeQueueNums: 1 }, 400);
  await api.get("/topics/HttpNowhere", 404);
  await api.get("/topics/HttpNowhere/route", 404);
  const dry = await api.send("DELETE", "/topics/HttpTopic?dryRun=true", undefined);
  assertEquals([dry.brokerNames, dry.dryRun], [["broker-a"], true]);
  await api.get("/topics/HttpTopic");
  await api.send("DELETE", "/topics/HttpTopic", undefined);
  await api.get("/topics/HttpTopic", 404);
  await api.get("/topics/HttpTopic/route", 404);
}

/** Sends messages with pauses between some, so that several share a millisecond and others do not. */
async function fill(
  { api, namesrv, random }: CheckedCluster,
  topic: string,
  count: number,
): Promise<Producer> {
  await api.post("/topics", { topic, readQueueNums: QUEUES, writeQueueNums: QUEUES }, 201);
  const producer = new Producer({ nameServers: namesrv, onError: () => {} });
  for (let n = 0; n < count; n++) {
    if (random(4) === 0) await new Promise((resolve) => setTimeout(resolve, random(5)));
    await producer.send({ topic, body: `message ${n}` });
  }
  return producer;
}

async function checkOffsetsByTime(cluster: CheckedCluster): Promise<void> {
  const { api, namesrv, random } = cluster;
  const topic = "HttpTimes";
  await using _producer = await fill(cluster, topic, 60);
  const stats = await api.get(`/topics/${topic}/stats`);
  assertEquals([stats.messageCount, stats.queues.length], [60, QUEUES]);
  const times = await scan(namesrv, topic);
  const all = [...times.values()].flat();
  const [first, last] = [Math.min(...all), Math.max(...all)];
  const asked = [0, first, last, last + 1, last + 100_000];
  for (let n = 0; n < 40; n++) asked.push(first - 2 + random(last - first + 5));
  for (const timestamp of asked) {
    const { queues } = await api.get(`/topics/${topic}/offsets?timestamp=${timestamp}`);
    for (const { queueId, offset, storeTimestamp } of queues) {
      const list = times.get(queueId)!;
      const found = list.findIndex((time) => time >= timestamp);
      assertEquals([queueId, offset], [queueId, found < 0 ? list.length : found], `${timestamp}`);
      assertEquals(storeTimestamp, found < 0 ? undefined : list[found]);
    }
  }
  const { queues } = await api.get(`/topics/${topic}/offsets?offset=3&queueId=1`);
  assertEquals([queues.length, queues[0].storeTimestamp], [1, times.get(1)![3]]);
  assertEquals([queues[0].minTimestamp, queues[0].maxTimestamp], [
    times.get(1)![0],
    times.get(1)!.at(-1),
  ]);
  await api.get(`/topics/${topic}/offsets?offset=3&timestamp=3`, 400);
  await api.get(`/topics/${topic}/offsets?queueId=77`, 404);
}

/** When each message of a topic was stored, by queue. */
async function scan(namesrv: string, topic: string): Promise<Map<number, number[]>> {
  await using consumer = new PullConsumer({
    nameServers: namesrv,
    group: "HttpScan",
    onError: () => {},
  });
  const times = new Map<number, number[]>();
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    const list: number[] = [];
    for (;;) {
      const queue = { topic, brokerName: "broker-a", queueId };
      const { messages } = await consumer.pull(queue, list.length);
      if (messages.length === 0) break;
      list.push(...messages.map(({ storeTimestamp }) => storeTimestamp));
    }
    times.set(queueId, list);
  }
  return times;
}

async function checkGroups({ api }: CheckedCluster): Promise<void> {
  const policy = { type: "CUSTOMIZED", customizedRetryPolicy: { next: [1000, 5000] } };
  const body = { group: "HttpGroup", retryMaxTimes: 3, groupRetryPolicy: policy };
  const created = await api.post("/groups", body, 201);
  assertEquals([created.retryMaxTimes, created.brokerNames], [3, ["broker-a"]]);
  assertEquals(created.groupRetryPolicy.customizedRetryPolicy, policy.customizedRetryPolicy);
  await api.post("/groups", body, 409);
  await api.post("/groups", { group: "HttpGroupA" }, 201);
  const page = await api.get("/groups?search=httpgroup&progress=true&clients=true&sort=-group");
  assertEquals(page.items.map((one: Json) => [one.group, one.diffTotal, one.clientCount]), [
    ["HttpGroupA", 0, 0],
    ["HttpGroup", 0, 0],
  ]);
  const system = await api.get("/groups?type=system&search=TOOLS");
  assertEquals(system.items.map((one: Json) => one.group), ["TOOLS_CONSUMER"]);
  const changed = await api.send("PUT", "/groups/HttpGroup", { consumeEnable: false });
  assertEquals([changed.consumeEnable, changed.retryMaxTimes], [false, 3]);
  assertEquals((await api.get("/groups/HttpGroup")).consumeEnable, false);
  await api.get("/groups/HttpNobody", 404);
  await api.get("/groups/HttpNobody", 404);
  await api.get("/groups/HttpNobody/progress", 404);
  assertEquals((await api.get("/groups/HttpGroup/connections")).clients, []);
  const dry = await api.send("DELETE", "/groups/HttpGroup?dryRun=true", undefined);
  assertEquals([dry.clientCount, dry.topics], [0, []]);
  await api.send("DELETE", "/groups/HttpGroup", undefined);
  await api.get("/groups/HttpGroup", 404);
}

/** Offsets by queue, as the progress tells them. */
async function offsetsOf(api: HttpApi, group: string, topic: string): Promise<number[]> {
  const { queues } = await api.get(`/groups/${group}/progress?topic=${topic}`);
  return queues.map((queue: Json) => queue.consumerOffset);
}

async function checkOfflineReset(cluster: CheckedCluster): Promise<void> {
  const { api } = cluster;
  const [topic, group] = ["HttpReset", "HttpResetGroup"];
  await using _producer = await fill(cluster, topic, 40);
  await api.post("/groups", { group }, 201);
  const reset = (body: object, status = 200) =>
    api.post(`/groups/${group}/reset`, { topic, ...body }, status);
  const dry = await reset({ to: "latest", dryRun: true });
  assertEquals([dry.online, dry.dryRun, dry.skipCount], [false, true, 40]);
  assertEquals(dry.queues[0].oldOffset, undefined);
  assertEquals(await offsetsOf(api, group, topic), [0, 0]);
  const maxOffsets = dry.queues.map((queue: Json) => queue.maxOffset);
  await reset({ to: "latest" });
  assertEquals(await offsetsOf(api, group, topic), maxOffsets);
  const times = await scan(cluster.namesrv, topic);
  const timestamp = times.get(0)![7]!;
  const expected = [0, 1].map((queueId) => {
    const found = times.get(queueId)!.findIndex((time) => time >= timestamp);
    return found < 0 ? times.get(queueId)!.length : found;
  });
  const back = await reset({ timestamp });
  assertEquals(back.queues.map((queue: Json) => queue.newOffset), expected);
  assertEquals(back.replayCount, 40 - expected[0]! - expected[1]!);
  assertEquals(await offsetsOf(api, group, topic), expected);
  await reset({ offsets: { "0": 2 } });
  assertEquals(await offsetsOf(api, group, topic), [2, expected[1]!]);
  await reset({ offsets: { "broker-a:1": 3 } });
  assertEquals(await offsetsOf(api, group, topic), [2, 3]);
  await reset({ to: "latest", force: false });
  assertEquals(await offsetsOf(api, group, topic), [2, 3]);
  await reset({ to: "earliest" });
  assertEquals(await offsetsOf(api, group, topic), [0, 0]);
  await reset({ offsets: { "0": 1_000 } }, 400);
  await reset({ offsets: { "77": 0 } }, 400);
  await reset({ timestamp: 1, to: "latest" }, 400);
  await api.post(`/groups/${group}/reset`, { topic: "HttpNowhere", to: "latest" }, 404);
  await api.post(`/groups/HttpNobody/reset`, { topic, to: "latest" }, 404);
}

async function checkOnlineReset(cluster: CheckedCluster): Promise<void> {
  const { api, namesrv } = cluster;
  const [topic, group] = ["HttpOnline", "HttpOnlineGroup"];
  await using producer = await fill(cluster, topic, 10);
  let consumed = 0;
  await using consumer = new PushConsumer({
    nameServers: namesrv,
    group,
    consumeFrom: "CONSUME_FROM_FIRST_OFFSET",
    onMessages: (messages) => void (consumed += messages.length),
    onError: () => {},
  });
  await consumer.subscribe(topic).start();
  await eventually("the group has consumed all", () => consumed >= 10);
  const { clients, subscriptions } = await api.get(`/groups/${group}/connections`);
  assertEquals(clients.length, 1);
  const subscription = subscriptions.find((one: Json) => one.topic === topic);
  assertEquals([subscription?.subString, subscription?.expressionType], ["*", "TAG"]);
  const [{ clientId }] = clients;
  const info = await api.get(`/groups/${group}/clients/${encodeURIComponent(clientId)}`);
  assertEquals(info.queues.filter((queue: Json) => queue.topic === topic).length, QUEUES);
  await api.get(`/groups/${group}/clients/nobody`, 404);
  const agreed = await api.get(`/groups/${group}/subscriptions`);
  assertEquals([agreed.answeredClientIds, agreed.mismatches], [[clientId], []]);
  const progress = await api.get(`/groups/${group}/progress?topic=${topic}`);
  assertEquals(progress.queues.map((queue: Json) => queue.clientId), [clientId, clientId]);
  // Apache's broker knows it when the group has committed, within some five seconds.
  await eventually("the topic has the group", async () => {
    const { items } = await api.get(`/topics/${topic}/consumers`);
    return items.length === 1 && items[0].group === group;
  });
  const listed = await api.get(`/clients?search=${group}&rates=true`);
  assertEquals(listed.items.map((one: Json) => [one.clientId, one.consumerGroups]), [
    [clientId, [group]],
  ]);
  await checkProducers(api);

  const answer = await api.post(`/groups/${group}/reset`, { topic, to: "earliest" });
  assertEquals(answer.online, true);
  // Apache's broker tells a waiting pull only when something comes.
  for (let n = 0; n < 2 * QUEUES; n++) await producer.send({ topic, body: "one more" });
  await eventually("the group has consumed all again", () => consumed >= 20 + 2 * QUEUES);
}

/** A producer is there when its heartbeat has come. */
async function checkProducers(api: HttpApi): Promise<void> {
  const [{ brokerAddr }] = (await api.get("/cluster")).brokers;
  await using client = new TestClient(Number(brokerAddr.split(":")[1]));
  const heartbeat = {
    clientID: "http-producer",
    producerDataSet: [{ groupName: "HttpProducers" }],
    consumerDataSet: [],
  };
  await client.invoke(HEART_BEAT, {}, encodeUtf8(JSON.stringify(heartbeat)));
  const listed = await api.get("/clients?role=producer&search=HttpProducers");
  assertEquals(listed.items.map((one: Json) => [one.clientId, one.producerGroups]), [
    ["http-producer", ["HttpProducers"]],
  ]);
  const producers = await api.get("/producers?search=HttpProducers");
  assertEquals(producers.items, [{ producerGroup: "HttpProducers", clientCount: 1 }]);
  const { clients } = await api.get("/producers/HttpProducers");
  assertEquals(clients.map((one: Json) => one.clientId), ["http-producer"]);
  assertEquals((await api.get("/producers/HttpNobody")).clients, []);
}

async function checkClone(cluster: CheckedCluster): Promise<void> {
  const { api } = cluster;
  const [topic, from, to] = ["HttpClone", "HttpCloneFrom", "HttpCloneTo"];
  await using _producer = await fill(cluster, topic, 20);
  for (const group of [from, to]) await api.post("/groups", { group }, 201);
  await api.post(`/groups/${from}/reset`, { topic, offsets: { "0": 4, "1": 5 } });
  const dry = await api.post(`/groups/${from}/clone`, { destGroup: to, dryRun: true });
  assertEquals(dry.topics.map((one: Json) => one.topic), [topic]);
  assertEquals(await offsetsOf(api, to, topic), [0, 0]);
  await api.post(`/groups/${from}/clone`, { destGroup: to });
  assertEquals(await offsetsOf(api, to, topic), [4, 5]);
  await api.post(`/groups/${from}/clone`, { destGroup: "HttpNobody" }, 404);
  await api.post(`/groups/${from}/clone`, { destGroup: from }, 400);
  const skipped = await api.post(`/groups/${to}/skip`, {});
  assertEquals([skipped.resets.length, skipped.resets[0].skipCount], [1, 11]);
  const progress = await api.get(`/groups/${to}/progress`);
  assertEquals([progress.diffTotal, progress.delayMillisMax], [0, 0]);
  const behind = await api.get(`/groups/${from}/progress`);
  assert(behind.diffTotal === 11 && behind.delayMillisMax > 0 && behind.delayMillisMax < 600_000);
  const page = await api.get(`/groups?search=HttpClone&progress=true&sort=-diffTotal`);
  assertEquals(page.items.map((one: Json) => [one.group, one.diffTotal]), [[from, 11], [to, 0]]);
}

async function checkNamesrv({ api }: CheckedCluster): Promise<void> {
  const path = "/kv/ORDER_TOPIC_CONFIG/HttpOrdered";
  await api.get(path, 404);
  await api.send("PUT", path, { value: "broker-a:4" });
  assertEquals((await api.get(path)).value, "broker-a:4");
  assertEquals((await api.get("/kv/ORDER_TOPIC_CONFIG")).values["HttpOrdered"], "broker-a:4");
  await api.send("DELETE", path, undefined);
  await api.get(path, 404);
  const settings = { readQueueNums: 1, writeQueueNums: 1 };
  await api.post("/topics", { topic: "HttpPerm", ...settings }, 201);
  const permOf = async () => (await api.get("/topics/HttpPerm/route")).queueDatas[0].perm;
  const wiped = await api.send("PUT", "/brokers/broker-a/write-perm", { writeable: false });
  assertEquals([wiped.topicCount > 0, await permOf()], [true, 4]);
  await api.send("PUT", "/brokers/broker-a/write-perm", { writeable: true });
  assertEquals(await permOf(), 6);
}

async function checkDefinitions({ api }: CheckedCluster): Promise<void> {
  const settings = { readQueueNums: 2, writeQueueNums: 2, perm: 4, messageType: "DELAY" };
  await api.post("/topics", { topic: "HttpDefined", ...settings }, 201);
  await api.post("/groups", { group: "HttpDefinedGroup", retryMaxTimes: 5 }, 201);
  const document = await api.get("/definitions");
  const same = await api.post("/definitions?dryRun=true", document);
  assertEquals(same.changes, []);
  await api.send("DELETE", "/topics/HttpDefined", undefined);
  await api.send("PUT", "/groups/HttpDefinedGroup", { retryMaxTimes: 6 });
  const expected = [
    { kind: "topic", name: "HttpDefined", action: "create" },
    { kind: "group", name: "HttpDefinedGroup", action: "update" },
  ];
  assertEquals((await api.post("/definitions?dryRun=true", document)).changes, expected);
  await api.get("/topics/HttpDefined", 404);
  assertEquals((await api.post("/definitions", document)).changes, expected);
  const topic = await api.get("/topics/HttpDefined");
  assertEquals([topic.readQueueNums, topic.perm, topic.messageType], [2, 4, "DELAY"]);
  assertEquals((await api.get("/groups/HttpDefinedGroup")).retryMaxTimes, 5);
  assertEquals((await api.post("/definitions", document)).changes, []);
  const refused = { ...document, settings: { "broker-a": { storePathRootDir: "/tmp" } } };
  await api.post("/definitions", refused, 403);
}
