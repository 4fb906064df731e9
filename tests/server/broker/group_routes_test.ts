import { assertEquals } from "@std/assert";
import { RequestCode } from "../../../client/protocol/request_code.ts";
import { ResponseCode } from "../../../client/protocol/response_code.ts";
import { groupRoutes } from "../../../server/broker/group_routes.ts";
import { setupTables } from "../../helpers/broker_tables.ts";
import { serveRoutes } from "../../helpers/fake_connection.ts";

function setup() {
  const tables = setupTables();
  const groups = tables.openGroups();
  const { ask } = serveRoutes(groupRoutes({ groups })).connect();
  return {
    tables,
    groups,
    ask,
    update: (body: unknown) => ask(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, body),
    [Symbol.asyncDispose]: () => tables[Symbol.asyncDispose](),
  };
}

Deno.test("UPDATE_AND_CREATE_SUBSCRIPTIONGROUP answers when the group is on disk", async () => {
  await using broker = setup();
  assertEquals((await broker.update({ groupName: "G", retryMaxTimes: 2 })).code, 0);
  const { G } = broker.tables.read("subscriptionGroup.json").subscriptionGroupTable;
  assertEquals([G.retryMaxTimes, G.retryQueueNums], [2, 1]);
});

Deno.test("UPDATE_AND_CREATE_SUBSCRIPTIONGROUP refuses names that are none", async () => {
  await using broker = setup();
  assertEquals((await broker.update({ groupName: "a b" })).code, ResponseCode.INVALID_PARAMETER);
  assertEquals((await broker.update({})).code, ResponseCode.SYSTEM_ERROR);
  assertEquals(broker.groups.dataVersion.counter, 0);
});

Deno.test("GET_ALL_SUBSCRIPTIONGROUP_CONFIG answers all groups with their version", async () => {
  await using broker = setup();
  const { json } = await broker.ask(RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG);
  const body = json as Record<string, Record<string, unknown>>;
  assertEquals(Object.keys(body["subscriptionGroupTable"]!).length, 8);
  assertEquals(body["forbiddenTable"], {});
});

Deno.test("GET_SUBSCRIPTIONGROUP_CONFIG answers one group, created if it may be", async () => {
  await using broker = setup();
  const ask = (group: string) => broker.ask(RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG, { group });
  assertEquals(((await ask("G")).json as Record<string, unknown>)["groupName"], "G");
  broker.tables.settings.autoCreateSubscriptionGroup = false;
  const { code, remark } = await ask("H");
  assertEquals([code, remark], [
    ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
    "No group in this broker",
  ]);
});
