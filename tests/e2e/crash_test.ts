import { assert, assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import {
  QUERY_CONSUMER_OFFSET,
  UPDATE_CONSUMER_OFFSET,
} from "../../client/protocol/commands/offset.ts";
import { GET_MAX_OFFSET } from "../../client/protocol/commands/query.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { seededRandom } from "../helpers/random.ts";
import { startComet, TestClient } from "../helpers/comet.ts";

const QUEUES = 4;
/** More of them by hand: `CRASH_ROUNDS=200 deno task test tests/e2e/crash_test.ts`. */
const ROUNDS = Number(Deno.env.get("CRASH_ROUNDS") ?? 20);
const SENDERS = 16;

/** What the broker acknowledged: "queueId:queueOffset" → offsetMsgId and body. */
type Ledger = Map<string, string>;

Deno.test("an acknowledged message is where it was acknowledged after SIGKILL, again and again", async () => {
  const folder = Deno.makeTempDirSync();
  const random = seededRandom();
  const acknowledged: Ledger = new Map();
  const startMillis: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const flush = round % 2 === 0 ? "SYNC_FLUSH" : "ASYNC_FLUSH";
    const flags = ["--set", `flushDiskType=${flush}`, "--set", "mappedFileSizeCommitLog=65536"];
    const started = performance.now();
    await using comet = await startComet(folder, [
      ...flags,
      "--set",
      "flushConsumerOffsetInterval=50",
    ]);
    startMillis.push(Math.round(performance.now() - started));
    {
      await using client = new TestClient(comet.brokerPort);
      await checkLedger(client, acknowledged);
      await checkOffsets(client);
    }
    const killAt = acknowledged.size + 50 + random(400);
    await sendUntil(comet.brokerPort, acknowledged, round, () => acknowledged.size >= killAt);
    await comet.kill();
  }
  assert(acknowledged.size > ROUNDS * 50);
  startMillis.sort((a, b) => a - b);
  // deno-lint-ignore no-console -- how long a start takes is a figure, not a condition
  console.log(`start: median ${startMillis[ROUNDS >> 1]} ms, longest ${startMillis.at(-1)} ms`);
  await using comet = await startComet(folder, ["--set", "mappedFileSizeCommitLog=65536"]);
  await using client = new TestClient(comet.brokerPort);
  await checkLedger(client, acknowledged);
  assertEquals(await comet.stop(), 0);
});

/** Sends from several loops at once; leaves them running into the kill. */
async function sendUntil(
  port: number,
  acknowledged: Ledger,
  round: number,
  enough: () => boolean,
): Promise<void> {
  const client = new TestClient(port);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  for (let sender = 0; sender < SENDERS; sender++) {
    (async () => {
      for (let n = 0;; n++) {
        const body = `${round}/${sender}/${n}`;
        const queueId = n % QUEUES;
        const response = await send(client, queueId, body);
        assertEquals(response.code, ResponseCode.SUCCESS);
        const queueOffset = Number(response.extFields.get("queueOffset"));
        acknowledged.set(`${queueId}:${queueOffset}`, `${response.extFields.get("msgId")} ${body}`);
        await client.invoke(UPDATE_CONSUMER_OFFSET, {
          consumerGroup: "g",
          topic: "Crash",
          queueId,
          commitOffset: queueOffset + 1,
        });
        if (enough()) return resolve();
      }
    })().catch(reject); // After the kill, when all fail, there is nobody left to tell.
  }
  await promise;
}

function send(client: TestClient, queueId: number, body: string) {
  const properties = `UNIQ_KEY\u0001${body}\u0002`;
  const fields = { defaultTopicQueueNums: QUEUES, queueId, properties };
  return client.send("Crash", encodeUtf8(body), fields);
}

async function maxOffset(client: TestClient, queueId: number): Promise<number> {
  const response = await client.invoke(GET_MAX_OFFSET, { topic: "Crash", queueId });
  return Number(response.extFields.get("offset"));
}

async function checkLedger(client: TestClient, acknowledged: Ledger): Promise<void> {
  if (acknowledged.size === 0) return;
  const found: Ledger = new Map();
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    const end = await maxOffset(client, queueId);
    for (let queueOffset = 0; queueOffset < end;) {
      const response = await client.pull("Crash", { queueId, queueOffset });
      assertEquals(response.code, ResponseCode.SUCCESS);
      for (const message of decodeMessages(response.body)) {
        assertEquals(message.queueOffset, queueOffset++, "queue offsets are dense");
        const body = decodeUtf8(message.body, 0, message.body.length);
        found.set(`${queueId}:${message.queueOffset}`, `${message.offsetMsgId} ${body}`);
      }
    }
  }
  for (const [place, body] of acknowledged) assertEquals(found.get(place), body, place);
}

async function checkOffsets(client: TestClient): Promise<void> {
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    const header = { consumerGroup: "g", topic: "Crash", queueId };
    const response = await client.invoke(QUERY_CONSUMER_OFFSET, header);
    const offset = Number(response.extFields.get("offset") ?? 0);
    assert(offset <= await maxOffset(client, queueId), "the group is past the queue's end");
  }
}
