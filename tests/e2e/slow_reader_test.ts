import { residentMegabytes } from "../helpers/memory.ts";
import { assert, assertEquals } from "@std/assert";
import { ByteWriter } from "../../client/protocol/bytes.ts";
import { PULL_MESSAGE } from "../../client/protocol/commands/pull.ts";
import { GET_MAX_OFFSET } from "../../client/protocol/commands/query.ts";
import { createRequest, encodeFrame } from "../../client/protocol/frame.ts";
import { encodeHeader } from "../../client/protocol/header_schema.ts";
import { pullHeader, startComet, TestClient } from "../helpers/comet.ts";

const MESSAGES = 32;
const BODY = new Uint8Array(64 * 1024);
/** Each is answered with 256 KiB: together 500 MB that nobody takes. */
const PULLS = 2_000;
const RSS_MB_MAX = 250;

Deno.test({
  name: "a reader that never drains its pulls costs little memory and holds up nobody",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using comet = await startComet(Deno.makeTempDirSync());
    await using client = new TestClient(comet.brokerPort);
    for (let n = 0; n < MESSAGES; n++) {
      const response = await client.send("Slow", BODY);
      assertEquals(response.code, 0);
    }
    const reader = await Deno.connect({ hostname: "127.0.0.1", port: comet.brokerPort });
    const pulls = new ByteWriter();
    for (let n = 0; n < PULLS; n++) {
      const pull = { ...pullHeader("Slow"), queueOffset: n % MESSAGES };
      const header = encodeHeader(PULL_MESSAGE.request, pull);
      encodeFrame(pulls, createRequest(PULL_MESSAGE.code, header));
    }
    // The broker stops reading from it, so this may never come to its end.
    const writing = reader.write(pulls.written()).catch(() => 0);
    for (let n = 0; n < 200; n++) {
      const started = performance.now();
      const response = await client.invoke(GET_MAX_OFFSET, { topic: "Slow", queueId: 0 });
      assertEquals(response.extFields.get("offset"), String(MESSAGES));
      assert(performance.now() - started < 1_000, "somebody else had to wait");
    }
    assert(residentMegabytes(comet) < RSS_MB_MAX, `${residentMegabytes(comet)} MB`);
    reader.close();
    await writing;
  },
});
