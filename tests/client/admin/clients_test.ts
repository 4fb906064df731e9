import { assertEquals } from "@std/assert";
import { type RunningInfo, subscriptionMismatches } from "../../../client/admin/clients.ts";
import { versionText } from "../../../client/protocol/mq_version.ts";

function info(clientId: string, subscriptions: Record<string, string>): RunningInfo {
  const rows = Object.entries(subscriptions).map(([topic, subString]) => ({
    topic,
    subString,
    expressionType: "TAG",
    subVersion: 0,
  }));
  const nothing = { properties: {}, queues: [], popQueues: [], status: {}, jstack: undefined };
  return { clientId, subscriptions: rows, ...nothing };
}

Deno.test("subscriptionMismatches() names the topics of which members want different things", () => {
  const same = [info("a", { T: "*", U: "x" }), info("b", { T: "*", U: "x" })];
  assertEquals(subscriptionMismatches(same), []);
  const different = [...same, info("c", { T: "TagA" })];
  assertEquals(subscriptionMismatches(different), [
    {
      topic: "T",
      variants: [
        { subString: "*", expressionType: "TAG", clientIds: ["a", "b"] },
        { subString: "TagA", expressionType: "TAG", clientIds: ["c"] },
      ],
    },
    {
      topic: "U",
      variants: [
        { subString: "x", expressionType: "TAG", clientIds: ["a", "b"] },
        { subString: undefined, expressionType: undefined, clientIds: ["c"] },
      ],
    },
  ]);
});

Deno.test("versionText() gives versions the names that Java gives them", () => {
  const names = [[212, "V4_0_0_SNAPSHOT"], [411, "V4_9_9"], [413, "V5_0_0"], [479, "V5_3_3"]];
  for (const [version, name] of names) assertEquals(versionText(Number(version)), name);
  assertEquals([versionText(0), versionText(10_000)], ["V3", "HIGHER_VERSION"]);
});
