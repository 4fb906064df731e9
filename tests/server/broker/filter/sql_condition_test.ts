import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../../client/protocol/bytes.ts";
import { printProperties } from "../../../../client/protocol/message.ts";
import { compileCondition } from "../../../../server/broker/filter/sql_condition.ts";
import { parseSql } from "../../../../server/broker/filter/sql_parser.ts";
import { Truth } from "../../../../server/broker/filter/sql_truth.ts";
import { COMPARISON_ROWS } from "./comparison_rows.ts";
import { CONDITION_ROWS } from "./condition_rows.ts";
import type { Outcome, SqlRow } from "./sql_row.ts";

function outcomeOf([expression, properties]: SqlRow): Outcome {
  const condition = compileCondition(parseSql(expression));
  const bytes = encodeUtf8(printProperties(Object.entries(properties)));
  condition.properties.load(bytes, 0, bytes.length);
  const truth = condition.test();
  return (Object.keys(Truth) as Outcome[]).find((name) => Truth[name] === truth)!;
}

for (const [title, rows] of [...COMPARISON_ROWS, ...CONDITION_ROWS]) {
  Deno.test(`SQL92 as Apache evaluates it: ${title}`, () => {
    const outcomes = rows.map((row) => [row[0], row[1], outcomeOf(row)]);
    assertEquals(outcomes, rows.map((row) => row.slice(0, 3)));
  });
}

Deno.test("a condition keeps nothing of the message before", () => {
  const { properties, test } = compileCondition(parseSql("a = 'x' OR b = 'y'"));
  const outcome = (text: string) => {
    const bytes = encodeUtf8(text);
    properties.load(bytes, 0, bytes.length);
    return test();
  };
  assertEquals(outcome("a\u0001x\u0002b\u0001y\u0002"), Truth.TRUE);
  assertEquals(outcome("b\u0001z\u0002"), Truth.NULL);
  assertEquals(outcome(""), Truth.NULL);
});

Deno.test("a condition of thousands of parts takes no stack", () => {
  const parts = Array.from({ length: 4_000 }, (_, index) => `a = '${index}'`);
  const { properties, test } = compileCondition(parseSql(parts.join(" OR ")));
  const bytes = encodeUtf8("a\u00013999\u0002");
  properties.load(bytes, 0, bytes.length);
  assertEquals(test(), Truth.TRUE);
});
