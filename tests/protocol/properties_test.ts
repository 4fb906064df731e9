import { assertEquals } from "@std/assert";
import { findProperty, parseProperties, printProperties } from "../../client/protocol/message.ts";

Deno.test("findProperty finds a name as a whole, the last of equal ones that has a value", () => {
  const rows: [string, string, string | undefined][] = [
    ["", "a", undefined],
    ["a\u0001x\u0002", "a", "x"],
    ["a\u0001x", "a", "x"],
    ["ba\u0001x\u0002a\u0001y\u0002", "a", "y"],
    ["a\u0001x\u0002a\u0001y\u0002b\u0001z\u0002", "a", "y"],
    ["a\u0001x\u0002a\u0001\u0002", "a", "x"],
    ["a\u0001\u0002", "a", undefined],
    ["b\u0001a\u0001x\u0002", "a", undefined],
    ["a\u0001x\u0001y\u0002", "a", "x\u0001y"],
    ["\u0002a\u0001x\u0002\u0002", "a", "x"],
    ["a\u0002a\u0001x", "a", "x"],
  ];
  for (const [properties, name, value] of rows) {
    assertEquals(findProperty(properties, name), value, JSON.stringify(properties));
  }
});

Deno.test("findProperty and parseProperties agree on equal names", () => {
  const text = printProperties([["k", "1"], ["other", "k"], ["k", "2"]]);
  assertEquals(findProperty(text, "k"), "2");
  assertEquals(parseProperties(text).get("k"), "2");
});
