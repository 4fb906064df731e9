import { assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import { LOCK_BATCH_MQ, UNLOCK_BATCH_MQ } from "../../client/protocol/commands/client.ts";
import { startComet, TestClient } from "../helpers/comet.ts";

function queues(...queueIds: number[]) {
  return queueIds.map((queueId) => ({ topic: "T", brokerName: "broker-a", queueId }));
}

function body(clientId: string, queueIds: number[]): Uint8Array {
  const mqSet = queues(...queueIds);
  return encodeUtf8(JSON.stringify({ consumerGroup: "g", clientId, mqSet }));
}

/** The queueIds that a client has after it has asked for some. */
async function lock(client: TestClient, clientId: string, ...queueIds: number[]) {
  const response = await client.invoke(LOCK_BATCH_MQ, {}, body(clientId, queueIds));
  const { lockOKMQSet } = JSON.parse(decodeUtf8(response.body, 0, response.body.length));
  return (lockOKMQSet as { queueId: number }[]).map(({ queueId }) => queueId);
}

Deno.test("a consumer in order keeps its queues while the broker restarts, after a stop and after SIGKILL", async () => {
  const folder = Deno.makeTempDirSync();
  for (const ending of ["stop", "kill", undefined] as const) {
    await using comet = await startComet(folder);
    await using client = new TestClient(comet.brokerPort);
    assertEquals(await lock(client, "first", 0, 1), [0, 1]);
    assertEquals(await lock(client, "second", 0, 1, 2), [2]);
    if (ending !== undefined) await comet[ending]();
  }
});

Deno.test("a queue that was given up is free after a restart", async () => {
  const folder = Deno.makeTempDirSync();
  {
    await using comet = await startComet(folder);
    await using client = new TestClient(comet.brokerPort);
    await lock(client, "first", 0, 1);
    assertEquals((await client.invoke(UNLOCK_BATCH_MQ, {}, body("first", [1]))).code, 0);
    assertEquals(await comet.stop(), 0);
  }
  await using comet = await startComet(folder);
  await using client = new TestClient(comet.brokerPort);
  assertEquals(await lock(client, "second", 0, 1), [1]);
});
