import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startComet } from "../helpers/comet.ts";
import { eventually } from "../helpers/eventually.ts";
import { call } from "./api.ts";
import { openPage, startBrowser } from "./browser.ts";
import { Consumer } from "./consumer.ts";

const browser = await startBrowser();
Deno.test.afterAll(() => browser.close());

const NASTY = '<script>document.title = "broken"</script><img src=x onerror="alert(1)"> שלום';

Deno.test("from the first start to the first message, which is found by key, id, place and time", async () => {
  await using comet = await startComet(await Deno.makeTempDir());
  await using open = await openPage(browser, `http://127.0.0.1:${comet.httpPort}/`);
  const { page, errors } = open;
  await page.getByText("Send the first message").waitFor();
  await page.getByRole("link", { name: "Create topic" }).click();
  await page.getByLabel("Topic", { exact: true }).fill("Orders");
  await page.getByRole("dialog").getByRole("button", { name: "Create topic" }).click();
  await page.getByRole("heading", { name: "Orders" }).waitFor();
  await page.getByRole("link", { name: "Browse messages" }).click();
  await page.getByRole("heading", { name: "No message" }).waitFor();
  await page.getByRole("button", { name: "Send a message" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Tag").fill("paid");
  await dialog.getByLabel("Keys").fill("order-1 <b>key</b>");
  await dialog.getByLabel("Body").fill(NASTY);
  await dialog.getByLabel("Properties").fill("region = eu");
  await dialog.getByRole("button", { name: "Send", exact: true }).click();
  await dialog.waitFor({ state: "detached" });

  const find = async (text: string) => {
    await page.getByLabel("Id, key, or queue:offset").fill(text);
    await page.getByRole("button", { name: "Search" }).click();
    await page.waitForURL((url: URL) => url.searchParams.get("find") === (text || null));
    await page.getByText("1 found").waitFor();
  };
  await find("order-1");
  const row = page.locator("tbody tr");
  assertStringIncludes(await row.innerText(), NASTY.slice(0, 60));
  const place = /(\d+:\d+)\s/.exec(await row.locator("td.number").first().innerText() + " ")![1]!;
  await find(place);
  await row.getByRole("button").click();
  const details = page.getByRole("dialog");
  await details.getByText("region", { exact: true }).waitFor();
  assertEquals(await details.locator("pre.text").innerText(), NASTY);
  const id = await details.locator("dd code").first().innerText();
  await page.keyboard.press("Escape");
  await find(id);
  await find("");
  await page.getByLabel("Begin at").selectOption("time");
  await page.getByLabel("Time", { exact: true }).fill("2020-01-01T00:00:00");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("1 found").waitFor();
  // The field at the top finds it in any topic.
  await page.keyboard.press("Escape");
  await page.locator("h1").click();
  await page.keyboard.press("/");
  await page.keyboard.type("order-1\n");
  await page.getByText("Looked in 1 of 1 topics").waitFor();
  await row.first().waitFor();
  assert(!(await page.title()).includes("broken"));
  assertEquals(errors, []);
});

Deno.test("a group that looks back consumes again, and undo takes it to where it was", async () => {
  await using comet = await startComet(await Deno.makeTempDir());
  const topic = { topic: "Orders", readQueueNums: 2, writeQueueNums: 2 };
  await call(comet.httpPort, "topics", topic);
  let count = 0;
  await using consumer = new Consumer({
    brokerPort: comet.brokerPort,
    group: "billing",
    topics: { Orders: 2 },
    consume: () => ++count > 0,
  });
  await consumer.start();
  const total = 20;
  for (let at = 0; at < total; at++) {
    await call(comet.httpPort, "messages", { topic: "Orders", body: `order ${at}` });
  }
  await eventually("all are consumed", () => count === total);
  const at = Date.now() - 3_600_000;
  const url = `http://127.0.0.1:${comet.httpPort}/lookback?topic=Orders&group=billing&time=${at}`;
  await using open = await openPage(browser, url);
  const { page, errors } = open;
  await page.getByText("order 0").waitFor();
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByText(`${total} messages are consumed again`).waitFor();
  await page.getByRole("button", { name: "Apply to billing" }).click();
  await page.getByText("Done: billing").waitFor();
  await eventually("all are consumed again", () => count === 2 * total);
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("Undone: billing").waitFor();
  assertEquals(errors, []);
});

Deno.test("dead letters are sent again, and consumed", async () => {
  await using comet = await startComet(await Deno.makeTempDir());
  await call(comet.httpPort, "topics", { topic: "Orders", readQueueNums: 1, writeQueueNums: 1 });
  let isBroken = true;
  const consumed: string[] = [];
  await using consumer = new Consumer({
    brokerPort: comet.brokerPort,
    group: "billing",
    topics: { Orders: 1 },
    maxReconsumeTimes: 0,
    consume: ({ body }) => {
      if (!isBroken) consumed.push(new TextDecoder().decode(body));
      return !isBroken;
    },
  });
  await consumer.start();
  await call(comet.httpPort, "messages", { topic: "Orders", body: "a poisoned one" });
  await eventually("it is a dead letter", async () => {
    return (await call(comet.httpPort, "topics?type=dlq"))["total"] === 1;
  });
  isBroken = false;
  await using open = await openPage(browser, `http://127.0.0.1:${comet.httpPort}/dlq`);
  const { page, errors } = open;
  await page.getByRole("link", { name: "billing" }).click();
  await page.getByText("a poisoned one").waitFor();
  await page.getByRole("button", { name: "Send all again" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("1 dead letter goes to").waitFor();
  await dialog.getByRole("button", { name: "Send all again" }).click();
  await eventually("it is consumed", () => consumed.length > 0);
  assertEquals(consumed, ["a poisoned one"]);
  assertEquals(errors, []);
});

Deno.test("what was typed stays when the server refuses it", async () => {
  await using comet = await startComet(await Deno.makeTempDir());
  await call(comet.httpPort, "topics", { topic: "Orders", readQueueNums: 1, writeQueueNums: 1 });
  await using open = await openPage(browser, `http://127.0.0.1:${comet.httpPort}/topics?create=1`);
  const { page } = open;
  await page.getByLabel("Topic", { exact: true }).fill("Orders");
  await page.getByRole("dialog").getByRole("button", { name: "Create topic" }).click();
  await page.getByRole("alert").getByText("already").waitFor();
  assertEquals(await page.getByLabel("Topic", { exact: true }).inputValue(), "Orders");
});
