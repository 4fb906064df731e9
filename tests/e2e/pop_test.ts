import { assert, assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import { ACK_MESSAGE, POP_MESSAGE } from "../../client/protocol/commands/pop.ts";
import { findProperty } from "../../client/protocol/message.ts";
import { decodeMessages, type StoredMessage } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { startComet, TestClient } from "../helpers/comet.ts";
import { seededRandom } from "../helpers/random.ts";

const ROUNDS = 4;
const CONSUMERS = 4;
const MESSAGES = 300;
const INVISIBLE_MILLIS = 1_000;

/** A message and how to acknowledge it. */
interface Given {
  text: string;
  message: StoredMessage;
  realTopic: string;
  handle: string;
}

Deno.test("an acknowledged message does not come again after SIGKILL, and every other one does", async () => {
  const folder = Deno.makeTempDirSync();
  const random = seededRandom();
  const sent = new Set<string>();
  const acked = new Set<string>();
  const pop = async (client: TestClient, pollTime: number): Promise<Given[]> => {
    const given = await popOnce(client, pollTime);
    for (const { text } of given) {
      assert(!acked.has(text), `${text} came again after its acknowledgement`);
    }
    return given;
  };
  for (let round = 0; round < ROUNDS; round++) {
    const flush = round % 2 === 0 ? "SYNC_FLUSH" : "ASYNC_FLUSH";
    await using comet = await startComet(folder, ["--set", `flushDiskType=${flush}`]);
    const client = new TestClient(comet.brokerPort);
    await sendAll(client, round, sent);
    const enough = acked.size + MESSAGES / 4 + random(MESSAGES / 4);
    await new Promise<void>((resolve, reject) => {
      for (let number = 0; number < CONSUMERS; number++) {
        const consume = async () => {
          for (;;) {
            for (const given of await pop(client, 500)) {
              if (random(3) === 0) continue;
              // Whoever awaits the kill hears of no answer.
              if (await ack(client, given) === ResponseCode.SUCCESS) acked.add(given.text);
              if (acked.size >= enough) return resolve();
            }
          }
        };
        consume().catch((error) =>
          error instanceof Error && /assert/i.test(error.name) ? reject(error) : undefined
        );
      }
    });
    await comet.kill();
    await client[Symbol.asyncDispose]();
  }
  await using comet = await startComet(folder);
  await using client = new TestClient(comet.brokerPort);
  // An acknowledgement that was under way at a kill counts or not; whatever still comes is acknowledged now.
  const found = new Set<string>();
  for (let empty = 0; empty < 2;) {
    const given = await pop(client, INVISIBLE_MILLIS + 500);
    empty = given.length === 0 ? empty + 1 : 0;
    for (const one of given) {
      found.add(one.text);
      assertEquals(await ack(client, one), ResponseCode.SUCCESS);
    }
  }
  const missing = [...sent].filter((text) => !acked.has(text) && !found.has(text));
  assert(missing.length <= ROUNDS * CONSUMERS, `lost: ${missing}`);
  assertEquals(await comet.stop(), 0);
});

async function sendAll(client: TestClient, round: number, sent: Set<string>): Promise<void> {
  const texts = Array.from({ length: MESSAGES }, (_, index) => `${round}/${index}`);
  await Promise.all(texts.map(async (text, index) => {
    const fields = { defaultTopicQueueNums: 2, queueId: index % 2 };
    const { code } = await client.send("Popped", encodeUtf8(text), fields);
    assertEquals(code, ResponseCode.SUCCESS);
    sent.add(text);
  }));
}

async function popOnce(client: TestClient, pollTime: number): Promise<Given[]> {
  const { code, extFields, body } = await client.invoke(POP_MESSAGE, {
    consumerGroup: "g",
    topic: "Popped",
    queueId: -1,
    maxMsgNums: 8,
    invisibleTime: INVISIBLE_MILLIS,
    pollTime,
    bornTime: Date.now(),
    initMode: 0,
  });
  if (code === ResponseCode.POLLING_TIMEOUT) return [];
  assertEquals(code, ResponseCode.SUCCESS);
  const starts = new Map(
    extFields.get("startOffsetInfo")!.split(";").map((item) => {
      const [flag, queueId, start] = item.split(" ");
      return [`${flag} ${queueId}`, start];
    }),
  );
  const [popTime, invisibleTime, reviveQid] = ["popTime", "invisibleTime", "reviveQid"]
    .map((name) => extFields.get(name));
  return decodeMessages(body).map((message) => {
    const { queueId, queueOffset } = message;
    const inside = findProperty(message.properties, "POP_CK");
    return {
      text: decodeUtf8(message.body, 0, message.body.length),
      message,
      realTopic: inside === undefined ? "Popped" : "%RETRY%g_Popped",
      handle: inside ??
        `${
          starts.get(`0 ${queueId}`)
        } ${popTime} ${invisibleTime} ${reviveQid} 0 b ${queueId} ${queueOffset}`,
    };
  });
}

async function ack(client: TestClient, { message, realTopic, handle }: Given): Promise<number> {
  const { queueId, queueOffset } = message;
  const { code } = await client.invoke(ACK_MESSAGE, {
    consumerGroup: "g",
    topic: realTopic,
    queueId,
    extraInfo: handle,
    offset: queueOffset,
  });
  return code;
}
