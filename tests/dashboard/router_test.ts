import { assertEquals } from "@std/assert";
import { changedQuery, hrefOf, parsePlace } from "../../dashboard/router.ts";

Deno.test("a place comes back out of its URL, with names that need escapes", () => {
  const path = ["topics", "%RETRY%a/b ü"];
  const query = { tab: "queues", search: "a&b=c" };
  const url = new URL(hrefOf(path, query), "http://localhost");
  assertEquals(parsePlace(url.pathname, url.search), { path, query });
});

Deno.test("parsePlace() takes what cannot be decoded as it is", () => {
  assertEquals(parsePlace("/topics/%DLQ%g", ""), { path: ["topics", "%DLQ%g"], query: {} });
});

Deno.test("changedQuery() takes keys away that are empty", () => {
  assertEquals(changedQuery({ a: "1", b: "2" }, { a: "", b: undefined, c: 3 }), { c: "3" });
});
