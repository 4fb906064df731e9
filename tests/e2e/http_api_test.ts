import { assertEquals, assertStringIncludes } from "@std/assert";
import { startComet } from "../helpers/comet.ts";

Deno.test("the HTTP API shows the cluster, and says in a problem document what is not there", async () => {
  const folder = await Deno.makeTempDir();
  await using comet = await startComet(folder);
  const api = `http://127.0.0.1:${comet.httpPort}/api`;
  const cluster = await (await fetch(`${api}/cluster`)).json();
  assertEquals(cluster.nameServers, [`127.0.0.1:${comet.namesrvPort}`]);
  assertEquals(cluster.brokers.map((broker: { brokerName: string }) => broker.brokerName), [
    "broker-a",
  ]);
  const missing = await fetch(`${api}/brokers/broker-z`);
  assertEquals(missing.status, 404);
  assertEquals(missing.headers.get("content-type"), "application/problem+json");
  assertStringIncludes((await missing.json()).detail, "broker-z");
  const nowhere = await fetch(`${api}/nothing`);
  assertEquals(nowhere.status, 404);
  await nowhere.body?.cancel();
  const config = await (await fetch(`${api}/brokers/broker-a/config`)).json();
  assertEquals(config.brokerName, "broker-a");
});

Deno.test("the HTTP API is closed to pages of other sites and to names that are not its own", async () => {
  const folder = await Deno.makeTempDir();
  await using comet = await startComet(folder);
  const status = async (headers: string) => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: comet.httpPort });
    const request = `POST /api/topics HTTP/1.1\r\n${headers}content-length: 0\r\n\r\n`;
    await connection.write(new TextEncoder().encode(request));
    const buffer = new Uint8Array(1024);
    const count = await connection.read(buffer) ?? 0;
    return Number(
      /^HTTP\/1\.1 (\d+)/.exec(new TextDecoder().decode(buffer.subarray(0, count)))![1],
    );
  };
  assertEquals(await status("host: evil.example\r\n"), 421);
  const host = `host: 127.0.0.1:${comet.httpPort}\r\n`;
  assertEquals(await status(`${host}origin: http://evil.example\r\n`), 403);
});
