import { assertEquals } from "@std/assert";
import { setupTables } from "../../helpers/broker_tables.ts";

Deno.test("OffsetTable answers what was committed, also after a restart", async () => {
  await using tables = setupTables();
  const offsets = tables.openOffsets();
  assertEquals(offsets.queryOffset("G", "T", 0), -1);
  offsets.commitOffset("G", "T", 0, 5);
  offsets.commitOffset("G", "T", 3, 7);
  offsets.commitOffset("H", "T", 0, 1);
  offsets.commitOffset("G", "T", 0, 4);
  await offsets.flush();
  assertEquals(tables.read("consumerOffset.json").offsetTable, {
    "T@G": { "0": 4, "3": 7 },
    "T@H": { "0": 1 },
  });
  const again = tables.openOffsets();
  assertEquals(again.queryOffset("G", "T", 0), 4);
  assertEquals(again.queryOffset("G", "T", 3), 7);
  assertEquals(again.queryOffset("G", "T", 1), -1);
  assertEquals(again.committed.groupsOf("T"), ["G", "H"]);
  assertEquals([...again.committed.topicsOf("G").keys()], ["T"]);
});

Deno.test("OffsetTable loads Apache's file, whose queue ids have no quotes", async () => {
  await using tables = setupTables();
  tables.write(
    "consumerOffset.json",
    `{"dataVersion":{"counter":1,"stateVersion":0,"timestamp":5},"groupTopicMap":{"G":["T"]},
     "offsetTable":{"T@G":{0:12,1:4\n\t},"%RETRY%G@G":{0:0},"nonsense":{0:1}}}`,
  );
  const offsets = tables.openOffsets();
  assertEquals(offsets.queryOffset("G", "T", 0), 12);
  assertEquals(offsets.queryOffset("G", "T", 1), 4);
  assertEquals(offsets.queryOffset("G", "%RETRY%G", 0), 0);
  assertEquals(offsets.dataVersion.counter, 1);
});

Deno.test("commitOffset() moves the dataVersion every 500 commits, as Apache does", async () => {
  await using tables = setupTables();
  const offsets = tables.openOffsets();
  for (let index = 0; index < 499; index++) offsets.commitOffset("G", "T", 0, index);
  assertEquals(offsets.dataVersion.counter, 0);
  offsets.commitOffset("G", "T", 0, 499);
  assertEquals(offsets.dataVersion.counter, 1);
});

Deno.test("a reset offset counts until a pull takes it", async () => {
  await using tables = setupTables();
  const offsets = tables.openOffsets();
  offsets.assignResetOffset("G", "T", 0, 3);
  offsets.commitOffset("G", "T", 0, 90);
  assertEquals(offsets.queryOffset("G", "T", 0), 3);
  assertEquals(offsets.hasOffsetReset("G", "T", 0), true);
  assertEquals(offsets.takeResetOffset("G", "T", 0), 3);
  assertEquals(offsets.takeResetOffset("G", "T", 0), undefined);
  assertEquals(offsets.queryOffset("G", "T", 0), 90);
});

Deno.test("clamp() takes offsets back to the end of their queues and says which", async () => {
  await using tables = setupTables();
  const offsets = tables.openOffsets();
  offsets.commitOffset("G", "T", 0, 10);
  offsets.commitOffset("G", "T", 1, 8);
  assertEquals(offsets.clamp(() => 8), [
    { group: "G", topic: "T", queueId: 0, queueOffset: 10, maxOffset: 8 },
  ]);
  assertEquals(offsets.queryOffset("G", "T", 0), 8);
  assertEquals(offsets.clamp(() => 8), []);
});

Deno.test("offsets can be cloned and go with their group or topic", async () => {
  await using tables = setupTables();
  const offsets = tables.openOffsets();
  offsets.commitOffset("G", "T", 0, 10);
  offsets.commitOffset("G", "U", 0, 11);
  offsets.cloneOffsets("G", "H", "T");
  assertEquals(offsets.queryOffset("H", "T", 0), 10);
  assertEquals(offsets.queryOffset("H", "U", 0), -1);
  offsets.removeTopic("T");
  assertEquals(offsets.queryOffset("G", "T", 0), -1);
  assertEquals(offsets.queryOffset("G", "U", 0), 11);
  offsets.removeGroup("G");
  assertEquals([...offsets.committed], []);
});

Deno.test("with enableLmq offsets are written as Apache then has them, and read so when it has written them", async () => {
  await using tables = setupTables();
  tables.settings.enableLmq = true;
  const offsets = tables.openOffsets();
  offsets.commitOffset("g", "T", 1, 5);
  offsets.commitOffset("%LMQ%g", "%LMQ%a", 0, 7);
  await offsets.flush();
  const rows = { "T@g": { 1: 5 }, "%LMQ%a@%LMQ%g": { 0: 7 } };
  assertEquals(tables.read("consumerOffset.json").offsetTable, rows);
  const { lmqOffsetTable, offsetTable } = tables.read("lmqConsumerOffset.json");
  assertEquals(lmqOffsetTable, { "%LMQ%a@%LMQ%g": 7 });
  assertEquals(offsetTable, { "T@g": { 1: 5 } });
  const again = tables.openOffsets();
  assertEquals(again.queryOffset("g", "T", 1), 5);
  assertEquals(again.queryOffset("%LMQ%g", "%LMQ%a", 0), 7);
  await again.flush();
  // Apache goes on with its file only.
  tables.write(
    "lmqConsumerOffset.json",
    '{"dataVersion":{"counter":{"value":9},"stateVersion":0,"timestamp":1},' +
      '"lmqOffsetTable":{"%LMQ%a@%LMQ%g":8,"odd":1,"%LMQ%b@%LMQ%g":"x"},"offsetTable":{"T@g":{1:6}}}',
  );
  const after = tables.openOffsets();
  assertEquals(after.queryOffset("g", "T", 1), 6);
  assertEquals(after.queryOffset("%LMQ%g", "%LMQ%a", 0), 8);
  assertEquals(after.queryOffset("%LMQ%g", "%LMQ%b", 0), -1);
  await after.flush();
  assertEquals(tables.read("consumerOffset.json").offsetTable["T@g"], { 1: 6 });
});

Deno.test("without enableLmq the file that Apache has with it is left alone", async () => {
  await using tables = setupTables();
  tables.write("lmqConsumerOffset.json", '{"lmqOffsetTable":{"%LMQ%a@%LMQ%g":8},"offsetTable":{}}');
  const offsets = tables.openOffsets();
  assertEquals(offsets.queryOffset("%LMQ%g", "%LMQ%a", 0), -1);
  offsets.commitOffset("%LMQ%g", "%LMQ%a", 0, 1);
  await offsets.flush();
  assertEquals(tables.read("lmqConsumerOffset.json").lmqOffsetTable, { "%LMQ%a@%LMQ%g": 8 });
});
