import { assertEquals, assertStringIncludes } from "@std/assert";
import { decodeUtf8 } from "../../client/protocol/bytes.ts";
import { GET_ROUTEINFO_BY_TOPIC } from "../../client/protocol/commands/namesrv.ts";
import type { TopicRouteData } from "../../client/protocol/route_data.ts";
import { startComet, TestClient } from "../helpers/comet.ts";

async function brokerAddrOf(namesrvPort: number, topic: string): Promise<string | undefined> {
  await using client = new TestClient(namesrvPort);
  const { code, body } = await client.invoke(GET_ROUTEINFO_BY_TOPIC, { topic });
  if (code !== 0) return undefined;
  const route: TopicRouteData = JSON.parse(decodeUtf8(body, 0, body.length));
  return route.brokerDatas[0]?.brokerAddrs["0"];
}

Deno.test("a client that came over loopback is told 127.0.0.1; --host tells everybody something else", async () => {
  {
    await using comet = await startComet(Deno.makeTempDirSync());
    const told = await brokerAddrOf(comet.namesrvPort, "TBW102");
    assertEquals(told, `127.0.0.1:${comet.brokerPort}`);
  }
  for (const [host, port] of [["mq.example.com", undefined], ["10.9.8.7:5555", 5555]] as const) {
    await using comet = await startComet(Deno.makeTempDirSync(), ["--host", host]);
    const told = await brokerAddrOf(comet.namesrvPort, "TBW102");
    assertEquals(told, port === undefined ? `${host}:${comet.brokerPort}` : host);
  }
});

Deno.test("namesrv and broker run apart, and a broker registers at several name servers", async () => {
  await using first = await startComet(Deno.makeTempDirSync(), [], "namesrv");
  await using second = await startComet(Deno.makeTempDirSync(), [], "namesrv");
  const namesrvAddr = [first, second].map(({ namesrvPort }) => `127.0.0.1:${namesrvPort}`).join(
    ";",
  );
  const folder = Deno.makeTempDirSync();
  const flags = ["-n", namesrvAddr, "--host", "127.0.0.1", "--set", "brokerName=broker-b"];
  await using broker = await startComet(folder, flags, "broker");
  for (const { namesrvPort } of [first, second]) {
    for (const topic of ["DefaultCluster", "broker-b"]) {
      assertEquals(await brokerAddrOf(namesrvPort, topic), `127.0.0.1:${broker.brokerPort}`);
    }
  }
  assertEquals(await broker.stop(), 0);
  assertEquals(await brokerAddrOf(first.namesrvPort, "broker-b"), undefined);
});

Deno.test("a broker alone says that the address it tells is a guess", async () => {
  await using namesrv = await startComet(Deno.makeTempDirSync(), [], "namesrv");
  const namesrvAddr = `127.0.0.1:${namesrv.namesrvPort}`;
  await using broker = await startComet(Deno.makeTempDirSync(), ["-n", namesrvAddr], "broker");
  assertStringIncludes(broker.banner, "a guess; --host says another");
});
