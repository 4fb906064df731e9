import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import {
  GET_SUBSCRIPTIONGROUP_CONFIG,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
} from "../../client/protocol/commands/group.ts";
import { CONSUMER_SEND_MSG_BACK } from "../../client/protocol/commands/send.ts";
import { findProperty, printProperties } from "../../client/protocol/message.ts";
import type { StoredMessage } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { startComet, TestClient } from "../helpers/comet.ts";

/** Far more than any policy here, so that a message which comes again followed its policy. */
const FLAGS = ["--set", "messageDelayLevel=1h 1h 1h 1h"];

function setPolicy(client: TestClient, groupRetryPolicy: unknown) {
  const config = { groupName: "g", groupRetryPolicy };
  return client.invoke(
    UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
    {},
    encodeUtf8(JSON.stringify(config)),
  );
}

/** Gives a message back; returns it as it comes again, and after how many milliseconds. */
async function back(client: TestClient, message: StoredMessage, queueOffset: number) {
  const sentAt = Date.now();
  const header = { offset: message.physicalOffset, group: "g", delayLevel: 0 };
  const { code, remark } = await client.invoke(CONSUMER_SEND_MSG_BACK, header);
  assertEquals(code, ResponseCode.SUCCESS, remark);
  const again = await client.next("%RETRY%g", queueOffset);
  return { again, millis: again.storeTimestamp - sentAt };
}

Deno.test("CONSUMER_SEND_MSG_BACK waits as the group's retry policy says, also after a restart", async () => {
  const folder = Deno.makeTempDirSync();
  const exponential = { initial: 100, max: 300, multiplier: 2 };
  {
    await using comet = await startComet(folder, FLAGS);
    await using client = new TestClient(comet.brokerPort);
    const policy = { type: "EXPONENTIAL", exponentialRetryPolicy: exponential };
    assertEquals((await setPolicy(client, policy)).code, 0);
    assertEquals(await comet.stop(), 0);
  }
  await using comet = await startComet(folder, FLAGS);
  await using client = new TestClient(comet.brokerPort);
  const { body } = await client.invoke(GET_SUBSCRIPTIONGROUP_CONFIG, { group: "g" });
  const kept = JSON.parse(decodeUtf8(body, 0, body.length)).groupRetryPolicy;
  assertEquals(kept, { type: "EXPONENTIAL", exponentialRetryPolicy: exponential });
  // A message that has waited for its time already waits again.
  await client.send("Topic", encodeUtf8("x"), {
    properties: printProperties([["KEYS", "k"], ["TIMER_DELAY_MS", "50"]]),
  });
  let message = await client.next("Topic", 0);
  const origin = message.offsetMsgId;
  for (const [index, expected] of [100, 200, 300, 300].entries()) {
    const { again, millis } = await back(client, message, index);
    assert(millis >= expected, `try ${index} came after ${millis} ms, ${expected} expected`);
    assertEquals(again.reconsumeTimes, index + 1);
    assertEquals(findProperty(again.properties, "RETRY_TOPIC"), "Topic");
    assertEquals(findProperty(again.properties, "ORIGIN_MESSAGE_ID"), origin);
    message = again;
  }
  const policy = { type: "CUSTOMIZED", customizedRetryPolicy: { next: [1, 2, 3, 4, 5, 6, 250] } };
  assertEquals((await setPolicy(client, policy)).code, 0);
  const { millis } = await back(client, message, 4);
  assert(millis >= 250, `came after ${millis} ms`);
});

Deno.test("a dead letter tells the topic and the id that it had first", async () => {
  await using comet = await startComet(Deno.makeTempDirSync(), FLAGS);
  await using client = new TestClient(comet.brokerPort);
  await setPolicy(client, { type: "CUSTOMIZED", customizedRetryPolicy: { next: [0] } });
  await client.send("Topic", encodeUtf8("x"));
  const message = await client.next("Topic", 0);
  const { again } = await back(client, message, 0);
  const header = { offset: again.physicalOffset, group: "g", delayLevel: -1 };
  assertEquals((await client.invoke(CONSUMER_SEND_MSG_BACK, header)).code, 0);
  const origin = [["RETRY_TOPIC", "Topic"], ["ORIGIN_MESSAGE_ID", message.offsetMsgId]] as const;
  // The client's own way, which is that of consumers in order.
  const sent = await client.send("%RETRY%g", encodeUtf8("x"), {
    properties: printProperties([...origin, ["DELAY", "1"]]),
    reconsumeTimes: 17,
  });
  assertEquals(sent.code, 0, sent.remark);
  for (const queueOffset of [0, 1]) {
    const { properties } = await client.next("%DLQ%g", queueOffset);
    assertEquals(findProperty(properties, "DLQ_ORIGIN_TOPIC"), "Topic");
    assertEquals(findProperty(properties, "DLQ_ORIGIN_MESSAGE_ID"), message.offsetMsgId);
  }
});

Deno.test("topics and groups of a namespace have retries and dead letters of their own", async () => {
  await using comet = await startComet(Deno.makeTempDirSync(), FLAGS);
  await using client = new TestClient(comet.brokerPort);
  const group = "MQ_INST_1%g";
  await client.send("MQ_INST_1%Topic", encodeUtf8("x"));
  const message = await client.next("MQ_INST_1%Topic", 0);
  const policy = { type: "CUSTOMIZED", customizedRetryPolicy: { next: [0] } };
  const config = encodeUtf8(JSON.stringify({ groupName: group, groupRetryPolicy: policy }));
  assertEquals((await client.invoke(UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, config)).code, 0);
  const back = async (offset: number, delayLevel: number) => {
    const header = { offset, group, delayLevel };
    assertEquals((await client.invoke(CONSUMER_SEND_MSG_BACK, header)).code, 0);
  };
  await back(message.physicalOffset, 0);
  const again = await client.next(`%RETRY%${group}`, 0);
  assertEquals(findProperty(again.properties, "RETRY_TOPIC"), "MQ_INST_1%Topic");
  await back(again.physicalOffset, -1);
  const dead = await client.next(`%DLQ%${group}`, 0);
  assertEquals(findProperty(dead.properties, "DLQ_ORIGIN_TOPIC"), "MQ_INST_1%Topic");
});

Deno.test("a retry policy that makes no sense is refused", async () => {
  await using comet = await startComet(Deno.makeTempDirSync(), FLAGS);
  await using client = new TestClient(comet.brokerPort);
  const wrong = { type: "CUSTOMIZED", customizedRetryPolicy: { next: [-1] } };
  const { code, remark } = await setPolicy(client, wrong);
  assertEquals(code, ResponseCode.INVALID_PARAMETER);
  assertStringIncludes(remark ?? "", "customizedRetryPolicy.next is [-1]");
});
