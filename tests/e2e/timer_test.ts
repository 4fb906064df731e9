import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { RECALL_MESSAGE } from "../../client/protocol/commands/send.ts";
import type { RemotingCommand } from "../../client/protocol/frame.ts";
import { findProperty, printProperties } from "../../client/protocol/message.ts";
import { decodeMessages, type StoredMessage } from "../../client/protocol/message_record.ts";
import { parseRecallHandle, printRecallHandle } from "../../client/protocol/recall_handle.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { type Comet, HELD_PULL, startComet, TestClient } from "../helpers/comet.ts";

const TOPIC = "Timed";
const DAY_MILLIS = 86_400_000;

interface Sent {
  uniqKey: string;
  due: number;
  handle: string;
}

function send(client: TestClient, properties: Record<string, string | number>) {
  const text = printProperties(Object.entries(properties).map(([k, v]) => [k, String(v)]));
  return client.send(TOPIC, encodeUtf8("x"), { properties: text });
}

async function sendAt(client: TestClient, uniqKey: string, due: number): Promise<Sent> {
  const answer = await send(client, { UNIQ_KEY: uniqKey, TIMER_DELIVER_MS: due });
  assertEquals(answer.code, ResponseCode.SUCCESS, answer.remark);
  return { uniqKey, due, handle: answer.extFields.get("recallHandle")! };
}

function recall(client: TestClient, recallHandle: string, topic = TOPIC) {
  return client.invoke(RECALL_MESSAGE, { producerGroup: "p", topic, recallHandle });
}

/** Waits in held pulls until the topic has so many messages. */
async function receive(client: TestClient, count: number): Promise<StoredMessage[]> {
  const received: StoredMessage[] = [];
  while (received.length < count) {
    const response = await client.pull(TOPIC, {
      ...HELD_PULL,
      queueOffset: received.length,
    });
    assertEquals(response.code, ResponseCode.SUCCESS, response.remark);
    received.push(...decodeMessages(response.body));
  }
  return received;
}

function uniqKeyOf({ properties }: StoredMessage): string {
  return findProperty(properties, "UNIQ_KEY")!;
}

Deno.test("SEND_MESSAGE with a time of delivery delivers then, in the order of the times, also after SIGKILL", async () => {
  const folder = Deno.makeTempDirSync();
  const sent: Sent[] = [];
  let comet: Comet;
  {
    await using first = comet = await startComet(folder);
    await using client = new TestClient(comet.brokerPort);
    const start = Date.now() + 3_000;
    for (let n = 0; n < 60; n++) {
      sent.push(await sendAt(client, `K${n}`, start + (n * 37) % 60 * 20));
    }
    await sendAt(client, "far", Date.now() + 300 * DAY_MILLIS);
    await first.kill();
  }
  await using second = comet = await startComet(folder);
  await using client = new TestClient(comet.brokerPort);
  const received = await receive(client, sent.length);
  sent.sort((a, b) => a.due - b.due);
  assertEquals(received.map(uniqKeyOf), sent.map(({ uniqKey }) => uniqKey));
  received.forEach(({ storeTimestamp, properties }, index) => {
    const early = sent[index]!.due - storeTimestamp;
    assert(early <= 0, `${sent[index]!.uniqKey} came ${early} ms early`);
    assertEquals(findProperty(properties, "REAL_TOPIC"), undefined);
  });
  assertEquals(await second.stop(), 0);
});

Deno.test("RECALL_MESSAGE takes a message back for good, also over a restart", async () => {
  const folder = Deno.makeTempDirSync();
  const due = Date.now() + 5_000;
  {
    await using comet = await startComet(folder);
    await using client = new TestClient(comet.brokerPort);
    const taken = await sendAt(client, "taken", due);
    const handle = parseRecallHandle(taken.handle)!;
    assertEquals(handle.topic, TOPIC);
    assertEquals(handle.uniqKey, "taken");
    const answer = await recall(client, taken.handle);
    assertEquals(answer.code, ResponseCode.SUCCESS, answer.remark);
    assertEquals(answer.extFields.get("msgId"), "taken");
    await comet.kill();
  }
  await using comet = await startComet(folder);
  await using client = new TestClient(comet.brokerPort);
  // Also where the start takes long, the recall has to be in time.
  const laterDue = Math.max(due, Date.now() + 3_000);
  const later = await sendAt(client, "recalled later", laterDue + 1);
  assertEquals((await recall(client, later.handle)).code, ResponseCode.SUCCESS);
  await sendAt(client, "kept", laterDue + 2);
  const received = await receive(client, 1);
  assertEquals(received.map(uniqKeyOf), ["kept"]);
  await checkRefusals(client, later.handle);
});

/** The answers of Apache's broker to handles that are of no use, when the time of `late` is over. */
async function checkRefusals(client: TestClient, late: string): Promise<void> {
  const { ILLEGAL_OPERATION, SUCCESS, TOPIC_NOT_EXIST } = ResponseCode;
  const good = {
    topic: TOPIC,
    brokerName: "broker-a",
    timestamp: Date.now() + 60_000,
    uniqKey: "K",
  };
  const year = 366 * DAY_MILLIS;
  const rows: [handle: string, code: number, remark: string | undefined, topic?: string][] = [
    // A message that there is not, or is not any more: nobody looks.
    [printRecallHandle(good), SUCCESS, undefined],
    [late, ILLEGAL_OPERATION, "recall failed, timestamp invalid"],
    [
      printRecallHandle({ ...good, timestamp: Date.now() + year }),
      ILLEGAL_OPERATION,
      "recall failed, timestamp invalid",
    ],
    [
      printRecallHandle(good),
      TOPIC_NOT_EXIST,
      "recall failed, the topic[Other] not exist",
      "Other",
    ],
    [
      printRecallHandle({ ...good, topic: "Other" }),
      ILLEGAL_OPERATION,
      "recall failed, topic not match",
    ],
    [
      printRecallHandle({ ...good, brokerName: "broker-b" }),
      ILLEGAL_OPERATION,
      "recall failed, broker service not available",
    ],
    ["%%%", ILLEGAL_OPERATION, "recall handle is invalid"],
    [btoa("v2 a b 1 c"), ILLEGAL_OPERATION, "recall handle is invalid"],
  ];
  for (const [handle, code, remark, topic] of rows) {
    const answer: RemotingCommand = await recall(client, handle, topic);
    assertEquals([answer.code, answer.remark], [code, remark], handle);
  }
}

Deno.test("SEND_MESSAGE refuses times that are none or too far away, and delivers what is due already", async () => {
  const folder = Deno.makeTempDirSync();
  await using comet = await startComet(folder, ["--set", "timerMaxDelaySec=60"]);
  await using client = new TestClient(comet.brokerPort);
  const illegal: Record<string, string | number>[] = [
    { TIMER_DELAY_SEC: 61 },
    { TIMER_DELAY_MS: 60_001 },
    { TIMER_DELIVER_MS: Date.now() + 70_000 },
    { TIMER_DELIVER_MS: "tomorrow" },
    { TIMER_DELAY_MS: -1, TIMER_DEL_UNIQKEY: `${TOPIC}+K` },
  ];
  for (const properties of illegal) {
    const { code, remark } = await send(client, properties);
    assertEquals(code, ResponseCode.MESSAGE_ILLEGAL);
    assert(remark!.includes("should not be bigger than the max delay 60000ms"), remark);
  }
  const atOnce: Record<string, string | number>[] = [
    { UNIQ_KEY: "past", TIMER_DELIVER_MS: Date.now() - 1 },
    { UNIQ_KEY: "again", TIMER_OUT_MS: 1, TIMER_DELIVER_MS: Date.now() + 10_000 },
  ];
  for (const properties of atOnce) {
    const answer = await send(client, properties);
    assertEquals(answer.code, ResponseCode.SUCCESS, answer.remark);
    assertEquals(answer.extFields.get("recallHandle"), undefined);
  }
  assertEquals((await receive(client, 2)).map(uniqKeyOf), ["past", "again"]);
});
