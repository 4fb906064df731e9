import { assertEquals } from "@std/assert";
import { getInt64, setInt64, viewOf } from "../../../client/protocol/bytes.ts";
import { javaHashCode } from "../../../client/protocol/message.ts";
import { KeyedStore, lastValues, SMALL_COMPACTION, TOPIC } from "./setup.ts";

const LOG_BYTES = 4186;
const CQ_BYTES = 598;
const UNIT_BYTES = 46;

function paths(folder: string): { log: string; cq: string } {
  return {
    log: `${folder}/compaction/compactionLog/${TOPIC}/0`,
    cq: `${folder}/compaction/compactionCq/${TOPIC}/0`,
  };
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).toSorted();
}

Deno.test("compaction files have Apache's names, sizes, units and marks", async () => {
  const folder = Deno.makeTempDirSync();
  {
    await using keyed = new KeyedStore(folder);
    keyed.putMany(0, 30, 30);
    await keyed.commit();
    await keyed.compaction.copy();
  }
  const { log, cq } = paths(folder);
  const names = ["00000000000000000000", "00000000000000004186", "00000000000000008372"];
  assertEquals([namesIn(log), namesIn(cq)], [names, names]);
  const records = Deno.readFileSync(`${log}/${names[1]}`);
  const units = viewOf(Deno.readFileSync(`${cq}/${names[1]}`));
  assertEquals([records.length, units.byteLength], [LOG_BYTES, CQ_BYTES]);
  let position = 0;
  for (let index = 0; index < 12; index++) {
    const size = viewOf(records).getInt32(position);
    const at = index * UNIT_BYTES;
    assertEquals(getInt64(units, at), LOG_BYTES + position);
    assertEquals(units.getInt32(at + 8), size);
    assertEquals(getInt64(units, at + 12), javaHashCode("tag0"));
    assertEquals(getInt64(units, at + 20), getInt64(viewOf(records), position + 56));
    assertEquals(getInt64(units, at + 28), 12 + index);
    assertEquals([units.getInt16(at + 36), units.getInt32(at + 38)], [1, -1]);
    position += size;
  }
  assertEquals(getInt64(units, 12 * UNIT_BYTES), -1);
  assertEquals(units.getInt32(12 * UNIT_BYTES + 8), 0);
  assertEquals(viewOf(records).getInt32(position), LOG_BYTES - position);
  assertEquals(viewOf(records).getInt32(position + 4), -875286124);
});

Deno.test("files that Apache wrote are read and compacted, though its records' __CRC32# no longer holds", async () => {
  const folder = Deno.makeTempDirSync();
  {
    await using keyed = new KeyedStore(folder);
    keyed.putMany(0, 60, 7);
    await keyed.commit();
    await keyed.compaction.copy();
  }
  const { log } = paths(folder);
  for (const name of namesIn(log)) {
    const bytes = Deno.readFileSync(`${log}/${name}`);
    for (let at = 0; at + 8 < bytes.length && viewOf(bytes).getInt32(at + 4) < -626843470;) {
      const size = viewOf(bytes).getInt32(at);
      if (viewOf(bytes).getInt32(at + 4) !== -626843481) break;
      setInt64(viewOf(bytes), at + 28, Number(name) + at);
      at += size;
    }
    Deno.writeFileSync(`${log}/${name}`, bytes);
  }
  Deno.writeTextFileSync(
    `${folder}/compaction/position-checkpoint`,
    '{\n\t"empty":false,\n\t"queueOffsetMap":{\n\t\t"Keyed_0":23\n\t}\n}',
  );
  // As after a kill, so that the last file is read record by record.
  Deno.writeTextFileSync(`${folder}/abort`, "");
  await using keyed = new KeyedStore(folder, { compaction: SMALL_COMPACTION });
  const before = await keyed.consume();
  assertEquals(
    before.map(({ queueOffset }) => queueOffset),
    Array.from({ length: 60 }, (_, n) => n),
  );
  await keyed.compact();
  const after = await keyed.consume();
  assertEquals(after.map(({ queueOffset }) => queueOffset), [53, 54, 55, 56, 57, 58, 59]);
  assertEquals(lastValues(after), lastValues(before));
  assertEquals(keyed.reports.length, 1);
});
