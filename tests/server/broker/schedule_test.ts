import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../client/protocol/bytes.ts";
import { hostBytes } from "../../../client/protocol/message.ts";
import type { MessageToStore } from "../../../client/protocol/message_record.ts";
import { HeldReplies } from "../../../server/broker/held_replies.ts";
import { Schedule, scheduled } from "../../../server/broker/schedule.ts";
import { denoFileSystem, type FileSystem } from "../../../store/file_system.ts";
import { openStore } from "../../helpers/store.ts";
import { memoryLog } from "../../helpers/fake_connection.ts";

const HOST = hostBytes("127.0.0.1", 10911);
const MESSAGE: MessageToStore = {
  topic: "Orders",
  queueId: 0,
  flag: 0,
  sysFlag: 0,
  bornTimestamp: 1,
  bornHost: HOST,
  storeHost: HOST,
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: encodeUtf8("x"),
  properties: "",
};

/** The real file system, but for writes to the commit log while the disk is full. */
function fillableFileSystem(disk: { full: boolean }): FileSystem {
  return {
    ...denoFileSystem,
    openSync(path, options) {
      const file = denoFileSystem.openSync(path, options);
      const write = file.writeSync.bind(file);
      file.writeSync = (bytes, position) => {
        if (disk.full && path.includes("commitlog")) throw new Error("No space left on device");
        write(bytes, position);
      };
      return file;
    },
  };
}

Deno.test("Schedule keeps a message that is due while the disk is full, and delivers it once there is space", async () => {
  const folder = Deno.makeTempDirSync();
  const disk = { full: false };
  const held = new HeldReplies();
  const { log, lines } = memoryLog();
  const delivered = Promise.withResolvers<void>();
  const current: { schedule?: Schedule } = {};
  await using store = openStore(folder, {}, {
    fileSystem: fillableFileSystem(disk),
    delayLevels: [50],
    onArrival({ topic, queueId }) {
      if (topic === "Orders") return delivered.resolve();
      disk.full = true;
      current.schedule?.wake(queueId + 1);
    },
    onPromised: (offset) => held.promised(offset),
    onWriteFailed: (offset, error) => held.failed(offset, error),
    onFatal: (error) => delivered.reject(error),
  });
  await using schedule = new Schedule({
    store,
    held,
    folder: `${folder}/config`,
    fileSystem: denoFileSystem,
    levelCount: 1,
    now: Date.now,
    log: {
      ...log,
      error(message, fields) {
        log.error(message, fields);
        // The delivery has failed; from here on there is space.
        disk.full = false;
      },
    },
  });
  current.schedule = schedule;
  assertEquals(store.putMessage(scheduled(MESSAGE, 1, 1)).status, "PUT_OK");
  store.commit();
  await delivered.promise;
  assert(lines.some((line) => line.includes("No space left on device")), lines.join("\n"));
  assertEquals(store.getMaxOffsetInQueue("Orders", 0), 1);
});

Deno.test("Schedule goes on at the end of a queue that has lost what its offset counts, and keeps Apache's dataVersion", async () => {
  const folder = Deno.makeTempDirSync();
  const held = new HeldReplies();
  const { log, lines } = memoryLog();
  const delivered = Promise.withResolvers<void>();
  const current: { schedule?: Schedule } = {};
  await using store = openStore(folder, {}, {
    delayLevels: [1],
    onArrival({ topic, queueId }) {
      if (topic === "Orders") delivered.resolve();
      else current.schedule?.wake(queueId + 1);
    },
    onPromised: (offset) => held.promised(offset),
  });
  const path = `${folder}/config/delayOffset.json`;
  const dataVersion = { counter: 3, stateVersion: 0, timestamp: 5 };
  Deno.mkdirSync(`${folder}/config`);
  Deno.writeTextFileSync(path, JSON.stringify({ dataVersion, offsetTable: { 1: 7 } }));
  {
    await using schedule = new Schedule({
      store,
      held,
      folder: `${folder}/config`,
      fileSystem: denoFileSystem,
      levelCount: 1,
      now: Date.now,
      log,
    });
    current.schedule = schedule;
    assertEquals(store.putMessage(scheduled(MESSAGE, 1, 1)).status, "PUT_OK");
    store.commit();
    await delivered.promise;
  }
  assert(lines.some((line) => line.includes("past the end")), lines.join("\n"));
  const saved = JSON.parse(Deno.readTextFileSync(path));
  assertEquals(saved, { dataVersion, offsetTable: { 1: 1 } });
});
