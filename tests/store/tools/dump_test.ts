import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dumpStore } from "../../../store/tools/dump.ts";
import type { DumpQuery } from "../../../store/tools/dump_query.ts";
import { messageToStore } from "../../helpers/store.ts";
import {
  change,
  FILE_SETTINGS,
  killedFolder,
  LOG_BYTES,
  logFile,
  openSmall,
  putMessages,
  queueFile,
  soundFolder,
} from "./folders.ts";

/** The numbers of the messages that a query gives, and what it says of damage. */
function dump(folder: string, query: DumpQuery): { found: number[]; damage: string[] } {
  const found: number[] = [];
  const damage: string[] = [];
  const now = Date.now();
  for (
    const entry of dumpStore({ folder, commitLogFolder: "", settings: FILE_SETTINGS, now, query })
  ) {
    if (entry.kind === "message") found.push(entry.record.bornTimestamp);
    else damage.push(entry.what);
  }
  return { found, damage };
}

function range(from: number, to: number, step = 1): number[] {
  return Array.from({ length: Math.ceil((to - from) / step) }, (_, n) => from + n * step);
}

Deno.test("dump gives every message in the order of the log, over files", async () => {
  const folder = await soundFolder(400);
  assertEquals(dump(folder, {}), { found: range(0, 400), damage: [] });
});

Deno.test("dump gives the messages of a topic and of a queue", async () => {
  const folder = await soundFolder(400);
  assertEquals(dump(folder, { topic: "Payments" }).found, range(2, 400, 4));
  const orders = range(0, 400).filter((n) => n % 4 < 2);
  assertEquals(dump(folder, { topic: "Orders" }).found, orders);
  assertEquals(dump(folder, { topic: "Orders", queueId: 1 }).found, range(1, 400, 4));
  assertEquals(dump(folder, { queueId: 1 }).found, range(0, 400).filter((n) => n % 2 === 1));
  assertEquals(dump(folder, { topic: "Nobody" }).found, []);
});

Deno.test("dump gives a range of queueOffsets and one of physicalOffsets", async () => {
  const folder = await soundFolder(400);
  const queue = { topic: "Payments", queueId: 0 };
  assertEquals(dump(folder, { ...queue, from: 60, to: 62 }).found, [242, 246, 250]);
  assertEquals(dump(folder, { ...queue, from: 98 }).found, [394, 398]);
  const offsets: number[] = [];
  const options = { folder, commitLogFolder: "", settings: FILE_SETTINGS, now: 0, query: {} };
  for (const entry of dumpStore(options)) {
    if (entry.kind === "message") offsets.push(entry.record.physicalOffset);
  }
  const places = { physicalFrom: offsets[100]! + 1, physicalTo: offsets[110]! };
  assertEquals(dump(folder, places), { found: range(101, 111), damage: [] });
  assertEquals(dump(folder, { ...places, topic: "Payments" }).found, [102, 106, 110]);
  assertEquals(dump(folder, { physicalFrom: 1e9 }).found, []);
});

Deno.test("dump gives the messages of a time, both over the log and over queues", async () => {
  const folder = Deno.makeTempDirSync();
  let now = 1_700_000_000_000;
  {
    await using store = openSmall(folder, {}, { now: () => now });
    for (let n = 0; n < 400; n++) {
      store.putMessage(messageToStore("T", "x".repeat(100), { bornTimestamp: n, queueId: n % 3 }));
      store.commit();
      now += 60_000;
    }
  }
  const at = (n: number) => 1_700_000_000_000 + n * 60_000;
  for (const query of [{}, { topic: "T" }]) {
    assertEquals(dump(folder, { ...query, begin: at(100), end: at(120) }).found, range(100, 121));
    assertEquals(dump(folder, { ...query, begin: at(398) + 1 }).found, [399]);
    assertEquals(dump(folder, { ...query, end: at(2) - 1 }).found, [0, 1]);
  }
});

Deno.test("dump finds messages by key and unique key, with the index and without it", async () => {
  const folder = await soundFolder(400);
  const check = () => {
    assertEquals(dump(folder, { key: "key77" }).found, [77]);
    assertEquals(dump(folder, { key: "id78", topic: "Payments" }).found, [78]);
    assertEquals(dump(folder, { key: "id78", topic: "Orders" }).found, []);
    assertEquals(dump(folder, { key: "all", topic: "Payments" }).found, range(2, 400, 4));
    assertEquals(dump(folder, { key: "nothing" }).found, []);
  };
  check();
  Deno.removeSync(`${folder}/index`, { recursive: true });
  check();
});

Deno.test("dump gives what a kill kept from the queues and the index", async () => {
  const folder = await killedFolder(200, 200);
  assertEquals(dump(folder, { topic: "Payments" }).found, range(2, 400, 4));
  assertEquals(dump(folder, { topic: "Payments", queueId: 0, from: 99 }).found, [398]);
  assertEquals(dump(folder, { key: "key399" }).found, [399]);
});

Deno.test("dump says what is damaged and goes on behind it", async () => {
  const folder = await soundFolder(400);
  change(logFile(folder), (bytes) => bytes.fill(1, 5000, 5500));
  const { found, damage } = dump(folder, {});
  assertEquals(damage.length, 1);
  assert(found.length > 395 && found.at(-1) === 399);
  const queue = dump(folder, { topic: "Orders" });
  assert(queue.damage.length >= 1);
  assertStringIncludes(queue.damage[0]!, "here should be message");
  assertEquals(queue.found.at(-1), 397);
});

Deno.test("dump reads the log where a queue cannot be read", async () => {
  const folder = await soundFolder(400);
  Deno.removeSync(queueFile(folder, "Orders/0", 1000));
  change(queueFile(folder, "Payments/0"), (bytes) => bytes.fill(0, 100, 120));
  assertEquals(dump(folder, { topic: "Orders", queueId: 0 }).found.length, 50);
  Deno.writeFileSync(queueFile(folder, "Orders/0", 2000), new Uint8Array(1000));
  assertEquals(dump(folder, { topic: "Orders", queueId: 0 }).found, range(0, 400, 4));
  const payments = dump(folder, { topic: "Payments" });
  assertEquals(payments.damage, ["the queue does not say where message 5 of Payments/0 is"]);
  assertEquals(payments.found.length, 99);
});

Deno.test("dump goes on behind a missing file of the log, and with a log that has lost its beginning", async () => {
  const folder = await soundFolder(400);
  Deno.removeSync(logFile(folder));
  const { found, damage } = dump(folder, { topic: "Payments" });
  assertEquals(damage, []);
  assert(found.length > 20 && found[0]! > 2 && found.at(-1) === 398);
  Deno.removeSync(logFile(folder, 2 * LOG_BYTES));
  assertEquals(dump(folder, {}).damage, ["the file is missing"]);
  assertEquals(dump(folder, {}).found.at(-1), 399);
});

Deno.test("dump reads on where a store has gone on after a kill", async () => {
  const folder = await killedFolder(50, 30);
  {
    await using store = openSmall(folder);
    putMessages(store, 80, 100);
  }
  assertEquals(dump(folder, {}).found, range(0, 100));
  assertEquals(dump(folder, { topic: "Payments" }).found, range(2, 100, 4));
});
