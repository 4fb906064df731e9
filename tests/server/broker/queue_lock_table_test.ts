import { assertEquals } from "@std/assert";
import { QueueLockTable } from "../../../server/broker/queue_lock_table.ts";

const QUEUES = [0, 1, 2].map((queueId) => ({ topic: "T", brokerName: "a", queueId }));

function setup() {
  const clock = { millis: 0 };
  const locks = new QueueLockTable({
    rebalanceLockMaxLiveTime: 60_000,
    now: () => clock.millis,
  });
  return { clock, locks };
}

Deno.test("lock() gives each queue to one client of a group", () => {
  const { locks } = setup();
  assertEquals(locks.lock("G", QUEUES.slice(0, 2), "c1"), QUEUES.slice(0, 2));
  assertEquals(locks.lock("G", QUEUES, "c2"), QUEUES.slice(2));
  assertEquals(locks.lock("H", QUEUES, "c2"), QUEUES);
  locks.unlock("G", QUEUES, "c1");
  assertEquals(locks.lock("G", QUEUES, "c2"), QUEUES);
});

Deno.test("a lock ends after 60 seconds without being renewed", () => {
  const { clock, locks } = setup();
  locks.lock("G", QUEUES, "c1");
  clock.millis = 50_000;
  locks.lock("G", QUEUES.slice(0, 1), "c1");
  clock.millis = 60_001;
  assertEquals(locks.lock("G", QUEUES, "c2"), QUEUES.slice(1));
  assertEquals(locks.isLockAllExpired("G"), false);
  clock.millis = 120_002;
  assertEquals(locks.isLockAllExpired("G"), true);
});
