import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { isQueued } from "../../store/dispatch.ts";
import { denoFileSystem } from "../../store/file_system.ts";
import type { MessageStore } from "../../store/message_store.ts";
import { LOST_SYS_FLAG } from "../../store/tombstone.ts";
import type { Disk } from "../helpers/fault_disk.ts";
import { openStore } from "../helpers/store.ts";
import {
  bytesOf,
  DAMAGES,
  filesOf,
  type Image,
  type StopKind,
  storeImage,
  usedBytes,
} from "../helpers/store_damage.ts";
import { StoreLedger } from "../helpers/store_ledger.ts";
import { MACHINE_FOLDER, MACHINE_SETTINGS } from "../helpers/store_machine.ts";
import { repair } from "./tools/folders.ts";

const newest = (disk: Disk, folder: string) => filesOf(disk, folder).at(-1)!;

/** Damage over which a start is refused. */
const REFUSED: readonly [
  name: string,
  stop: StopKind,
  damage: (disk: Disk, image: Image) => void,
][] = [
  [
    "a page of zeros in the newest log file",
    "crash",
    (disk) => damage(disk, "zero a page", newest(disk, "commitlog/")),
  ],
  [
    "a flipped bit in the newest log file",
    "crash",
    (disk) => damage(disk, "flip a bit", newest(disk, "commitlog/")),
  ],
  [
    "half of the newest log file",
    "clean",
    (disk) => damage(disk, "truncate", newest(disk, "commitlog/")),
  ],
  [
    "garbage behind the newest log file",
    "clean",
    (disk) => damage(disk, "append garbage", newest(disk, "commitlog/")),
  ],
  ["no newest log file", "clean", (disk) => disk.remove(newest(disk, "commitlog/"))],
  ["no old log file", "crash", (disk) => disk.remove(filesOf(disk, "commitlog/")[2]!)],
  ["the log as it was earlier", "clean", (disk, { earlier }) => {
    for (const path of filesOf(disk, "commitlog/")) {
      const old = bytesOf(earlier, path);
      if (old.length > 0) disk.file(path)!.write(old, 0);
      else disk.remove(path);
    }
  }],
  [
    "a hole in the log and no mark of how far it was on disk",
    "crash",
    (disk) => {
      damage(disk, "zero a page", filesOf(disk, "commitlog/")[2]!);
      for (const name of ["checkpoint", "comet-checkpoint"]) {
        disk.remove(`${MACHINE_FOLDER}/${name}`);
      }
    },
  ],
  [
    "half of a queue's newest file",
    "clean",
    (disk) => damage(disk, "truncate", newest(disk, "consumequeue/A/0/")),
  ],
  [
    "garbage behind an index file",
    "clean",
    (disk) => damage(disk, "append garbage", filesOf(disk, "index/")[1]!),
  ],
];

function damage(disk: Disk, name: string, path: string): void {
  DAMAGES[name]!(disk, path, usedBytes(disk, path) >> 1);
}

/** Puts an image into a real folder, where the tools can work. */
function unpack(disk: Disk): string {
  const folder = Deno.makeTempDirSync();
  for (const [path, entry] of disk.names) {
    if (!path.startsWith(`${MACHINE_FOLDER}/`)) continue;
    const target = folder + path.slice(MACHINE_FOLDER.length);
    if (entry === "folder") Deno.mkdirSync(target, { recursive: true });
    else Deno.writeFileSync(target, bytesOf(disk, path));
  }
  return folder;
}

function open(folder: string): MessageStore {
  return openStore(folder, { ...MACHINE_SETTINGS, flushDiskType: "SYNC_FLUSH" });
}

/** Every message that consumers get is the one that was put there. @returns how many there are. */
async function countMessages(store: MessageStore, ledger: StoreLedger): Promise<number> {
  let count = 0;
  for (const [topic, queueId] of [["A", 0], ["A", 1], ["B", 0]] as const) {
    const end = store.getMaxOffsetInQueue(topic, queueId);
    for (let queueOffset = 0; queueOffset < end;) {
      const options = { queueOffset, maxMsgNums: 32, maxMsgBytes: 1 << 20, filter: undefined };
      const result = await store.getMessage(topic, queueId, options);
      assert(result.nextBeginOffset > queueOffset);
      queueOffset = result.nextBeginOffset;
      for (const message of result.parts.flatMap(decodeMessages)) {
        assert((message.sysFlag & LOST_SYS_FLAG) === 0);
        const attempt = ledger.attempts.find(({ number }) => number === message.bornTimestamp);
        assertEquals(StoreLedger.difference(attempt, message), undefined);
        count++;
      }
    }
  }
  return count;
}

Deno.test("what a start refuses comet store repair brings to a start, without wrong messages", async () => {
  const images = { clean: await storeImage("clean"), crash: await storeImage("crash") };
  for (const [name, stop, makeDamage] of REFUSED) {
    const image = images[stop];
    const disk = image.disk.copy();
    makeDamage(disk, image);
    const folder = unpack(disk);
    try {
      for (const _ of ["once", "and not worn down"]) {
        assertThrows(() => open(folder)[Symbol.asyncDispose]());
      }
      await repair(folder, denoFileSystem, { settings: MACHINE_SETTINGS });
      await using store = open(folder);
      const count = await countMessages(store, image.ledger);
      const all = image.ledger.attempts.filter(({ sysFlag }) => isQueued(sysFlag)).length;
      assert(count > all / 3, `${count} of ${all} messages are left`);
    } catch (error) {
      throw new Error(name, { cause: error });
    }
    Deno.removeSync(folder, { recursive: true });
  }
});
