import { assert, assertEquals } from "@std/assert";
import { Disk } from "../../helpers/fault_disk.ts";
import type { FaultFileSystem } from "../../helpers/fault_file_system.ts";
import { quietRandom, type Random } from "../../helpers/random.ts";
import {
  FOLDER,
  type KeyedMessage,
  KeyedStore,
  lastValues,
  memoryFileSystem,
  TOPIC,
} from "./setup.ts";

/** COMET_TEST_SEED=n begins with another seed. */
const SEED = Number(Deno.env.get("COMET_TEST_SEED") ?? 1);
/** Ten hours go by, so that retention may delete the commit log. */
const LATER = 36_000_000;

interface Life {
  fileSystem: FaultFileSystem;
  clock: { millis: number };
  onFailed?: (error: Error) => void;
}

function open({ fileSystem, clock, onFailed }: Life): KeyedStore {
  return new KeyedStore(FOLDER, {
    fileSystem,
    settings: { fileReservedTime: 1, mappedFileSizeCommitLog: 8192 },
    options: {
      now: () => clock.millis,
      onFatal: () => {},
      onWriteFailed: () => {},
      onUpkeepFailed: () => {},
    },
    compaction: { maxOffsetMapSize: 1, compactionCqMappedFileSize: 46 * 41 },
    ...onFailed && { onFailed },
  });
}

/** What is in the topic before the run: compacted, copied and new messages, and most of the commit log is deleted. */
async function prepare(life: Life): Promise<Map<string, string>> {
  await using keyed = open(life);
  const put: KeyedMessage[] = [];
  const putOne = (n: number) => {
    const message = {
      queueOffset: n,
      key: `key${n % 110}`,
      value: n % 9 === 0 ? "" : `value ${n}`,
    };
    put.push(message);
    keyed.put(message.key, message.value);
  };
  for (let n = 0; n < 60; n++) putOne(n);
  await keyed.compact();
  for (let n = 60; n < 160; n++) putOne(n);
  await keyed.commit();
  await keyed.compaction.copy();
  life.clock.millis += LATER;
  await keyed.store.deleteExpiredFiles(true);
  assert(keyed.store.stats.minOffset > 15_000);
  return lastValues(put);
}

/** A run and what follows, until the disk stops it. */
async function run(keyed: KeyedStore): Promise<void> {
  await keyed.compact();
  keyed.put("after", "the run");
  await keyed.compact();
  await keyed.store.deleteExpiredFiles(true);
}

/** Ends a store whose process is dead: its timers, that is. */
async function bury(keyed: KeyedStore): Promise<void> {
  await keyed[Symbol.asyncDispose]().catch(() => {});
}

function withoutAfter(messages: readonly KeyedMessage[]): Map<string, string> {
  const values = lastValues(messages);
  values.delete("after");
  return values;
}

/** What a crash leaves of a disk. */
type Crash = (disk: Disk, random: Random) => Disk;

async function crashAtEveryStep(crash: Crash): Promise<void> {
  const clock = { millis: 1_000_000 };
  const disk = new Disk();
  const expected = await prepare({ fileSystem: memoryFileSystem(disk), clock });
  for (let step = 0;; step++) {
    const random = quietRandom(SEED + step);
    const fileSystem = memoryFileSystem(disk.copy(), random);
    const keyed = open({ fileSystem, clock, onFailed: () => {} });
    fileSystem.options.crashAfter = fileSystem.callCount + step;
    await run(keyed).catch(() => {});
    const isDone = !fileSystem.crashed;
    fileSystem.crash();
    await bury(keyed);
    const where = `step ${step}, COMET_TEST_SEED=${SEED}`;
    await assertWhole(crash(fileSystem.disk, random), clock, expected, where);
    if (!isDone) continue;
    assert(step > 100, `${step} steps`);
    return;
  }
}

async function assertWhole(
  disk: Disk,
  clock: { millis: number },
  expected: Map<string, string>,
  where: string,
): Promise<void> {
  const fileSystem = memoryFileSystem(disk);
  const onFailed = (error: Error) => {
    // Between the two renames of its save the position is in its copy, which is no loss.
    if (!error.message.includes("position-checkpoint")) throw error;
  };
  {
    await using keyed = open({ fileSystem, clock, onFailed });
    assertEquals(withoutAfter(await keyed.consume()), expected, where);
    // And the next run gets on, from whatever was left.
    keyed.put("after", "the crash");
    await keyed.compact();
    assertEquals(withoutAfter(await keyed.consume()), expected, where);
    assertEquals(keyed.compaction.compactedUpTo(), keyed.store.stats.durableOffset, where);
  }
  await using again = open({ fileSystem, clock });
  assertEquals(withoutAfter(await again.consume()), expected, where);
  const logs = fileSystem.listSync(`${FOLDER}/compaction/compactionLog/${TOPIC}/0`);
  assertEquals(fileSystem.listSync(`${FOLDER}/compaction/compactionCq/${TOPIC}/0`), logs, where);
  assertEquals(fileSystem.listSync(`${FOLDER}/compaction/comet-compacting/log`), [], where);
}

Deno.test("a kill at every step of a run leaves the old files or the new ones whole", async () => {
  await crashAtEveryStep((disk) => disk.copy());
});

Deno.test("a power loss at every step that takes all that was not synced loses no key", async () => {
  await crashAtEveryStep((disk) => disk.survivor(() => 0));
});

Deno.test("a power loss at every step that takes some of what was not synced loses no key", async () => {
  await crashAtEveryStep((disk, random) => disk.survivor(random));
});
