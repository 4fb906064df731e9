import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { CONSUMER_SEND_MSG_BACK } from "../../client/protocol/commands/send.ts";
import { HEART_BEAT } from "../../client/protocol/commands/client.ts";
import { findProperty } from "../../client/protocol/message.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { startComet, TestClient } from "../helpers/comet.ts";

const FLAGS = ["--set", "messageDelayLevel=1s 1h"];

function send(client: TestClient, properties: string) {
  return client.send("Delayed", encodeUtf8("x"), { properties });
}

Deno.test("SEND_MESSAGE with a delay level delivers when the time is over, also after SIGKILL", async () => {
  const folder = Deno.makeTempDirSync();
  const sentAt = Date.now();
  {
    await using comet = await startComet(folder, FLAGS);
    await using client = new TestClient(comet.brokerPort);
    assertEquals((await send(client, "DELAY\u00011\u0002TAGS\u0001a\u0002")).code, 0);
    await comet.kill();
  }
  await using comet = await startComet(folder, FLAGS);
  await using client = new TestClient(comet.brokerPort);
  const message = await client.next("Delayed", 0);
  assert(message.storeTimestamp - sentAt >= 1_000, "delivered early");
  assertEquals(findProperty(message.properties, "TAGS"), "a");
  assertEquals(findProperty(message.properties, "DELAY"), undefined);
});

Deno.test("CONSUMER_SEND_MSG_BACK gives the message again through %RETRY%, then to %DLQ%", async () => {
  const folder = Deno.makeTempDirSync();
  await using comet = await startComet(folder, FLAGS);
  await using client = new TestClient(comet.brokerPort);
  const consumer = { groupName: "g", subscriptionDataSet: [] };
  const heartbeat = JSON.stringify({ clientID: "c", consumerDataSet: [consumer] });
  await client.invoke(HEART_BEAT, {}, encodeUtf8(heartbeat));
  await send(client, "");
  const first = await client.next("Delayed", 0);
  const back = (offset: number, delayLevel: number) =>
    client.invoke(CONSUMER_SEND_MSG_BACK, { offset, group: "g", delayLevel });
  assertEquals((await back(first.physicalOffset, 1)).code, 0);
  const second = await client.next("%RETRY%g", 0);
  assertEquals(second.reconsumeTimes, 1);
  assertEquals(findProperty(second.properties, "RETRY_TOPIC"), "Delayed");
  assertEquals((await back(second.physicalOffset, -1)).code, 0);
  const dead = await client.next("%DLQ%g", 0);
  assertEquals(findProperty(dead.properties, "ORIGIN_MESSAGE_ID"), first.offsetMsgId);
  assertEquals((await back(12_345, 1)).code, ResponseCode.SYSTEM_ERROR);
});
