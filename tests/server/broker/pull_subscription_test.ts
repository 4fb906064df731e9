import { assert, assertEquals, assertThrows } from "@std/assert";
import { PullSysFlag } from "../../../client/protocol/commands/pull.ts";
import { createSubscriptionData } from "../../../client/protocol/heartbeat.ts";
import { RemotingError, ResponseCode } from "../../../client/protocol/response_code.ts";
import { ConsumerTable } from "../../../server/broker/client_table.ts";
import { SqlFilterCache } from "../../../server/broker/filter/sql_filter.ts";
import { pullFilterOf } from "../../../server/broker/pull_subscription.ts";
import { setupTables } from "../../helpers/broker_tables.ts";
import { pullHeader } from "../../helpers/comet.ts";
import { serveRoutes } from "../../helpers/fake_connection.ts";
import { recordWith } from "../../helpers/records.ts";

type Header = Parameters<typeof pullFilterOf>[1];

function setup() {
  const tables = setupTables();
  const { settings, log } = tables;
  const groups = tables.openGroups();
  const filters = tables.openFilters();
  const consumers = new ConsumerTable({
    channelExpiredTimeout: 120_000,
    now: () => tables.clock.millis,
    log,
    onConsumerIdsChanged: () => {},
    filters,
  });
  const deps = { config: settings, groups, consumers, filters, filterCache: new SqlFilterCache() };
  const { connection } = serveRoutes([]).connect();
  const filterOf = (fields: Partial<Header>) =>
    pullFilterOf(deps, { ...pullHeader("T"), sysFlag: 0, ...fields } as Header, groups.find("g")!);
  return {
    settings,
    filters,
    /** A member of the group "g" subscribes to T. */
    subscribe(expression: string, expressionType: string, subVersion: number) {
      consumers.register({
        consumer: {
          groupName: "g",
          consumeType: "CONSUME_PASSIVELY",
          messageModel: "CLUSTERING",
          consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
          subscriptionDataSet: [
            createSubscriptionData("T", expression, expressionType, subVersion),
          ],
          unitMode: false,
        },
        client: { clientId: "c", language: "JAVA", version: 1, connection },
        heartbeatFingerprint: 0,
        withoutSub: false,
        notifyConsumerIdsChangedEnable: true,
      });
    },
    filterOf,
    refusalOf(fields: Partial<Header>): [code: number, remark: string] {
      const { code, message } = assertThrows(() => filterOf(fields), RemotingError);
      return [code, message];
    },
    [Symbol.asyncDispose]: () => tables[Symbol.asyncDispose](),
  };
}

const carried = (subscription: string, expressionType = "SQL92") => ({
  sysFlag: PullSysFlag.SUBSCRIPTION,
  subscription,
  expressionType,
});

Deno.test("a pull that carries its expression is filtered by it", async () => {
  await using test = setup();
  const filter = test.filterOf(carried("a = 'x'"))!;
  assert(filter.matchesRecord!(recordWith("a\u0001x\u0002")));
  assert(!filter.matchesRecord!(recordWith("a\u0001y\u0002")));
  assertEquals(test.filterOf(carried("a = 'x'")), filter);
  assertEquals(test.filterOf(carried("*", "TAG")), undefined);
});

Deno.test("a pull that carries what is no filter is refused", async () => {
  await using test = setup();
  assertEquals(test.refusalOf(carried("a = ")), [
    ResponseCode.SUBSCRIPTION_PARSE_FAILED,
    "parse the consumer's subscription failed: Expected a property, a number, a text or (, " +
    "but the expression ends, at line 1, column 5",
  ]);
  assertEquals(test.refusalOf(carried("")), [
    ResponseCode.SUBSCRIPTION_PARSE_FAILED,
    "parse the consumer's subscription failed",
  ]);
  assertEquals(test.refusalOf(carried("a", "XPATH")), [
    ResponseCode.SUBSCRIPTION_PARSE_FAILED,
    "parse the consumer's subscription failed: This broker does not know the filter type XPATH",
  ]);
});

Deno.test("a pull without an expression is filtered by the group's heartbeats", async () => {
  await using test = setup();
  assertEquals(test.refusalOf({}), [
    ResponseCode.SUBSCRIPTION_NOT_EXIST,
    "the consumer's group info not exist",
  ]);
  test.subscribe("a = 'x'", "SQL92", 5);
  const filter = test.filterOf({ subVersion: 5 })!;
  assert(filter.matchesRecord!(recordWith("a\u0001x\u0002")));
  assert(!filter.matchesRecord!(recordWith("")));
  assertEquals(test.refusalOf({ subVersion: 6 }), [
    ResponseCode.SUBSCRIPTION_NOT_LATEST,
    "the consumer's subscription not latest",
  ]);
  assertEquals(test.refusalOf({ topic: "U" }), [
    ResponseCode.SUBSCRIPTION_NOT_EXIST,
    "the consumer's subscription not exist",
  ]);
});

Deno.test("a pull whose filter the heartbeats did not bring is refused with Java's codes", async () => {
  await using test = setup();
  test.subscribe("a = 'x' or", "SQL92", 5);
  assertEquals(test.refusalOf({ subVersion: 5 }), [
    ResponseCode.FILTER_DATA_NOT_EXIST,
    "The broker's consumer filter data is not exist!Your expression may be wrong!",
  ]);
  test.subscribe("a = 'x'", "SQL92", 7);
  test.filters.unregister("g");
  test.filters.register("g", [createSubscriptionData("T", "a = 'y'", "SQL92", 6)]);
  assertEquals(test.refusalOf({ subVersion: 7 }), [
    ResponseCode.FILTER_DATA_NOT_LATEST,
    "the consumer's consumer filter data not latest",
  ]);
});

Deno.test("expressions are refused where enablePropertyFilter is false, tags are not", async () => {
  await using test = setup();
  test.settings.enablePropertyFilter = false;
  const refusal: [number, string] = [
    ResponseCode.SYSTEM_ERROR,
    "The broker does not support consumer to filter message by SQL92",
  ];
  assertEquals(test.refusalOf(carried("a = 'x'")), refusal);
  assertEquals(test.refusalOf(carried("a =")), refusal);
  test.subscribe("a = 'x'", "SQL92", 5);
  assertEquals(test.refusalOf({}), refusal);
  test.subscribe("x", "TAG", 6);
  assert(test.filterOf({})!.matchesTagsCode("x".charCodeAt(0)));
});

Deno.test("with filterSupportRetry a retry topic is filtered as the messages' first topic", async () => {
  await using test = setup();
  test.subscribe("a = 'x'", "SQL92", 5);
  const pull = { topic: "%RETRY%g", ...carried("b = 'y'") };
  const passes = (properties: string) =>
    test.filterOf(pull)!.matchesRecord!(recordWith(`${properties}RETRY_TOPIC\u0001T\u0002`));
  assertEquals([passes("a\u0001x\u0002"), passes("b\u0001y\u0002")], [false, true]);
  test.settings.filterSupportRetry = true;
  assertEquals([passes("a\u0001x\u0002"), passes("b\u0001y\u0002")], [true, false]);
  assertEquals(test.filterOf({ ...pull, topic: "T" })!.matchesRecord!(recordWith("")), false);
});
