import { assert, assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8, viewOf } from "../../client/protocol/bytes.ts";
import {
  GET_BROKER_HA_STATUS,
  GET_TIMER_CHECK_POINT,
  GET_TIMER_METRICS,
} from "../../client/protocol/commands/admin_broker.ts";
import { printProperties } from "../../client/protocol/message.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { startComet, TestClient } from "../helpers/comet.ts";

const DAY_MILLIS = 86_400_000;

function textOf({ body }: { body: Uint8Array }): string {
  return decodeUtf8(body, 0, body.length);
}

async function sendLater(client: TestClient, topic: string, delayMillis: number): Promise<void> {
  const properties = printProperties([["TIMER_DELAY_MS", String(delayMillis)]]);
  const { code, remark } = await client.send(topic, encodeUtf8("x"), { properties });
  assertEquals(code, ResponseCode.SUCCESS, remark);
}

Deno.test("GET_TIMER_METRICS and GET_TIMER_CHECK_POINT tell a slave what waits and how far the timers are", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  const before = Date.now();
  for (const topic of ["A", "A", "B"]) await sendLater(client, topic, DAY_MILLIS);
  const metrics = JSON.parse(textOf(await client.invoke(GET_TIMER_METRICS, {})));
  assertEquals([metrics.timingCount.A.count, metrics.timingCount.B.count], [2, 1]);
  assert(metrics.dataVersion.timestamp >= before);
  const { code, body } = await client.invoke(GET_TIMER_CHECK_POINT, {});
  assertEquals([code, body.length], [ResponseCode.SUCCESS, 56]);
  const [lastReadTimeMs, , lastTimerQueueOffset, masterTimerQueueOffset] = [0, 8, 16, 24]
    .map((at) => Number(viewOf(body).getBigInt64(at)));
  assertEquals([lastTimerQueueOffset, masterTimerQueueOffset], [3, 3]);
  // The beginning of the second that it is.
  assert(lastReadTimeMs! > before - 1_000 && lastReadTimeMs! <= Date.now());
});

Deno.test("a broker without timers says so to GET_TIMER_METRICS and GET_TIMER_CHECK_POINT", async () => {
  const flags = ["--set", "timerWheelEnable=false"];
  await using comet = await startComet(Deno.makeTempDirSync(), flags);
  await using client = new TestClient(comet.brokerPort);
  for (
    const [command, said] of [
      [GET_TIMER_CHECK_POINT, "The checkpoint is null"],
      [GET_TIMER_METRICS, "The timer message store is null"],
    ] as const
  ) {
    const { code, remark } = await client.invoke(command, {});
    assertEquals([code, remark], [ResponseCode.SYSTEM_ERROR, said]);
  }
});

Deno.test("GET_BROKER_HA_STATUS tells of a master without slaves", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  await client.send("T", encodeUtf8("x"));
  const info = JSON.parse(textOf(await client.invoke(GET_BROKER_HA_STATUS, {})));
  assertEquals([info.master, info.inSyncSlaveNums, info.haConnectionInfo], [true, 0, []]);
  assert(info.masterCommitLogMaxOffset > 0);
});
