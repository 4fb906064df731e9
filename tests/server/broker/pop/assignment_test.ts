import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../../client/protocol/bytes.ts";
import {
  GET_ALL_MESSAGE_REQUEST_MODE,
  QUERY_ASSIGNMENT,
  SET_MESSAGE_REQUEST_MODE,
} from "../../../../client/protocol/commands/pop.ts";
import { ResponseCode } from "../../../../client/protocol/response_code.ts";
import { createTopicConfig } from "../../../../client/protocol/topic_config.ts";
import type { Command } from "../../../../client/protocol/header_schema.ts";
import { ALLOCATE_STRATEGIES, allocateForPop } from "../../../../server/broker/pop/allocate.ts";
import type { Allocation } from "../../../../client/protocol/message_queue.ts";
import { PopBroker } from "./pop_broker.ts";

type Assigned = { queueId: number; brokerName: string; mode: string };

async function askJson(broker: PopBroker, command: Command, body: unknown) {
  const bytes = encodeUtf8(JSON.stringify(body));
  const answer = await broker.ask(command as Command<Record<never, never>>, {}, bytes);
  const text = new TextDecoder().decode(answer.body);
  return { code: answer.code, json: text === "" ? undefined : JSON.parse(text) };
}

async function assigned(broker: PopBroker, fields: Record<string, unknown> = {}) {
  const query = {
    topic: "T",
    consumerGroup: "g",
    clientId: "c1",
    strategyName: "AVG",
    messageModel: "CLUSTERING",
    ...fields,
  };
  const { json } = await askJson(broker, QUERY_ASSIGNMENT, query);
  const list = json.messageQueueAssignments as
    | { messageQueue: { queueId: number; brokerName: string }; mode: string }[]
    | undefined;
  return list?.map(({ messageQueue: { queueId, brokerName }, mode }): Assigned => ({
    queueId,
    brokerName,
    mode,
  }));
}

function join(broker: PopBroker, clientId: string): void {
  broker.consumers.register({
    consumer: {
      groupName: "g",
      consumeType: "CONSUME_PASSIVELY",
      messageModel: "CLUSTERING",
      consumeFromWhere: "CONSUME_FROM_LAST_OFFSET",
      subscriptionDataSet: [],
      unitMode: false,
    },
    client: { clientId, language: "JAVA", version: 0, connection: broker.connect() },
    heartbeatFingerprint: 0,
    withoutSub: false,
    notifyConsumerIdsChangedEnable: false,
  });
}

Deno.test("QUERY_ASSIGNMENT shares queues out among the clients of a group", async () => {
  await using broker = await PopBroker.start();
  broker.createTopic("T", 3);
  assertEquals(await assigned(broker), undefined, "nobody is there");
  join(broker, "c1");
  join(broker, "c2");
  const ids = async (fields: Record<string, unknown>) =>
    (await assigned(broker, fields))?.map(({ queueId }) => queueId);
  assertEquals(await assigned(broker), [
    { queueId: 0, brokerName: "broker-a", mode: "PULL" },
    { queueId: 1, brokerName: "broker-a", mode: "PULL" },
  ]);
  assertEquals(await ids({ clientId: "c2" }), [2]);
  assertEquals(await ids({ clientId: "c2", strategyName: "AVG_BY_CIRCLE" }), [1]);
  assertEquals(await ids({ clientId: "c3" }), []);
  assertEquals(await ids({ strategyName: "unknown" }), undefined);
  assertEquals(await ids({ topic: "unknown" }), undefined);
  assertEquals(await ids({ messageModel: "BROADCASTING", clientId: "c3" }), [0, 1, 2]);
  broker.config.serverLoadBalancerEnable = false;
  assertEquals(await ids({ clientId: "c3" }), [0, 1, 2]);
  broker.topics.update(
    createTopicConfig("T", { readQueueNums: 3, writeQueueNums: 3, perm: 2 }),
    new Map(),
  );
  assertEquals(await ids({}), [], "nobody may read it");
});

Deno.test("SET_MESSAGE_REQUEST_MODE makes clients pop, also after a restart", async () => {
  await using broker = await PopBroker.start();
  broker.createTopic("T", 3);
  const mode = { topic: "T", consumerGroup: "g", mode: "POP", popShareQueueNum: 0 };
  assertEquals((await askJson(broker, SET_MESSAGE_REQUEST_MODE, mode)).code, ResponseCode.SUCCESS);
  await broker.saved();
  const file = { messageRequestModeMap: { T: { g: mode } } };
  const path = `${broker.folder}/config/messageRequestMode.json`;
  assertEquals(JSON.parse(Deno.readTextFileSync(path)), file);
  await using killed = await broker.afterKill();
  join(killed, "c1");
  assertEquals(await assigned(killed), [{ queueId: -1, brokerName: "broker-a", mode: "POP" }]);
  const all = await askJson(killed, GET_ALL_MESSAGE_REQUEST_MODE, {});
  assertEquals(all.json, file);
});

Deno.test("SET_MESSAGE_REQUEST_MODE is refused for retry topics and what is not there", async () => {
  await using broker = await PopBroker.start({ config: { autoCreateSubscriptionGroup: false } });
  const code = async (topic: string) => {
    const mode = { topic, consumerGroup: "g", mode: "POP", popShareQueueNum: 0 };
    return (await askJson(broker, SET_MESSAGE_REQUEST_MODE, mode)).code;
  };
  assertEquals(await code("%RETRY%g"), ResponseCode.NO_PERMISSION);
  assertEquals(await code("T"), ResponseCode.TOPIC_NOT_EXIST);
  broker.createTopic("T");
  assertEquals(await code("T"), ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
});

Deno.test("groups pop by default when that is set, but for their retry topic", async () => {
  await using broker = await PopBroker.start({ config: { defaultMessageRequestMode: "POP" } });
  broker.createTopic("T", 2);
  broker.createTopic("%RETRY%g", 1);
  join(broker, "c1");
  assertEquals((await assigned(broker))?.map(({ mode }) => mode), ["POP"]);
  const retry = await assigned(broker, { topic: "%RETRY%g" });
  assertEquals(retry, [{ queueId: 0, brokerName: "broker-a", mode: "PULL" }]);
});

function allocation(clientId: string, clients: number, queues: number): Allocation {
  return {
    clientId,
    clientIds: Array.from({ length: clients }, (_, index) => `c${index}`),
    queues: Array.from({ length: queues }, (_, index) => ({
      topic: "T",
      brokerName: index % 2 === 0 ? "a" : "b",
      queueId: index >> 1,
    })),
  };
}

Deno.test("each strategy gives every queue to one client", () => {
  for (const strategy of ALLOCATE_STRATEGIES.values()) {
    for (const [clients, queues] of [[1, 5], [2, 5], [3, 8], [4, 4], [5, 3], [7, 1]] as const) {
      const all = allocation("", clients, queues);
      const given = all.clientIds.flatMap((clientId) => strategy({ ...all, clientId }));
      assertEquals(new Set(given), new Set(all.queues));
      assertEquals(given.length, queues);
    }
  }
});

Deno.test("clients that pop share queues with as many others as is set", () => {
  const average = ALLOCATE_STRATEGIES.get("AVG")!;
  const ids = (clients: number, queues: number, shared: number) =>
    allocateForPop(average, allocation("c1", clients, queues), shared)
      .map(({ brokerName, queueId }) => `${brokerName}${queueId}`);
  assertEquals(ids(4, 8, 0), ["a-1", "b-1"]);
  assertEquals(ids(4, 8, 3), ["a-1", "b-1"]);
  assertEquals(ids(4, 8, 1), ["a1", "b1", "a2", "b2"]);
  assertEquals(ids(4, 3, 1), ["b0"]);
});
