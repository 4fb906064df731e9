import { assertEquals } from "@std/assert";
import { compatibilityPage, configurationPage } from "../../tools/generate_docs.ts";

Deno.test("configurationPage() is what docs/configuration.md holds", async () => {
  const file = new URL("../../docs/configuration.md", import.meta.url);
  const committed = await Deno.readTextFile(file);
  assertEquals(committed, configurationPage(), "run `deno task docs` and commit the result");
});

Deno.test("compatibilityPage() is what docs/compatibility.md holds", async () => {
  const file = new URL("../../docs/compatibility.md", import.meta.url);
  const committed = await Deno.readTextFile(file);
  assertEquals(
    committed,
    compatibilityPage(committed),
    "run `deno task docs` and commit the result",
  );
});
