import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { startComet, TestClient } from "../helpers/comet.ts";

const SENDS = 20;

Deno.test("after a failed fsync pending sends are refused, the process ends with 1, and a restart goes on", async () => {
  const folder = `${Deno.makeTempDirSync()}/data`;
  {
    await using comet = await startComet(folder, [], "serve", "tests/helpers/failing_disk.ts");
    await using client = new TestClient(comet.brokerPort);
    const sent = await client.send("T", encodeUtf8("safe"));
    assertEquals(sent.code, ResponseCode.SUCCESS);
    Deno.writeTextFileSync(`${folder}.fail`, "");
    const pending = Array.from({ length: SENDS }, (_, n) => client.send("T", encodeUtf8(`${n}`)));
    for (const response of await Promise.all(pending)) {
      assertEquals(response.code, ResponseCode.SERVICE_NOT_AVAILABLE);
      assertStringIncludes(response.remark!, "Input/output error");
    }
    assertEquals(await comet.ended, 1);
    const log = await comet.log;
    assertEquals(log.match(/the disk failed; nothing more is written or acknowledged/g)?.length, 1);
    assertStringIncludes(log, "Input/output error");
  }
  await using comet = await startComet(folder);
  await using client = new TestClient(comet.brokerPort);
  const response = await client.send("T", encodeUtf8("after"));
  assertEquals(response.code, ResponseCode.SUCCESS);
  const messages = decodeMessages((await client.pull("T", { queueOffset: 0 })).body);
  const bodies = messages.map(({ body }) => decodeUtf8(body, 0, body.length));
  assertEquals([bodies[0], bodies.at(-1)], ["safe", "after"]);
  // Those in between were refused, and yet may have reached the file.
  assert(bodies.length <= SENDS + 2);
  assertEquals(await comet.stop(), 0);
});
