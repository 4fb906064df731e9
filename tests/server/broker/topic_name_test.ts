import { assertEquals } from "@std/assert";
import {
  invalidGroupReason,
  invalidTopicReason,
  notAllowedSendReason,
} from "../../../server/broker/topic_name.ts";

Deno.test("invalidTopicReason() has Java's rules and words", () => {
  for (const topic of ["a", "%RETRY%G", "a|b-c_D9", "x".repeat(127)]) {
    assertEquals(invalidTopicReason(topic), undefined);
  }
  assertEquals(invalidTopicReason(" "), "The specified topic is blank.");
  for (const topic of ["a b", "a@b", "a.b", "ä", "a\n"]) {
    assertEquals(
      invalidTopicReason(topic),
      "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$",
    );
  }
  assertEquals(
    invalidTopicReason("x".repeat(128)),
    "The specified topic is longer than topic max length.",
  );
});

Deno.test("invalidGroupReason() takes names of up to 255 characters", () => {
  assertEquals(invalidGroupReason("x".repeat(255)), undefined);
  assertEquals(
    invalidGroupReason("x".repeat(256)),
    "the specified group is longer than group max length 255.",
  );
  assertEquals(invalidGroupReason(""), "the specified group is blank");
});

Deno.test("notAllowedSendReason() names the topics that only the broker writes", () => {
  assertEquals(
    notAllowedSendReason("SCHEDULE_TOPIC_XXXX"),
    "Sending message to topic[SCHEDULE_TOPIC_XXXX] is forbidden.",
  );
  assertEquals(notAllowedSendReason("TBW102"), undefined);
});
