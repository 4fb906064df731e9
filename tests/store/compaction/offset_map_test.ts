import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../client/protocol/bytes.ts";
import { OffsetMap } from "../../../store/compaction/offset_map.ts";
import { seededRandom } from "../../helpers/random.ts";

function put(map: OffsetMap, key: string, queueOffset: number): boolean {
  const bytes = encodeUtf8(`  ${key} `);
  return map.put(bytes, 2, bytes.length - 1, queueOffset);
}

function get(map: OffsetMap, key: string): number {
  const bytes = encodeUtf8(key);
  return map.get(bytes, 0, bytes.length);
}

Deno.test("OffsetMap has the newest offset of each key, as a Map does", () => {
  const random = seededRandom();
  const map = new OffsetMap(64 * 1024 * 1024, 20_000);
  const model = new Map<string, number>();
  for (let offset = 0; offset < 50_000; offset++) {
    // Some are longer than others, and many differ in one place only.
    const key = `${"é".repeat(random(40))}${random(400)}`;
    assertEquals(put(map, key, offset), true);
    model.set(key, offset);
  }
  assertEquals(map.size, model.size);
  for (const [key, offset] of model) assertEquals(get(map, key), offset);
  assertEquals(get(map, "401"), -1);
  assertEquals(get(map, ""), -1);
});

Deno.test("OffsetMap refuses a key for which its memory does not suffice, and takes those it has", () => {
  const map = new OffsetMap(100_000, 1_000_000);
  let size = 0;
  while (put(map, `key ${String(size).padStart(70, "0")}`, size)) size++;
  assertEquals(map.size, size);
  assertEquals(size, Math.floor(100_000 / (26 + 74)));
  assertEquals(put(map, `key ${"0".repeat(70)}`, 5_000), true);
  assertEquals(get(map, `key ${"0".repeat(70)}`), 5_000);
});

Deno.test("OffsetMap keeps keys as long as properties can be, over its chunks", () => {
  const map = new OffsetMap(16 * 1024 * 1024, 200);
  const keyOf = (n: number) => `${n} ${"x".repeat(32_000)}`;
  for (let n = 0; n < 200; n++) assertEquals(put(map, keyOf(n), n), true);
  for (let n = 0; n < 200; n++) assertEquals(get(map, keyOf(n)), n);
});
