import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  createSubscriptionData,
  parseSubscriptionData,
} from "../../../client/protocol/heartbeat.ts";
import { javaHashCode } from "../../../client/protocol/message.ts";
import { RemotingError, ResponseCode } from "../../../client/protocol/response_code.ts";
import { SqlFilterCache } from "../../../server/broker/filter/sql_filter.ts";
import { messageFilterOf } from "../../../server/broker/message_filter.ts";
import { recordWith } from "../../helpers/records.ts";

const tags = (subString: string) =>
  messageFilterOf(createSubscriptionData("T", subString, undefined, 1), new SqlFilterCache())!;

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

Deno.test("a filter by tags lets those pass whose hash code Apache has put elsewhere, for the client to compare", () => {
  const address = -(2 ** 63);
  assert(tags("a").matchesTagsCode(address + 4096));
  assert(tags("a").matchesTagsCode(-(2 ** 31) - 1));
  assert(!tags("a").matchesTagsCode(-(2 ** 31)));
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

Deno.test("a filter by SQL92 looks at the record, not at the tags", () => {
  const subscription = createSubscriptionData("T", "a > 1", "SQL92", 1);
  const filter = messageFilterOf(subscription, new SqlFilterCache())!;
  assert(filter.matchesTagsCode(0));
  assert(filter.matchesRecord!(recordWith("a\u00012\u0002")));
  assert(!filter.matchesRecord!(recordWith("a\u00011\u0002")));
  assert(!filter.matchesRecord!(recordWith("")));
});

Deno.test("a subscription by what is no filter is refused", () => {
  const refusal = (expression: string, type: string) =>
    assertThrows(
      () => messageFilterOf(createSubscriptionData("T", expression, type, 1), new SqlFilterCache()),
      RemotingError,
      "parse the consumer's subscription failed: ",
    );
  const error = refusal("a > 1 b", "SQL92");
  assertEquals(error.code, ResponseCode.SUBSCRIPTION_PARSE_FAILED);
  assertStringIncludes(error.message, "at line 1, column 7");
  assertStringIncludes(refusal("a", "XPATH").message, "filter type XPATH");
});
