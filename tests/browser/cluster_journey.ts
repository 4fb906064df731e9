import { assertEquals, assertStringIncludes } from "@std/assert";
import { Producer, PushConsumer } from "../../client/mod.ts";
import { type Comet, startComet } from "../helpers/comet.ts";
import { eventually } from "../helpers/eventually.ts";
import { call } from "./api.ts";
import { accessibilityProblems, openPage, overflow, startBrowser } from "./browser.ts";

const browser = await startBrowser();
Deno.test.afterAll(() => browser.close());

/** A second broker, which registers with the first one's name server. */
async function startSecond(first: Comet): Promise<Comet> {
  const flags = ["--set", `namesrvAddr=127.0.0.1:${first.namesrvPort}`];
  const named = ["--set", "brokerName=broker-b"];
  return await startComet(await Deno.makeTempDir(), [...flags, ...named], "broker");
}

async function settingsOf(comet: Comet): Promise<Record<string, string>> {
  const { settings } = await call(comet.httpPort, "brokers/broker-a/config");
  const rows = settings as { name: string; value: string }[];
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

Deno.test("the cluster page shows two brokers, and says which of them does not answer", async () => {
  await using comet = await startComet(await Deno.makeTempDir());
  await using second = await startSecond(comet);
  await using open = await openPage(browser, `http://127.0.0.1:${comet.httpPort}/cluster`);
  const { page, errors } = open;
  const row = page.getByRole("row").filter({ hasText: "broker-b" });
  await row.getByText(`:${second.brokerPort}`).waitFor();
  await page.getByText("2 of 2 answer").waitFor();
  await page.getByText(`127.0.0.1:${comet.namesrvPort}`).waitFor();
  // The name server forgets at once a broker whose connection ends; one that hangs stays.
  Deno.kill(second.pid, "SIGSTOP");
  await page.getByRole("alert").filter({ hasText: "broker-b" }).waitFor();
  await page.getByText("1 of 2 answer").waitFor();
  Deno.kill(second.pid, "SIGCONT");
  await page.getByText("2 of 2 answer").waitFor();
  await second.kill();
  await row.waitFor({ state: "detached" });
  await page.getByRole("link", { name: "broker-a" }).click();
  await page.getByRole("heading", { name: "Retention" }).waitFor();
  await page.getByText("72 hours").waitFor();
  assertEquals(errors, []);
});

Deno.test("a broker's settings: the change is shown before it is saved; one that is refused stays typed", async () => {
  await using comet = await startComet(await Deno.makeTempDir());
  const url = `http://127.0.0.1:${comet.httpPort}/cluster/broker-a`;
  await using open = await openPage(browser, `${url}?tab=settings`);
  const { page, errors } = open;
  const field = page.getByRole("textbox", { name: "fileReservedTime" });
  const dialog = page.getByRole("dialog");
  await field.fill("0");
  await page.getByRole("button", { name: "Review the change" }).click();
  await dialog.getByText("What is older than that is deleted").waitFor();
  await dialog.getByRole("button", { name: "Save" }).click();
  const refusal = await dialog.getByRole("alert").innerText();
  assertStringIncludes(refusal, "at least 1");
  assertEquals((await settingsOf(comet))["fileReservedTime"], "72");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  assertEquals(await field.inputValue(), "0");

  await field.fill("96");
  // An hour has two digits, which a number would lose.
  await page.getByRole("textbox", { name: "deleteWhen" }).fill("05");
  await page.getByRole("combobox", { name: "longPollingEnable" }).selectOption("false");
  await page.getByRole("button", { name: "Review the change" }).click();
  const changes = await dialog.locator("tbody tr").allInnerTexts();
  assertEquals(changes.map((text) => text.split(/\s+/)).sort(), [
    ["deleteWhen", "04", "05"],
    ["fileReservedTime", "72", "96"],
    ["longPollingEnable", "true", "false"],
  ]);
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
  const { fileReservedTime, deleteWhen, longPollingEnable } = await settingsOf(comet);
  assertEquals([fileReservedTime, deleteWhen, longPollingEnable], ["96", "05", "false"]);
  await page.getByLabel("Which settings").selectOption("differs");
  const other = page.getByRole("row").filter({ hasText: "fileReservedTime" });
  await other.getByText("Comet's default: 72").waitFor();
  assertEquals(errors, []);
});

Deno.test("writes to a broker are stopped, which producers see, and allowed again", async () => {
  await using comet = await startComet(await Deno.makeTempDir());
  await using open = await openPage(browser, `http://127.0.0.1:${comet.httpPort}/cluster/broker-a`);
  const { page, errors } = open;
  const dialog = page.getByRole("dialog");
  const writePerm = async () => {
    const { queueDatas } = await call(comet.httpPort, "topics/SELF_TEST_TOPIC/route");
    return (queueDatas as { perm: number }[]).map(({ perm }) => perm & 2);
  };
  await page.getByRole("button", { name: "Stop writes" }).click();
  await dialog.getByText("No other broker is registered").waitFor();
  await dialog.getByRole("button", { name: "Stop writes" }).click();
  await page.getByText("Producers are sent elsewhere").waitFor();
  assertEquals(await writePerm(), [0]);
  await page.getByRole("button", { name: "Allow writes" }).click();
  await dialog.getByRole("button", { name: "Allow writes" }).click();
  await page.getByRole("button", { name: "Stop writes" }).waitFor();
  assertEquals(await writePerm(), [2]);
  assertEquals(errors, []);
});

Deno.test("definitions are exported, and imported into another cluster after a preview", async () => {
  await using comet = await startComet(await Deno.makeTempDir());
  await using other = await startComet(await Deno.makeTempDir());
  await call(comet.httpPort, "topics", { topic: "Orders", readQueueNums: 3, writeQueueNums: 3 });
  await call(comet.httpPort, "groups", { group: "billing" });
  await using from = await openPage(browser, `http://127.0.0.1:${comet.httpPort}/cluster`);
  const download = from.page.waitForEvent("download");
  await from.page.getByRole("button", { name: "Export definitions" }).click();
  const file = await (await download).path();

  await using open = await openPage(browser, `http://127.0.0.1:${other.httpPort}/cluster`);
  const { page, errors } = open;
  const dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: "Import definitions" }).click();
  await dialog.getByLabel("Document").fill("{ no");
  await dialog.getByRole("button", { name: "Preview" }).click();
  await dialog.getByText("The document is no JSON").waitFor();
  await dialog.getByLabel("File").setInputFiles(file);
  await eventually("the file is read", async () => {
    return (await dialog.getByLabel("Document").inputValue()).includes("billing");
  });
  await dialog.getByRole("button", { name: "Preview" }).click();
  await dialog.getByText("2 to create").waitFor();
  assertEquals((await call(other.httpPort, "topics?type=normal"))["total"], 0);
  await dialog.getByRole("button", { name: "Import" }).click();
  await dialog.waitFor({ state: "detached" });
  const topic = await call(other.httpPort, "topics/Orders");
  assertEquals((topic["brokers"] as { readQueueNums: number }[])[0]?.readQueueNums, 3);
  assertEquals([...from.errors, ...errors], []);
});

Deno.test("the clients page shows a producer, and a consumer with what it does, its library and its group", async () => {
  await using comet = await startComet(await Deno.makeTempDir());
  const nameServers = `127.0.0.1:${comet.namesrvPort}`;
  await call(comet.httpPort, "topics", { topic: "Orders", readQueueNums: 1, writeQueueNums: 1 });
  await call(comet.httpPort, "groups", { group: "billing" });
  await using producer = new Producer({ nameServers, clientId: "shop", group: "shops" });
  await using consumer = new PushConsumer({
    nameServers,
    clientId: "ledger",
    group: "billing",
    consumeFrom: "CONSUME_FROM_FIRST_OFFSET",
    onMessages: () => {},
  });
  await consumer.subscribe("Orders").start();
  const sending = setInterval(() => {
    producer.send({ topic: "Orders", body: "hello" }).catch(() => {});
  }, 20);
  using _stop = { [Symbol.dispose]: () => clearInterval(sending) };
  for (const width of [1280, 390]) {
    await using open = await openPage(browser, `http://127.0.0.1:${comet.httpPort}/clients`, {
      width,
    });
    const { page, errors } = open;
    const row = page.getByRole("row").filter({ hasText: "ledger" });
    await row.getByText("consumer").waitFor();
    await row.getByText("127.0.0.1:").waitFor();
    await page.getByRole("row").filter({ hasText: "shop" }).getByText("producer").waitFor();
    await eventually("what the consumer does is shown", async () => {
      return /[1-9][\d.]*\/s/.test(await row.innerText());
    });
    await page.getByRole("button", { name: "ledger" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("link", { name: "billing" }).waitFor();
    assertEquals(await accessibilityProblems(page), []);
    assertEquals(await overflow(page), 0);
    await dialog.getByRole("link", { name: "billing" }).click();
    await page.getByRole("heading", { name: "billing" }).waitFor();
    await page.goto(`http://127.0.0.1:${comet.httpPort}/clients?role=producer`);
    await page.getByRole("button", { name: "shop" }).waitFor();
    assertEquals(await page.getByRole("button", { name: "ledger" }).count(), 0);
    assertEquals(errors, []);
  }
});
