import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startComet, TestClient } from "../helpers/comet.ts";
import { UPDATE_BROKER_CONFIG } from "../../client/protocol/commands/admin_broker.ts";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { HttpApi, startWithApi } from "../helpers/http_api.ts";
import { HTTP_CHECKS } from "../helpers/http_checks.ts";
import { seededRandom } from "../helpers/random.ts";

Deno.test("the HTTP API does with Comet all that an admin asks", async (test) => {
  await using server = await startWithApi();
  const { comet, api } = server;
  const cluster = { api, namesrv: `127.0.0.1:${comet.namesrvPort}`, random: seededRandom() };
  for (const [name, check] of Object.entries(HTTP_CHECKS)) {
    await test.step(name, () => check(cluster));
  }
});

Deno.test("settings that were changed while it ran count after a restart, under the flags", async () => {
  const folder = await Deno.makeTempDir();
  const value = async (port: number, name: string) => {
    const { settings } = await new HttpApi(port).get("/brokers/broker-a/config");
    return settings.find((one: { name: string }) => one.name === name).value;
  };
  {
    await using comet = await startComet(folder);
    const api = new HttpApi(comet.httpPort);
    await api.send("PATCH", "/brokers/broker-a/config", { fileReservedTime: 24 });
    await using client = new TestClient(comet.brokerPort);
    await client.invoke(UPDATE_BROKER_CONFIG, {}, encodeUtf8("deleteWhen=05\nmaxMessageSize=1000"));
    await comet.kill();
  }
  {
    await using comet = await startComet(folder, ["--set", "maxMessageSize=2000"]);
    const names = ["fileReservedTime", "deleteWhen", "maxMessageSize"];
    const values = await Promise.all(names.map((name) => value(comet.httpPort, name)));
    assertEquals(values, ["24", "05", "2000"]);
  }
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts", "config", "--data", folder, "--changed"],
  }).output();
  assertMatch(new TextDecoder().decode(stdout), /fileReservedTime=24 .*comet-settings\.json/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("every change over HTTP is in the log with who, from where, before and after", async () => {
  const folder = await Deno.makeTempDir();
  await using comet = await startComet(folder);
  const api = new HttpApi(comet.httpPort);
  await api.post("/topics", { topic: "Logged", readQueueNums: 1, writeQueueNums: 1 }, 201);
  await api.send("PUT", "/topics/Logged", { perm: 4 });
  await api.send("DELETE", "/topics/Logged?dryRun=true", undefined);
  await comet.stop();
  const lines = (await comet.log).split("\n").filter((line) => line.includes("over HTTP"));
  assertEquals(lines.length, 2);
  assertMatch(
    lines[1]!,
    /action=topic\.update target=Logged who=anonymous remote=127\.0\.0\.1:\d+/,
  );
  assertMatch(lines[1]!, /before=\[.*"perm":6.*after=\[.*"perm":4/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the reference of the API is a page without scripts, made of its document", async () => {
  await using server = await startWithApi();
  const { api } = server;
  const response = await fetch(`${api.base}/docs`);
  const page = await response.text();
  assertStringIncludes(response.headers.get("content-security-policy")!, "default-src 'none'");
  assertEquals(/<script|style="|https?:\/\//.test(page.replaceAll(/<pre>.*?<\/pre>/gs, "")), false);
  const { paths } = await api.get("/openapi.json");
  for (const path of Object.keys(paths)) assertStringIncludes(page, `/api${path}`);
  const style = await fetch(`${api.base}/docs.css`);
  assertEquals(style.headers.get("content-type"), "text/css");
  await style.body?.cancel();
});
