import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "node:path";
import { createLog } from "../../../server/log.ts";
import { KvConfig } from "../../../server/namesrv/kv_config.ts";

async function setup() {
  const folder = await Deno.makeTempDir();
  const lines: string[] = [];
  const path = join(folder, "namesrv", "kvConfig.json");
  return {
    path,
    lines,
    load: () => KvConfig.load(path, createLog("info", (line) => lines.push(line))),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("put() writes Apache's file and load() reads it", async () => {
  await using files = await setup();
  const kvConfig = await files.load();
  await Promise.all([
    kvConfig.put("ORDER_TOPIC_CONFIG", "T", "a:4;b:4"),
    kvConfig.put("other", "__proto__", "x"),
  ]);
  assertEquals(
    await Deno.readTextFile(files.path),
    '{"configTable":{"ORDER_TOPIC_CONFIG":{"T":"a:4;b:4"},"other":{"__proto__":"x"}}}',
  );
  const again = await files.load();
  assertEquals(again.get("ORDER_TOPIC_CONFIG", "T"), "a:4;b:4");
  assertEquals(again.get("other", "__proto__"), "x");
  assertEquals(again.get("other", "y"), undefined);
});

Deno.test("put() resolves only when the file has its value, though writes run together", async () => {
  await using files = await setup();
  const kvConfig = await files.load();
  await Promise.all(Array.from({ length: 50 }, async (_, index) => {
    await kvConfig.put("n", `k${index}`, "v");
    assertEquals((await files.load()).get("n", `k${index}`), "v");
  }));
});

Deno.test("delete() removes the value from the file", async () => {
  await using files = await setup();
  const kvConfig = await files.load();
  await kvConfig.put("n", "k", "v");
  await kvConfig.delete("n", "k");
  await kvConfig.delete("unknown", "k");
  assertEquals((await files.load()).get("n", "k"), undefined);
  assertEquals([...kvConfig.list("n")!], []);
});

Deno.test("load() reads a file that Apache wrote", async () => {
  await using files = await setup();
  await Deno.mkdir(join(files.path, ".."));
  await Deno.writeTextFile(files.path, '{"configTable":{"n":{"k":"v"}}}');
  assertEquals([...(await files.load()).list("n")!], [["k", "v"]]);
});

Deno.test("load() takes the copy and says so when the file is damaged", async () => {
  await using files = await setup();
  const kvConfig = await files.load();
  await kvConfig.put("n", "k", "first");
  await kvConfig.put("n", "k", "second");
  await Deno.writeTextFile(files.path, "");
  assertEquals((await files.load()).get("n", "k"), "first");
  assertMatch(files.lines.join("\n"), /took the last good copy .*kvConfig\.json/);
});

Deno.test("load() takes the copy when a crash came between the two renames", async () => {
  await using files = await setup();
  await (await files.load()).put("n", "k", "v");
  await Deno.rename(files.path, `${files.path}.bak`);
  assertEquals((await files.load()).get("n", "k"), "v");
});

Deno.test("load() throws and names the file when nothing can be read", async () => {
  await using files = await setup();
  await (await files.load()).put("n", "k", "v");
  await Deno.writeTextFile(files.path, "{");
  await assertRejects(() => files.load(), Error, "Cannot read");
});

Deno.test("put() rejects and names the file when it cannot be written", async () => {
  await using files = await setup();
  const kvConfig = await files.load();
  await Deno.writeTextFile(join(files.path, ".."), "a file where the folder should be");
  await assertRejects(() => kvConfig.put("n", "k", "v"), Error, "Cannot write");
});

Deno.test("load() keeps the table in memory when there is no path", async () => {
  const kvConfig = await KvConfig.load(undefined, createLog());
  await kvConfig.put("n", "k", "v");
  assertEquals(kvConfig.get("n", "k"), "v");
});
