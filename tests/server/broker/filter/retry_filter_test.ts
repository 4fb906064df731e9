import { assertEquals } from "@std/assert";
import { createSubscriptionData } from "../../../../client/protocol/heartbeat.ts";
import { retryFilterOf } from "../../../../server/broker/filter/retry_filter.ts";
import { setupTables } from "../../../helpers/broker_tables.ts";
import { recordWith } from "../../../helpers/records.ts";

Deno.test("a retry filter tests a message by the filter of the topic that it first came from", async () => {
  await using tables = setupTables();
  const filters = tables.openFilters();
  filters.register("G", [createSubscriptionData("T", "a = 'x'", "SQL92", 1)]);
  filters.register("H", [createSubscriptionData("T", "a = 'y'", "SQL92", 1)]);
  const matches = (retryTopic: string, properties: string) =>
    retryFilterOf(retryTopic, filters).matchesRecord(recordWith(properties));
  assertEquals(matches("%RETRY%G", "a\u0001x\u0002RETRY_TOPIC\u0001T\u0002"), true);
  assertEquals(matches("%RETRY%G", "a\u0001y\u0002RETRY_TOPIC\u0001T\u0002"), false);
  assertEquals(matches("%RETRY%G+T", "a\u0001y\u0002RETRY_TOPIC\u0001T\u0002"), false);
  assertEquals(matches("%RETRY%H", "a\u0001y\u0002RETRY_TOPIC\u0001T\u0002"), true);
  // Where there is no such filter, nothing is held back.
  assertEquals(matches("%RETRY%G", "a\u0001y\u0002RETRY_TOPIC\u0001U\u0002"), true);
  assertEquals(matches("%RETRY%G", "a\u0001y\u0002"), true);
  filters.register("G", []);
  assertEquals(matches("%RETRY%G", "a\u0001y\u0002RETRY_TOPIC\u0001T\u0002"), true);
});
