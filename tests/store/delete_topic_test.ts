import { assertEquals, assertRejects } from "@std/assert";
import { decodeUtf8, viewOf } from "../../client/protocol/bytes.ts";
import { readRecord } from "../../client/protocol/message_record.ts";
import type { MessageStore } from "../../store/message_store.ts";
import { messageToStore, openStore } from "../helpers/store.ts";
import { verify } from "./tools/folders.ts";

/** Puts messages and waits until they can be read. */
async function put(store: MessageStore, topic: string, bodies: string[]): Promise<number[]> {
  const offsets = bodies.map((body) => {
    const result = store.putMessage(messageToStore(topic, body));
    return result.status === "PUT_OK" ? result.queueOffset : -1;
  });
  store.commit();
  await store.checkpoint();
  return offsets;
}

async function bodiesOf(store: MessageStore, topic: string): Promise<string[]> {
  const options = { queueOffset: 0, maxMsgNums: 32, maxMsgBytes: 1 << 20, filter: undefined };
  const { parts } = await store.getMessage(topic, 0, options);
  const bytes = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
  const bodies: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const { bodyStart, bodyLength, size } = readRecord(bytes, viewOf(bytes), at);
    bodies.push(decodeUtf8(bytes, bodyStart, bodyStart + bodyLength));
    at += size;
  }
  return bodies;
}

/** A copy of the folder as it is: what a start after a crash finds. */
async function crashed(folder: string): Promise<string> {
  const copy = await Deno.makeTempDir();
  await new Deno.Command("cp", { args: ["-r", `${folder}/.`, copy] }).output();
  return copy;
}

Deno.test("deleteTopic lets a topic of that name begin at offset 0 again", async () => {
  const folder = Deno.makeTempDirSync();
  await using store = openStore(folder);
  await put(store, "A", ["a0", "a1", "a2"]);
  await put(store, "B", ["b0"]);
  await store.deleteTopic("A");
  assertEquals(store.getMaxOffsetInQueue("A", 0), 0);
  assertEquals(store.topicsOnDisk(), ["B"]);
  assertEquals(await put(store, "A", ["new"]), [0]);
  assertEquals(await bodiesOf(store, "A"), ["new"]);
  assertEquals(await bodiesOf(store, "B"), ["b0"]);
});

Deno.test("deleteTopic holds over a stop, and over the loss of every checkpoint", async () => {
  const folder = Deno.makeTempDirSync();
  {
    await using store = openStore(folder);
    await put(store, "A", ["a0", "a1"]);
    await put(store, "B", ["b0"]);
    await store.deleteTopic("A");
  }
  for (const lost of [[], ["comet-checkpoint"], ["comet-checkpoint", "checkpoint"]]) {
    const copy = await crashed(folder);
    for (const name of lost) Deno.removeSync(`${copy}/${name}`);
    if (lost.length > 0) Deno.writeTextFileSync(`${copy}/abort`, "");
    await using store = openStore(copy);
    assertEquals(await bodiesOf(store, "A"), [], String(lost));
    assertEquals(await put(store, "A", ["new"]), [0]);
    assertEquals(await bodiesOf(store, "B"), ["b0"]);
  }
});

Deno.test("deleteTopic holds over a crash, with and without new messages", async () => {
  const folder = Deno.makeTempDirSync();
  await using store = openStore(folder);
  await put(store, "A", ["a0", "a1", "a2"]);
  await store.deleteTopic("A");
  for (const expected of [[], ["n0", "n1"]]) {
    if (expected.length > 0) await put(store, "A", expected);
    const copy = await crashed(folder);
    await using again = openStore(copy);
    assertEquals(again.recovery.clean, false);
    assertEquals(await bodiesOf(again, "A"), expected);
  }
});

Deno.test("a start after a crash ends a deletion that was noted", async () => {
  const folder = Deno.makeTempDirSync();
  {
    await using store = openStore(folder);
    await put(store, "A", ["a0", "a1"]);
    await put(store, "B", ["b0"]);
  }
  // As a crash leaves it behind the rename: with the queue's files, and with its end noted.
  const end = Deno.readTextFileSync(`${folder}/comet-queues`);
  assertEquals(end.includes('"A"'), true);
  const place = `${folder}/comet-deleted/${"4096".padStart(20, "0")}`;
  Deno.mkdirSync(place, { recursive: true });
  Deno.renameSync(`${folder}/consumequeue/A`, `${place}/A`);
  await using store = openStore(folder);
  assertEquals(store.findQueue("A", 0), undefined);
  assertEquals([...Deno.readDirSync(`${place}/A`)], []);
});

Deno.test("a note of a deletion that lies behind the log is of another log and does not count", async () => {
  const folder = Deno.makeTempDirSync();
  Deno.mkdirSync(`${folder}/comet-deleted/${"99999999".padStart(20, "0")}/A`, { recursive: true });
  await using store = openStore(folder);
  await put(store, "A", ["a0"]);
  const copy = await crashed(folder);
  Deno.removeSync(`${copy}/consumequeue`, { recursive: true });
  await using again = openStore(copy);
  assertEquals(await bodiesOf(again, "A"), ["a0"]);
});

Deno.test("a topic that is being deleted takes no messages", async () => {
  const folder = Deno.makeTempDirSync();
  await using store = openStore(folder);
  await put(store, "A", ["a0"]);
  const deleting = store.deleteTopic("A");
  const { status } = store.putMessage(messageToStore("A", "late"));
  assertEquals(status, "SERVICE_NOT_AVAILABLE");
  await assertRejects(() => store.deleteTopic("A"), Error, "already");
  await deleting;
  assertEquals(store.putMessage(messageToStore("A", "new")).status, "PUT_OK");
});

Deno.test("a deletion is forgotten once the log begins behind it", async () => {
  const folder = Deno.makeTempDirSync();
  const settings = { fileReservedTime: 0, deleteFileBatchMax: 100 };
  await using store = openStore(folder, settings);
  await put(store, "A", ["a0"]);
  await store.deleteTopic("A");
  for (let n = 0; n < 4; n++) await put(store, "B", ["x".repeat(6000), "x".repeat(6000)]);
  assertEquals([...Deno.readDirSync(`${folder}/comet-deleted`)].length, 1);
  await store.deleteExpiredFiles(true);
  assertEquals([...Deno.readDirSync(`${folder}/comet-deleted`)], []);
});

Deno.test("verify finds a folder sound of which a topic was deleted and created again", async () => {
  const folder = Deno.makeTempDirSync();
  {
    await using store = openStore(folder);
    await put(store, "A", ["a0", "a1"]);
    await put(store, "B", ["b0"]);
    await store.deleteTopic("A");
    await put(store, "A", ["n0"]);
  }
  for (const hasNew of [true, false]) {
    if (!hasNew) {
      await using store = openStore(folder);
      await store.deleteTopic("A");
    }
    Deno.mkdirSync(`${folder}/config`, { recursive: true });
    const topicConfigTable = { A: { topicName: "A" }, B: { topicName: "B" } };
    Deno.writeTextFileSync(`${folder}/config/topics.json`, JSON.stringify({ topicConfigTable }));
    assertEquals(verify(folder).findings.kept, []);
  }
});
