import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import * as brokers from "../../client/protocol/commands/admin_broker.ts";
import * as consumers from "../../client/protocol/commands/admin_consumer.ts";
import * as groups from "../../client/protocol/commands/admin_group.ts";
import * as topics from "../../client/protocol/commands/admin_topic.ts";
import { HEART_BEAT } from "../../client/protocol/commands/client.ts";
import {
  QUERY_CONSUMER_OFFSET,
  UPDATE_CONSUMER_OFFSET,
} from "../../client/protocol/commands/offset.ts";
import { POP_MESSAGE } from "../../client/protocol/commands/pop.ts";
import { CONSUMER_SEND_MSG_BACK } from "../../client/protocol/commands/send.ts";
import { GET_MAX_OFFSET } from "../../client/protocol/commands/query.ts";
import { UPDATE_AND_CREATE_TOPIC } from "../../client/protocol/commands/topic.ts";
import { parseFastjson } from "../../client/protocol/fastjson.ts";
import {
  createRequest,
  createResponse,
  type RemotingCommand,
} from "../../client/protocol/frame.ts";
import type { Command } from "../../client/protocol/header_schema.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { RemotingClient } from "../../client/remoting/remoting_client.ts";
import { type Comet, startComet, TestClient } from "../helpers/comet.ts";
import { eventually } from "../helpers/eventually.ts";

// deno-lint-ignore no-explicit-any -- what Java's bodies hold is what the tests are about
type Json = any;

function jsonOf({ code, remark, body }: RemotingCommand): Json {
  assertEquals(code, ResponseCode.SUCCESS, remark);
  return parseFastjson(decodeUtf8(body, 0, body.length));
}

function textOf({ body }: RemotingCommand): string {
  return decodeUtf8(body, 0, body.length);
}

/** A queue as a key of Java's maps. */
function queueKey(topic: string, queueId: number): string {
  return JSON.stringify({ brokerName: "broker-a", queueId, topic });
}

async function createTopic(client: TestClient, topic: string): Promise<void> {
  const { code } = await client.invoke(UPDATE_AND_CREATE_TOPIC, {
    topic,
    readQueueNums: 2,
    writeQueueNums: 2,
    perm: 6,
    topicFilterType: "SINGLE_TAG",
  });
  assertEquals(code, ResponseCode.SUCCESS);
}

async function sendAll(client: TestClient, topic: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    assertEquals((await client.send(topic, encodeUtf8(`${n}`))).code, ResponseCode.SUCCESS);
  }
}

/** A client in the group "g" that answers what the broker asks; `answers` has the bodies by code. */
async function joinGroup(comet: Comet, topic: string, answers: Map<number, string>) {
  const asked: RemotingCommand[] = [];
  const remoting = new RemotingClient({
    onRequest(request, connection) {
      asked.push({ ...request, body: request.body.slice() });
      const answer = answers.get(request.code);
      if (answer === undefined) return;
      connection.send(
        createResponse(request, ResponseCode.SUCCESS, undefined, new Map(), encodeUtf8(answer)),
      );
    },
  });
  const heartbeat = {
    clientID: "me@1",
    producerDataSet: [{ groupName: "p" }],
    consumerDataSet: [{
      groupName: "g",
      consumeType: "CONSUME_PASSIVELY",
      messageModel: "CLUSTERING",
      consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
      subscriptionDataSet: [{ topic, subString: "*", subVersion: 1 }],
    }],
  };
  const body = encodeUtf8(JSON.stringify(heartbeat));
  const request = createRequest(HEART_BEAT.code, new Map(), body);
  const address = `127.0.0.1:${comet.brokerPort}`;
  assertEquals((await remoting.invoke(address, request, 5_000)).code, ResponseCode.SUCCESS);
  return { asked, [Symbol.asyncDispose]: () => remoting[Symbol.asyncDispose]() };
}

Deno.test("GET_BROKER_RUNTIME_INFO and VIEW_BROKER_STATS_DATA tell what came and went", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  await sendAll(client, "T", 3);
  await client.pull("T", {});
  const { table } = jsonOf(await client.invoke(brokers.GET_BROKER_RUNTIME_INFO, {}));
  assertEquals([table.brokerVersionDesc, table.brokerActive], ["V5_3_3", "true"]);
  assertEquals([table.msgPutTotalTodayNow, table.msgGetTotalTodayNow], ["3", "3"]);
  assertEquals(table.getTransferredTps.split(" ").length, 3);
  assertEquals(Number(table.putTps.split(" ")[0]) > 0, true);
  assertMatch(table.commitLogDirCapacity, /^Total : [\d.]+ [KMGTP]iB, Free : [\d.]+ [KMGTP]iB\.$/);
  const view = async (statsName: string, statsKey: string) =>
    jsonOf(await client.invoke(brokers.VIEW_BROKER_STATS_DATA, { statsName, statsKey }));
  assertEquals((await view("TOPIC_PUT_NUMS", "T")).statsMinute.sum, 3);
  assertEquals((await view("GROUP_GET_NUMS", "T@g")).statsDay.sum, 3);
  const popping = { consumerGroup: "h", topic: "T", queueId: -1, maxMsgNums: 2 };
  const times = { invisibleTime: 60_000, pollTime: 0, bornTime: Date.now(), initMode: 0 };
  assertEquals((await client.invoke(POP_MESSAGE, { ...popping, ...times })).code, 0);
  assertEquals((await view("GROUP_GET_NUMS", "T@h")).statsMinute.sum, 2);
  const back = { group: "g", offset: 0, delayLevel: 0 };
  assertEquals((await client.invoke(CONSUMER_SEND_MSG_BACK, back)).code, ResponseCode.SUCCESS);
  assertEquals((await view("SNDBCK_PUT_NUMS", "T@g")).statsMinute.sum, 1);
  const missing = { statsName: "TOPIC_PUT_NUMS", statsKey: "U" };
  const { remark } = await client.invoke(brokers.VIEW_BROKER_STATS_DATA, missing);
  assertEquals(remark, "The stats <TOPIC_PUT_NUMS> <U> not exist");
});

Deno.test("UPDATE_BROKER_CONFIG changes what may change, and says why the rest may not", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  const update = (text: string) =>
    client.invoke(brokers.UPDATE_BROKER_CONFIG, {}, encodeUtf8(text));
  const settings = async () => textOf(await client.invoke(brokers.GET_BROKER_CONFIG, {}));
  assertEquals((await update("autoCreateTopicEnable=false\n")).code, ResponseCode.SUCCESS);
  assertStringIncludes(await settings(), "autoCreateTopicEnable=false\n");
  assertEquals((await client.send("New", encodeUtf8("x"))).code, ResponseCode.TOPIC_NOT_EXIST);
  const refused = await update("autoCreateTopicEnable=true\nlistenPort=1\n");
  assertEquals(refused.code, ResponseCode.INVALID_PARAMETER);
  assertStringIncludes(refused.remark!, "listenPort cannot change while the broker runs");
  assertStringIncludes(await settings(), "autoCreateTopicEnable=false\n");
  const { extFields } = await client.invoke(brokers.GET_BROKER_CONFIG, {});
  assertEquals(JSON.parse(extFields.get("version")!).counter, 1);
});

Deno.test("DELETE_TOPIC_IN_BROKER deletes all of a topic, and no crash brings it back", async () => {
  const folder = Deno.makeTempDirSync();
  for (const isAgain of [false, true]) {
    await using comet = await startComet(folder);
    await using client = new TestClient(comet.brokerPort);
    if (!isAgain) {
      await createTopic(client, "T");
      await sendAll(client, "T", 5);
      const offset = { consumerGroup: "g", topic: "T", queueId: 0 };
      await client.pull("T", {});
      await client.invoke(UPDATE_CONSUMER_OFFSET, { ...offset, commitOffset: 5 });
      const { code } = await client.invoke(topics.DELETE_TOPIC_IN_BROKER, { topic: "T" });
      assertEquals(code, ResponseCode.SUCCESS);
      const answer = await client.invoke(topics.GET_TOPIC_STATS_INFO, { topic: "T" });
      assertEquals([answer.code, answer.remark], [17, "topic[T] not exist"]);
      await comet.kill();
      continue;
    }
    const who = jsonOf(await client.invoke(topics.QUERY_TOPIC_CONSUME_BY_WHO, { topic: "T" }));
    assertEquals(who.groupList, []);
    await createTopic(client, "T");
    const { extFields } = await client.send("T", encodeUtf8("new"));
    assertEquals(extFields.get("queueOffset"), "0");
    const max = await client.invoke(GET_MAX_OFFSET, { topic: "T", queueId: 0 });
    assertEquals(max.extFields.get("offset"), "1");
  }
});

Deno.test("DELETE_TOPIC_IN_BROKER refuses system topics, and CLEAN_UNUSED_TOPIC leaves what is used", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  for (const topic of ["TBW102", "rmq_sys_x", " "]) {
    const { code } = await client.invoke(topics.DELETE_TOPIC_IN_BROKER, { topic });
    assertEquals(code, ResponseCode.INVALID_PARAMETER, topic);
  }
  await sendAll(client, "T", 2);
  for (
    const upkeep of [
      brokers.CLEAN_UNUSED_TOPIC,
      brokers.CLEAN_EXPIRED_CONSUMEQUEUE,
      brokers.DELETE_EXPIRED_COMMITLOG,
    ]
  ) {
    assertEquals((await client.invoke(upkeep as Command, {})).code, ResponseCode.SUCCESS);
  }
  assertEquals((await client.pull("T", {})).code, ResponseCode.SUCCESS);
});

Deno.test("UPDATE_AND_CREATE_TOPIC_LIST and its like for groups take all or none", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  const createTopics = (...names: string[]) => {
    const topicConfigList = names.map((topicName) => ({
      topicName,
      readQueueNums: 3,
      writeQueueNums: 3,
      perm: 6,
      attributes: { "+message.type": "FIFO" },
    }));
    const body = encodeUtf8(JSON.stringify({ topicConfigList }));
    return client.invoke(topics.UPDATE_AND_CREATE_TOPIC_LIST, {}, body);
  };
  assertEquals((await createTopics("A", "b c")).code, ResponseCode.INVALID_PARAMETER);
  const missing = await client.invoke(topics.GET_TOPIC_STATS_INFO, { topic: "A" });
  assertEquals(missing.code, ResponseCode.TOPIC_NOT_EXIST);
  assertEquals((await createTopics("A", "B")).code, ResponseCode.SUCCESS);
  const stats = jsonOf(await client.invoke(topics.GET_TOPIC_STATS_INFO, { topic: "B" }));
  assertEquals(stats.offsetTable[queueKey("B", 2)], {
    lastUpdateTimestamp: 0,
    maxOffset: 0,
    minOffset: 0,
  });
  const createGroups = (...names: string[]) => {
    const body = { groupConfigList: names.map((groupName) => ({ groupName })) };
    const bytes = encodeUtf8(JSON.stringify(body));
    return client.invoke(groups.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, {}, bytes);
  };
  assertEquals((await createGroups("g1", "g 2")).code, ResponseCode.INVALID_PARAMETER);
  assertEquals((await createGroups("g1", "g2")).code, ResponseCode.SUCCESS);
});

Deno.test("groups: stats, time spans, corrections and clones of offsets, deletion", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  await createTopic(client, "T");
  await sendAll(client, "T", 5);
  await using _member = await joinGroup(comet, "T", new Map());
  await client.pull("T", { queueOffset: 0, maxMsgNums: 4 });
  const offset = { consumerGroup: "g", topic: "T", queueId: 0 };
  await client.invoke(UPDATE_CONSUMER_OFFSET, { ...offset, commitOffset: 3 });
  const stats = jsonOf(await client.invoke(consumers.GET_CONSUME_STATS, { consumerGroup: "g" }));
  const { lastTimestamp, ...queue } = stats.offsetTable[queueKey("T", 0)];
  assertEquals(queue, { brokerOffset: 5, consumerOffset: 3, pullOffset: 4 });
  assertEquals(lastTimestamp > 0, true);
  const all = jsonOf(await client.invoke(brokers.GET_BROKER_CONSUME_STATS, { isOrder: false }));
  assertEquals([all.totalDiff, all.totalInflightDiff], [2, 1]);
  const { consumeTimeSpanSet: [span] } = jsonOf(
    await client.invoke(consumers.QUERY_CONSUME_TIME_SPAN, { topic: "T", group: "g" }),
  );
  assertEquals(span.consumeTimeStamp, lastTimestamp);
  assertEquals(span.delayTime >= 0 && span.maxTimeStamp >= span.minTimeStamp, true);
  const clone = { srcGroup: "g", destGroup: "h" };
  assertEquals((await client.invoke(consumers.CLONE_GROUP_OFFSET, clone)).code, 0);
  const cloned = await client.invoke(QUERY_CONSUMER_OFFSET, { ...offset, consumerGroup: "h" });
  assertEquals(cloned.extFields.get("offset"), "3");
  const correction = { topic: "T", compareGroup: "h", filterGroups: "g" };
  const corrected = await client.invoke(consumers.QUERY_CORRECTION_OFFSET, correction);
  assertEquals(textOf(corrected), '{"correctionOffsets":{0:3}}');
  const known = jsonOf(await client.invoke(groups.QUERY_TOPICS_BY_CONSUMER, { group: "h" }));
  assertEquals(known.topicList, ["T"]);
  const deletion = { groupName: "h", cleanOffset: true };
  assertEquals((await client.invoke(groups.DELETE_SUBSCRIPTIONGROUP, deletion)).code, 0);
  const { offsetTable } = jsonOf(await client.invoke(brokers.GET_ALL_CONSUMER_OFFSET, {}));
  assertEquals([offsetTable["T@g"], offsetTable["T@h"]], [{ "0": 3 }, undefined]);
});

Deno.test("who is there: connections, producers, subscriptions; and who may read", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  await createTopic(client, "T");
  await sendAll(client, "T", 1);
  const group = { consumerGroup: "g" };
  const offline = await client.invoke(groups.GET_CONSUMER_CONNECTION_LIST, group);
  assertEquals(offline.code, ResponseCode.CONSUMER_NOT_ONLINE);
  await using _member = await joinGroup(comet, "T", new Map());
  const online = jsonOf(await client.invoke(groups.GET_CONSUMER_CONNECTION_LIST, group));
  assertEquals(online.connectionSet[0].clientId, "me@1");
  assertEquals(online.subscriptionTable.T.subString, "*");
  const list = { producerGroup: "p" };
  const producers = jsonOf(await client.invoke(groups.GET_PRODUCER_CONNECTION_LIST, list));
  assertEquals(producers.connectionSet.length, 1);
  const all = jsonOf(await client.invoke(groups.GET_ALL_PRODUCER_INFO, {}));
  assertEquals(Object.keys(all.data), ["p"]);
  const pair = { group: "g", topic: "T" };
  const found = jsonOf(await client.invoke(groups.QUERY_SUBSCRIPTION_BY_CONSUMER, pair));
  assertEquals(found.subscriptionData.topic, "T");
  const view = { topic: "T", queueId: 0, index: 0, count: 9, consumerGroup: "g" };
  const queue = jsonOf(await client.invoke(topics.QUERY_CONSUME_QUEUE, view));
  assertEquals([queue.maxQueueIndex, queue.queueData.length, queue.filterData], [1, 1, "null"]);
  for (const readable of [false, true]) {
    const forbidden = { ...pair, readable };
    const answer = jsonOf(await client.invoke(groups.UPDATE_AND_GET_GROUP_FORBIDDEN, forbidden));
    assertEquals(answer, { group: "g", readable, topic: "T" });
    // Who brings the subscription along with the pull is not asked, as in Apache.
    const { code } = await client.pull("T", { sysFlag: 0, subVersion: 1 });
    assertEquals(code, readable ? ResponseCode.SUCCESS : ResponseCode.NO_PERMISSION);
  }
});

Deno.test("INVOKE_BROKER_TO_RESET_OFFSET: the next pull goes on there, wherever the group was", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  await createTopic(client, "T");
  await sendAll(client, "T", 5);
  await client.pull("T", {});
  const reset = { group: "g", topic: "T", timestamp: 0, isForce: true };
  const answer = jsonOf(await client.invoke(consumers.INVOKE_BROKER_TO_RESET_OFFSET, reset));
  assertEquals(answer.offsetTable, { [queueKey("T", 0)]: 0, [queueKey("T", 1)]: 0 });
  const moved = await client.pull("T", { queueOffset: 5 });
  assertEquals([moved.code, moved.extFields.get("nextBeginOffset")], [
    ResponseCode.PULL_OFFSET_MOVED,
    "0",
  ]);
  const one = { ...reset, queueId: 0, offset: 9 };
  const { remark } = await client.invoke(consumers.INVOKE_BROKER_TO_RESET_OFFSET, one);
  assertEquals(remark, "Target offset 9 not in consume queue range [0-5]");
  const unknown = { ...reset, group: "nobody" };
  const refused = await client.invoke(consumers.INVOKE_BROKER_TO_RESET_OFFSET, unknown);
  assertEquals(refused.code, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
});

Deno.test("with useServerSideResetOffset=false the members of the group are told", async () => {
  const flags = ["--set", "useServerSideResetOffset=false"];
  await using comet = await startComet(Deno.makeTempDirSync(), flags);
  await using client = new TestClient(comet.brokerPort);
  await createTopic(client, "T");
  await sendAll(client, "T", 5);
  for (const [queueId, commitOffset] of [[0, 4], [1, 0]] as const) {
    await client.pull("T", {});
    const offset = { consumerGroup: "g", topic: "T", queueId, commitOffset };
    await client.invoke(UPDATE_CONSUMER_OFFSET, offset);
  }
  const reset = { group: "g", topic: "T", timestamp: 0, isForce: true };
  const offline = await client.invoke(consumers.INVOKE_BROKER_TO_RESET_OFFSET, reset);
  assertEquals(offline.code, ResponseCode.CONSUMER_NOT_ONLINE);
  await using member = await joinGroup(comet, "T", new Map());
  const expected = { [queueKey("T", 0)]: 0, [queueKey("T", 1)]: 0 };
  const answer = jsonOf(await client.invoke(consumers.INVOKE_BROKER_TO_RESET_OFFSET, reset));
  assertEquals(answer.offsetTable, expected);
  const { code } = consumers.RESET_CONSUMER_CLIENT_OFFSET;
  const isReset = (request: RemotingCommand) => request.code === code;
  await eventually("the member is told", () => member.asked.some(isReset));
  const told = member.asked.find(isReset)!;
  assertEquals(told.extFields.get("topic"), "T");
  assertEquals((parseFastjson(textOf(told)) as Json).offsetTable, expected);
  // Without force a group is only taken back: to the end means to where it is.
  const ahead = { ...reset, timestamp: -1, isForce: false };
  const kept = jsonOf(await client.invoke(consumers.INVOKE_BROKER_TO_RESET_OFFSET, ahead));
  assertEquals(kept.offsetTable[queueKey("T", 0)], 4);
});

Deno.test("what a member of a group answers reaches the admin", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  await createTopic(client, "T");
  const sent = await client.send("T", encodeUtf8("the body"));
  const status = `{"consumerTable":{},"messageQueueTable":{${queueKey("T", 0)}:7}}`;
  await using member = await joinGroup(
    comet,
    "T",
    new Map([
      [consumers.GET_CONSUMER_STATUS_FROM_CLIENT.code, status],
      [consumers.GET_CONSUMER_RUNNING_INFO.code, '{"jstack":"x"}'],
      [consumers.CONSUME_MESSAGE_DIRECTLY.code, '{"consumeResult":"CR_SUCCESS"}'],
    ]),
  );
  const asked = { topic: "T", group: "g" };
  const found = await client.invoke(consumers.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, asked);
  assertEquals(
    textOf(found),
    `{"consumerTable":{"me@1":{${queueKey("T", 0)}:7}},"messageQueueTable":{}}`,
  );
  const who = { consumerGroup: "g", clientId: "me@1" };
  const info = await client.invoke(consumers.GET_CONSUMER_RUNNING_INFO, who);
  assertEquals(jsonOf(info), { jstack: "x" });
  const msgId = sent.extFields.get("msgId")!;
  const again = { ...who, msgId, topic: "T" };
  const consumed = await client.invoke(consumers.CONSUME_MESSAGE_DIRECTLY, again);
  assertEquals(jsonOf(consumed), { consumeResult: "CR_SUCCESS" });
  const { extFields, body } = member.asked.at(-1)!;
  assertEquals([extFields.get("brokerName"), extFields.get("topicSysFlag")], ["broker-a", "0"]);
  assertStringIncludes(decodeUtf8(body, 0, body.length), "the body");
  const nobody = { ...who, clientId: "nobody" };
  const { remark } = await client.invoke(consumers.GET_CONSUMER_RUNNING_INFO, nobody);
  assertEquals(remark, "The Consumer <g> <nobody> not online");
  const bad = await client.invoke(consumers.CONSUME_MESSAGE_DIRECTLY, { ...who, msgId: "zz" });
  assertEquals(bad.code, ResponseCode.INVALID_PARAMETER);
});

Deno.test("GET_ALL_DELAY_OFFSET answers the document of delayOffset.json", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  const properties = { properties: "DELAY\u00011\u0002" };
  assertEquals((await client.send("T", encodeUtf8("x"), properties)).code, ResponseCode.SUCCESS);
  await eventually("the message is delivered", async () => {
    const { offsetTable } = jsonOf(await client.invoke(brokers.GET_ALL_DELAY_OFFSET, {}));
    return offsetTable["1"] === 1;
  });
  const { table } = jsonOf(await client.invoke(brokers.GET_BROKER_RUNTIME_INFO, {}));
  assertEquals(table.scheduleMessageOffset_1, "1,1");
});
