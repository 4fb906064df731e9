import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../server/flags.ts";
import { resolveStoreOptions } from "../../server/store_options.ts";

function resolve(folder: string, text?: string, flags: [string, string][] = []) {
  return resolveStoreOptions(folder, {
    file: text === undefined ? undefined : { name: "broker.conf", text },
    environment: { COMET_MAX_INDEX_NUM: "77" },
    flags: flags.map(([key, value]) => ({ key, value, where: "--set" })),
  });
}

Deno.test("resolveStoreOptions() takes settings from file, environment and flags, and tells which were given", () => {
  const text = "mappedFileSizeCommitLog=1048576\nmaxHashSlotNum=5\nmessageDelayLevel=1s 2s";
  const options = resolve("/data", text, [["maxHashSlotNum", "6"]]);
  assertEquals(options.given, {
    mappedFileSizeCommitLog: 1_048_576,
    maxHashSlotNum: 6,
    maxIndexNum: 77,
  });
  assertEquals(options.settings.mappedFileSizeConsumeQueue, 6_000_000);
  assertEquals([options.delayLevels, options.commitLogFolder], [[1000, 2000], ""]);
});

Deno.test("resolveStoreOptions() does not mind what only concerns a broker that runs", () => {
  const text = "brokerRole=SLAVE\nnoSuchSetting=1\nlistenPort=what";
  assertEquals(resolve("/data", text).folder, "/data");
});

Deno.test("resolveStoreOptions() looks for the log in a copy of the folder, not in the original", () => {
  const text = "storePathRootDir=/srv/store\nstorePathCommitLog=/srv/store/log";
  assertEquals(resolve("/backup", text).commitLogFolder, "/backup/log");
  const apart = "storePathRootDir=/srv/store\nstorePathCommitLog=/fast/log/";
  assertEquals(resolve("/backup", apart).commitLogFolder, "/fast/log");
  assertEquals(
    resolve("/backup", "", [["storePathCommitLog", "/log"]]).commitLogFolder,
    "/log",
  );
});

Deno.test("resolveStoreOptions() refuses settings that cannot be", () => {
  assertThrows(() => resolve("/data", "maxIndexNum=many"), UsageError, "broker.conf:1");
  assertThrows(() => resolve("/data", "", [["maxIndexNm", "1"]]), UsageError, "did you mean");
});
