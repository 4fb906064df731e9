import { assertEquals } from "@std/assert";
import {
  adminPage,
  compatibilityPage,
  configurationPage,
  monitoringPage,
} from "../../tools/generate_docs.ts";

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

Deno.test("adminPage() is what docs/admin.md holds", async () => {
  const file = new URL("../../docs/admin.md", import.meta.url);
  const committed = await Deno.readTextFile(file);
  assertEquals(committed, adminPage(committed), "run `deno task docs` and commit the result");
});

Deno.test("monitoringPage() is what docs/monitoring.md holds", async () => {
  const file = new URL("../../docs/monitoring.md", import.meta.url);
  const committed = await Deno.readTextFile(file);
  assertEquals(committed, monitoringPage(committed), "run `deno task docs` and commit the result");
});
