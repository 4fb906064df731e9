import { assert, assertEquals } from "@std/assert";
import { type Disk, DiskFile } from "../helpers/fault_disk.ts";
import {
  bytesOf,
  DAMAGES,
  filesOf,
  type Image,
  type Outcome,
  outcomeOf,
  type StopKind,
  storeImage,
  usedBytes,
} from "../helpers/store_damage.ts";
import { MACHINE_FOLDER } from "../helpers/store_machine.ts";

const STOPS = ["clean", "crash"] as const;

/** Images are made once; each test damages a copy. */
const images: Record<StopKind, Image> = {
  clean: await storeImage("clean"),
  crash: await storeImage("crash"),
};

interface FileKind {
  find: (disk: Disk) => string;
  /** Where the units of the file begin, how long each is, and which of its bytes counts for everybody. */
  units?: { start: number; bytes: number; byte: number };
}

/** The low byte of the physicalOffset. */
const QUEUE_UNITS = { start: 0, bytes: 20, byte: 7 };
/** A byte of the key's hash; units begin behind 13 slots and the unit that is never used. */
const INDEX_UNITS = { start: 40 + 13 * 4 + 20, bytes: 20, byte: 2 };

/** Old files were on disk long before the stop. The newest ones are where things were being written. */
const FILES: Readonly<Record<string, FileKind>> = {
  "old log file": { find: (disk) => filesOf(disk, "commitlog/")[2]! },
  "newest log file": { find: (disk) => filesOf(disk, "commitlog/").at(-1)! },
  "old queue file": { find: (disk) => filesOf(disk, "consumequeue/A/0/")[0]!, units: QUEUE_UNITS },
  "newest queue file": {
    find: (disk) => filesOf(disk, "consumequeue/A/0/").at(-1)!,
    units: QUEUE_UNITS,
  },
  "old index file": { find: (disk) => filesOf(disk, "index/")[1]!, units: INDEX_UNITS },
  "newest index file": { find: (disk) => filesOf(disk, "index/").at(-1)!, units: INDEX_UNITS },
};

/** Bytes at the head, in the middle and at the tail of what is in a file. */
function placesIn(disk: Disk, { find, units }: FileKind): number[] {
  const used = usedBytes(disk, find(disk));
  if (units === undefined) return [3, used >> 1, used - 12];
  const { start, bytes, byte } = units;
  const count = Math.ceil((used - start) / bytes);
  return [3, start + (count >> 1) * bytes + byte, start + (count - 1) * bytes + byte];
}

/** At the head, in the middle, and at the tail of what is in the file. */
type Outcomes = [head: Outcome, middle: Outcome, tail: Outcome];

const GAP: Outcomes = ["gap", "gap", "gap"];
const INTACT: Outcomes = ["intact", "intact", "intact"];
const REFUSED: Outcomes = ["refused", "refused", "refused"];
const CHAIN: Outcomes = ["repaired", "restart", "restart"];
const REPAIRED: Outcomes = ["repaired", "repaired", "repaired"];

/** What becomes of each damage after an orderly stop, and after a kill. */
const TABLE: readonly [file: string, damage: string, clean: Outcomes, crash: Outcomes][] = [
  ["old log file", "flip a bit", GAP, GAP],
  ["old log file", "zero a page", GAP, GAP],
  ["old log file", "zero a sector", GAP, GAP],
  ["old log file", "truncate", GAP, GAP],
  ["old log file", "garbage", GAP, GAP],
  ["old log file", "append garbage", INTACT, INTACT],
  // The tail is the checksum of the last message. A kill loses nothing that an fsync has covered.
  ["newest log file", "flip a bit", ["gap", "gap", "refused"], REFUSED],
  ["newest log file", "zero a page", ["gap", "gap", "refused"], REFUSED],
  ["newest log file", "zero a sector", ["gap", "gap", "refused"], REFUSED],
  ["newest log file", "truncate", REFUSED, REFUSED],
  ["newest log file", "garbage", ["gap", "gap", "refused"], REFUSED],
  ["newest log file", "append garbage", REFUSED, REFUSED],
  ["old queue file", "flip a bit", REPAIRED, REPAIRED],
  ["old queue file", "zero a page", REPAIRED, REPAIRED],
  ["old queue file", "truncate", REPAIRED, REPAIRED],
  ["old queue file", "garbage", REPAIRED, REPAIRED],
  ["old queue file", "append garbage", INTACT, INTACT],
  ["newest queue file", "flip a bit", REPAIRED, REPAIRED],
  ["newest queue file", "zero a page", REPAIRED, REPAIRED],
  // After an orderly stop such a file looks like one of another setting.
  ["newest queue file", "truncate", REFUSED, REPAIRED],
  ["newest queue file", "garbage", REPAIRED, REPAIRED],
  ["newest queue file", "append garbage", REFUSED, REFUSED],
  // Only who follows the chains of the units comes to those in the middle.
  ["old index file", "flip a bit", CHAIN, CHAIN],
  ["old index file", "zero a page", REPAIRED, REPAIRED],
  ["old index file", "truncate", REPAIRED, REPAIRED],
  ["old index file", "garbage", ["repaired", "restart", "repaired"], [
    "repaired",
    "restart",
    "repaired",
  ]],
  ["old index file", "append garbage", REFUSED, REFUSED],
  // After a kill its tail is behind the checkpoint, and made anew in any case.
  ["newest index file", "flip a bit", CHAIN, ["repaired", "repaired", "intact"]],
  ["newest index file", "zero a page", REPAIRED, REPAIRED],
  ["newest index file", "truncate", REPAIRED, ["repaired", "repaired", "intact"]],
  ["newest index file", "garbage", ["repaired", "restart", "repaired"], [
    "repaired",
    "repaired",
    "intact",
  ]],
  ["newest index file", "append garbage", REFUSED, REFUSED],
];

/** Damage to the index is found by those keys that it concerns; for the rest some of them tell enough. */
function keyStepOf(name: string): number {
  return name.includes("index") ? 1 : 9;
}

/** Damage in the middle of these only makes a start read more of the log. */
const SMALL_FILES = ["checkpoint", "comet-checkpoint", "comet-queues", "abort"];

async function check(
  name: string,
  image: Image,
  expected: Outcome,
  damage: (disk: Disk) => void,
): Promise<void> {
  const disk = image.disk.copy();
  damage(disk);
  try {
    assertEquals(await outcomeOf({ disk, ledger: image.ledger }, keyStepOf(name)), expected);
  } catch (error) {
    throw new Error(name, { cause: error });
  }
}

/** Nothing may be lost, whether something had to be made anew or not. */
async function checkWhole(
  name: string,
  image: Image,
  damage: (disk: Disk) => void,
): Promise<void> {
  const disk = image.disk.copy();
  damage(disk);
  const outcome = await outcomeOf({ disk, ledger: image.ledger }, keyStepOf(name));
  assert(outcome === "intact" || outcome === "repaired", `${name}: ${outcome}`);
}

for (const stop of STOPS) {
  const image = images[stop];

  Deno.test(`MessageStore repairs, reports or refuses damage to any file after a ${stop} stop`, async () => {
    for (const [file, damage, clean, crash] of TABLE) {
      const outcomes = stop === "clean" ? clean : crash;
      const path = FILES[file]!.find(image.disk);
      for (const [index, at] of placesIn(image.disk, FILES[file]!).entries()) {
        const name = `${file}, ${damage}, at ${at}`;
        await check(name, image, outcomes[index]!, (disk) => DAMAGES[damage]!(disk, path, at));
      }
    }
  });

  Deno.test(`MessageStore needs none of its small files after a ${stop} stop`, async () => {
    for (const file of SMALL_FILES) {
      const path = `${MACHINE_FOLDER}/${file}`;
      if (!image.disk.names.has(path)) continue;
      for (const [damage, make] of Object.entries(DAMAGES)) {
        await checkWhole(
          `${file}, ${damage}`,
          image,
          (disk) => make(disk, path, usedBytes(disk, path) >> 1),
        );
      }
      // Without the mark of a crash there was none.
      if (file !== "abort") await checkWhole(`no ${file}`, image, (disk) => disk.remove(path));
    }
  });
}

/** Files in the wrong place, and none where there should be one. */
const MISPLACED: readonly [
  name: string,
  damage: (disk: Disk, image: Image) => void,
  clean: Outcome,
  crash: Outcome,
][] = [
  ["two log files change places", (disk) => swap(disk, "commitlog/", 0, 1), "gap", "gap"],
  [
    "the newest log file with an older one",
    (disk) => swap(disk, "commitlog/", -1, 1),
    "refused",
    "refused",
  ],
  [
    "queue files change places",
    (disk) => swap(disk, "consumequeue/A/0/", 0, 1),
    "repaired",
    "repaired",
  ],
  ["two queues change places", swapQueues, "repaired", "repaired"],
  ["index files change places", (disk) => swap(disk, "index/", 0, 1), "repaired", "repaired"],
  [
    "the newest log file as it was earlier",
    (disk, image) => restore(disk, image, "commitlog/"),
    "refused",
    "refused",
  ],
  [
    "queues as they were earlier",
    (disk, image) => restore(disk, image, "consumequeue/"),
    "repaired",
    // Nothing has been written to them since the checkpoint.
    "intact",
  ],
  [
    "the index as it was earlier",
    (disk, image) => restore(disk, image, "index/"),
    "repaired",
    "intact",
  ],
  [
    "no newest log file",
    (disk) => disk.remove(FILES["newest log file"]!.find(disk)),
    "refused",
    "refused",
  ],
  [
    "no old log file",
    (disk) => disk.remove(FILES["old log file"]!.find(disk)),
    "refused",
    "refused",
  ],
  ["no log at all", (disk) => removeAll(disk, "commitlog/"), "refused", "refused"],
  ["no queues at all", (disk) => removeAll(disk, "consumequeue"), "repaired", "repaired"],
  ["no queues of a topic", (disk) => removeAll(disk, "consumequeue/A"), "intact", "intact"],
  ["no files of a queue", (disk) => removeAll(disk, "consumequeue/A/0/"), "intact", "intact"],
  [
    "no old queue file",
    (disk) => disk.remove(filesOf(disk, "consumequeue/A/0/")[1]!),
    "repaired",
    "repaired",
  ],
  ["no index", (disk) => removeAll(disk, "index"), "repaired", "repaired"],
  ["a hole in the log, and no mark of how far it was on disk", makeHole, "refused", "refused"],
  ["an older log file before the first", (disk) => addBefore(disk), "refused", "refused"],
  ["an empty log file behind the last", (disk) => addBehind(disk), "intact", "intact"],
];

function swap(disk: Disk, folder: string, first: number, second: number): void {
  const paths = filesOf(disk, folder);
  const [one, other] = [paths.at(first)!, paths.at(second)!];
  const bytes = bytesOf(disk, one);
  disk.file(one)!.write(bytesOf(disk, other), 0);
  disk.file(other)!.write(bytes, 0);
}

function swapQueues(disk: Disk): void {
  const [one, other] = ["A/0", "B/0"].map((queue) => filesOf(disk, `consumequeue/${queue}/`)[0]!);
  const bytes = bytesOf(disk, one!);
  disk.file(one!)!.write(bytesOf(disk, other!), 0);
  disk.file(other!)!.write(bytes, 0);
}

/** Puts the newest file of each folder back that was there earlier. */
function restore(disk: Disk, { earlier }: Image, folder: string): void {
  for (const path of filesOf(disk, folder)) {
    const old = bytesOf(earlier, path);
    if (old.length > 0) disk.file(path)!.write(old, 0);
    else disk.remove(path);
  }
}

function removeAll(disk: Disk, folder: string): void {
  const start = `${MACHINE_FOLDER}/${folder}`;
  for (const path of [...disk.names.keys()].filter((path) => path.startsWith(start))) {
    disk.remove(path);
  }
}

function makeHole(disk: Disk): void {
  const path = FILES["old log file"]!.find(disk);
  DAMAGES["zero a page"]!(disk, path, usedBytes(disk, path) >> 1);
  for (const name of ["checkpoint", "comet-checkpoint"]) disk.remove(`${MACHINE_FOLDER}/${name}`);
}

/** The first file gets the name of the third, and another one comes before it. */
function addBefore(disk: Disk): void {
  const [first, second, third] = filesOf(disk, "commitlog/");
  const bytes = bytesOf(disk, first!);
  disk.remove(second!);
  disk.file(third!)!.write(bytes, 0);
}

function addBehind(disk: Disk): void {
  const newest = FILES["newest log file"]!.find(disk);
  const size = disk.file(newest)!.size;
  const name = String(Number(newest.slice(-20)) + size).padStart(20, "0");
  const file = new DiskFile();
  file.truncate(size);
  disk.add(`${newest.slice(0, -20)}${name}`, file);
}

for (const stop of STOPS) {
  Deno.test(`MessageStore repairs, reports or refuses files in the wrong place after a ${stop} stop`, async () => {
    for (const [name, damage, clean, crash] of MISPLACED) {
      const expected = stop === "clean" ? clean : crash;
      await check(name, images[stop], expected, (disk) => damage(disk, images[stop]));
    }
  });
}
