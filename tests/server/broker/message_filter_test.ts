import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  createSubscriptionData,
  parseSubscriptionData,
} from "../../../client/protocol/heartbeat.ts";
import { javaHashCode } from "../../../client/protocol/message.ts";
import { RemotingError, ResponseCode } from "../../../client/protocol/response_code.ts";
import { messageFilterOf } from "../../../server/broker/message_filter.ts";

const tags = (subString: string) =>
  messageFilterOf(createSubscriptionData("T", subString, undefined, 1))!;

Deno.test("a filter by tags lets those pass whose hash code is one of the tags'", () => {
  const filter = tags("TagA ||  TagB||");
  assert(filter.matchesTagsCode(javaHashCode("TagA")));
  assert(filter.matchesTagsCode(javaHashCode("TagB")));
  assert(!filter.matchesTagsCode(javaHashCode("TagC")));
  assert(!filter.matchesTagsCode(0));
});

Deno.test("a filter compares negative hash codes and the low 32 bits, as Java does", () => {
  const code = javaHashCode("negative hash!!");
  assert(code < 0, `${code}`);
  const filter = tags("negative hash!!");
  assert(filter.matchesTagsCode(code));
  assert(filter.matchesTagsCode(code + 2 ** 32));
});

Deno.test("a subscription by * or nothing lets everything pass", () => {
  for (const subString of ["*", ""]) assertEquals(tags(subString), undefined);
});

Deno.test("a subscription of separators only is refused with Java's words", () => {
  assertThrows(() => tags("||||"), RangeError, "subString split error");
});

Deno.test("parseSubscriptionData() computes the hash codes that a client left out", () => {
  const { codeSet, tagsSet } = parseSubscriptionData({ topic: "T", subString: "a || b" });
  assertEquals([...tagsSet], ["a", "b"]);
  assertEquals([...codeSet], [97, 98]);
});

Deno.test("SQL92 is refused until it is served", () => {
  const subscription = createSubscriptionData("T", "a > 1", "SQL92", 1);
  const error = assertThrows(() => messageFilterOf(subscription), RemotingError, "SQL92");
  assertEquals(error.code, ResponseCode.SUBSCRIPTION_PARSE_FAILED);
});
