import { assertEquals, assertMatch } from "@std/assert";
import { decodeUtf8, viewOf } from "../../client/protocol/bytes.ts";
import { findProperty, MessageSysFlag, printProperties } from "../../client/protocol/message.ts";
import { copyMessage, readRecord } from "../../client/protocol/message_record.ts";
import type { DispatchEntry } from "../../store/dispatch.ts";
import { denoFileSystem, type FileSystem } from "../../store/file_system.ts";
import type { GetMessageResult } from "../../store/get_message.ts";
import type { MessageStore } from "../../store/message_store.ts";
import { seededRandom } from "../helpers/random.ts";
import { messageToStore, openStore } from "../helpers/store.ts";

const SERVED = { enableLmq: true, enableMultiDispatch: true };

function put(store: MessageStore, topic: string, body: string, names: string[], fields = {}) {
  const properties = printProperties([
    ["TAGS", body],
    ["KEYS", body],
    ["INNER_MULTI_DISPATCH", names.join()],
  ]);
  const result = store.putMessage(messageToStore(topic, body, { properties, ...fields }));
  store.commit();
  return result;
}

/** The bodies of the messages from an offset on. */
async function bodiesOf(store: MessageStore, topic: string, queueOffset = 0): Promise<string[]> {
  const bodies: string[] = [];
  for (let next = queueOffset;;) {
    const result: GetMessageResult = await store.getMessage(topic, 0, {
      queueOffset: next,
      maxMsgNums: 10,
      maxMsgBytes: 64 * 1024,
      filter: undefined,
    });
    if (result.status !== "FOUND") return bodies;
    for (const part of result.parts) {
      const view = viewOf(part);
      for (let start = 0; start < part.length; start += view.getInt32(start)) {
        const { bodyStart, bodyLength } = readRecord(part, view, start);
        bodies.push(decodeUtf8(part, bodyStart, bodyStart + bodyLength));
      }
    }
    next = result.nextBeginOffset;
  }
}

function copyOf(folder: string): string {
  const copy = Deno.makeTempDirSync();
  const { code } = new Deno.Command("cp", { args: ["-r", `${folder}/.`, copy] }).outputSync();
  assertEquals(code, 0);
  return copy;
}

Deno.test("a message is in its queue and in each light queue that it names, in one record", async () => {
  const arrived: DispatchEntry[] = [];
  await using store = openStore(Deno.makeTempDirSync(), SERVED, {
    onArrival: (entry) => arrived.push(entry, ...entry.multiDispatch ?? []),
  });
  put(store, "T", "m0", ["%LMQ%a", "%LMQ%b"]);
  put(store, "T", "m1", ["%LMQ%b"]);
  put(store, "U", "m2", ["%LMQ%b", "%LMQ%a"]);
  assertEquals(arrived.map(({ topic, queueOffset }) => `${topic} ${queueOffset}`), [
    "T 0",
    "%LMQ%a 0",
    "%LMQ%b 0",
    "T 1",
    "%LMQ%b 1",
    "U 0",
    "%LMQ%b 2",
    "%LMQ%a 1",
  ]);
  assertEquals(await bodiesOf(store, "%LMQ%a"), ["m0", "m2"]);
  assertEquals(await bodiesOf(store, "%LMQ%b"), ["m0", "m1", "m2"]);
  assertEquals(await bodiesOf(store, "T"), ["m0", "m1"]);
  assertEquals(store.stats.putCount, 3);
  const record = store.readTail(arrived[5]!.physicalOffset, arrived[5]!.size)!;
  const { properties, topic } = copyMessage(record, readRecord(record, viewOf(record), 0));
  assertEquals(topic, "U");
  assertEquals(findProperty(properties, "INNER_MULTI_QUEUE_OFFSET"), "2,1");
  // By time too, though the record has the offset of its own queue.
  const { storeTimestamp } = arrived[6]!;
  assertEquals(store.getMessageTime("%LMQ%b", 0, 2), storeTimestamp);
  assertEquals(store.getOffsetInQueueByTime("%LMQ%b", 0, storeTimestamp + 1, "LOWER"), 3);
});

Deno.test("a message goes to no light queue when they are not served, or before it is in its topic", async () => {
  const folder = Deno.makeTempDirSync();
  {
    await using store = openStore(folder, { ...SERVED, enableMultiDispatch: false });
    put(store, "T", "m0", ["%LMQ%a"]);
    // As a client may write it itself.
    const forged = printProperties([
      ["INNER_MULTI_DISPATCH", "%LMQ%a"],
      ["INNER_MULTI_QUEUE_OFFSET", "7"],
    ]);
    store.putMessage(messageToStore("T", "m1", { properties: forged }));
    store.commit();
    assertEquals(await bodiesOf(store, "T"), ["m0", "m1"]);
  }
  await using store = openStore(folder, SERVED);
  put(store, "RMQ_SYS_TRANS_HALF_TOPIC", "half", ["%LMQ%a"]);
  put(store, "%RETRY%g", "again", ["%LMQ%a"]);
  put(store, "T", "rolled back", ["%LMQ%a"], { sysFlag: MessageSysFlag.TRANSACTION_ROLLBACK });
  assertEquals(store.findQueue("%LMQ%a", 0), undefined);
  put(store, "T", "m2", ["%LMQ%a"]);
  assertEquals(await bodiesOf(store, "%LMQ%a"), ["m2"]);
});

Deno.test("light queues are as they were after a stop and after a crash, also made anew from the log", async () => {
  const random = seededRandom();
  const folder = Deno.makeTempDirSync();
  const expected = new Map<string, string[]>();
  const crashed: string[] = [];
  let count = 0;
  for (let life = 0; life < 4; life++) {
    await using store = openStore(folder, SERVED);
    for (let n = 0; n < 60; n++) {
      const names = ["%LMQ%a", "%LMQ%b", "%LMQ%c"].filter(() => random(2) === 0);
      const body = `m${count++}`;
      assertEquals(put(store, `T${random(2)}`, body, names).status, "PUT_OK");
      for (const name of names) expected.set(name, [...expected.get(name) ?? [], body]);
      if (random(20) === 0) await store.checkpoint();
    }
    crashed.push(copyOf(folder));
    for (const [name, bodies] of expected) assertEquals(await bodiesOf(store, name), bodies, name);
  }
  const last = crashed.at(-1)!;
  const withoutQueues = copyOf(folder);
  Deno.removeSync(`${withoutQueues}/consumequeue`, { recursive: true });
  const withoutOne = copyOf(last);
  Deno.removeSync(`${withoutOne}/consumequeue/%LMQ%b`, { recursive: true });
  for (const opened of [folder, last, withoutQueues, withoutOne]) {
    await using store = openStore(opened, SERVED);
    for (const [name, bodies] of expected) {
      assertEquals(await bodiesOf(store, name), bodies, `${name} in ${opened}`);
      assertEquals(store.getMaxOffsetInQueue(name, 0), bodies.length);
    }
    put(store, "T0", "next", ["%LMQ%a"]);
    assertEquals(await bodiesOf(store, "%LMQ%a", expected.get("%LMQ%a")!.length), ["next"]);
  }
});

Deno.test("a light queue whose file is damaged is mended from the log", async () => {
  const folder = Deno.makeTempDirSync();
  {
    await using store = openStore(folder, SERVED);
    for (let n = 0; n < 40; n++) put(store, "T", `m${n}`, n % 2 === 0 ? ["%LMQ%a"] : []);
  }
  const path = `${folder}/consumequeue/%LMQ%a/0/00000000000000000000`;
  const bytes = Deno.readFileSync(path);
  bytes.fill(0xff, 5 * 20, 8 * 20);
  Deno.writeFileSync(path, bytes);
  const reports: unknown[] = [];
  await using store = openStore(folder, SERVED, { onDamage: (report) => reports.push(report) });
  const expected = Array.from({ length: 20 }, (_, n) => `m${2 * n}`);
  assertEquals(await bodiesOf(store, "%LMQ%a"), expected);
  assertEquals(reports.length, 1);
  assertMatch(JSON.stringify(reports[0]), /"mendedCount":[3-9],"lostQueueOffsets":\[\]/);
});

Deno.test("an offset that cannot be true does not let a start write a queue without end", async () => {
  const folder = Deno.makeTempDirSync();
  {
    await using store = openStore(folder, SERVED);
    put(store, "T", "m0", ["%LMQ%a"]);
    put(store, "T", "m1", ["%LMQ%a"]);
  }
  // What Apache's broker takes from a client when it does not serve such queues.
  const path = `${folder}/commitlog/00000000000000000000`;
  const bytes = Deno.readFileSync(path);
  const second = viewOf(bytes).getInt32(0);
  // The record without its checksum, which Apache's has not.
  const properties =
    "INNER_MULTI_DISPATCH\u0001%LMQ%a\u0002INNER_MULTI_QUEUE_OFFSET\u0001999999999\u0002";
  const length = viewOf(bytes).getInt32(second);
  const layout = readRecord(bytes, viewOf(bytes), second);
  const end = layout.propertiesStart + properties.length;
  bytes.fill(0, layout.propertiesStart, second + length);
  bytes.set(new TextEncoder().encode(properties), layout.propertiesStart);
  viewOf(bytes).setInt16(layout.propertiesStart - 2, properties.length);
  viewOf(bytes).setInt32(second, end - second);
  Deno.writeFileSync(path, bytes);
  for (const name of ["consumequeue", "index"]) {
    Deno.removeSync(`${folder}/${name}`, { recursive: true });
  }
  for (const name of ["comet-checkpoint", "comet-queues", "checkpoint"]) {
    Deno.removeSync(`${folder}/${name}`);
  }
  await using store = openStore(folder, SERVED);
  assertEquals(await bodiesOf(store, "%LMQ%a"), ["m0"]);
  assertEquals(await bodiesOf(store, "T"), ["m0", "m1"]);
});

Deno.test("a message that could not be written leaves no place in light queues", async () => {
  let isFull = false;
  const fileSystem: FileSystem = {
    ...denoFileSystem,
    openSync(path, options) {
      const file = denoFileSystem.openSync(path, options);
      const writeSync = file.writeSync.bind(file);
      file.writeSync = (bytes, position) => {
        if (isFull && path.includes("/commitlog/")) throw new Error("No space left on device");
        writeSync(bytes, position);
      };
      return file;
    },
  };
  const refused: number[] = [];
  const options = { fileSystem, onWriteFailed: (offset: number) => refused.push(offset) };
  await using store = openStore(Deno.makeTempDirSync(), SERVED, options);
  put(store, "T", "m0", ["%LMQ%a", "%LMQ%b"]);
  isFull = true;
  put(store, "T", "m1", ["%LMQ%a"]);
  put(store, "T", "m2", ["%LMQ%b", "%LMQ%c"]);
  isFull = false;
  put(store, "T", "m3", ["%LMQ%c", "%LMQ%b"]);
  assertEquals(refused.length, 2);
  assertEquals(await bodiesOf(store, "%LMQ%a"), ["m0"]);
  assertEquals(await bodiesOf(store, "%LMQ%b"), ["m0", "m3"]);
  assertEquals(await bodiesOf(store, "%LMQ%c"), ["m3"]);
});

Deno.test("there are at most maxLmqConsumeQueueNum light queues", async () => {
  await using store = openStore(Deno.makeTempDirSync(), { ...SERVED, maxLmqConsumeQueueNum: 3 });
  assertEquals(store.haveRoomForLightQueues(["%LMQ%a", "%LMQ%b", "%LMQ%a"]), true);
  put(store, "T", "m0", ["%LMQ%a", "%LMQ%b"]);
  assertEquals(store.haveRoomForLightQueues(["%LMQ%a", "%LMQ%c"]), true);
  assertEquals(store.haveRoomForLightQueues(["%LMQ%c", "%LMQ%d"]), false);
  await store.deleteTopic("%LMQ%a");
  assertEquals(store.haveRoomForLightQueues(["%LMQ%c", "%LMQ%d"]), true);
  put(store, "T", "m1", ["%LMQ%a"]);
  assertEquals(await bodiesOf(store, "%LMQ%a"), ["m1"]);
  assertEquals(store.getMaxOffsetInQueue("%LMQ%a", 0), 1);
});
