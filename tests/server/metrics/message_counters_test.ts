import { assertEquals } from "@std/assert";
import { MessageCounters } from "../../../server/broker/stats/message_counters.ts";

const ONE = { count: 1, bytes: 10 };

Deno.test("MessageCounters count what comes by topic and kind, and not what is sent to groups", () => {
  const counters = new MessageCounters(10);
  counters.received("t", "normal", 2, 300);
  counters.received("t", "normal", 1, 2_000);
  counters.received("t", "fifo", 1, 1);
  counters.received("%RETRY%g", "normal", 1, 1);
  counters.received("%DLQ%g", "normal", 1, 1);
  const seen = [...counters.incoming()].map(([topic, kind, { count, bytes, sizes }]) =>
    [topic, kind, count, bytes, sizes.counts.slice(0, 2)] as const
  );
  // Of a send with several messages each counts as long as the average, as with Apache.
  assertEquals(seen, [["t", "normal", 3, 2_300, [1, 1]], ["t", "fifo", 1, 1, [1, 0]]]);
});

Deno.test("MessageCounters keep pulled, popped and popped again apart", () => {
  const counters = new MessageCounters(10);
  counters.given("t", "g", "pull", ONE);
  counters.given("t", "g", "pop", ONE);
  counters.given("t", "g", "pop retry", ONE);
  counters.given("t", "g", "pop retry", ONE);
  counters.given("%RETRY%g", "g", "pull", ONE);
  const seen = [...counters.outgoing()].map(([, , delivery, { count }]) => [delivery, count]);
  assertEquals(seen, [["pull", 1], ["pop", 1], ["pop retry", 2]]);
});

Deno.test("MessageCounters put into one what comes after the limit, until others are gone", () => {
  const counters = new MessageCounters(2);
  for (const group of ["a", "b", "c", "d"]) counters.given("t", group, "pull", ONE);
  assertEquals([...counters.outgoing()].map(([, group]) => group), ["a", "b"]);
  assertEquals({ ...counters.others }, { count: 2, bytes: 20 });
  counters.forgetGroup("a");
  counters.given("t", "c", "pull", ONE);
  assertEquals([...counters.outgoing()].map(([, group]) => group), ["b", "c"]);
  counters.forgetTopic("t");
  for (const group of ["e", "f"]) counters.given("u", group, "pull", ONE);
  assertEquals([...counters.outgoing()].map(([, group]) => group), ["e", "f"]);
  assertEquals(counters.others.count, 2);
});
