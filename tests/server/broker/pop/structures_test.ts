/** The parts of which popping is made, by themselves. */

import { assertEquals, assertThrows } from "@std/assert";
import {
  parseBatchAck,
  parsePopHandle,
  printPopHandle,
} from "../../../../client/protocol/pop_handle.ts";
import { type Due, DueTimer } from "../../../../server/broker/pop/due_timer.ts";
import { OpenEntries } from "../../../../server/broker/pop/open_entries.ts";
import { OrderInfo, parseOrderInfo } from "../../../../server/broker/pop/order_info.ts";
import { normalTopicOf, popRetryTopicV1 } from "../../../../server/broker/pop/retry_topic.ts";
import { seededRandom } from "../../../helpers/random.ts";
import { ManualClock } from "./manual_clock.ts";

Deno.test("things come when they are due, in their order, unless they are taken out before", async () => {
  const random = seededRandom();
  const clock = new ManualClock(0);
  const found: (Due & { name: number })[] = [];
  const timer: DueTimer<Due & { name: number }> = new DueTimer(clock, () => {
    for (let item = timer.take(); item !== undefined; item = timer.take()) {
      assertEquals(clock.now() >= item.dueAt, true);
      found.push(item);
    }
  });
  const items = Array.from({ length: 300 }, (_, name) => {
    const item = { name, dueAt: random(1_000), heapIndex: -1, heapOrder: 0 };
    timer.add(item);
    return item;
  });
  for (const item of items) {
    if (random(3) > 0) continue;
    if (random(2) === 0) timer.remove(item);
    else {
      item.dueAt = 200 + random(200_000);
      timer.add(item);
    }
  }
  const expected = items.filter(({ heapIndex }) => heapIndex >= 0)
    .sort((left, right) => left.dueAt - right.dueAt || left.name - right.name);
  for (let passed = 0; passed < 210_000; passed += 7_000) await clock.pass(7_000);
  assertEquals(found.map(({ name }) => name), expected.map(({ name }) => name));
  assertEquals(timer.size, 0);
});

Deno.test("what is open in the log holds back where a start begins", () => {
  const entry = () => ({ reviveQid: 0, reviveOffset: -1 });
  const [a, b, c] = [entry(), entry(), entry()];
  const open = new OpenEntries(10);
  open.open(10, a);
  open.open(12, b);
  assertEquals([open.advance(), open.first], [false, 10]);
  open.close(10, a);
  // Not to 12: what is between may not be on the disk.
  assertEquals([open.advance(), open.first], [true, 11]);
  open.close(12, b);
  assertEquals([open.advance(), open.first], [true, 13]);
  // A record that a full disk took back leaves its place to another.
  open.open(14, c);
  open.truncate(13);
  open.open(13, a);
  open.close(13, b);
  assertEquals([open.advance(), open.first], [false, 13]);
  open.readUpTo(20);
  assertEquals([open.advance(), open.first], [false, 13]);
  open.close(13, a);
  assertEquals([open.advance(), open.first], [true, 20]);
});

Deno.test("a pop's handle is read as it is written", () => {
  const text = "5 1700000000000 60000 3 2 broker-a 7 9";
  assertEquals(printPopHandle(parsePopHandle(text), 9), text);
  for (const wrong of ["", "1 2 3", "a 1 1 1 0 b 1", "1 1 1 1 3 b 1", "1  1 1 0 b 1 1"]) {
    assertThrows(() => parsePopHandle(wrong), RangeError);
  }
});

Deno.test("a batch ack is read in the names of 5.x and of its first versions", () => {
  const b = btoa(String.fromCharCode(0b101, 0b10));
  const short = { c: "g", t: "T", r: "1", so: 10, q: 2, rq: 3, pt: 4, it: 5, b };
  const long = {
    consumerGroup: "g",
    topic: "T",
    retry: "1",
    startOffset: 10,
    queueId: 2,
    reviveQueueId: 3,
    popTime: 4,
    invisibleTime: 5,
    bitSet: b,
  };
  const [left, right] = parseBatchAck({ acks: [short, long] });
  assertEquals(left, right);
  assertEquals(left!.queueOffsets, [10, 12, 19]);
  assertThrows(() => parseBatchAck({ acks: [{ ...short, b: btoa("x".repeat(9_000)) }] }));
});

Deno.test("the topic that a retry topic belongs to is found in either spelling", () => {
  assertEquals(normalTopicOf(popRetryTopicV1("T_1", "g_1"), "g_1"), "T_1");
  assertEquals(normalTopicOf("%RETRY%g_1+T_1", "g_1"), "T_1");
  assertEquals(normalTopicOf("T", "g"), "T");
  assertEquals(normalTopicOf("%RETRY%g", "g"), "%RETRY%g");
});

Deno.test("an orderly pop of Apache's is read as it stands there", () => {
  const json = {
    popTime: 100,
    i: 1_000,
    o: [7, 1, 4],
    ot: { 8: 5_000 },
    oc: { 7: 2 },
    l: 100,
    cm: 1,
    a: "x",
  };
  const info = parseOrderInfo(json)!;
  assertEquals(info.queueOffsets, [7, 8, 11]);
  assertEquals([info.nextOffset, info.blockedUntil], [8, 5_000]);
  assertEquals(info.consumedCounts.get(7), 2);
  assertEquals(info.blocks(4_999, "x"), false);
  assertEquals([info.blocks(4_999, undefined), info.blocks(5_000, undefined)], [true, false]);
  assertEquals(parseOrderInfo(info.toJson())!.toJson(), info.toJson());
  assertEquals(parseOrderInfo({ o: [] }), undefined);
  assertEquals(info instanceof OrderInfo, true);
});
