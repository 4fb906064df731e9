import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { LITE_PULL_MESSAGE, PULL_MESSAGE } from "../../client/protocol/commands/pull.ts";
import * as query from "../../client/protocol/commands/query.ts";
import { UPDATE_AND_CREATE_TOPIC } from "../../client/protocol/commands/topic.ts";
import { findProperty } from "../../client/protocol/message.ts";
import { decodeMessages, type StoredMessage } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { HELD_PULL, pullHeader, startComet, TestClient } from "../helpers/comet.ts";

const TOPIC = "Keyed";
/** Runs come at once, and a few messages fill a file. */
const FLAGS = Object.entries({
  compactionScheduleInternal: 50,
  compactionCqMappedFileSize: 46 * 20,
  compactionMappedFileSize: 8192,
  flushDiskType: "ASYNC_FLUSH",
}).flatMap(([key, value]) => ["--set", `${key}=${value}`]);

async function createTopic(client: TestClient, attributes: string): Promise<string | undefined> {
  const response = await client.invoke(UPDATE_AND_CREATE_TOPIC, {
    topic: TOPIC,
    defaultTopic: "TBW102",
    readQueueNums: 1,
    writeQueueNums: 1,
    perm: 6,
    topicFilterType: "SINGLE_TAG",
    attributes,
  });
  return response.code === ResponseCode.SUCCESS ? undefined : response.remark;
}

async function send(client: TestClient, key: string, value: string): Promise<void> {
  const response = await client.send(TOPIC, encodeUtf8(value), {
    properties: `KEYS\u0001${key}\u0002`,
  });
  assertEquals(response.code, ResponseCode.SUCCESS, response.remark);
}

/** All that a consumer gets from the beginning to the end of the queue. */
async function consume(client: TestClient, command = PULL_MESSAGE): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  for (let queueOffset = 0;;) {
    const header = { ...pullHeader(TOPIC), queueOffset, maxMsgNums: 7 };
    const response = await client.invoke(command, header);
    if (response.code === ResponseCode.PULL_NOT_FOUND) return messages;
    assertEquals(response.code, ResponseCode.SUCCESS, response.remark);
    messages.push(...decodeMessages(response.body));
    queueOffset = Number(response.extFields.get("nextBeginOffset"));
  }
}

/** Waits until runs have left so many messages. Runs come by themselves, every few seconds after the copies. */
async function compacted(client: TestClient, count: number): Promise<StoredMessage[]> {
  for (;;) {
    const messages = await consume(client);
    if (messages.length <= count) return messages;
  }
}

function asMap(messages: readonly StoredMessage[]): Record<string, string> {
  return Object.fromEntries(messages.map(({ properties, body }) => [
    findProperty(properties, "KEYS")!,
    new TextDecoder().decode(body),
  ]));
}

function values(end: number): Record<string, string> {
  return Object.fromEntries(
    [5, 4, 3, 2, 1].map((n) => [`key${(end - n) % 5}`, `value ${end - n}`]),
  );
}

Deno.test("a compaction topic over the wire: newest values, original offsets, also after SIGKILL", async () => {
  const folder = Deno.makeTempDirSync();
  {
    await using comet = await startComet(folder, FLAGS);
    await using client = new TestClient(comet.brokerPort);
    assertEquals(await createTopic(client, "+cleanup.policy=COMPACTION"), undefined);
    for (let n = 0; n < 100; n++) await send(client, `key${n % 5}`, `value ${n}`);
    assertEquals(asMap(await consume(client)), values(100));
    const messages = await compacted(client, 5);
    assertEquals(messages.map(({ queueOffset }) => queueOffset), [95, 96, 97, 98, 99]);
    assertEquals(asMap(messages), values(100));
    assertEquals(asMap(await consume(client, LITE_PULL_MESSAGE)), values(100));
    await comet.kill();
  }
  await using comet = await startComet(folder, FLAGS);
  await using client = new TestClient(comet.brokerPort);
  assertEquals(asMap(await consume(client)), values(100));
  const ends = { topic: TOPIC, queueId: 0 };
  const minOffset = await client.invoke(query.GET_MIN_OFFSET, ends);
  const maxOffset = await client.invoke(query.GET_MAX_OFFSET, ends);
  assertEquals([minOffset, maxOffset].map(({ extFields }) => extFields.get("offset")), [
    "95",
    "100",
  ]);
  for (let n = 100; n < 200; n++) await send(client, `key${n % 5}`, `value ${n}`);
  assertEquals(asMap(await consume(client)), values(200));
  assertEquals(asMap(await compacted(client, 5)), values(200));
});

Deno.test("a consumer that waits at the end of a compaction topic gets a new message at once", async () => {
  await using comet = await startComet(Deno.makeTempDirSync(), FLAGS);
  await using client = new TestClient(comet.brokerPort);
  await createTopic(client, "+cleanup.policy=COMPACTION");
  await send(client, "a", "1");
  await send(client, "a", "2");
  await compacted(client, 1);
  const waiting = client.pull(TOPIC, {
    ...HELD_PULL,
    queueOffset: 2,
  });
  await send(client, "a", "3");
  const response = await waiting;
  assertEquals(decodeMessages(response.body).map(({ queueOffset }) => queueOffset), [2]);
  assertEquals(response.extFields.get("minOffset"), "1");
});

Deno.test("a message without a key is refused by a compaction topic", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  assertEquals(
    await createTopic(client, "+cleanup.policy=COMPACT"),
    "value is not in set: [DELETE, COMPACTION]",
  );
  assertEquals(await createTopic(client, "+cleanup.policy=COMPACTION"), undefined);
  for (const properties of [undefined, "TAGS\u0001a\u0002", "KEYS\u0001 \u0002"]) {
    const response = await client.send(TOPIC, encodeUtf8("x"), { properties });
    assertEquals(response.code, ResponseCode.MESSAGE_ILLEGAL);
    assertEquals(response.remark, "Required message key is missing");
  }
  const changed = await createTopic(client, "+cleanup.policy=DELETE");
  assert(changed !== undefined);
  assertStringIncludes(changed, "unchangeable");
});
