import { assertEquals } from "@std/assert";
import { type Arrival, LongPolling } from "../../../server/broker/long_polling.ts";

const arrival = (queueOffset: number, tagsCode = 0): Arrival => ({
  topic: "T",
  queueId: 1,
  queueOffset,
  tagsCode,
  physicalOffset: queueOffset * 100,
  size: 100,
});

/** Pulls that wait for messages from 5 on; each one's tries are noted as "last?@offset". */
function setup(matches?: (arrival: Arrival) => boolean) {
  const polling = new LongPolling();
  const tries: string[] = [];
  const wasReset = new Set<string>();
  const park = (holdMillis = 60_000) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    polling.park("T", 1, {
      queueOffset: 5,
      matches,
      retry(lastTry, queueOffset) {
        tries.push(`${lastTry}@${queueOffset}`);
        resolve();
      },
      answerReset() {
        if (!wasReset.has("group")) return false;
        wasReset.delete("group");
        tries.push("reset");
        return true;
      },
    }, holdMillis);
    return promise;
  };
  return { polling, tries, park, wasReset, [Symbol.dispose]: () => polling[Symbol.dispose]() };
}

Deno.test("a parked pull wakes for a message of its queue, once for many", async () => {
  using test = setup();
  test.park();
  test.polling.arrived({ ...arrival(5), topic: "U" });
  test.polling.arrived({ ...arrival(5), queueId: 2 });
  test.polling.arrived(arrival(4));
  await Promise.resolve();
  assertEquals(test.tries, []);
  test.polling.arrived(arrival(5));
  test.polling.arrived(arrival(6));
  assertEquals(test.tries, []);
  await Promise.resolve();
  assertEquals(test.tries, ["false@5"]);
});

Deno.test("a parked pull sleeps through messages that it does not want and goes on behind them", async () => {
  using test = setup(({ tagsCode }) => tagsCode === 7);
  test.park();
  for (const queueOffset of [5, 6, 7]) test.polling.arrived(arrival(queueOffset));
  await Promise.resolve();
  assertEquals(test.tries, []);
  test.polling.arrived(arrival(8, 7));
  test.polling.arrived(arrival(9));
  await Promise.resolve();
  assertEquals(test.tries, ["false@8"]);
});

Deno.test("a parked pull whose time is over goes on behind what it did not want", async () => {
  using test = setup(() => false);
  const over = test.park(5);
  test.polling.arrived(arrival(5));
  await over;
  assertEquals(test.tries, ["true@6"]);
});

Deno.test("a parked pull is answered when the broker stops", () => {
  const test = setup(() => false);
  test.park();
  test.park();
  test.polling.arrived(arrival(5));
  test[Symbol.dispose]();
  assertEquals(test.tries, ["true@6", "true@6"]);
});

Deno.test("a parked pull whose group was taken elsewhere is answered at once, others wait on", async () => {
  using test = setup();
  test.park();
  test.polling.wasReset("T", 1);
  assertEquals(test.tries, []);
  test.wasReset.add("group");
  test.polling.wasReset("T", 2);
  assertEquals(test.tries, []);
  test.polling.wasReset("T", 1);
  assertEquals([test.tries, test.polling.count], [["reset"], 0]);
  test.polling.arrived(arrival(5));
  await Promise.resolve();
  assertEquals(test.tries, ["reset"]);
});
