import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encodeUtf8, setInt64, viewOf } from "../../../client/protocol/bytes.ts";
import { CRC_PROPERTY_BYTES } from "../../../client/protocol/message_record.ts";
import { readOnlyFileSystem } from "../../../store/tools/read_only_file_system.ts";
import {
  change,
  contentsOf,
  indexFile,
  killedFolder,
  kindsOf,
  LOG_BYTES,
  logFile,
  openSmall,
  putMessages,
  queueFile,
  soundFolder,
  verify,
} from "./folders.ts";

Deno.test("verify counts everything in a sound folder and changes nothing", async () => {
  const folder = await soundFolder(400);
  const before = contentsOf(folder);
  const report = verify(folder);
  assertEquals(kindsOf(report), { damage: [], notes: [] });
  const { records, topics, queues, indexEntries, minOffset, lostMessages } = report.summary;
  assertEquals([records, topics, queues, indexEntries, minOffset, lostMessages], [
    400,
    3,
    4,
    1200,
    0,
    0,
  ]);
  assertEquals(report.summary.maxOffset, report.nextStart.logEnd);
  assertEquals(contentsOf(folder), before);
});

Deno.test("verify tells the settings from the files", async () => {
  const folder = Deno.makeTempDirSync();
  const settings = {
    mappedFileSizeCommitLog: 40_960,
    mappedFileSizeConsumeQueue: 600,
    maxHashSlotNum: 77,
    maxIndexNum: 333,
  };
  {
    await using store = openSmall(folder, settings);
    putMessages(store, 0, 400);
  }
  const { files, findings } = verify(folder);
  assertEquals(findings.kept, []);
  assertEquals([files.log.segmentBytes, files.queueSegmentBytes], [40_960, 600]);
  assertEquals([files.index.slotCount, files.index.unitCount], [77, 333]);
});

Deno.test("verify names the damaged bytes of the log and the messages that were there", async () => {
  const folder = await soundFolder();
  const { physicalOffset, size } = unitOf(folder, "Orders/1", 5);
  const damaged = physicalOffset + 100;
  change(logFile(folder), (bytes) => bytes[damaged]! ^= 1);
  const report = verify(folder);
  assertEquals(kindsOf(report).damage, ["logDamaged"]);
  const [finding] = report.findings.kept;
  assertEquals([finding!.file, finding!.offset], [
    "commitlog/00000000000000000000",
    physicalOffset,
  ]);
  assertStringIncludes(finding!.what, `${size} bytes up to offset ${physicalOffset + size}`);
  assertStringIncludes(finding!.what, "lost: Orders/1 5");
  assertEquals([report.summary.records, report.summary.lostMessages], [399, 1]);
});

Deno.test("verify finds a flipped bit at every byte of a record", async () => {
  const folder = await soundFolder(40);
  const { physicalOffset, size } = unitOf(folder, "Orders/0", 3);
  const end = physicalOffset + size;
  for (let at = physicalOffset; at < end; at += 3) {
    change(logFile(folder), (bytes) => bytes[at]! ^= 4);
    const report = verify(folder);
    assertEquals(report.damage.ranges.map(({ start, end }) => [start, end]), [
      [physicalOffset, end],
    ], `byte ${at - physicalOffset}`);
    change(logFile(folder), (bytes) => bytes[at]! ^= 4);
  }
  assertEquals(verify(folder).findings.kept, []);
});

Deno.test("verify notes a checksum that was copied from another record, as Apache's broker does", async () => {
  const folder = await soundFolder(40);
  const { physicalOffset, size } = unitOf(folder, "Orders/0", 3);
  const copied = encodeUtf8("__CRC32#\u00011234567890\u0002");
  assertEquals(copied.length, CRC_PROPERTY_BYTES);
  change(logFile(folder), (bytes) => bytes.set(copied, physicalOffset + size - copied.length));
  const report = verify(folder);
  assertEquals(kindsOf(report), { damage: [], notes: ["recordUnsealed"] });
  assertEquals(report.findings.kept[0]!.offset, physicalOffset);
});

Deno.test("verify takes a zeroed page in the middle for damage, though a start might take it for the end", async () => {
  const folder = await soundFolder();
  Deno.removeSync(`${folder}/comet-checkpoint`);
  const start = unitOf(folder, "Orders/0", 3).physicalOffset;
  change(logFile(folder), (bytes) => bytes.fill(0, start, 8192));
  const report = verify(folder);
  assertEquals(report.damage.ranges.length, 1);
  assert(report.summary.lostMessages > 10);
  assert(report.summary.records + report.summary.lostMessages === 400);
});

Deno.test("verify sees that a file of the log is missing", async () => {
  const folder = await soundFolder();
  Deno.removeSync(logFile(folder, LOG_BYTES));
  const report = verify(folder);
  assertEquals(kindsOf(report).damage, ["logDamaged", "startRefused"]);
  assertEquals(report.damage.ranges.map(({ start, end }) => [start, end]), [
    [LOG_BYTES, 2 * LOG_BYTES],
  ]);
  assertEquals(report.summary.records + report.summary.lostMessages, 400);
});

Deno.test("verify sees that the end of the log is gone", async () => {
  const folder = await soundFolder();
  const { start } = verify(folder).files.log.files.at(-1)!;
  Deno.removeSync(logFile(folder, start));
  const report = verify(folder);
  assertEquals(kindsOf(report).damage, ["indexUnit", "logEndLost", "queuePastEnd", "startRefused"]);
  assertEquals(report.summary.records + report.summary.lostMessages, 400);
});

Deno.test("verify reports what a kill leaves behind as notes", async () => {
  const folder = await killedFolder();
  const before = contentsOf(folder);
  const report = verify(folder);
  assertEquals(kindsOf(report), { damage: [], notes: ["crashed", "indexBehind", "queueBehind"] });
  assertEquals(report.summary.records, 400);
  assertEquals(contentsOf(folder), before);
});

Deno.test("verify reports a torn tail as a note, at every byte of the last record", async () => {
  const folder = await killedFolder(20, 1);
  const { lastRecordOffset, offset } = verify(folder).end;
  const file = Deno.readFileSync(logFile(folder));
  for (let cut = lastRecordOffset + 1; cut < offset; cut += 7) {
    const torn = file.slice().fill(0, cut);
    Deno.writeFileSync(logFile(folder), torn);
    const report = verify(folder);
    assertEquals(kindsOf(report).damage, [], `cut at ${cut}`);
    assertEquals(report.summary.records, 20);
  }
});

Deno.test("verify reports unwritten pages in front of records that nobody saw as a note", async () => {
  const folder = await killedFolder(20, 200);
  const { checkpoint } = verify(folder).nextStart;
  change(logFile(folder), (bytes) => bytes.fill(0, checkpoint!.endOffset, 12288));
  const report = verify(folder);
  assertEquals(kindsOf(report).damage, []);
  assert(kindsOf(report).notes.includes("unwrittenTail"));
  assertEquals(report.summary.records, 20);
});

Deno.test("verify compares every unit of a queue with the log", async () => {
  const folder = await soundFolder();
  const path = queueFile(folder, "Payments/0");
  const original = Deno.readFileSync(path);
  for (const at of [0, 7, 8, 11, 12, 19]) {
    change(path, (bytes) => bytes[20 * 10 + at]! ^= 2);
    const [finding, ...others] = verify(folder).findings.kept;
    assertEquals([finding!.kind, finding!.offset, others], ["queueUnit", 200, []]);
    assertStringIncludes(finding!.what, "queueOffset 10,");
    Deno.writeFileSync(path, original);
  }
  change(path, (bytes) => bytes.fill(0, 200, 240));
  const [finding] = verify(folder).findings.kept;
  assertEquals([finding!.kind, finding!.offset], ["queueIncomplete", 200]);
  assertStringIncludes(finding!.what, "2 messages of the log without a unit");
});

Deno.test("verify finds queues and files of queues that are gone", async () => {
  const folder = await soundFolder();
  Deno.removeSync(queueFile(folder, "Payments/0", 1000));
  assertEquals(kindsOf(verify(folder)).damage, ["queueIncomplete"]);
  Deno.removeSync(`${folder}/consumequeue/Payments`, { recursive: true });
  assertEquals(kindsOf(verify(folder)).damage, ["queueMissing"]);
  Deno.mkdirSync(`${folder}/config`);
  Deno.writeTextFileSync(`${folder}/config/topics.json`, '{"topicConfigTable":{"Orders":{}}}');
  const report = verify(folder);
  assertEquals(kindsOf(report), { damage: [], notes: ["topicDeleted"] });
});

Deno.test("verify finds an older comet-queues, which a start would believe", async () => {
  const folder = await soundFolder(200);
  const older = Deno.readFileSync(`${folder}/comet-queues`);
  {
    await using store = openSmall(folder);
    putMessages(store, 200, 240);
  }
  assertEquals(verify(folder).findings.kept, []);
  Deno.writeFileSync(`${folder}/comet-queues`, older);
  const { findings } = verify(folder);
  assertEquals(findings.count("damage"), 4);
  assertEquals(findings.kept[0]!.kind, "queueEndWrong");
  assertStringIncludes(findings.kept[0]!.what, "Orders/0 ends at 50, which is 60");
});

Deno.test("verify takes a last file that is too short for damage, but not after a crash", async () => {
  for (const folder of [await soundFolder(390), await killedFolder(180, 210)]) {
    const { files, queues } = verify(folder);
    Deno.truncateSync(files.log.files.at(-1)!.path, LOG_BYTES - 20);
    Deno.truncateSync(queues.find("Orders", 0)!.units.files.at(-1)!.path, 990);
    const { damage, notes } = kindsOf(verify(folder));
    if (notes.includes("crashed")) assertEquals(damage, []);
    else assertEquals(damage, ["logFileSize", "queueFiles", "startRefused"]);
  }
});

Deno.test("verify finds units that stand for no message", async () => {
  const folder = await soundFolder(380);
  const { nextOffset } = verify(folder).queues.find("Payments", 0)!;
  const start = 1000 * Math.floor(nextOffset / 50);
  change(queueFile(folder, "Payments/0", start), (bytes) => {
    const at = nextOffset * 20 - start;
    setInt64(viewOf(bytes), at, 4000);
    viewOf(bytes).setInt32(at + 8, 200);
  });
  const [finding] = verify(folder).findings.kept;
  assertEquals([finding!.kind, finding!.offset], ["queuePastEnd", nextOffset * 20 - start]);
});

Deno.test("verify follows every chain of the index and compares every entry", async () => {
  const folder = await soundFolder();
  const path = indexFile(folder);
  const original = Deno.readFileSync(path);
  const unit = (number: number) => 40 + 100 * 4 + number * 20;
  const cases: [at: number, kind: string][] = [
    [unit(10) + 1, "indexUnit"],
    [unit(10) + 11, "indexUnit"],
    [unit(10) + 14, "indexUnit"],
    [unit(149) + 19, "indexChain"],
    [40 + 4 * 3 + 3, "indexChain"],
    [23, "indexHeader"],
    [31, "indexHeader"],
    [35, "indexHeader"],
    [39, "indexHeader"],
  ];
  for (const [at, kind] of cases) {
    change(path, (bytes) => bytes[at]! ^= 8);
    const { damage } = kindsOf(verify(folder));
    assert(damage.includes(kind as typeof damage[0]), `${kind} at ${at}: ${damage}`);
    Deno.writeFileSync(path, original);
  }
  assertEquals(verify(folder).findings.kept, []);
});

Deno.test("verify finds messages that the index has lost", async () => {
  const folder = await soundFolder();
  Deno.removeSync(indexFile(folder, 2));
  const report = verify(folder);
  assertEquals(kindsOf(report).damage, ["indexIncomplete"]);
  assertStringIncludes(report.findings.kept[0]!.what, "messages not found by all of their keys");
  assertEquals(verify(folder, { messageIndexEnable: false }).findings.kept, []);
});

Deno.test("verify knows a topic that was deleted and created again", async () => {
  const folder = await soundFolder(200);
  Deno.removeSync(`${folder}/consumequeue`, { recursive: true });
  Deno.removeSync(`${folder}/comet-queues`);
  {
    await using store = openSmall(folder);
    putMessages(store, 200, 300);
  }
  const report = verify(folder);
  assertEquals(kindsOf(report), { damage: [], notes: ["topicCreatedAgain"] });
  assertStringIncludes(report.findings.kept[0]!.what, "50 messages of before in the log");
  assertEquals(report.queues.find("Orders", 0)!.nextOffset, 25);
});

Deno.test("verify says when settings were given with which a broker could not use the files", async () => {
  const given = { mappedFileSizeCommitLog: 1_048_576, maxIndexNum: 150 };
  const { findings } = verify(await soundFolder(40), { given });
  assertEquals(findings.kept.map(({ kind, file }) => [kind, file]), [
    ["settingsDiffer", "mappedFileSizeCommitLog"],
  ]);
});

Deno.test("verify reads JSON documents as a start would", async () => {
  const folder = await soundFolder(40);
  const path = `${folder}/config/consumerOffset.json`;
  Deno.mkdirSync(`${folder}/config`);
  Deno.writeTextFileSync(path, "");
  assertEquals(kindsOf(verify(folder)).damage, ["jsonDamaged"]);
  Deno.writeTextFileSync(`${path}.bak`, '{"offsetTable":{}}');
  assertEquals(kindsOf(verify(folder)).damage, ["jsonFromCopy"]);
  Deno.removeSync(path);
  Deno.writeTextFileSync(`${path}.tmp`, "{");
  assertEquals(kindsOf(verify(folder)), { damage: [], notes: ["jsonLeftover", "jsonMissing"] });
});

Deno.test("verify compares consumer and delay offsets with their queues", async () => {
  const folder = await soundFolder(40);
  Deno.mkdirSync(`${folder}/config`);
  const offsetTable = '{"Orders@g":{0:10,1:11},"Unknown@g":{0:0},"%RETRY%g@g":{0:1}}';
  Deno.writeTextFileSync(`${folder}/config/consumerOffset.json`, `{"offsetTable":${offsetTable}}`);
  Deno.writeTextFileSync(`${folder}/config/delayOffset.json`, '{"offsetTable":{1:0,2:11}}');
  const { findings } = verify(folder);
  assertEquals(findings.kept.map(({ kind, what }) => [kind, what]), [
    ["offsetPastEnd", "group g stands at 11 of Orders/1, which ends at 10"],
    ["offsetPastEnd", "group g stands at 1 of %RETRY%g/0, which ends at 0"],
    ["delayOffsetPastEnd", "level 2 stands at 11 of a queue that ends at 10"],
  ]);
});

Deno.test("verify says when the checkpoint is damaged, and that the folder is in use", async () => {
  const folder = await soundFolder(40);
  change(`${folder}/comet-checkpoint`, (bytes) => bytes[9]! ^= 1);
  assert(kindsOf(verify(folder)).notes.includes("checkpointUnusable"));
  await using _store = openSmall(folder);
  assert(kindsOf(verify(folder)).notes.includes("running"));
});

Deno.test("verify keeps few of many findings and counts them all", async () => {
  const folder = await soundFolder(2000);
  for (let start = 0; start < 10 * LOG_BYTES; start += LOG_BYTES) {
    change(logFile(folder, start), (bytes) => {
      for (let at = 200; at < LOG_BYTES; at += 1000) bytes[at]! ^= 0xff;
    });
  }
  const { findings } = verify(folder);
  assert(findings.counts.get("logDamaged")! > 100);
  assertEquals(findings.kept.filter(({ kind }) => kind === "logDamaged").length, 50);
});

Deno.test("the file system of the tools refuses every change", () => {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/f`;
  Deno.writeTextFileSync(path, "x");
  const file = readOnlyFileSystem.openSync(path, { create: true });
  const changes: (() => unknown)[] = [
    () => file.writeSync(new Uint8Array(1), 0),
    () => file.truncateSync(0),
    () => file.syncDataSync(),
    () => readOnlyFileSystem.removeSync(path),
    () => readOnlyFileSystem.renameSync(path, `${path}2`),
    () => readOnlyFileSystem.makeFolderSync(`${folder}/d`),
    () => readOnlyFileSystem.openSync(`${folder}/new`, { create: true }),
  ];
  for (const attempt of changes) {
    let failed = false;
    try {
      attempt();
    } catch {
      failed = true;
    }
    assert(failed, attempt.toString());
  }
  file.close();
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["f"]);
  assertEquals(Deno.readTextFileSync(path), "x");
});

function unitOf(
  folder: string,
  queue: string,
  queueOffset: number,
): { physicalOffset: number; size: number } {
  const view = viewOf(Deno.readFileSync(queueFile(folder, queue)));
  const at = queueOffset * 20;
  return { physicalOffset: view.getInt32(at + 4), size: view.getInt32(at + 8) };
}
