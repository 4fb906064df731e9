import { assertEquals, assertMatch } from "@std/assert";
import type { FileSystem } from "../../store/file_system.ts";
import { denoFileSystem } from "../../store/file_system.ts";
import type { MessageStore } from "../../store/message_store.ts";
import { diskState, isTimeToDelete, type RetentionSettings } from "../../store/retention.ts";
import { messageToStore, openStore } from "../helpers/store.ts";

const HOUR_MILLIS = 3_600_000;
const GIB = 1024 ** 3;
const SETTINGS: RetentionSettings = {
  fileReservedTime: 72,
  deleteWhen: "04",
  diskMaxUsedSpaceRatio: 75,
  diskSpaceCleanForciblyRatio: 85,
  diskSpaceWarningLevelRatio: 90,
  cleanFileForciblyEnable: false,
  diskMinFreeBytes: 0,
  deleteFileBatchMax: 10,
};

/** A clock, a disk and a store over a temporary folder; hours are local ones, as deleteWhen's. */
function storeWithClock(settings: Partial<RetentionSettings> = {}) {
  const folder = Deno.makeTempDirSync();
  const clock = { now: new Date(2026, 0, 1, 12).getTime() };
  const disk = { usedBytes: 10 * GIB, freeBytes: 90 * GIB };
  const fileSystem: FileSystem = { ...denoFileSystem, diskSpaceSync: () => disk };
  const deleted: string[] = [];
  const diskReports: (string | undefined)[] = [];
  const open = () =>
    openStore(folder, settings, {
      fileSystem,
      now: () => clock.now,
      onDeleted: (files) =>
        deleted.push(...files.map(({ path, reason }) => `${reason} ${path.slice(-20)}`)),
      onDiskFull: (reason) => diskReports.push(reason),
    });
  return { folder, clock, disk, deleted, diskReports, open };
}

/** Puts messages of 1 KiB, an hour apart. */
function putHourly(store: MessageStore, clock: { now: number }, count: number): void {
  for (let n = 0; n < count; n++) {
    const body = `message ${n} `.padEnd(1024, ".");
    store.putMessage(messageToStore("T", body, { properties: `KEYS\u0001k${n}\u0002` }));
    store.commit();
    clock.now += HOUR_MILLIS;
  }
}

async function firstMessage(store: MessageStore) {
  const options = { maxMsgNums: 1, maxMsgBytes: 1 << 20, filter: undefined };
  const queueOffset = store.getMinOffsetInQueue("T", 0);
  const { status } = await store.getMessage("T", 0, { ...options, queueOffset });
  const tooSmall = await store.getMessage("T", 0, { ...options, queueOffset: queueOffset - 1 });
  return { queueOffset, status, below: tooSmall.status, next: tooSmall.nextBeginOffset };
}

Deno.test("isTimeToDelete() is true in the hours of deleteWhen", () => {
  const at = (hour: number) => new Date(2026, 5, 1, hour, 59).getTime();
  assertEquals(isTimeToDelete("04", at(4)), true);
  assertEquals(isTimeToDelete("04", at(5)), false);
  assertEquals(isTimeToDelete("04;16", at(16)), true);
  assertEquals(isTimeToDelete("0", at(0)), true);
});

Deno.test("diskState() takes messages by ratio and by free bytes", () => {
  const full = (usedBytes: number, freeBytes: number, settings = SETTINGS) =>
    diskState(settings, { usedBytes, freeBytes }).full;
  assertEquals(full(89 * GIB, 11 * GIB), undefined);
  assertMatch(full(91 * GIB, 9 * GIB)!, /91 % full, above diskSpaceWarningLevelRatio=90/);
  // A large disk is not full because few percent are left.
  const byBytes = { ...SETTINGS, diskSpaceWarningLevelRatio: 100 };
  assertEquals(full(980 * GIB, 20 * GIB, byBytes), undefined);
  assertMatch(full(99.5 * GIB, 0.5 * GIB, byBytes)!, /512 MiB are free, 1024 MiB are kept/);
  // Nor a small one because it never had a gigabyte.
  assertEquals(full(0.1 * GIB, 0.4 * GIB, byBytes), undefined);
  assertEquals(full(99 * GIB, 1 * GIB, { ...byBytes, diskMinFreeBytes: 1000 }), undefined);
});

Deno.test("MessageStore deletes what fileReservedTime lets go, at deleteWhen; queues and index follow", async () => {
  const { folder, clock, deleted, open } = storeWithClock({
    fileReservedTime: 24,
    deleteWhen: "04",
  });
  {
    await using store = open();
    putHourly(store, clock, 100);
    await store.checkpoint();
    await store.deleteExpiredFiles();
    // It is four in the afternoon.
    assertEquals(deleted, []);
    clock.now = new Date(2026, 0, 6, 4, 30).getTime();
    await store.deleteExpiredFiles();
    assertEquals(deleted.length, 6);
    assertEquals(deleted[0], "expired 00000000000000000000");
    // 16 KiB hold 14 of these messages; the seventh file has some that are younger than a day.
    assertEquals(await firstMessage(store), {
      queueOffset: 84,
      status: "FOUND",
      below: "OFFSET_TOO_SMALL",
      next: 84,
    });
    assertEquals(store.getOffsetInQueueByTime("T", 0, 0, "LOWER"), 84);
    const query = { topic: "T", maxNum: 9, beginTimestamp: 0, endTimestamp: clock.now };
    assertEquals((await store.queryMessage({ ...query, key: "k83" })).length, 0);
    assertEquals((await store.queryMessage({ ...query, key: "k84" })).length, 1);
    const queueFiles = denoFileSystem.listSync(`${folder}/consumequeue/T/0`);
    assertEquals(queueFiles, ["00000000000000001000"]);
  }
  await using store = open();
  assertEquals((await firstMessage(store)).queueOffset, 84);
  putHourly(store, clock, 1);
  assertEquals(store.getMaxOffsetInQueue("T", 0), 101);
});

Deno.test("MessageStore never deletes the last file, and takes queueOffsets further when all is gone", async () => {
  const { clock, open } = storeWithClock({ fileReservedTime: 1 });
  await using store = open();
  putHourly(store, clock, 40);
  await store.checkpoint();
  clock.now += 1000 * HOUR_MILLIS;
  await store.deleteExpiredFiles(true);
  const { queueOffset, status } = await firstMessage(store);
  assertEquals({ queueOffset, status }, { queueOffset: 28, status: "FOUND" });
});

Deno.test("MessageStore keeps what has not expired when the disk is nearly full, unless cleanFileForciblyEnable", async () => {
  for (const cleanFileForciblyEnable of [false, true]) {
    const { clock, disk, deleted, open } = storeWithClock({
      cleanFileForciblyEnable,
      deleteFileBatchMax: 2,
    });
    await using store = open();
    putHourly(store, clock, 60);
    await store.checkpoint();
    disk.usedBytes = 86 * GIB;
    disk.freeBytes = 14 * GIB;
    await store.deleteExpiredFiles();
    assertEquals(deleted.length, cleanFileForciblyEnable ? 2 : 0);
    assertEquals(
      deleted[0]?.startsWith("disk nearly full"),
      cleanFileForciblyEnable ? true : undefined,
    );
  }
});

Deno.test("MessageStore refuses messages while the disk is full and takes them again by itself", async () => {
  const { clock, disk, diskReports, open } = storeWithClock();
  await using store = open();
  putHourly(store, clock, 1);
  disk.freeBytes = 0.1 * GIB;
  disk.usedBytes = 100 * GIB;
  await store.deleteExpiredFiles();
  const refused = store.putMessage(messageToStore("T", "x"));
  assertEquals(refused.status, "SERVICE_NOT_AVAILABLE");
  assertMatch(refused.status === "SERVICE_NOT_AVAILABLE" ? refused.reason : "", /diskMinFreeBytes/);
  assertEquals((await firstMessage(store)).status, "FOUND");
  disk.freeBytes = 50 * GIB;
  await store.deleteExpiredFiles();
  putHourly(store, clock, 1);
  assertEquals(store.getMaxOffsetInQueue("T", 0), 2);
  assertEquals(diskReports.length, 2);
});
