import { assert, assertEquals } from "@std/assert";
import { startComet } from "../helpers/comet.ts";
import { eventually } from "../helpers/eventually.ts";
import { call } from "./api.ts";
import { accessibilityProblems, openPage, overflow, startBrowser } from "./browser.ts";
import { startTraffic } from "./traffic.ts";

const browser = await startBrowser();
Deno.test.afterAll(() => browser.close());

/** Every page, with what takes some time to be there. */
const PAGES = [
  "/",
  "/topics",
  "/topics?create=1",
  "/topics/Orders",
  "/topics/Orders?tab=consumers",
  "/topics/Orders?tab=route",
  "/topics/Orders?tab=settings",
  "/messages",
  "/messages?topic=Orders",
  "/messages?topic=Orders&from=live",
  "/messages?topic=Orders&send=1",
  "/lookback?topic=Orders&group=billing&time=1",
  "/groups",
  "/groups/billing",
  "/groups/billing?tab=members",
  "/groups/billing?tab=settings",
  "/trace",
  "/delayed",
  "/transactions",
  "/dlq",
  "/dlq/billing",
  "/cluster",
  "/cluster/broker-a",
  "/cluster/broker-a?tab=settings",
  "/cluster/broker-a?tab=figures",
  "/clients",
  "/search?q=order-1",
  "/nowhere",
];

Deno.test("every page is without serious accessibility problems and errors, light, dark and narrow", async () => {
  await using comet = await startComet(await Deno.makeTempDir());
  await using traffic = await startTraffic(comet, 40);
  await traffic.settled();
  const problems: string[] = [];
  for (const [theme, width] of [["light", 1280], ["dark", 1280], ["light", 390]] as const) {
    await using open = await openPage(browser, `http://127.0.0.1:${comet.httpPort}/`, {
      theme,
      width,
    });
    const { page, errors } = open;
    for (const path of PAGES) {
      await page.goto(`http://127.0.0.1:${comet.httpPort}${path}`);
      await page.locator("h1").waitFor();
      await eventually(`${path} is loaded`, async () => {
        return await page.locator("[aria-busy]").count() === 0;
      });
      const found = await accessibilityProblems(page);
      problems.push(...found.map((text) => `${theme} ${width} ${path}: ${text}`));
      const wider = await overflow(page);
      if (wider > 0) problems.push(`${theme} ${width} ${path}: ${wider} px too wide`);
    }
    problems.push(...errors);
  }
  assertEquals(problems, []);
});

Deno.test("keys: / searches, arrows go from row to row, ? helps, and both languages are whole", async () => {
  await using comet = await startComet(await Deno.makeTempDir());
  for (const topic of ["A", "B"]) {
    await call(comet.httpPort, "topics", { topic, readQueueNums: 1, writeQueueNums: 1 });
  }
  await using open = await openPage(browser, `http://127.0.0.1:${comet.httpPort}/topics`);
  const { page, errors } = open;
  await page.getByRole("link", { name: "A", exact: true }).focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "B" }).waitFor();
  await page.goBack();
  await page.getByRole("heading", { name: "Topics" }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog").getByText("Keyboard").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("/");
  await page.locator("#search:focus").waitFor();
  await page.keyboard.type("B\n");
  await page.getByRole("heading", { name: "Search" }).waitFor();
  await page.getByRole("link", { name: "B", exact: true }).waitFor();
  await page.getByLabel("Language").selectOption("zh");
  await page.getByRole("heading", { name: "查找" }).waitFor();
  assertEquals(await page.locator("html").getAttribute("lang"), "zh");
  assertEquals(errors, []);
});

Deno.test("the URL holds the state: filter, order and page of a list", async () => {
  await using comet = await startComet(await Deno.makeTempDir());
  for (let at = 0; at < 60; at++) {
    const topic = `T${String(at).padStart(2, "0")}`;
    await call(comet.httpPort, "topics", { topic, readQueueNums: 1, writeQueueNums: 1 });
  }
  await using open = await openPage(browser, `http://127.0.0.1:${comet.httpPort}/topics`);
  const { page } = open;
  await page.getByRole("button", { name: "Topic", exact: true }).click();
  await page.getByRole("link", { name: "T59" }).waitFor();
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByRole("link", { name: "T00" }).waitFor();
  const shared = page.url();
  await page.getByLabel("Filter by name").fill("T4");
  await page.getByRole("link", { name: "T49" }).waitFor();
  await page.goto(shared);
  await page.getByRole("link", { name: "T00" }).waitFor();
  assert(shared.includes("sort=-topic") && shared.includes("page=2"));
});
