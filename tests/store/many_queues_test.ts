import { assertEquals } from "@std/assert";
import { denoFileSystem, type FileSystem } from "../../store/file_system.ts";
import type { MessageStore } from "../../store/message_store.ts";
import { eventually } from "../helpers/eventually.ts";
import { messageToStore, openStore } from "../helpers/store.ts";

/** More than stay awake between two checkpoints. */
const QUEUE_COUNT = 1_100;

/** The real file system without its syncs, which can be made to wait for files in a folder of some name. */
function gatedFileSystem() {
  const gates = new Map<string, { reached: () => void; opened: Promise<void> }>();
  const fileSystem: FileSystem = {
    ...denoFileSystem,
    syncFolder: () => Promise.resolve(),
    openSync(path, options) {
      const file = denoFileSystem.openSync(path, options);
      file.syncData = async () => {
        for (const [part, gate] of gates) {
          if (!path.includes(part)) continue;
          gate.reached();
          await gate.opened;
        }
      };
      return file;
    },
  };
  const close = (part: string) => {
    const reached = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    gates.set(part, { reached: reached.resolve, opened: opened.promise });
    return {
      reached: reached.promise,
      open() {
        gates.delete(part);
        opened.resolve();
      },
    };
  };
  return { fileSystem, close };
}

async function put(store: MessageStore, topic: string): Promise<void> {
  store.putMessage(messageToStore(topic, "x"));
  store.commit();
  const offset = (committed: boolean) => store.getMaxOffsetInQueue(topic, 0, committed);
  await eventually(`${topic} is visible`, () => offset(true) === offset(false));
}

Deno.test("a queue whose message is on its way to the disk stays awake, however many there are", async () => {
  const folder = Deno.makeTempDirSync();
  const { fileSystem, close } = gatedFileSystem();
  const copy = Deno.makeTempDirSync();
  {
    await using store = openStore(folder, { flushDiskType: "SYNC_FLUSH" }, { fileSystem });
    for (let n = 0; n < QUEUE_COUNT; n++) store.putMessage(messageToStore(`T${n}`, "x"));
    await put(store, "Last");
    await store.checkpoint();
    // All are awake again, and only one of them has something for the next checkpoint.
    for (let n = 0; n < QUEUE_COUNT; n++) store.findQueue(`T${n}`, 0);
    await put(store, "Last");
    const queueSync = close("/Last/");
    const checkpoint = store.checkpoint();
    await queueSync.reached;
    const logSync = close("/commitlog/");
    const putting = Array.from({ length: QUEUE_COUNT }, (_, n) => {
      const { status } = store.putMessage(messageToStore(`T${n}`, "y"));
      return status;
    });
    assertEquals(new Set(putting), new Set(["PUT_OK"]));
    store.commit();
    await logSync.reached;
    queueSync.open();
    await checkpoint;
    logSync.open();
    await put(store, "Last");
    await store.checkpoint();
    // What a crash would leave.
    await new Deno.Command("cp", { args: ["-r", `${folder}/.`, copy] }).output();
  }
  for (const opened of [folder, copy]) {
    await using store = openStore(opened);
    for (let n = 0; n < QUEUE_COUNT; n++) {
      assertEquals(store.getMaxOffsetInQueue(`T${n}`, 0), 2, `T${n} in ${opened}`);
    }
  }
});
