import { assert, assertEquals } from "@std/assert";
import { setupTables } from "../../helpers/broker_tables.ts";

const QUEUES = [0, 1, 2].map((queueId) => ({ topic: "T", brokerName: "a", queueId }));
const NAME = "comet-queue-locks.json";

Deno.test("lock() gives each queue to one client of a group", async () => {
  await using tables = setupTables();
  const locks = tables.openQueueLocks();
  assertEquals(locks.lock("G", QUEUES.slice(0, 2), "c1"), QUEUES.slice(0, 2));
  assertEquals(locks.lock("G", QUEUES, "c2"), QUEUES.slice(2));
  assertEquals(locks.lock("H", QUEUES, "c2"), QUEUES);
  locks.unlock("G", QUEUES, "c1");
  assertEquals(locks.lock("G", QUEUES, "c2"), QUEUES);
});

Deno.test("a lock ends after 60 seconds without being renewed", async () => {
  await using tables = setupTables();
  const { clock } = tables;
  const start = clock.millis;
  const locks = tables.openQueueLocks();
  locks.lock("G", QUEUES, "c1");
  clock.millis = start + 50_000;
  locks.lock("G", QUEUES.slice(0, 1), "c1");
  clock.millis = start + 60_001;
  assertEquals(locks.lock("G", QUEUES, "c2"), QUEUES.slice(1));
  assertEquals(locks.isLockAllExpired("G"), false);
  clock.millis = start + 120_002;
  assertEquals(locks.isLockAllExpired("G"), true);
});

Deno.test("after a kill a client has its queues for as long as it takes them for its own", async () => {
  await using tables = setupTables();
  const { clock } = tables;
  const before = tables.openQueueLocks();
  before.lock("G", QUEUES, "c1");
  before.unlock("G", QUEUES.slice(2), "c1");
  await before.saved();
  // It was renewed all the time, which is not written.
  clock.millis += 1_000_000;
  const locks = tables.openQueueLocks();
  assertEquals(locks.lock("G", QUEUES, "c2"), QUEUES.slice(2));
  assertEquals(locks.lock("G", QUEUES.slice(0, 1), "c1"), QUEUES.slice(0, 1));
  clock.millis += 30_001;
  assertEquals(locks.lock("G", QUEUES, "c2"), QUEUES.slice(1));
});

Deno.test("after a stop in order locks count from when it stopped, a kill later from the next start", async () => {
  await using tables = setupTables();
  const { clock } = tables;
  {
    await using before = tables.openQueueLocks();
    before.lock("G", QUEUES, "c1");
  }
  assertEquals(tables.read(NAME).stoppedAt, clock.millis);
  clock.millis += 29_000;
  const locks = tables.openQueueLocks();
  assertEquals(locks.lock("G", QUEUES, "c2"), []);
  await locks.saved();
  assertEquals(tables.read(NAME).stoppedAt, undefined);
  clock.millis += 1_001;
  assertEquals(locks.lock("G", QUEUES, "c2"), QUEUES);
  assertEquals(locks.lock("G", QUEUES, "c1"), []);
});

Deno.test("without a file that can be read there are no locks, and new ones are kept", async () => {
  await using tables = setupTables();
  tables.write(NAME, "{");
  tables.write(`${NAME}.bak`, '{"lockTable":7}');
  const locks = tables.openQueueLocks();
  assert(tables.lines.some((line) => JSON.stringify(line).includes("locks of queues")));
  assertEquals(locks.lock("G", QUEUES, "c1"), QUEUES);
  await locks.saved();
  assertEquals(tables.read(NAME).lockTable.G["T 0 a"], "c1");
});
