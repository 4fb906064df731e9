/** A little of everything that metrics count, sent to one broker: Comet's or Apache's. */

import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { HEART_BEAT } from "../../client/protocol/commands/client.ts";
import { UPDATE_AND_CREATE_SUBSCRIPTIONGROUP } from "../../client/protocol/commands/group.ts";
import { ACK_MESSAGE, POP_MESSAGE } from "../../client/protocol/commands/pop.ts";
import { PullSysFlag } from "../../client/protocol/commands/pull.ts";
import { CONSUMER_SEND_MSG_BACK } from "../../client/protocol/commands/send.ts";
import { UPDATE_AND_CREATE_TOPIC } from "../../client/protocol/commands/topic.ts";
import { findProperty, printProperties } from "../../client/protocol/message.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { TestClient } from "./comet.ts";
import { eventually } from "./eventually.ts";
import { COMMIT, ROLLBACK, TransactionProducer } from "./transaction_producer.ts";

const BODY = encodeUtf8("hello");
const INVISIBLE_MILLIS = 1_000;

/** Clients that stay connected until they are disposed of. */
export interface Workload extends AsyncDisposable {
  client: TestClient;
}

/**
 * Does this: Plain gets 3 plain messages, of which the group g pulls 2 and commits 1, gives one back for good, and waits
 * for more once; Ordered gets one with a sharding key, Delayed one with a delay level and one with a time of delivery,
 * Later one that still waits at the end; Popped gets 2, of which popper acknowledges one and gets the other again; one
 * transaction each is committed, rolled back, and left open.
 */
export async function runMetricsWorkload(port: number): Promise<Workload> {
  await using stack = new AsyncDisposableStack();
  const client = stack.use(new TestClient(port));
  await createResources(client);
  await heartbeat(client);
  await sendAll(client);
  await pullSome(client);
  const producer = stack.use(new TransactionProducer(port, "Transactions"));
  await producer.join();
  await producer.end(await producer.sendHalf("committed"), COMMIT);
  await producer.end(await producer.sendHalf("rolled back"), ROLLBACK);
  await producer.sendHalf("open");
  await popSome(client);
  await eventually("what was delayed has come", async () => {
    const { code, extFields } = await client.pull("Delayed", { consumerGroup: "g" });
    return code === ResponseCode.SUCCESS && Number(extFields.get("maxOffset")) === 2;
  });
  const clients = stack.move();
  return { client, [Symbol.asyncDispose]: () => clients.disposeAsync() };
}

async function createResources(client: TestClient): Promise<void> {
  for (const topic of ["Plain", "Popped", "Delayed", "Later", "Ordered", "Transactions"]) {
    const { code, remark } = await client.invoke(UPDATE_AND_CREATE_TOPIC, {
      topic,
      defaultTopic: "TBW102",
      readQueueNums: 1,
      writeQueueNums: 1,
      perm: 6,
      topicFilterType: "SINGLE_TAG",
    });
    assertEquals(code, ResponseCode.SUCCESS, remark);
  }
  for (const groupName of ["g", "popper"]) {
    const config = encodeUtf8(JSON.stringify({ groupName, retryQueueNums: 1 }));
    const { code } = await client.invoke(UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, config);
    assertEquals(code, ResponseCode.SUCCESS);
  }
}

async function heartbeat(client: TestClient): Promise<void> {
  const consumer = (groupName: string, consumeType: string, topics: string[]) => ({
    groupName,
    consumeType,
    messageModel: "CLUSTERING",
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    subscriptionDataSet: topics.map((topic) => ({
      topic,
      subString: "*",
      tagsSet: [],
      codeSet: [],
      subVersion: 1,
      expressionType: "TAG",
    })),
  });
  const data = {
    clientID: "metrics",
    producerDataSet: [{ groupName: "p" }],
    consumerDataSet: [
      consumer("g", "CONSUME_PASSIVELY", ["Plain", "%RETRY%g", "Delayed"]),
      consumer("popper", "CONSUME_POP", ["Popped"]),
    ],
  };
  const { code } = await client.invoke(HEART_BEAT, {}, encodeUtf8(JSON.stringify(data)));
  assertEquals(code, ResponseCode.SUCCESS);
}

async function sendAll(client: TestClient): Promise<void> {
  const rows: [topic: string, properties: [string, string][]][] = [
    ["Plain", [["UNIQ_KEY", "p1"]]],
    ["Plain", [["UNIQ_KEY", "p2"]]],
    ["Plain", [["UNIQ_KEY", "p3"]]],
    ["Ordered", [["UNIQ_KEY", "o1"], ["__SHARDINGKEY", "s"]]],
    ["Delayed", [["UNIQ_KEY", "d1"], ["DELAY", "1"]]],
    ["Delayed", [["UNIQ_KEY", "d2"], ["TIMER_DELAY_MS", "1500"]]],
    ["Later", [["UNIQ_KEY", "l1"], ["TIMER_DELAY_MS", "3600000"]]],
    ["Popped", [["UNIQ_KEY", "q1"]]],
    ["Popped", [["UNIQ_KEY", "q2"]]],
  ];
  for (const [topic, properties] of rows) {
    const { code, remark } = await client.send(topic, BODY, {
      properties: printProperties(properties),
    });
    assertEquals(code, ResponseCode.SUCCESS, remark);
  }
}

async function pullSome(client: TestClient): Promise<void> {
  const commit = PullSysFlag.SUBSCRIPTION | PullSysFlag.COMMIT_OFFSET;
  await client.pull("Plain", { maxMsgNums: 2 });
  const { code, body } = await client.pull("Plain", {
    sysFlag: commit,
    commitOffset: 1,
    maxMsgNums: 2,
  });
  assertEquals(code, ResponseCode.SUCCESS);
  const [message] = decodeMessages(body);
  const back = await client.invoke(CONSUMER_SEND_MSG_BACK, {
    offset: message!.physicalOffset,
    group: "g",
    delayLevel: -1,
    originMsgId: "p1",
    originTopic: "Plain",
    maxReconsumeTimes: 3,
  });
  assertEquals(back.code, ResponseCode.SUCCESS, back.remark);
  const nothing = await client.pull("Plain", {
    queueOffset: 3,
    sysFlag: PullSysFlag.SUBSCRIPTION | PullSysFlag.SUSPEND,
    suspendTimeoutMillis: 200,
  });
  assertEquals(nothing.code, ResponseCode.PULL_NOT_FOUND, nothing.remark);
}

async function popSome(client: TestClient): Promise<void> {
  const first = await pop(client, 2);
  assertEquals(first.count, 2);
  await first.ack(0);
  await eventually("the other one comes again", async () => (await pop(client, 1)).count === 1);
}

async function pop(client: TestClient, maxMsgNums: number) {
  const { code, extFields, body } = await client.invoke(
    POP_MESSAGE,
    {
      consumerGroup: "popper",
      topic: "Popped",
      queueId: -1,
      maxMsgNums,
      invisibleTime: INVISIBLE_MILLIS,
      pollTime: 500,
      bornTime: Date.now(),
      initMode: 0,
    },
    undefined,
    20_000,
  );
  const messages = code === ResponseCode.SUCCESS ? decodeMessages(body) : [];
  const ack = async (index: number) => {
    const { queueId, queueOffset, properties } = messages[index]!;
    const [popTime, invisibleTime, reviveQid] = ["popTime", "invisibleTime", "reviveQid"]
      .map((name) => extFields.get(name));
    const start = extFields.get("startOffsetInfo")!.split(";")[0]!.split(" ")[2];
    const handle = findProperty(properties, "POP_CK") ??
      `${start} ${popTime} ${invisibleTime} ${reviveQid} 0 broker-a ${queueId} ${queueOffset}`;
    const answer = await client.invoke(ACK_MESSAGE, {
      consumerGroup: "popper",
      topic: "Popped",
      queueId,
      extraInfo: handle,
      offset: queueOffset,
    });
    assertEquals(answer.code, ResponseCode.SUCCESS, answer.remark);
  };
  return { count: messages.length, ack };
}
