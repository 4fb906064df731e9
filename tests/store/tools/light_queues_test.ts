import { assert, assertEquals } from "@std/assert";
import { decodeUtf8 } from "../../../client/protocol/bytes.ts";
import { printProperties } from "../../../client/protocol/message.ts";
import { dumpStore } from "../../../store/tools/dump.ts";
import { messageToStore } from "../../helpers/store.ts";
import {
  change,
  FILE_SETTINGS,
  kindsOf,
  logFile,
  openSmall,
  queueFile,
  repair,
  verify,
} from "./folders.ts";

const NAMES = ["%LMQ%a", "%LMQ%b"];
const COUNT = 60;

/** A folder with messages of which every second one is in a light queue, every sixth one in two. */
async function lightFolder(): Promise<string> {
  const folder = Deno.makeTempDirSync();
  await using store = openSmall(folder, { enableLmq: true, enableMultiDispatch: true });
  for (let n = 0; n < COUNT; n++) {
    const names = NAMES.filter((_, index) => n % (index === 0 ? 2 : 6) === 0);
    const properties = printProperties([["INNER_MULTI_DISPATCH", names.join()]]);
    store.putMessage(messageToStore("T", `m${n}`, { properties }));
    store.commit();
  }
  return folder;
}

function bodiesOf(folder: string, topic: string): string[] {
  const query = { folder, commitLogFolder: "", settings: FILE_SETTINGS, now: Date.now() };
  return [...dumpStore({ ...query, query: { topic } })].map((entry) => {
    assert(entry.kind === "message");
    const { bodyStart, bodyLength } = entry.record;
    return decodeUtf8(entry.bytes, bodyStart, bodyStart + bodyLength);
  });
}

function every(step: number): string[] {
  return Array.from({ length: COUNT / step }, (_, n) => `m${n * step}`);
}

Deno.test("verify and dump know light queues", async () => {
  const folder = await lightFolder();
  assertEquals(kindsOf(verify(folder)), { damage: [], notes: [] });
  assertEquals(bodiesOf(folder, "%LMQ%a"), every(2));
  assertEquals(bodiesOf(folder, "%LMQ%b"), every(6));
});

Deno.test("repair makes a light queue anew that differs from the log, or is gone", async () => {
  const folder = await lightFolder();
  change(queueFile(folder, "%LMQ%a/0"), (bytes) => bytes.fill(0x11, 40, 80));
  Deno.removeSync(`${folder}/consumequeue/%LMQ%b`, { recursive: true });
  assertEquals(kindsOf(verify(folder)).damage, ["queueMissing", "queueUnit"]);
  await repair(folder);
  assertEquals(kindsOf(verify(folder)), { damage: [], notes: [] });
  assertEquals(bodiesOf(folder, "%LMQ%a"), every(2));
  assertEquals(bodiesOf(folder, "%LMQ%b"), every(6));
});

Deno.test("after damage to the log a light queue goes on behind it", async () => {
  const folder = await lightFolder();
  change(logFile(folder), (bytes) => {
    const at = new TextDecoder("latin1").decode(bytes).indexOf("m12");
    bytes[at]! ^= 1;
  });
  Deno.removeSync(`${folder}/consumequeue/%LMQ%b`, { recursive: true });
  await repair(folder);
  assertEquals(kindsOf(verify(folder)).damage, []);
  await using store = openSmall(folder, { enableLmq: true, enableMultiDispatch: true });
  assertEquals(store.getMaxOffsetInQueue("%LMQ%a", 0), COUNT / 2);
  assertEquals(store.getMaxOffsetInQueue("%LMQ%b", 0), COUNT / 6);
});
