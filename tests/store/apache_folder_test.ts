import { assert, assertEquals, assertThrows } from "@std/assert";
import { encodeUtf8, viewOf } from "../../client/protocol/bytes.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { CorruptStoreError, StoreUnwritableError } from "../../store/errors.ts";
import { denoFileSystem, type FileSystem } from "../../store/file_system.ts";
import type { MessageStore } from "../../store/message_store.ts";
import {
  apacheCheckpoint,
  apacheIndexFiles,
  apacheIndexing,
  touchByApache,
} from "../helpers/apache_view.ts";
import { messageToStore, openStore } from "../helpers/store.ts";

const SIZES = { mappedFileSizeCommitLog: 4096, maxHashSlotNum: 16, maxIndexNum: 25 };

/** A store whose clock goes a second further with each message. */
function open(folder: string, clock: { millis: number }): MessageStore {
  return openStore(folder, SIZES, { now: () => clock.millis += 1_000 });
}

/** Puts messages with a key of their own and a unique key; gives their physical offsets by number. */
function put(store: MessageStore, from: number, to: number, topic = "T"): number[] {
  return Array.from({ length: to - from }, (_, index) => {
    const properties = `KEYS\u0001key${from + index}\u0002UNIQ_KEY\u0001id${from + index}\u0002`;
    const result = store.putMessage(messageToStore(topic, `body ${from + index}`, { properties }));
    store.commit();
    assert(result.status === "PUT_OK");
    return result.physicalOffset;
  });
}

async function offsetsByKey(store: MessageStore, key: string): Promise<number[]> {
  const query = { topic: "T", key, maxNum: 9, beginTimestamp: 0, endTimestamp: 1e15 };
  const records = await store.queryMessage(query);
  return records.map((record) => decodeMessages(record)[0]!.physicalOffset);
}

/** A copy of the folder, as a kill leaves it. */
function copyFolder(from: string, to = Deno.makeTempDirSync()): string {
  Deno.mkdirSync(to, { recursive: true });
  for (const entry of Deno.readDirSync(from)) {
    const [source, target] = [`${from}/${entry.name}`, `${to}/${entry.name}`];
    if (entry.isDirectory) copyFolder(source, target);
    else Deno.copyFileSync(source, target);
  }
  return to;
}

/** When the first message of each log file was stored, in milliseconds, by the file's offset. */
async function firstTimestamps(store: MessageStore): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  const { maxOffset } = store.stats;
  for (let start = 0; start < maxOffset; start += SIZES.mappedFileSizeCommitLog) {
    const first = await store.lookMessageByOffset(start);
    if (first !== undefined) found.set(start, first.storeTimestamp);
  }
  return found;
}

/** Each message has two keys: Apache must find it twice, in what it keeps or puts anew, and not more often. */
async function checkApacheIndexing(
  store: MessageStore,
  killed: string,
  offsets: number[],
): Promise<void> {
  const first = await firstTimestamps(store);
  const { kept, from } = apacheIndexing(killed, SIZES, (start) => first.get(start));
  for (const offset of offsets) {
    const found = kept.filter((other) => other === offset).length;
    const put = offset >= from ? 2 : 0;
    // The last message that it knows Apache puts again, in its own folders too.
    const expected = offset === from ? found + 2 : 2;
    assertEquals(found + put, expected, `message at ${offset}; Apache reads from ${from}`);
  }
}

Deno.test("Apache finds every key once in a folder whose Comet was killed, whenever that was", async () => {
  let folder = Deno.makeTempDirSync();
  const clock = { millis: 1_000_000_000_000 };
  const offsets: number[] = [];
  for (let run = 0; run < 3; run++) {
    await using store = open(folder, clock);
    for (let step = 0; step < 12; step++) {
      await checkApacheIndexing(store, copyFolder(folder), offsets);
      offsets.push(...put(store, offsets.length, offsets.length + 7));
      await checkApacheIndexing(store, copyFolder(folder), offsets);
      if (step % 3 === run) await store.checkpoint();
    }
    // The second run opens a folder that was killed, the third one that was closed.
    if (run === 0) folder = copyFolder(folder);
  }
  const [physic, logics, indexed] = apacheCheckpoint(folder);
  assert(physic === logics && physic === indexed, "after an orderly stop all is on disk");
  const units = apacheIndexFiles(folder, SIZES).flatMap(({ reachable }) => reachable);
  assertEquals(units.toSorted((a, b) => a - b), offsets.flatMap((offset) => [offset, offset]));
});

Deno.test("a start after Apache reads the end of the log only, and puts no key into the index twice", async () => {
  const folder = Deno.makeTempDirSync();
  const clock = { millis: 1_000_000_000_000 };
  const offsets: number[] = [];
  {
    await using store = open(folder, clock);
    offsets.push(...put(store, 0, 40));
  }
  const ours = ["comet-checkpoint", "comet-queues"];
  const before = ours.map((name) => Deno.readFileSync(`${folder}/${name}`));
  {
    // What Apache would do, but that it leaves our files alone.
    await using store = open(folder, clock);
    offsets.push(...put(store, 40, 120));
  }
  ours.forEach((name, index) => Deno.writeFileSync(`${folder}/${name}`, before[index]!));
  touchByApache(folder, clock.millis);
  {
    await using store = open(folder, clock);
    assert(store.recovery.clean);
    const { scannedRecords } = store.recovery;
    assert(scannedRecords > 0 && scannedRecords < 60, `${scannedRecords} records`);
    assertEquals(store.getMaxOffsetInQueue("T", 0), 120);
    for (const [n, offset] of offsets.entries()) {
      assertEquals(await offsetsByKey(store, `key${n}`), [offset]);
    }
  }
  const units = apacheIndexFiles(folder, SIZES).flatMap((file) => file.units);
  assertEquals(units, offsets.flatMap((offset) => [offset, offset]));
});

Deno.test("a start after a crash of Apache makes anew what its index has lost", async () => {
  const folder = Deno.makeTempDirSync();
  const clock = { millis: 1_000_000_000_000 };
  {
    await using store = open(folder, clock);
    put(store, 0, 95);
  }
  for (const name of ["comet-checkpoint", "comet-queues"]) Deno.removeSync(`${folder}/${name}`);
  Deno.writeTextFileSync(`${folder}/abort`, "");
  touchByApache(folder, clock.millis);
  const last = apacheIndexFiles(folder, SIZES).at(-1)!;
  const path = `${folder}/index/${last.name}`;
  const bytes = Deno.readFileSync(path);
  // Units that did not reach the disk.
  bytes.fill(0, 40 + SIZES.maxHashSlotNum * 4 + 3 * 20);
  Deno.writeFileSync(path, bytes);
  await using store = open(folder, clock);
  for (let n = 0; n < 95; n++) {
    for (const key of [`key${n}`, `id${n}`]) {
      assertEquals((await offsetsByKey(store, key)).length, 1, key);
    }
  }
});

Deno.test("a topic that Apache deleted stays deleted", async () => {
  const folder = Deno.makeTempDirSync();
  const clock = { millis: 1_000_000_000_000 };
  {
    await using store = open(folder, clock);
    put(store, 0, 10, "Deleted");
    put(store, 10, 60);
  }
  Deno.removeSync(`${folder}/consumequeue/Deleted`, { recursive: true });
  touchByApache(folder, clock.millis);
  for (let start = 0; start < 2; start++) {
    await using store = open(folder, clock);
    assertEquals(store.getMaxOffsetInQueue("Deleted", 0), 0);
    assertEquals(store.getMaxOffsetInQueue("T", 0), 50);
  }
});

/** The real file system, until a queue or the index is changed. */
function endingFileSystem(onChange: () => never): FileSystem {
  const isWatched = (path: string) => /\/(index|consumequeue)\//.test(path);
  return {
    ...denoFileSystem,
    removeSync: (path) => isWatched(path) ? onChange() : denoFileSystem.removeSync(path),
    openSync(path, options) {
      const file = denoFileSystem.openSync(path, options);
      if (isWatched(path)) file.writeSync = file.truncateSync = onChange;
      return file;
    },
  };
}

Deno.test("a start that changes queues and index leaves word for Apache before it does", async () => {
  const folder = Deno.makeTempDirSync();
  const clock = { millis: 1_000_000_000_000 };
  {
    await using store = open(folder, clock);
    put(store, 0, 80);
  }
  Deno.removeSync(`${folder}/comet-checkpoint`);
  touchByApache(folder, clock.millis);
  const [before] = apacheCheckpoint(folder);
  const fileSystem = endingFileSystem(() => {
    assert(Deno.statSync(`${folder}/abort`).isFile);
    const [physic, logics, indexed] = apacheCheckpoint(folder);
    assert(physic === logics && physic < before && indexed < before, `${physic} ${indexed}`);
    throw new Error("The process is gone");
  });
  const start = () => openStore(folder, SIZES, { fileSystem, now: () => clock.millis });
  assertThrows(start, Error, "The process is gone");
});

Deno.test("MessageStore opens no folder with Apache's batch queues, nor with queues but without a log", async () => {
  const folder = Deno.makeTempDirSync();
  const clock = { millis: 1_000_000_000_000 };
  {
    await using store = open(folder, clock);
    put(store, 0, 3);
  }
  const batch = copyFolder(folder);
  Deno.mkdirSync(`${batch}/batchconsumequeue/B/0`, { recursive: true });
  assertThrows(() => open(batch, clock), StoreUnwritableError, "topic B has queues of the kind");
  Deno.renameSync(`${folder}/commitlog`, `${folder}/elsewhere`);
  assertThrows(() => open(folder, clock), StoreUnwritableError, "no commit log in");
  Deno.renameSync(`${folder}/elsewhere`, `${folder}/commitlog`);
  await using store = open(folder, clock);
  assertEquals(store.getMaxOffsetInQueue("T", 0), 3);
});

Deno.test("MessageStore opens no folder whose files have the sizes of other settings, and leaves them as they are", async () => {
  const folder = Deno.makeTempDirSync();
  const clock = { millis: 1_000_000_000_000 };
  {
    await using store = open(folder, clock);
    put(store, 0, 3);
  }
  const files = ["commitlog/00000000000000000000", "consumequeue/T/0/00000000000000000000"];
  const sizes = () => files.map((name) => Deno.statSync(`${folder}/${name}`).size);
  const before = sizes();
  for (
    const other of [
      { mappedFileSizeCommitLog: 2048 },
      { mappedFileSizeCommitLog: 8192 },
      { mappedFileSizeConsumeQueue: 20 * 20 },
      { mappedFileSizeConsumeQueue: 20 * 80 },
      { maxHashSlotNum: 8 },
      { maxIndexNum: 10 },
    ]
  ) {
    const name = Object.keys(other)[0]!;
    const start = () => openStore(folder, { ...SIZES, ...other });
    assertThrows(start, CorruptStoreError, name.startsWith("mapped") ? "mappedFileSize*" : name);
  }
  assertEquals(sizes(), before);
});

Deno.test("messages that Apache forwarded with the checksum of the one before are there after a kill", async () => {
  const folder = Deno.makeTempDirSync();
  const clock = { millis: 1_000_000_000_000 };
  await using store = open(folder, clock);
  const offsets = put(store, 0, 30);
  await store.checkpoint();
  offsets.push(...put(store, 30, 60));
  const killed = copyFolder(folder);
  // The last one of what the checkpoint has, and one behind it.
  for (const number of [29, 45]) putCopiedChecksum(killed, offsets[number]!);
  await using again = open(killed, clock);
  assert(!again.recovery.clean);
  assertEquals(again.getMaxOffsetInQueue("T", 0), 60);
  for (const [number, physicalOffset] of offsets.entries()) {
    const message = await again.lookMessageByOffset(physicalOffset);
    assertEquals(message?.queueOffset, number);
  }
});

/** Puts into a record what Apache's broker copies from the message that it forwards. */
function putCopiedChecksum(folder: string, physicalOffset: number): void {
  const { mappedFileSizeCommitLog } = SIZES;
  const position = physicalOffset % mappedFileSizeCommitLog;
  const path = `${folder}/commitlog/${String(physicalOffset - position).padStart(20, "0")}`;
  const bytes = Deno.readFileSync(path);
  const copied = encodeUtf8("__CRC32#\u00011234567890\u0002");
  bytes.set(copied, position + viewOf(bytes).getInt32(position) - copied.length);
  Deno.writeFileSync(path, bytes);
}
