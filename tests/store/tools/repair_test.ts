import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../../client/protocol/bytes.ts";
import { copyMessage, decodeMessages, recordCrc } from "../../../client/protocol/message_record.ts";
import { denoFileSystem } from "../../../store/file_system.ts";
import { isQueued } from "../../../store/dispatch.ts";
import { CorruptStoreError, StoreUnwritableError } from "../../../store/errors.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { dumpStore } from "../../../store/tools/dump.ts";
import { planRepair } from "../../../store/tools/repair_plan.ts";
import type { VerifyReport } from "../../../store/tools/verify_report.ts";
import { LOST_SYS_FLAG } from "../../../store/tombstone.ts";
import { seededRandom } from "../../helpers/random.ts";
import {
  change,
  contentsOf,
  copyFolder,
  FILE_SETTINGS,
  indexFile,
  killedFolder,
  kindsOf,
  LOG_BYTES,
  logFile,
  openSmall,
  putMessages,
  queueFile,
  repair,
  soundFolder,
  verify,
} from "./folders.ts";

/** A message of a queue, by "topic/queueId:queueOffset". */
interface Found {
  /** Both tell the message. */
  bornTimestamp: number;
  body: string;
  physicalOffset: number;
  /** It is a tombstone. */
  isLost: boolean;
}

type Messages = Map<string, Found>;

/** Every message of the log that is in a queue. */
function messagesOf(folder: string): Messages {
  const messages: Messages = new Map();
  const all = { folder, commitLogFolder: "", settings: FILE_SETTINGS, now: Date.now(), query: {} };
  for (const entry of dumpStore(all)) {
    if (entry.kind !== "message") continue;
    const { topic, queueId, queueOffset, sysFlag, ...message } = copyMessage(
      entry.bytes,
      entry.record,
    );
    if (!isQueued(sysFlag)) continue;
    messages.set(`${topic}/${queueId}:${queueOffset}`, {
      bornTimestamp: message.bornTimestamp,
      body: decodeUtf8(message.body, 0, message.body.length),
      physicalOffset: message.physicalOffset,
      isLost: (sysFlag & LOST_SYS_FLAG) !== 0,
    });
  }
  return messages;
}

/** What a repair must keep: every message that was not in damaged bytes, at its place. */
function assertKept(folder: string, before: Messages, { damage, end, findings }: VerifyReport) {
  const after = messagesOf(folder);
  let goneCount = 0;
  for (const [name, { bornTimestamp, body, physicalOffset }] of before) {
    const found = after.get(name);
    // A header can be wrong without anybody seeing it where the record's own checksum was destroyed too.
    const isSame = found?.bornTimestamp === bornTimestamp || findings.has("recordUnsealed");
    if (found?.body === body && isSame && !found.isLost) continue;
    goneCount++;
    assert(found?.isLost ?? true, `${name} is another message now`);
    const wasDamaged = damage.rangeAt(physicalOffset) >= 0 || physicalOffset >= end.offset;
    assert(wasDamaged, `${name} is gone, but its record at ${physicalOffset} was sound`);
  }
  assert(goneCount >= damage.lostCount);
}

/** Opens the folder as a broker does, reads all of every queue and goes on. */
async function assertServes(folder: string, count: number): Promise<void> {
  await using store = openSmall(folder);
  for (const [topic, queueId] of [["Orders", 0], ["Orders", 1], ["Payments", 0]] as const) {
    await readQueue(store, topic, queueId);
  }
  const { physicalOffset } = store.indexEnd;
  assert(physicalOffset <= store.stats.maxOffset);
  putMessages(store, count, count + 40);
}

/** Reads a queue as consumers do; none of them is to see a tombstone. */
async function readQueue(store: MessageStore, topic: string, queueId: number): Promise<void> {
  const end = store.getMaxOffsetInQueue(topic, queueId);
  for (let queueOffset = store.getMinOffsetInQueue(topic, queueId); queueOffset < end;) {
    const options = { queueOffset, maxMsgNums: 32, maxMsgBytes: 262_144, filter: undefined };
    const result = await store.getMessage(topic, queueId, options);
    assert(result.nextBeginOffset > queueOffset, `${topic}/${queueId} ${queueOffset}`);
    const offsets = result.parts.flatMap(decodeMessages).map((message) => {
      assertEquals(message.sysFlag & LOST_SYS_FLAG, 0);
      return message.queueOffset;
    });
    assertEquals(result.messageCount, offsets.length);
    for (const offset of offsets) assert(offset >= queueOffset && offset < result.nextBeginOffset);
    queueOffset = result.nextBeginOffset;
  }
}

/** What a broker makes of the folder when it has nothing but the log to go by. */
async function assertSurvivesFullScan(folder: string): Promise<void> {
  const copy = Deno.makeTempDirSync();
  copyFolder(folder, copy);
  for (const name of ["comet-checkpoint", "checkpoint", "comet-queues", "consumequeue", "index"]) {
    const path = `${copy}/${name}`;
    if (denoFileSystem.existsSync(path)) Deno.removeSync(path, { recursive: true });
  }
  Deno.writeTextFileSync(`${copy}/abort`, "");
  await openSmall(copy)[Symbol.asyncDispose]();
  assertEquals(kindsOf(verify(copy)).damage, []);
  assertEquals(verify(copy).nextStart.rebuildFrom, Infinity);
  const queues = (of: string) =>
    [...contentsOf(`${of}/consumequeue`)].filter(([, bytes]) => bytes.includes(" "))
      .map(([path, bytes]) => [path.slice(of.length), bytes.replace(/^\d+ /, "")]).sort();
  assertEquals(queues(copy), queues(folder));
}

function firstUnits(folder: string, queue: string): DataView {
  return new DataView(Deno.readFileSync(queueFile(folder, queue)).buffer);
}

Deno.test("repair of a sound folder has nothing to do", async () => {
  const folder = await soundFolder();
  assertEquals(planRepair(verify(folder)), { steps: [], obstacles: [] });
  assertEquals(planRepair(verify(await killedFolder())), { steps: [], obstacles: [] });
});

Deno.test("repair puts a tombstone in the place of a damaged message and keeps its bytes", async () => {
  const folder = await soundFolder();
  const before = messagesOf(folder);
  const view = firstUnits(folder, "Orders/1");
  const [physicalOffset, size] = [view.getInt32(5 * 20 + 4), view.getInt32(5 * 20 + 8)];
  change(logFile(folder), (bytes) => bytes[physicalOffset + 50]! ^= 1);
  const damaged = Deno.readFileSync(logFile(folder)).slice(physicalOffset, physicalOffset + size);
  assertEquals(planRepair(verify(folder)).steps.map(({ kind }) => kind), [
    "patchLog",
    "rebuild",
    "writeCheckpoint",
  ]);
  const found = verify(folder);
  const kept = await repair(folder);
  assertEquals(kindsOf(verify(folder)), { damage: [], notes: [] });
  assertKept(folder, before, found);
  assertEquals(verify(folder).summary.tombstones, 1);
  assertEquals(messagesOf(folder).get("Orders/1:5")!.isLost, true);
  const lines = Deno.readTextFileSync(`${kept}/manifest.jsonl`).trim().split("\n").map((line) =>
    JSON.parse(line)
  );
  const entry = lines.find(({ why }) => why === "damaged");
  assertEquals([entry.from, entry.offset, entry.bytes], [
    "commitlog/00000000000000000000",
    physicalOffset,
    size,
  ]);
  assertEquals(Deno.readFileSync(`${kept}/${entry.kept}`), damaged);
  assertEquals(lines.at(-1), { finished: true });
  await assertSurvivesFullScan(folder);
  await assertServes(folder, 400);
});

Deno.test("repair plans nothing and changes nothing by planning", async () => {
  const folder = await soundFolder();
  change(logFile(folder), (bytes) => bytes.fill(7, 3000, 5000));
  const before = contentsOf(folder);
  assert(planRepair(verify(folder)).steps.length > 0);
  assertEquals(contentsOf(folder), before);
});

const DAMAGES: Record<string, (folder: string) => void> = {
  "a page of zeros in the log": (folder) =>
    change(logFile(folder), (bytes) => bytes.fill(0, 4096, 8192)),
  "the front of the log": (folder) => change(logFile(folder), (bytes) => bytes.fill(9, 0, 3000)),
  "the end of a log file": (folder) =>
    change(logFile(folder), (bytes) => bytes.fill(9, LOG_BYTES - 1000)),
  "the end of one log file and the front of the next": (folder) => {
    change(logFile(folder), (bytes) => bytes.fill(9, LOG_BYTES - 1000));
    change(logFile(folder, LOG_BYTES), (bytes) => bytes.fill(9, 0, 1000));
  },
  "a missing log file": (folder) => Deno.removeSync(logFile(folder, LOG_BYTES)),
  "a log file cut short": (folder) => Deno.truncateSync(logFile(folder, LOG_BYTES), 5000),
  "a log file that is too long": (folder) => Deno.truncateSync(logFile(folder), LOG_BYTES + 100),
  "a missing last log file": (folder) => {
    const last = verify(folder).files.log.files.at(-1);
    // In a mixture of damages all may be gone already.
    if (last !== undefined) Deno.removeSync(last.path);
  },
  "a log of which nothing is left": (folder) =>
    Deno.removeSync(`${folder}/commitlog`, { recursive: true }),
  "two log files swapped": (folder) => {
    const [first, second] = [logFile(folder, LOG_BYTES), logFile(folder, 2 * LOG_BYTES)];
    Deno.renameSync(first, `${folder}/swap`);
    Deno.renameSync(second, first);
    Deno.renameSync(`${folder}/swap`, second);
  },
  "a stale log file behind the log": (folder) =>
    Deno.copyFileSync(logFile(folder), logFile(folder, 100 * LOG_BYTES)),
  "a log file with an odd name": (folder) =>
    Deno.copyFileSync(logFile(folder), logFile(folder, LOG_BYTES + 7)),
  "a queue with zeros in it": (folder) =>
    change(queueFile(folder, "Orders/0"), (bytes) => bytes.fill(0, 100, 300)),
  "a queue without its first file": (folder) => Deno.removeSync(queueFile(folder, "Orders/0")),
  "a queue cut short": (folder) => Deno.truncateSync(queueFile(folder, "Orders/0"), 500),
  "a missing topic": (folder) =>
    Deno.removeSync(`${folder}/consumequeue/Payments`, { recursive: true }),
  "a last log file that is too short": (folder) =>
    Deno.truncateSync(verify(folder).files.log.files.at(-1)!.path, LOG_BYTES - 20),
  "the wrong ends of queues": (folder) => {
    const state = verify(folder).queues.find("Payments", 0)!;
    const { physicalOffset } = state.units.at(19);
    const json = JSON.stringify(["Payments", [20, physicalOffset]]);
    const crc = recordCrc(encodeUtf8(json)).toString(16).padStart(8, "0");
    Deno.writeTextFileSync(`${folder}/comet-queues`, `\n${crc} ${json}\n`);
  },
  "an index with zeros in it": (folder) =>
    change(indexFile(folder), (bytes) => bytes.fill(0, 700, 1200)),
  "a missing index": (folder) => Deno.removeSync(`${folder}/index`, { recursive: true }),
  "an index file cut short": (folder) => Deno.truncateSync(indexFile(folder), 1000),
  "offsets past their queues": (folder) => {
    Deno.mkdirSync(`${folder}/config`);
    Deno.writeTextFileSync(
      `${folder}/config/consumerOffset.json`,
      '{"offsetTable":{"Orders@g":{0:1000000,1:3}},"dataVersion":{"counter":7}}',
    );
    Deno.writeTextFileSync(`${folder}/config/delayOffset.json`, '{"offsetTable":{2:1000000}}');
  },
  "a document with a copy, and one without": (folder) => {
    Deno.mkdirSync(`${folder}/config`);
    Deno.writeTextFileSync(`${folder}/config/topics.json`, "{");
    // A topic that it does not have would count as deleted when its queues are missing too.
    const topicConfigTable = Object.fromEntries(
      ["Orders", "Payments"].map((topicName) => [topicName, { topicName }]),
    );
    const text = JSON.stringify({ topicConfigTable });
    Deno.writeTextFileSync(`${folder}/config/topics.json.bak`, text);
    Deno.writeTextFileSync(`${folder}/config/subscriptionGroup.json`, "");
  },
};

for (const [name, damage] of Object.entries(DAMAGES)) {
  Deno.test(`repair mends ${name}`, async () => {
    const folder = await soundFolder();
    const before = messagesOf(folder);
    damage(folder);
    const found = verify(folder);
    assert(found.findings.count("damage") > 0);
    await repair(folder);
    const after = verify(folder);
    assertEquals(kindsOf(after).damage, [], JSON.stringify(after.findings.kept));
    assertEquals(planRepair(after).steps, []);
    assertKept(folder, before, found);
    await assertSurvivesFullScan(folder);
    await assertServes(folder, 400);
    assertEquals(kindsOf(verify(folder)).damage, []);
  });
}

Deno.test("repair cuts a torn tail and keeps it", async () => {
  const folder = await killedFolder(20, 40);
  const { lastRecordOffset, offset } = verify(folder).end;
  change(logFile(folder), (bytes) => bytes.fill(0, lastRecordOffset + 30));
  const torn = Deno.readFileSync(logFile(folder)).slice(lastRecordOffset, offset);
  assertEquals(planRepair(verify(folder)).steps.map(({ kind }) => kind), ["cutLog"]);
  const kept = await repair(folder);
  assertEquals(kindsOf(verify(folder)).notes.includes("tornTail"), false);
  const [name] = [...Deno.readDirSync(kept)].map((it) => it.name).sort();
  assertEquals(Deno.readFileSync(`${kept}/${name}`).slice(0, torn.length), torn);
  await assertServes(folder, 60);
});

Deno.test("repair mends a log that lies on another disk, from which nothing can be moved", async () => {
  const folder = await soundFolder();
  const commitLogFolder = `${Deno.makeTempDirSync()}/log`;
  Deno.renameSync(`${folder}/commitlog`, commitLogFolder);
  Deno.copyFileSync(`${commitLogFolder}/${"0".repeat(20)}`, `${commitLogFolder}/${"9".repeat(20)}`);
  change(`${commitLogFolder}/${"0".repeat(20)}`, (bytes) => bytes.fill(3, 3000, 4000));
  const kept = await repair(folder, {
    ...denoFileSystem,
    renameSync(from, to) {
      if (from.startsWith(commitLogFolder)) throw new Error("Invalid cross-device link");
      denoFileSystem.renameSync(from, to);
    },
  }, { commitLogFolder });
  assertEquals(kindsOf(verify(folder, { commitLogFolder })).damage, []);
  const names = [...Deno.readDirSync(kept)].map(({ name }) => name);
  const stale = names.find((name) => name.endsWith("9".repeat(20)))!;
  assertEquals(Deno.statSync(`${kept}/${stale}`).size, LOG_BYTES);
});

Deno.test("repair makes the queues of a topic that was created again without those of before", async () => {
  const folder = await soundFolder(200);
  Deno.removeSync(`${folder}/consumequeue`, { recursive: true });
  Deno.removeSync(`${folder}/comet-queues`);
  {
    await using store = openSmall(folder);
    putMessages(store, 200, 300);
  }
  const before = Deno.readFileSync(queueFile(folder, "Payments/0"));
  change(queueFile(folder, "Payments/0"), (bytes) => bytes.fill(0, 0, 40));
  await repair(folder);
  assertEquals(kindsOf(verify(folder)), { damage: [], notes: ["topicCreatedAgain"] });
  assertEquals(Deno.readFileSync(queueFile(folder, "Payments/0")), before);
});

Deno.test("repair refuses a folder that is in use", async () => {
  const folder = await soundFolder(40);
  Deno.removeSync(queueFile(folder, "Orders/0"));
  await using _store = openSmall(folder);
  await assertRejects(() => repair(folder), StoreUnwritableError, "in use");
});

Deno.test("repair marks lost messages of queues that have no later one, by their units", async () => {
  const folder = await soundFolder(40);
  const before = messagesOf(folder);
  {
    await using store = openSmall(folder);
    putMessages(store, 41, 42);
  }
  const view = firstUnits(folder, "Payments/0");
  const last = view.getInt32(9 * 20 + 4);
  change(logFile(folder), (bytes) => bytes[last + 60]! ^= 1);
  const found = verify(folder);
  assertEquals(found.summary.lostMessages, 1);
  await repair(folder);
  assertEquals(messagesOf(folder).get("Payments/0:9")!.isLost, true);
  assertKept(folder, before, found);
});

Deno.test("repair knows messages that even their queue has lost, by the queueOffsets around", async () => {
  const folder = await soundFolder();
  const before = messagesOf(folder);
  Deno.removeSync(`${folder}/consumequeue`, { recursive: true });
  change(logFile(folder), (bytes) => bytes.fill(1, 5000, 9000));
  const found = verify(folder);
  assert(found.summary.lostMessages > 10);
  await repair(folder);
  assertEquals(kindsOf(verify(folder)).damage, []);
  assertKept(folder, before, found);
  await assertSurvivesFullScan(folder);
});

Deno.test("repair mends whatever a random mixture of damages is, and does so once", async () => {
  const random = seededRandom();
  for (let round = 0; round < 12; round++) {
    const folder = await soundFolder(500);
    const before = messagesOf(folder);
    const names = Object.keys(DAMAGES);
    const chosen = Array.from({ length: 1 + random(3) }, () => names[random(names.length)]!);
    for (let flips = random(20); flips > 0; flips--) {
      const start = LOG_BYTES * random(4);
      change(logFile(folder, start), (bytes) => bytes[random(LOG_BYTES)]! ^= 1 + random(255));
    }
    for (const name of chosen) {
      try {
        DAMAGES[name]!(folder);
      } catch (error) {
        // What it was to damage is gone already.
        if (
          !(error instanceof Deno.errors.NotFound) && !(error instanceof Deno.errors.AlreadyExists)
        ) throw error;
      }
    }
    const found = verify(folder);
    await repair(folder);
    const after = verify(folder);
    const context = `${chosen}: ${JSON.stringify(after.findings.kept)}`;
    assertEquals(kindsOf(after).damage, [], context);
    assertKept(folder, before, found);
    await assertSurvivesFullScan(folder);
    await assertServes(folder, 500);
  }
});

Deno.test("repair can be killed at any change and run again", async () => {
  const folder = await soundFolder(60);
  const before = messagesOf(folder);
  change(logFile(folder), (bytes) => bytes.fill(5, 4000, 6000));
  change(queueFile(folder, "Orders/0"), (bytes) => bytes.fill(0, 100, 300));
  Deno.mkdirSync(`${folder}/config`);
  Deno.writeTextFileSync(
    `${folder}/config/consumerOffset.json`,
    '{"offsetTable":{"Orders@g":{0:1000000}}}',
  );
  const found = verify(folder);
  const random = seededRandom();
  for (let changes = random(3);; changes += 1 + random(5)) {
    const copy = Deno.makeTempDirSync();
    copyFolder(folder, copy);
    const ended = await repair(copy, failingAfter(changes)).then(() => true, () => false);
    await assertStartIsSafe(copy, before, found);
    await repair(copy);
    assertEquals(kindsOf(verify(copy)).damage, [], `killed after ${changes} changes`);
    assertKept(copy, before, found);
    await assertServes(copy, 60);
    Deno.removeSync(copy, { recursive: true });
    if (ended) {
      assert(changes > 20);
      return;
    }
  }
});

/** A broker that is started over a repair that was killed refuses, or has all that is not damaged. */
async function assertStartIsSafe(folder: string, before: Messages, found: VerifyReport) {
  const copy = Deno.makeTempDirSync();
  copyFolder(folder, copy);
  // As long as a checkpoint is there nothing of log and queues has changed, or all of it.
  const isMarked = !["comet-checkpoint", "checkpoint"].some((name) =>
    denoFileSystem.existsSync(`${copy}/${name}`)
  );
  try {
    await openSmall(copy)[Symbol.asyncDispose]();
  } catch (error) {
    if (error instanceof CorruptStoreError) return;
    throw error;
  }
  const { findings } = verify(copy);
  const left = findings.kept.filter(({ severity }) => severity === "damage").map(({ kind }) =>
    kind
  );
  const harmless = ["repairUnfinished", "offsetPastEnd"];
  if (isMarked) assertEquals(left.filter((kind) => !harmless.includes(kind)), []);
  assertKept(copy, before, found);
  Deno.removeSync(copy, { recursive: true });
}

/** A file system that fails for good after so many changes; of the next write half is done. */
function failingAfter(changes: number): typeof denoFileSystem {
  let left = changes;
  const count = () => {
    if (left-- <= 0) throw new Error("killed");
  };
  return {
    ...denoFileSystem,
    openSync(path, options) {
      const file = denoFileSystem.openSync(path, options);
      return {
        writeSync(bytes, position) {
          if (left <= 0) {
            if (left === 0) file.writeSync(bytes.subarray(0, bytes.length >> 1), position);
            left--;
            throw new Error("killed");
          }
          count();
          file.writeSync(bytes, position);
        },
        truncateSync(bytes) {
          count();
          file.truncateSync(bytes);
        },
        readSync: (into, position) => file.readSync(into, position),
        read: (into, position) => file.read(into, position),
        syncData: () => file.syncData(),
        syncDataSync: () => file.syncDataSync(),
        sizeSync: () => file.sizeSync(),
        close: () => file.close(),
      };
    },
    makeFolderSync(path) {
      count();
      denoFileSystem.makeFolderSync(path);
    },
    removeSync(path) {
      count();
      denoFileSystem.removeSync(path);
    },
    renameSync(from, to) {
      count();
      denoFileSystem.renameSync(from, to);
    },
  };
}
