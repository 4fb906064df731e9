import { assert, assertEquals, assertThrows } from "@std/assert";
import { javaHashCode } from "../../../client/protocol/message.ts";
import { CorruptStoreError } from "../../../store/errors.ts";
import { messageToStore } from "../../helpers/store.ts";
import { FOLDER, KeyedStore, lastValues, memoryFileSystem, type Setup, TOPIC } from "./setup.ts";

function open(setup: Setup = {}): KeyedStore {
  return new KeyedStore(FOLDER, { fileSystem: memoryFileSystem(), ...setup });
}

const TAKES_SPACE: ReadonlySet<string> = new Set(["create", "makeFolder", "write", "truncate"]);

function offsets(messages: readonly { queueOffset: number }[]): number[] {
  return messages.map(({ queueOffset }) => queueOffset);
}

Deno.test("a compaction topic keeps the newest message of each key with its queueOffset", async () => {
  const folder = Deno.makeTempDirSync();
  for (const isNew of [true, false]) {
    await using keyed = new KeyedStore(folder);
    if (isNew) keyed.putMany(0, 100, 7);
    await keyed.compact();
    const messages = await keyed.consume();
    assertEquals(offsets(messages), [93, 94, 95, 96, 97, 98, 99]);
    assertEquals(messages.at(-1)!.value, "value 99");
    assertEquals(keyed.store.getMinOffsetInQueue(TOPIC, 0), 93);
    assertEquals(keyed.store.getMaxOffsetInQueue(TOPIC, 0), 100);
    assertEquals(keyed.reports.map(({ readCount, keptCount }) => [readCount, keptCount]), [
      ...isNew ? [[100, 7]] : [],
    ]);
  }
});

Deno.test("a new message is there at once, before it is copied or compacted", async () => {
  await using keyed = open();
  keyed.putMany(0, 30, 3);
  await keyed.compact();
  keyed.put("new", "at once");
  keyed.store.commit();
  assertEquals(offsets(await keyed.consume()), [27, 28, 29, 30]);
  assertEquals(offsets(await keyed.consume(0, 30)), [30]);
  assertEquals(keyed.store.isInMemory(TOPIC, 0, 30), true);
});

Deno.test("a pull at an offset that was compacted away goes on at the next one there is", async () => {
  await using keyed = open();
  for (const key of ["a", "b", "a", "c", "a", "d"]) keyed.put(key, "x");
  await keyed.compact();
  const pull = (queueOffset: number) =>
    keyed.store.getMessage(TOPIC, 0, {
      queueOffset,
      maxMsgNums: 1,
      maxMsgBytes: 10_000,
      filter: undefined,
    });
  assertEquals(offsets(await keyed.consume()), [1, 3, 4, 5]);
  for (const [asked, next, minOffset] of [[0, 3, 1], [1, 3, 1], [2, 4, 1], [3, 4, 1], [5, 6, 1]]) {
    const result = await pull(asked!);
    assertEquals([result.status, result.nextBeginOffset, result.messageCount], ["FOUND", next, 1]);
    assertEquals([result.minOffset, result.maxOffset], [minOffset, 6]);
  }
  assertEquals((await pull(6)).status, "OFFSET_OVERFLOW_ONE");
  assertEquals((await pull(7)).status, "OFFSET_OVERFLOW_BADLY");
});

Deno.test("a message without a body deletes its key and is gone itself after a run", async () => {
  await using keyed = open();
  for (const [key, value] of [["a", "1"], ["b", "2"], ["a", ""], ["c", ""], ["c", "3"]] as const) {
    keyed.put(key, value);
  }
  await keyed.commit();
  assertEquals(offsets(await keyed.consume()), [0, 1, 2, 3, 4]);
  await keyed.compact();
  assertEquals(offsets(await keyed.consume()), [1, 4]);
});

Deno.test("a queue whose keys are all deleted is empty, and its offsets go on", async () => {
  const fileSystem = memoryFileSystem();
  for (const round of [1, 2]) {
    await using keyed = open({ fileSystem });
    if (round === 1) {
      keyed.put("a", "1");
      keyed.put("a", "");
    }
    await keyed.compact();
    assertEquals(await keyed.consume(), []);
    assertEquals(keyed.store.getMinOffsetInQueue(TOPIC, 0), 2);
    assertEquals(keyed.store.getEarliestMessageTime(TOPIC, 0), -1);
  }
  await using keyed = open({ fileSystem });
  keyed.put("a", "again");
  await keyed.compact();
  assertEquals(offsets(await keyed.consume()), [2]);
});

Deno.test("a deleted key does not come back after restarts and further runs", async () => {
  const fileSystem = memoryFileSystem();
  for (let round = 0; round < 4; round++) {
    await using keyed = open({ fileSystem });
    if (round === 0) {
      keyed.put("a", "1");
      keyed.put("b", "2");
    } else if (round === 1) {
      keyed.put("a", "");
    } else {
      keyed.put(`other${round}`, "3");
    }
    await keyed.compact();
    assertEquals(lastValues(await keyed.consume()).has("a"), round === 0);
  }
});

Deno.test("keys that do not fit in memory are compacted in several passes", async () => {
  await using keyed = open({ compaction: { maxOffsetMapSize: 1 } });
  for (let n = 0; n < 1_000; n++) keyed.put(`key${n % 450}`, `value ${n}`);
  await keyed.compact();
  const messages = await keyed.consume();
  assertEquals(keyed.reports[0]!.passes, 10);
  assertEquals(messages.length, 450);
  assertEquals(messages[0]!.queueOffset, 550);
});

Deno.test("a run waits until as much is new as there was before", async () => {
  await using keyed = open({ compaction: { compactionCqMappedFileSize: 46 * 200 } });
  keyed.putMany(0, 100, 40);
  await keyed.compact();
  keyed.putMany(100, 130, 40);
  await keyed.compact();
  assertEquals(keyed.reports.length, 1);
  keyed.putMany(130, 160, 40);
  await keyed.compact();
  assertEquals(keyed.reports.length, 2);
  assertEquals(offsets(await keyed.consume()), Array.from({ length: 40 }, (_, n) => 120 + n));
});

Deno.test("tags choose among compacted messages, and a filter that matches nothing gets on", async () => {
  await using keyed = open();
  for (let n = 0; n < 2_000; n++) keyed.put(`key${n}`, n % 500 === 0 ? "even" : "odd");
  await keyed.compact();
  const even = { matchesTagsCode: (tagsCode: number) => tagsCode === javaHashCode("tag0") };
  assertEquals(offsets(await keyed.consume(0, 0, even)), [0, 500, 1_000, 1_500]);
});

Deno.test("offsets by time are found among compacted messages and among later ones", async () => {
  const clock = { millis: 1_000 };
  const fileSystem = memoryFileSystem();
  // Once the commit log has lost what is compacted, once it still has it.
  for (const fileReservedTime of [72, 0]) {
    await using keyed = open({
      fileSystem,
      settings: { fileReservedTime },
      options: { now: () => clock.millis },
    });
    const { store } = keyed;
    if (fileReservedTime > 0) {
      for (let n = 0; n < 300; n++) {
        clock.millis = 1_000 + n;
        keyed.put(`key${n % 100}`, "x".repeat(200));
      }
    }
    await keyed.compact();
    await store.deleteExpiredFiles(true);
    assertEquals(store.stats.minOffset > 0, fileReservedTime === 0);
    assertEquals(offsets(await keyed.consume())[0], 200);
    if (fileReservedTime > 0) continue;
    assertEquals(store.getEarliestMessageTime(TOPIC, 0), 1_200);
    for (const n of [200, 217, 250, 298, 299]) {
      assertEquals(store.getOffsetInQueueByTime(TOPIC, 0, 1_000 + n, "LOWER"), n);
      assertEquals(store.getOffsetInQueueByTime(TOPIC, 0, 1_000 + n, "UPPER"), n);
    }
    assertEquals(store.getOffsetInQueueByTime(TOPIC, 0, 5, "LOWER"), 200);
    assertEquals(store.getOffsetInQueueByTime(TOPIC, 0, 5, "UPPER"), 200);
    assertEquals(store.getOffsetInQueueByTime(TOPIC, 0, 9_999, "LOWER"), 300);
    assertEquals(store.getOffsetInQueueByTime(TOPIC, 0, 9_999, "UPPER"), 299);
  }
});

Deno.test("only what is on disk is copied", async () => {
  const fileSystem = memoryFileSystem();
  await using keyed = open({ fileSystem });
  const folder = `${FOLDER}/compaction/compactionLog/${TOPIC}/0`;
  keyed.putMany(0, 5, 5);
  keyed.store.commit();
  await keyed.compaction.copy();
  assertEquals(fileSystem.listSync(folder).length, 0);
  await keyed.commit();
  await keyed.compaction.copy();
  assertEquals(fileSystem.listSync(folder).length, 1);
});

Deno.test("retention keeps what is not copied yet, and consumers have the rest from the copy", async () => {
  const clock = { millis: 1_000 };
  await using keyed = open({
    settings: { fileReservedTime: 1 },
    options: { now: () => clock.millis },
  });
  const { store, compaction } = keyed;
  for (let n = 0; n < 300; n++) keyed.put(`key${n}`, "x".repeat(200));
  await keyed.commit();
  clock.millis += 10 * 3_600_000;
  assertEquals(compaction.compactedUpTo(), 0);
  await store.deleteExpiredFiles(true);
  assertEquals(store.stats.minOffset, 0);
  await compaction.copy();
  assertEquals(compaction.compactedUpTo(), store.stats.durableOffset);
  await store.deleteExpiredFiles(true);
  assert(store.stats.minOffset > 0);
  assertEquals(offsets(await keyed.consume()), Array.from({ length: 300 }, (_, n) => n));
});

Deno.test("a queue that has lost its files goes on where the compaction log ends", async () => {
  const folder = Deno.makeTempDirSync();
  {
    await using keyed = new KeyedStore(folder);
    keyed.putMany(0, 30, 5);
    await keyed.compact();
  }
  for (const name of ["consumequeue", "commitlog", "comet-checkpoint", "checkpoint"]) {
    Deno.removeSync(`${folder}/${name}`, { recursive: true });
  }
  for (const end of [31, 32]) {
    await using keyed = new KeyedStore(folder);
    assertEquals(keyed.store.getMaxOffsetInQueue(TOPIC, 0), end - 1);
    keyed.put("later", "x");
    await keyed.commit();
    assertEquals(offsets(await keyed.consume()).slice(0, 6), [25, 26, 27, 28, 29, 30]);
  }
});

Deno.test("files of an earlier topic with the same name are not taken for the new one's", async () => {
  const folder = Deno.makeTempDirSync();
  const clock = { millis: 1_000 };
  const options = { now: () => clock.millis };
  {
    await using keyed = new KeyedStore(folder, { options });
    keyed.putMany(0, 30, 5);
    await keyed.compact();
  }
  Deno.renameSync(`${folder}/compaction`, `${folder}/kept`);
  for (const name of ["consumequeue", "commitlog", "comet-checkpoint", "checkpoint"]) {
    Deno.removeSync(`${folder}/${name}`, { recursive: true });
  }
  clock.millis = 2_000;
  {
    await using keyed = new KeyedStore(folder, { options, topics: () => [] });
    keyed.putMany(0, 40, 40);
    await keyed.commit();
  }
  Deno.renameSync(`${folder}/kept`, `${folder}/compaction`);
  await using keyed = new KeyedStore(folder, { options });
  await keyed.compact();
  const values = await keyed.consume();
  assertEquals(values.length, 40);
  assertEquals(values[3], { queueOffset: 3, key: "key3", value: "value 3" });
});

Deno.test("a topic whose policy changes is compacted from then on, and back it is as it was", async () => {
  const fileSystem = memoryFileSystem();
  const topics: string[] = [];
  await using keyed = open({ fileSystem, topics: () => topics });
  keyed.putMany(0, 30, 5);
  keyed.store.putMessage(messageToStore(TOPIC, "no key"));
  await keyed.compact();
  assertEquals(offsets(await keyed.consume()).length, 31);
  topics.push(TOPIC);
  await keyed.compact();
  assertEquals(offsets(await keyed.consume()), [25, 26, 27, 28, 29, 30]);
  keyed.putMany(31, 60, 5);
  await keyed.compact();
  assertEquals(offsets(await keyed.consume()), [55, 56, 57, 58, 59]);
  topics.pop();
  await keyed.compact();
  assertEquals(offsets(await keyed.consume()).length, 60);
});

Deno.test("deleteTopic leaves nothing of a topic, and a new one with its name begins empty", async () => {
  const fileSystem = memoryFileSystem();
  const topics = [TOPIC];
  await using keyed = open({ fileSystem, topics: () => topics });
  keyed.putMany(0, 50, 5);
  await keyed.compact();
  keyed.putMany(50, 60, 5);
  await keyed.commit();
  // While it copies and compacts.
  const working = [keyed.compaction.copy(), keyed.compaction.compact()];
  topics.pop();
  await keyed.compaction.deleteTopic(TOPIC);
  await Promise.all(working);
  for (const kind of ["compactionLog", "compactionCq"]) {
    assertEquals(fileSystem.listSync(`${FOLDER}/compaction/${kind}/${TOPIC}/0`), []);
  }
  assertEquals(
    JSON.parse(fileSystem.readTextSync(`${FOLDER}/compaction/position-checkpoint`)).queueOffsetMap,
    {},
  );
});

Deno.test("a full disk delays copies and runs, and loses nothing", async () => {
  const fileSystem = memoryFileSystem();
  const failures: Error[] = [];
  await using keyed = open({ fileSystem, onFailed: (error) => failures.push(error) });
  let unfinished = 0;
  for (let round = 0; round < 60; round++) {
    keyed.putMany(round * 20, round * 20 + 20, 5);
    await keyed.commit();
    // Each time at another place on the way.
    const fullFrom = fileSystem.callCount + round * 17 % 251;
    fileSystem.options.fault = ({ kind, number }) =>
      number >= fullFrom && TAKES_SPACE.has(kind) ? "No space left on device" : undefined;
    await keyed.compaction.copy();
    await keyed.compaction.compact();
    delete fileSystem.options.fault;
    if (fileSystem.existsSync(`${FOLDER}/compaction/comet-compacting/swap`)) unfinished++;
    const values = [...lastValues(await keyed.consume()).values()].toSorted();
    const end = round * 20 + 20;
    assertEquals(values, [5, 4, 3, 2, 1].map((n) => `value ${end - n}`).toSorted());
  }
  assert(failures.length > 10 && keyed.reports.length > 10 && unfinished > 0);
});

Deno.test("a damaged compacted message is named, passed over and left alone by runs", async () => {
  const folder = Deno.makeTempDirSync();
  const failures: Error[] = [];
  await using keyed = new KeyedStore(folder, { onFailed: (error) => failures.push(error) });
  keyed.putMany(0, 30, 5);
  await keyed.compact();
  const path = `${folder}/compaction/compactionLog/${TOPIC}/0/00000000000000000000`;
  const file = Deno.openSync(path, { read: true, write: true });
  file.seekSync(200, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array([255, 255, 255]));
  file.close();
  assertEquals(offsets(await keyed.consume()), [25, 27, 28, 29]);
  assert(failures[0]!.message.startsWith(`${path} at offset `));
  assert(failures[0]!.message.includes("Message 26"));
  keyed.putMany(30, 60, 5);
  await keyed.compact();
  assert(failures.at(-1) instanceof CorruptStoreError);
  assertEquals(lastValues(await keyed.consume()).size, 5);
});

Deno.test("another file size than the files have is refused with the setting's name", async () => {
  const fileSystem = memoryFileSystem();
  {
    await using keyed = open({ fileSystem });
    keyed.putMany(0, 30, 5);
    await keyed.compact();
  }
  const error = assertThrows(
    () => open({ fileSystem, compaction: { compactionCqMappedFileSize: 46 * 20 } }),
    CorruptStoreError,
  );
  assert(error.message.includes("compactionMappedFileSize"));
});

Deno.test("a message that fits no file is named, and stays in the commit log", async () => {
  const failures: Error[] = [];
  await using keyed = open({ onFailed: (error) => failures.push(error) });
  keyed.put("a", "x".repeat(5_000));
  await keyed.compact();
  assert(failures[0]!.message.includes("compactionMappedFileSize is too small"));
  assertEquals(keyed.compaction.compactedUpTo(), 0);
  assertEquals(offsets(await keyed.consume()), [0]);
});

Deno.test("an fsync that fails ends copying until a restart", async () => {
  const fileSystem = memoryFileSystem();
  const failures: Error[] = [];
  const keyed = open({ fileSystem, onFailed: (error) => failures.push(error) });
  keyed.putMany(0, 5, 5);
  await keyed.compact();
  keyed.putMany(5, 10, 5);
  await keyed.commit();
  const neededFrom = keyed.compaction.compactedUpTo();
  fileSystem.options.fault = ({ kind }) =>
    kind.startsWith("sync") ? "Input/output error" : undefined;
  await keyed.compaction.copy();
  delete fileSystem.options.fault;
  assertEquals(failures.map(({ cause }) => (cause as Error).name), ["SyncError"]);
  await keyed.compaction.copy();
  assertEquals(keyed.compaction.compactedUpTo(), neededFrom);
  await keyed[Symbol.asyncDispose]();
  await using again = open({ fileSystem });
  assertEquals(again.store.recovery.clean, false);
  await again.compact();
  assertEquals(again.compaction.compactedUpTo(), again.store.stats.durableOffset);
});
