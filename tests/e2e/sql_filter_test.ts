import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { HEART_BEAT } from "../../client/protocol/commands/client.ts";
import { PullSysFlag } from "../../client/protocol/commands/pull.ts";
import type { RemotingCommand } from "../../client/protocol/frame.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { startComet, TestClient } from "../helpers/comet.ts";

const EXPRESSION = "kind = 'x' AND price BETWEEN 10 AND 20";
const VERSION = 5;
/** Of a pull by the subscription in the heartbeat, which waits for as long as a test may take. */
const HELD = { sysFlag: PullSysFlag.SUSPEND, suspendTimeoutMillis: 60_000, subVersion: VERSION };

function subscribe(client: TestClient): Promise<RemotingCommand> {
  const subscription = {
    topic: "T",
    subString: EXPRESSION,
    expressionType: "SQL92",
    subVersion: VERSION,
  };
  const consumer = { groupName: "g", subscriptionDataSet: [subscription] };
  const heartbeat = { clientID: "c", consumerDataSet: [consumer] };
  return client.invoke(HEART_BEAT, {}, encodeUtf8(JSON.stringify(heartbeat)));
}

function send(client: TestClient, kind: string, price: number): Promise<RemotingCommand> {
  const properties = `kind\u0001${kind}\u0002price\u0001${price}\u0002`;
  return client.send("T", new Uint8Array(10), { properties });
}

/** The answer's code, where the next pull goes on, and the queueOffsets of the messages in it. */
function summary({ code, extFields, body }: RemotingCommand) {
  const offsets = decodeMessages(body).map(({ queueOffset }) => queueOffset);
  return [code, Number(extFields.get("nextBeginOffset")), offsets];
}

Deno.test("SQL92 from the heartbeat to the pull", async (t) => {
  const folder = Deno.makeTempDirSync();
  await using comet = await startComet(folder);
  await using client = new TestClient(comet.brokerPort);
  await send(client, "x", 10);
  await send(client, "y", 10);
  await send(client, "x", 21);
  await send(client, "x", 20);
  await subscribe(client);

  await t.step("a pull gives what matches, and none of the rest", async () => {
    const all = await client.pull("T", { ...HELD, queueOffset: 0 });
    assertEquals(summary(all), [ResponseCode.SUCCESS, 4, [0, 3]]);
    const some = await client.pull("T", { ...HELD, queueOffset: 0, maxMsgNums: 1 });
    assertEquals(summary(some), [ResponseCode.SUCCESS, 1, [0]]);
    const rest = await client.pull("T", { ...HELD, queueOffset: 1, maxMsgBytes: 1 });
    assertEquals(summary(rest), [ResponseCode.SUCCESS, 4, [3]]);
  });

  await t.step("messages that do not match do not wake a pull, one that matches does", async () => {
    const held = client.pull("T", { ...HELD, queueOffset: 4 });
    await send(client, "y", 10);
    await send(client, "x", 9);
    await send(client, "x", 15);
    assertEquals(summary(await held), [ResponseCode.SUCCESS, 7, [6]]);
  });

  await t.step("a pull that finds nothing among what is there says so at once", async () => {
    await send(client, "y", 10);
    const nothing = await client.pull("T", { ...HELD, queueOffset: 7 });
    assertEquals(summary(nothing), [ResponseCode.PULL_RETRY_IMMEDIATELY, 8, []]);
  });

  await client[Symbol.asyncDispose]();
  await comet.stop();

  await t.step("the filter is in consumerFilter.json, dead since its client went", () => {
    const file = JSON.parse(Deno.readTextFileSync(`${folder}/config/consumerFilter.json`));
    const { expression, dead } = file.filterDataByTopic.T.groupFilterData.g;
    assertEquals([expression, dead], [EXPRESSION, true]);
  });
  Deno.removeSync(folder, { recursive: true });
});
