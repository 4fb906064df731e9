import { assertEquals } from "@std/assert";
import { findProperty, printProperties } from "../../client/protocol/message.ts";
import {
  isLmqName,
  lmqPlacesOf,
  lmqsToDispatchTo,
  mayMultiDispatch,
  withLmqOffsets,
} from "../../client/protocol/multi_dispatch.ts";

function properties(names: string, offsets?: string): string {
  return printProperties([
    ["KEYS", "k"],
    ["INNER_MULTI_DISPATCH", names],
    ...offsets === undefined ? [] : [["INNER_MULTI_QUEUE_OFFSET", offsets] as const],
  ]);
}

Deno.test("a message goes to each light queue that it names, once, and not from copies of it", () => {
  const named = properties("%LMQ%a,%LMQ%b,%LMQ%a,other,%LMQ%,%LMQ%T");
  assertEquals(mayMultiDispatch(named), true);
  assertEquals(mayMultiDispatch(printProperties([["KEYS", "INNER"]])), false);
  assertEquals(lmqsToDispatchTo("%LMQ%T", named), ["%LMQ%a", "%LMQ%b"]);
  for (
    const topic of [
      "%RETRY%g",
      "%DLQ%g",
      "rmq_sys_wheel_timer",
      "SCHEDULE_TOPIC_XXXX",
      "RMQ_SYS_TRANS_HALF_TOPIC",
      "RMQ_SYS_TRANS_OP_HALF_TOPIC",
      "TRANS_CHECK_MAX_TIME_TOPIC",
    ]
  ) assertEquals(lmqsToDispatchTo(topic, named), [], topic);
});

Deno.test("isLmqName() takes what can be a topic's name behind the prefix", () => {
  for (const name of ["%LMQ%a", "%LMQ%ns%topic", `%LMQ%${"x".repeat(122)}`]) {
    assertEquals(isLmqName(name), true, name);
  }
  for (const name of ["", "a", "%LMQ%", "%LMQ%a/b", "%LMQ%..\\x", `%LMQ%${"x".repeat(123)}`]) {
    assertEquals(isLmqName(name), false, name);
  }
});

Deno.test("withLmqOffsets() puts names and offsets in one order, and takes old offsets away", () => {
  const dispatched = withLmqOffsets(properties("x", "9"), ["%LMQ%a", "%LMQ%b"], [3, 4]);
  assertEquals(findProperty(dispatched, "INNER_MULTI_DISPATCH"), "%LMQ%a,%LMQ%b");
  assertEquals(findProperty(dispatched, "INNER_MULTI_QUEUE_OFFSET"), "3,4");
  assertEquals(lmqPlacesOf("T", dispatched), [
    { topic: "%LMQ%a", queueOffset: 3 },
    { topic: "%LMQ%b", queueOffset: 4 },
  ]);
  const none = withLmqOffsets(dispatched, [], []);
  assertEquals(findProperty(none, "INNER_MULTI_QUEUE_OFFSET"), undefined);
  assertEquals(findProperty(none, "KEYS"), "k");
});

Deno.test("lmqPlacesOf() leaves out what makes no sense", () => {
  const rows: [string, string, string | undefined, number][] = [
    ["T", "%LMQ%a", "0", 1],
    ["%DLQ%g", "%LMQ%a", "0", 1],
    ["%RETRY%g", "%LMQ%a", "0", 0],
    ["T", "%LMQ%a", undefined, 0],
    ["T", "%LMQ%a,%LMQ%b", "1", 0],
    ["T", "%LMQ%a,%LMQ%b", "1,", 1],
    ["T", "%LMQ%a,other", "1,2", 1],
    ["T", "%LMQ%a,%LMQ%a", "1,2", 1],
    ["T", "%LMQ%a", "-1", 0],
    ["T", "%LMQ%a", "9007199254740991", 0],
    ["T", "%LMQ%../a", "1", 0],
  ];
  for (const [topic, names, offsets, count] of rows) {
    const places = lmqPlacesOf(topic, properties(names, offsets));
    assertEquals(places.length, count, `${topic} ${names} ${offsets}`);
  }
});
