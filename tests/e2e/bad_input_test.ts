import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { GET_MIN_OFFSET } from "../../client/protocol/commands/query.ts";
import { command } from "../../client/protocol/header_schema.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { startComet, TestClient } from "../helpers/comet.ts";

const GARBAGE: Record<string, Uint8Array> = {
  "a length of 0": Uint8Array.of(0, 0, 0, 0),
  "a negative length": Uint8Array.of(255, 255, 255, 255),
  "a length of 16 MiB + 1": Uint8Array.of(1, 0, 0, 1),
  "a length of 0x7fffffff": Uint8Array.of(127, 255, 255, 255),
  "a header longer than its frame": Uint8Array.of(0, 0, 0, 8, 0, 0, 0, 99, 1, 2, 3, 4),
  "an unknown serialization": Uint8Array.of(0, 0, 0, 8, 9, 0, 0, 4, 1, 2, 3, 4),
  "HTTP": encodeUtf8("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  "TLS": Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3),
};

Deno.test("bad input closes its own connection and nobody else's", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  const serves = async () => {
    const response = await client.invoke(GET_MIN_OFFSET, { topic: "T", queueId: 0 });
    assertEquals(response.code, ResponseCode.SUCCESS);
  };
  await serves();
  for (const port of [comet.brokerPort, comet.namesrvPort]) {
    for (const [what, bytes] of Object.entries(GARBAGE)) {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(bytes);
      const count = await connection.read(new Uint8Array(100)).catch(() => null);
      assertEquals(count, null, `${what} must end the connection`);
      await serves();
    }
  }
  const idle = await Promise.all(
    Array.from(
      { length: 500 },
      () => Deno.connect({ hostname: "127.0.0.1", port: comet.brokerPort }),
    ),
  );
  // A frame that promises much and stays open.
  await idle[0]!.write(Uint8Array.of(0, 255, 0, 0, 0, 0, 0, 4));
  await serves();
  for (const connection of idle) connection.close();
  await serves();
  assertEquals(await comet.stop(), 0);
  const closed = (await comet.log).split("\n").filter((line) => line.includes("no RocketMQ frame"));
  assertEquals(closed.length, 2 * Object.keys(GARBAGE).length, "one line for each");
});

Deno.test("an unserved code is answered REQUEST_CODE_NOT_SUPPORTED, a missing field with its name", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  const unserved = command({ name: "X", code: 1006, access: "ANY", request: {} });
  const response = await client.invoke(unserved, {});
  assertEquals(response.code, ResponseCode.REQUEST_CODE_NOT_SUPPORTED);
  assertStringIncludes(
    response.remark ?? "",
    "CONTROLLER_GET_SYNC_STATE_DATA is not served, there is no controller",
  );
  const bare = command({ name: "X", code: GET_MIN_OFFSET.code, access: "GET", request: {} });
  const refused = await client.invoke(bare, {});
  assertEquals(refused.code, ResponseCode.SYSTEM_ERROR);
  assertStringIncludes(refused.remark ?? "", "<topic> is null");
});

Deno.test("a start that cannot succeed says why in one line and exits with 2", async () => {
  const run = async (...args: string[]) => {
    const output = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "main.ts", ...args],
    }).output();
    const lines = new TextDecoder().decode(output.stderr).trim().split("\n");
    return { code: output.code, lines };
  };
  const folder = Deno.makeTempDirSync();
  const conf = (name: string, text: string) => {
    Deno.writeTextFileSync(`${folder}/${name}`, text);
    return run("serve", "-c", `${folder}/${name}`);
  };
  await using comet = await startComet(Deno.makeTempDirSync());
  const busy = await run("namesrv", "--namesrv-port", String(comet.namesrvPort));
  const wrong = await run("serve", "--prot", "1");
  const unknown = await conf("unknown.conf", "brokrName=a\n");
  const illTyped = await conf("ill.conf", "listenPort=many\n");
  Deno.writeTextFileSync(`${folder}/file`, "");
  const unwritable = await run("serve", "--data", `${folder}/file/data`, "--namesrv-port", "0");
  for (const { code, lines } of [busy, wrong, unknown, illTyped, unwritable]) {
    assertEquals(code, 2);
    assertEquals(lines.length, 1, lines.join("\n"));
    assert(lines[0]!.startsWith("comet: "));
  }
  assertStringIncludes(busy.lines[0]!, `port ${comet.namesrvPort}`);
  assertStringIncludes(unknown.lines[0]!, 'unknown.conf:1: unknown setting "brokrName"');
  assertStringIncludes(illTyped.lines[0]!, 'ill.conf:1: listenPort is "many"');
});

Deno.test("a broker.conf of Apache's is taken as it is, with a warning for what has no effect", async () => {
  const folder = Deno.makeTempDirSync();
  const conf = "brokerName = broker-x\nsendMessageThreadPoolNums=64\nflushDiskType=ASYNC_FLUSH\n";
  Deno.writeTextFileSync(`${folder}/broker.conf`, conf);
  await using comet = await startComet(`${folder}/data`, ["-c", `${folder}/broker.conf`]);
  assertStringIncludes(comet.banner, "broker-x");
  assertStringIncludes(comet.banner, "ASYNC_FLUSH");
  await comet.stop();
  assertStringIncludes(await comet.log, "sendMessageThreadPoolNums");
});
