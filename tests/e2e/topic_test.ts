import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { UPDATE_AND_CREATE_SUBSCRIPTIONGROUP } from "../../client/protocol/commands/group.ts";
import { GET_ROUTEINFO_BY_TOPIC } from "../../client/protocol/commands/namesrv.ts";
import { GET_MAX_OFFSET } from "../../client/protocol/commands/query.ts";
import type { RemotingCommand } from "../../client/protocol/frame.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { startComet, TestClient } from "../helpers/comet.ts";

function send(client: TestClient, topic: string, fields = {}): Promise<RemotingCommand> {
  return client.send(topic, encodeUtf8("x"), { defaultTopicQueueNums: 4, ...fields });
}

Deno.test("a send that finds its topic new is answered when the name server knows the topic", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using broker = new TestClient(comet.brokerPort);
  await using namesrv = new TestClient(comet.namesrvPort);
  for (let n = 0; n < 20; n++) {
    const topic = `New_${n}`;
    // The first of them creates the topic; the answer to the second must wait as well.
    const [first, second] = [send(broker, topic), send(broker, topic)];
    assertEquals((await second).code, ResponseCode.SUCCESS);
    const route = await namesrv.invoke(GET_ROUTEINFO_BY_TOPIC, { topic });
    assertEquals(route.code, ResponseCode.SUCCESS, route.remark);
    assertEquals((await first).code, ResponseCode.SUCCESS);
  }
});

Deno.test("SEND_MESSAGE refuses what may not be sent, with the reason", async () => {
  await using comet = await startComet(Deno.makeTempDirSync(), [
    "--set",
    "autoCreateTopicEnable=false",
    "--set",
    "rejectTransactionMessage=true",
  ]);
  await using client = new TestClient(comet.brokerPort);
  const cases: [string, object, number, string][] = [
    ["No such", {}, ResponseCode.INVALID_PARAMETER, "illegal characters"],
    ["SCHEDULE_TOPIC_XXXX", {}, ResponseCode.NO_PERMISSION, "is forbidden"],
    ["Unknown", {}, ResponseCode.TOPIC_NOT_EXIST, "topic[Unknown] not exist"],
    ["BenchmarkTest", { queueId: 5000 }, ResponseCode.INVALID_PARAMETER, "queueId[5000]"],
    [
      "BenchmarkTest",
      { properties: "TRAN_MSG\u0001true\u0002" },
      ResponseCode.NO_PERMISSION,
      "transaction",
    ],
    ["BenchmarkTest", { properties: "x".repeat(33_000) }, ResponseCode.MESSAGE_ILLEGAL, "32KB"],
    ["%RETRY%a b", {}, ResponseCode.INVALID_PARAMETER, "illegal characters"],
  ];
  for (const [topic, fields, code, remark] of cases) {
    const response = await send(client, topic, fields);
    assertEquals(response.code, code, `${topic}: ${response.remark}`);
    assertStringIncludes(response.remark ?? "", remark);
  }
});

Deno.test("SEND_MESSAGE to a retry topic goes to the dead letters when the group's tries are over", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  const group = { groupName: "g", retryMaxTimes: 2 };
  const body = encodeUtf8(JSON.stringify(group));
  assertEquals((await client.invoke(UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, body)).code, 0);
  for (const reconsumeTimes of [2, 3]) {
    assertEquals((await send(client, "%RETRY%g", { reconsumeTimes })).code, 0);
  }
  for (const topic of ["%RETRY%g", "%DLQ%g"]) {
    const response = await client.invoke(GET_MAX_OFFSET, { topic, queueId: 0 });
    assertEquals(response.extFields.get("offset"), "1", topic);
  }
});
