import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { SqlFilter, SqlFilterCache } from "../../../../server/broker/filter/sql_filter.ts";
import { SqlSyntaxError } from "../../../../server/broker/filter/sql_lexer.ts";
import { recordWith } from "../../../helpers/records.ts";

Deno.test("SqlFilter lets through what its expression is TRUE of, not what it is NULL or an error of", () => {
  const filter = new SqlFilter("n > 5");
  const matches = (properties: string) => filter.matchesRecord(recordWith(properties));
  assertEquals(matches("n\u00016\u0002"), true);
  assertEquals(matches("n\u00015\u0002"), false);
  assertEquals(matches("n\u0001six\u0002"), false);
  assertEquals(matches(""), false);
  assertEquals(new SqlFilter("NOT (n > 5)").matchesRecord(recordWith("")), false);
});

Deno.test("SqlFilterCache compiles an expression once, and forgets the one that was not used longest", () => {
  const cache = new SqlFilterCache();
  const expression = (index: number) => `a = '${String(index).padEnd(60_000, "x")}'`;
  const first = cache.filterOf(expression(0));
  const second = cache.filterOf(expression(1));
  assertStrictEquals(cache.filterOf(expression(0)), first);
  for (let index = 2; index < 18; index++) cache.filterOf(expression(index));
  assertStrictEquals(cache.filterOf(expression(0)), first);
  assert(cache.filterOf(expression(1)) !== second);
  for (let round = 0; round < 2; round++) {
    assertThrows(() => cache.filterOf("a >"), SqlSyntaxError);
  }
});
