import { assertEquals, assertThrows } from "@std/assert";
import { createSubscriptionGroupConfig } from "../../../client/protocol/subscription_group_config.ts";
import { setupTables } from "../../helpers/broker_tables.ts";

Deno.test("find() creates a group with Apache's defaults when that is allowed", async () => {
  await using tables = setupTables();
  const groups = tables.openGroups();
  const { retryQueueNums, retryMaxTimes, consumeEnable } = groups.find("G")!;
  assertEquals({ retryQueueNums, retryMaxTimes, consumeEnable }, {
    retryQueueNums: 1,
    retryMaxTimes: 16,
    consumeEnable: true,
  });
  assertEquals(groups.dataVersion.counter, 1);
  assertEquals(groups.find("not a name"), undefined);
  tables.settings.autoCreateSubscriptionGroup = false;
  assertEquals(groups.find("H"), undefined);
  assertEquals(groups.find("CID_RMQ_SYS_X")?.groupName, "CID_RMQ_SYS_X");
  assertEquals(groups.has("G"), true);
  assertEquals(groups.has("TOOLS_CONSUMER"), true);
  assertEquals(groups.has("H"), false);
});

Deno.test("GroupTable keeps its groups over a restart", async () => {
  await using tables = setupTables();
  const groups = tables.openGroups();
  groups.update(createSubscriptionGroupConfig("G", { retryMaxTimes: 3, consumeEnable: false }));
  groups.find("H");
  groups.delete("H");
  await groups.flush();
  const again = tables.openGroups();
  assertEquals(again.groups, groups.groups);
  assertEquals(again.dataVersion, groups.dataVersion);
  assertEquals(again.dataVersion.counter, 3);
});

Deno.test("update() refuses attributes, of which groups have none", async () => {
  await using tables = setupTables();
  const config = createSubscriptionGroupConfig("G", { attributes: { "+a": "b" } });
  assertThrows(() => tables.openGroups().update(config), RangeError, "unsupported key: a");
});

Deno.test("GroupTable keeps fields that it does not know, also of a group that changes", async () => {
  await using tables = setupTables();
  const row = { ...createSubscriptionGroupConfig("G"), ofALaterVersion: { a: [1] } };
  const file = { subscriptionGroupTable: { G: { ...row, subscriptionDataSet: [{ topic: "T" }] } } };
  tables.write("subscriptionGroup.json", JSON.stringify(file));
  const groups = tables.openGroups();
  groups.update(createSubscriptionGroupConfig("G", { retryMaxTimes: 3 }));
  await groups.flush();
  const { subscriptionGroupTable } = tables.read("subscriptionGroup.json");
  assertEquals(subscriptionGroupTable["G"], { ...row, retryMaxTimes: 3 });
});

Deno.test("GroupTable loads and keeps all that Apache's file has", async () => {
  await using tables = setupTables();
  const group = {
    attributes: {},
    brokerId: 0,
    consumeBroadcastEnable: false,
    consumeEnable: true,
    consumeFromMinEnable: false,
    consumeMessageOrderly: false,
    consumeTimeoutMinute: 15,
    groupName: "G",
    groupRetryPolicy: { customizedRetryPolicy: { next: [1000] }, type: "CUSTOMIZED" },
    groupSysFlag: 0,
    notifyConsumerIdsChangedEnable: true,
    retryMaxTimes: 16,
    retryQueueNums: 1,
    whichBrokerWhenConsumeSlowly: 1,
  };
  const file = {
    dataVersion: { counter: 2, stateVersion: 0, timestamp: 5 },
    forbiddenTable: { G: { T: 1 } },
    subscriptionGroupTable: { G: group },
  };
  tables.write("subscriptionGroup.json", JSON.stringify(file));
  const groups = tables.openGroups();
  const json = groups.toJson();
  assertEquals(json["dataVersion"], file.dataVersion);
  assertEquals(json["forbiddenTable"], file.forbiddenTable);
  assertEquals((json["subscriptionGroupTable"] as Record<string, unknown>)["G"], group);
  assertEquals(groups.forbiddenOf("G", "T"), 1);
  assertEquals(groups.forbiddenOf("G", "U"), 0);
});
