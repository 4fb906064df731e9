/** Makes the pictures in docs/screenshots, each page with data, light, dark and narrow: `deno task screenshots`. */

import { startComet } from "../helpers/comet.ts";
import { openPage, startBrowser } from "./browser.ts";
import { startTraffic } from "./traffic.ts";

/** The newest message's dialog is opened by the first button of the table. */
const PAGES = {
  overview: "/",
  topics: "/topics",
  topic: "/topics/Orders",
  messages: "/messages?topic=Orders",
  message: "/messages?topic=Orders",
  lookback: "/lookback?topic=Orders&group=analytics",
  groups: "/groups",
  group: "/groups/warehouse",
  "dead-letters": "/dlq/billing",
  delayed: "/delayed",
  transactions: "/transactions",
  trace: "/messages?topic=Orders",
  cluster: "/cluster",
  broker: "/cluster/broker-a",
  clients: "/clients",
} as const;
const LOOKS = {
  light: { theme: "light", width: 1160, height: 740 },
  dark: { theme: "dark", width: 1160, height: 740 },
  narrow: { theme: "light", width: 390, height: 844 },
} as const;
const ORDERS = 400;
/** Charts need some samples. */
const WARM_UP_MILLIS = 12_000;
const SETTLE_MILLIS = 1_500;

const folder = new URL("../../docs/screenshots/", import.meta.url);
await Deno.mkdir(folder, { recursive: true });
await using comet = await startComet(await Deno.makeTempDir());
const base = `http://127.0.0.1:${comet.httpPort}`;
await fetch(`${base}/api/rates`).then((answer) => answer.body?.cancel());
await using traffic = await startTraffic(comet, ORDERS);
await traffic.settled();
const sentAt = Date.now();
await pause(WARM_UP_MILLIS);
const browser = await startBrowser();
for (const [look, options] of Object.entries(LOOKS)) {
  await using open = await openPage(browser, base, options);
  const { page } = open;
  for (const [name, path] of Object.entries(PAGES)) {
    const time = name === "lookback" ? `&time=${sentAt - 500}` : "";
    await page.goto(base + path + time);
    await page.locator("h1").waitFor();
    if (name === "message") await page.locator("tbody tr button").first().click();
    if (name === "trace") {
      await page.locator("tbody tr button").last().click();
      await page.getByRole("dialog").getByRole("link", { name: "Trace" }).click();
    }
    if (name === "lookback") await page.getByRole("button", { name: "Preview" }).click();
    await pause(SETTLE_MILLIS);
    await page.evaluate("scrollTo(0, 0)");
    const bytes = await page.screenshot();
    await Deno.writeFile(new URL(`${name}-${look}.png`, folder), bytes);
  }
}
await browser.close();
await compress();

/** A third of the size, where pngquant is installed. */
async function compress(): Promise<void> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  const options = ["--force", "--skip-if-larger", "--ext", ".png", "--quality", "70-95"];
  try {
    await new Deno.Command("pngquant", { args: [...options, ...names], cwd: folder }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
