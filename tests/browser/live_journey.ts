import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { startComet, TestClient } from "../helpers/comet.ts";
import { eventually } from "../helpers/eventually.ts";
import { call } from "./api.ts";
import { openPage, startBrowser } from "./browser.ts";

const browser = await startBrowser();
Deno.test.afterAll(() => browser.close());

const WATCHED_MILLIS = 3_000;
const RATE = 1_000;
/** Of a tab that draws; the machine may be busy with other things too. */
const FRAMES_PER_SECOND_MIN = 20;
const FRAME_MILLIS_MAX = 500;

interface Frames {
  count: number;
  /** In milliseconds. */
  longest: number;
}

/** Runs in the page: counts the frames that it draws. */
const WATCH_FRAMES = `new Promise((resolve) => {
  const start = performance.now();
  let [last, count, longest] = [start, 0, 0];
  const frame = (now) => {
    longest = Math.max(longest, now - last);
    last = now;
    count++;
    if (now - start < ${WATCHED_MILLIS}) requestAnimationFrame(frame);
    else resolve({ count, longest });
  };
  requestAnimationFrame(frame);
})`;

Deno.test(`the live tail of ${RATE} messages a second keeps the tab smooth`, async () => {
  await using comet = await startComet(await Deno.makeTempDir(), [
    "--set",
    "flushDiskType=ASYNC_FLUSH",
  ]);
  await call(comet.httpPort, "topics", { topic: "Orders", readQueueNums: 1, writeQueueNums: 1 });
  const url = `http://127.0.0.1:${comet.httpPort}/messages?topic=Orders&from=live`;
  await using open = await openPage(browser, url);
  const { page, errors } = open;
  await page.getByText("Waiting for messages").waitFor();
  await using client = new TestClient(comet.brokerPort);
  let isSending = true;
  let sent = 0;
  const startedAt = performance.now();
  const producer = (async () => {
    while (isSending) {
      const due = Math.floor((performance.now() - startedAt) / 1000 * RATE) - sent;
      const batch = Array.from({ length: Math.min(due, 200) }, () => {
        return client.send("Orders", encodeUtf8(`order ${sent++}`));
      });
      await Promise.all(batch);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  await page.locator("tbody tr").first().waitFor();
  const { count, longest } = await page.evaluate(WATCH_FRAMES) as Frames;
  isSending = false;
  await producer;
  assert(sent > RATE, `only ${sent} were sent`);
  const perSecond = count / WATCHED_MILLIS * 1000;
  assert(perSecond >= FRAMES_PER_SECOND_MIN, `${perSecond} frames a second`);
  assert(longest <= FRAME_MILLIS_MAX, `one frame took ${longest} ms`);
  assert(await page.locator("tbody tr").count() <= 100);
  assertEquals(errors, []);
});

Deno.test("a broker that dies is told, and the page goes on when it is back", async () => {
  await using namesrv = await startComet(await Deno.makeTempDir(), [], "namesrv");
  const address = ["--namesrv", `127.0.0.1:${namesrv.namesrvPort}`];
  const folder = await Deno.makeTempDir();
  const first = await startComet(folder, address, "broker");
  await using dashboard = await startComet(await Deno.makeTempDir(), address, "dashboard");
  await using open = await openPage(browser, `http://127.0.0.1:${dashboard.httpPort}/cluster`);
  const { page, errors } = open;
  await page.getByRole("link", { name: "broker-a" }).waitFor();
  await first.kill();
  await page.getByRole("alert").or(page.getByText("No broker is registered")).first().waitFor();
  await using _second = await startComet(folder, address, "broker");
  await page.locator("tbody tr:not(.bad)").filter({ hasText: "broker-a" }).waitFor();
  await eventually("the alert is gone", async () => await page.getByRole("alert").count() === 0);
  assertEquals(errors, []);
});

Deno.test("a dashboard that dies is told, and the page goes on when it is back", async () => {
  const folder = await Deno.makeTempDir();
  const first = await startComet(folder);
  await using open = await openPage(browser, `http://127.0.0.1:${first.httpPort}/topics`);
  const { page } = open;
  await page.getByRole("heading", { name: "No topic yet" }).waitFor();
  await first.kill();
  const note = page.getByText("Comet does not answer");
  await note.waitFor({ timeout: 20_000 });
  await using _second = await startComet(folder, ["--http-port", String(first.httpPort)]);
  await note.waitFor({ state: "detached", timeout: 20_000 });
});
