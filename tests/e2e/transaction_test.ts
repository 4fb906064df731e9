import { assert, assertEquals } from "@std/assert";
import { decodeUtf8 } from "../../client/protocol/bytes.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { startComet, TestClient } from "../helpers/comet.ts";
import { eventually } from "../helpers/eventually.ts";
import {
  COMMIT,
  type HalfPlace,
  ROLLBACK,
  TransactionProducer,
} from "../helpers/transaction_producer.ts";

const FLAGS = ["--set", "transactionTimeOut=300", "--set", "transactionCheckInterval=500"];
const TOPIC = "Transactions";

async function texts(client: TestClient): Promise<string[]> {
  const answer = await client.pull(TOPIC, {});
  return answer.code !== ResponseCode.SUCCESS
    ? []
    : decodeMessages(answer.body).map(({ body }) => decodeUtf8(body, 0, body.length));
}

Deno.test("transactions end once, also when the server is killed between and another producer is asked", async () => {
  const folder = Deno.makeTempDirSync();
  let committed: HalfPlace;
  {
    await using comet = await startComet(folder, FLAGS);
    await using producer = new TransactionProducer(comet.brokerPort, TOPIC);
    await producer.join();
    await producer.sendHalf("open");
    await producer.sendHalf("no");
    await producer.sendHalf("timed", [["TIMER_DELAY_MS", "400"]]);
    await producer.end(committed = await producer.sendHalf("committed"), COMMIT);
    await producer.end(await producer.sendHalf("rolled back"), ROLLBACK);
    await comet.kill();
  }
  await using comet = await startComet(folder, FLAGS);
  await using client = new TestClient(comet.brokerPort);
  await using producer = new TransactionProducer(
    comet.brokerPort,
    TOPIC,
    (text) => text === "no" ? ROLLBACK : COMMIT,
  );
  assertEquals(await texts(client), ["committed"]);
  await producer.end(committed, COMMIT);
  await producer.join();
  const answeredAt = Date.now();
  await eventually(
    "all that was committed has come",
    async () => (await texts(client)).length === 3,
  );
  assert(Date.now() - answeredAt >= 400, "the timer message waited");
  assertEquals(await texts(client), ["committed", "open", "timed"]);
  assertEquals(producer.asked.sort(), ["no", "open", "timed"]);
  assertEquals(await comet.stop(), 0);
  await using again = await startComet(folder, FLAGS);
  await using later = new TestClient(again.brokerPort);
  assertEquals(await texts(later), ["committed", "open", "timed"]);
});
