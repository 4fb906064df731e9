import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  createSubscriptionData,
  type SubscriptionData,
} from "../../../client/protocol/heartbeat.ts";
import { setupTables } from "../../helpers/broker_tables.ts";
import { recordWith } from "../../helpers/records.ts";

const HOUR = 3_600_000;

function sql(topic: string, expression: string, version: number): SubscriptionData {
  return createSubscriptionData(topic, expression, "SQL92", version);
}

Deno.test("ConsumerFilterTable writes Apache's file and reads it again", async () => {
  await using tables = setupTables();
  const filters = tables.openFilters();
  filters.register("G", [sql("T", "a > 1", 7)]);
  await filters[Symbol.asyncDispose]();
  assertEquals(tables.read("consumerFilter.json"), {
    filterDataByTopic: {
      T: {
        groupFilterData: {
          G: {
            bloomFilterData: { bitNum: 112, bitPos: [24, 26, 83] },
            bornTime: 1_000_000,
            clientVersion: 7,
            consumerGroup: "G",
            dead: false,
            deadTime: 0,
            expression: "a > 1",
            expressionType: "SQL92",
            topic: "T",
          },
        },
        topic: "T",
      },
    },
  });
  tables.clock.millis += 10_000;
  const again = tables.openFilters().get("T", "G")!;
  // Apache takes who is in the file for gone for half a minute, though not before it was there.
  assertEquals(again.deadTime, 1_000_000);
  assertEquals([again.bornTime, again.clientVersion], [1_000_000, 7]);
  assert(again.filter.matchesRecord(recordWith("a\u00012\u0002")));
});

Deno.test("ConsumerFilterTable reads Apache's file, without what is no filter here", async () => {
  await using tables = setupTables();
  const entry = (group: string, expression: string, more = "") =>
    `"${group}":{"bornTime":5,"clientVersion":1795526952773994516,"consumerGroup":"${group}",` +
    `"dead":true,"deadTime":6,"expression":"${expression}","expressionType":"SQL92"${more}}`;
  tables.write(
    "consumerFilter.json",
    `{"filterDataByTopic":{"T":{"groupFilterData":{${entry("G", "a = 'x'", ',"topic":"T"')},` +
      `${entry("cut", "a = 1 b", ',"topic":"T"')},${entry("noTopic", "a")},"null":null},` +
      `"topic":"T"},"U":{"topic":"U"},"V":null}}`,
  );
  const filters = tables.openFilters();
  assertEquals(filters.get("T", "G")?.expression, "a = 'x'");
  assertEquals(filters.get("T", "G")?.deadTime, 6);
  assertEquals(filters.get("T", "cut"), undefined);
  assertEquals(filters.get("T", "noTopic"), undefined);
  assertStringIncludes(tables.lines.join(), "line 1, column 7");
});

Deno.test("a version in nanoseconds is never written greater than it was", async () => {
  await using tables = setupTables();
  for (const version of [1_795_526_952_773_994_516n, 1_795_526_893_433_723_369n]) {
    const filters = tables.openFilters();
    filters.register(`G${version}`, [sql("T", "a > 1", Number(version))]);
    await filters[Symbol.asyncDispose]();
    const text = Deno.readTextFileSync(`${tables.folder}/consumerFilter.json`);
    const written = [...text.matchAll(/"clientVersion": (\d+)/g)].at(-1)![1]!;
    assert(BigInt(written) <= version && BigInt(written) > version - 1_000n, written);
  }
});

Deno.test("register() goes by the version of the subscription", async () => {
  await using tables = setupTables();
  const filters = tables.openFilters();
  const expressionAfter = (expression: string, version: number) => {
    filters.register("G", [sql("T", expression, version)]);
    return filters.get("T", "G")?.expression;
  };
  assertEquals(expressionAfter("a = '1'", 5), "a = '1'");
  assertEquals(expressionAfter("a = '2'", 4), "a = '1'");
  assertEquals(expressionAfter("a = '3'", 5), "a = '1'");
  assertEquals(expressionAfter("a = '4'", 6), "a = '4'");
  assertEquals(expressionAfter("a = '4'", 7), "a = '4'");
  assertEquals(filters.get("T", "G")?.clientVersion, 7);
  // What sends no version is believed, and so is whoever comes when the group was gone.
  assertEquals(expressionAfter("a = '5'", 0), "a = '5'");
  assertEquals(expressionAfter("a = '6'", 9), "a = '6'");
  filters.unregister("G");
  assertEquals(expressionAfter("a = '7'", 8), "a = '7'");
  assertEquals(filters.get("T", "G")?.deadTime, 0);
});

Deno.test("register() drops a filter whose successor cannot be one, and logs why", async () => {
  await using tables = setupTables();
  const filters = tables.openFilters();
  filters.register("G", [sql("T", "a = '1'", 5)]);
  filters.register("G", [sql("T", "a == '1'", 6)]);
  assertEquals(filters.get("T", "G"), undefined);
  assertStringIncludes(tables.lines.join(), "write = to compare, at line 1, column 4");
});

Deno.test("filters die with their subscription, live again, and are forgotten in the end", async () => {
  await using tables = setupTables();
  const filters = tables.openFilters();
  const both = [sql("T", "a = '1'", 5), sql("U", "b = '1'", 5)];
  filters.register("G", both);
  filters.register("H", both);
  tables.clock.millis += HOUR;
  filters.register("G", [both[0]!, createSubscriptionData("U", "tag", "TAG", 6)]);
  assertEquals(filters.get("U", "G")?.deadTime, 1_000_000 + HOUR);
  assertEquals(filters.get("T", "G")?.deadTime, 0);
  filters.register("G", both);
  assertEquals(filters.get("U", "G")?.deadTime, 0);
  assertEquals(filters.get("U", "G")?.bornTime, 1_000_000);
  filters.unregister("G");
  tables.clock.millis += 24 * HOUR - 1;
  filters.unregister("G");
  filters.expire();
  assertEquals(filters.get("T", "G")?.deadTime, 1_000_000 + HOUR);
  tables.clock.millis++;
  filters.expire();
  assertEquals([filters.get("T", "G"), filters.get("U", "G")], [undefined, undefined]);
  assertEquals(filters.get("T", "H")?.deadTime, 0);
});
