import { assertEquals, assertStringIncludes } from "@std/assert";
import { RequestCode } from "../../../client/protocol/request_code.ts";
import { ResponseCode } from "../../../client/protocol/response_code.ts";
import { clientRoutes, consumerIdsNotifier } from "../../../server/broker/client_routes.ts";
import { ConsumerTable, ProducerTable } from "../../../server/broker/client_table.ts";
import { SqlFilterCache } from "../../../server/broker/filter/sql_filter.ts";
import { setupTables } from "../../helpers/broker_tables.ts";
import { serveRoutes } from "../../helpers/fake_connection.ts";

interface Fields {
  [name: string]: unknown;
}

function setup() {
  const tables = setupTables();
  const now = () => tables.clock.millis;
  const common = { channelExpiredTimeout: 120_000, now, log: tables.log };
  const onConsumerIdsChanged = consumerIdsNotifier(tables.settings);
  const filters = tables.openFilters();
  const consumers = new ConsumerTable({ ...common, onConsumerIdsChanged, filters });
  const producers = new ProducerTable(common);
  const topics = tables.openTopics();
  const groups = tables.openGroups();
  const queueLocks = tables.openQueueLocks();
  const deps = { consumers, producers, topics, groups, queueLocks, settings: tables.settings };
  const routes = clientRoutes({ ...deps, filterCache: new SqlFilterCache(), log: tables.log });
  const server = serveRoutes(routes, (connection) => {
    consumers.forget(connection);
    producers.forget(connection);
  });
  return {
    ...deps,
    filters,
    clock: tables.clock,
    connect(clientID: string) {
      const client = server.connect();
      const subscriptionDataSet = [{ topic: "T", subString: "*", subVersion: 1 }];
      const consumer = {
        groupName: "G",
        consumeType: "CONSUME_PASSIVELY",
        messageModel: "CLUSTERING",
        consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
        subscriptionDataSet,
        unitMode: false,
      };
      return {
        ...client,
        beat: (consumerFields: Fields = {}, fields: Fields = {}) =>
          client.ask(RequestCode.HEART_BEAT, {}, {
            clientID,
            producerDataSet: [{ groupName: "P" }],
            consumerDataSet: [{ ...consumer, ...consumerFields }],
            ...fields,
          }),
        /** Groups that the broker said have changed. */
        notified: async () => {
          await client.ask(RequestCode.UNREGISTER_CLIENT, { clientID: "" });
          const codes = client.received.splice(0);
          return codes.map(({ code, extFields }) => `${code} ${extFields.get("consumerGroup")}`);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await tables[Symbol.asyncDispose]();
    },
  };
}

Deno.test("HEART_BEAT makes the client a member, its group and its retry topic", async () => {
  await using broker = setup();
  const client = broker.connect("c1");
  assertEquals(await client.beat({ unitMode: true }), {
    code: ResponseCode.SUCCESS,
    remark: undefined,
    fields: { IS_SUPPORT_HEART_BEAT_V2: "true", IS_SUB_CHANGE: "true" },
    json: undefined,
  });
  assertEquals(broker.groups.has("G"), true);
  const retry = broker.topics.get("%RETRY%G")!;
  assertEquals([retry.writeQueueNums, retry.perm, retry.topicSysFlag], [1, 6, 2]);
  assertEquals(broker.consumers.findSubscription("G", "T")?.subString, "*");
  assertEquals(broker.consumers.groupsOf("T"), ["G"]);
  assertEquals(broker.producers.pick("P"), client.connection);
  const answer = await client.ask(RequestCode.GET_CONSUMER_LIST_BY_GROUP, { consumerGroup: "G" });
  assertEquals(answer.json, { consumerIdList: ["c1"] });
});

Deno.test("HEART_BEAT ignores consumers of groups that may not be created", async () => {
  await using broker = setup();
  broker.settings.autoCreateSubscriptionGroup = false;
  assertEquals((await broker.connect("c1").beat()).code, ResponseCode.SUCCESS);
  assertEquals(broker.consumers.groups.size, 0);
  assertEquals(broker.topics.get("%RETRY%G"), undefined);
});

Deno.test("HEART_BEAT with a body that is none is refused", async () => {
  await using broker = setup();
  const client = broker.connect("c1");
  for (const body of ["", "{", "null", "{}", '{"clientID":"c","consumerDataSet":[{}]}']) {
    const answer = await client.ask(RequestCode.HEART_BEAT, {}, body);
    assertEquals(answer.code, ResponseCode.SYSTEM_ERROR);
    assertStringIncludes(answer.remark!, "Cannot read the body");
  }
});

Deno.test("members are told at once when one comes, goes, closes or goes silent", async () => {
  await using broker = setup();
  const [first, second, third] = ["c1", "c2", "c3"].map(broker.connect);
  await first!.beat();
  assertEquals(await first!.notified(), ["40 G"]);
  await second!.beat();
  assertEquals(await first!.notified(), ["40 G"]);
  assertEquals(await second!.notified(), ["40 G"]);
  await second!.beat();
  assertEquals(await first!.notified(), []);
  await second!.ask(RequestCode.UNREGISTER_CLIENT, {
    clientID: "c2",
    consumerGroup: "G",
    producerGroup: "P",
  });
  assertEquals(await first!.notified(), ["40 G"]);
  assertEquals(await second!.notified(), []);
  await second!.beat();
  await third!.beat();
  await first!.notified();
  third!.close();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(await first!.notified(), ["40 G"]);
  broker.clock.millis += 100_000;
  await first!.beat();
  broker.clock.millis += 20_001;
  broker.consumers.expire();
  broker.producers.expire();
  assertEquals(second!.connection.closed, true);
  assertEquals(await first!.notified(), ["40 G"]);
  assertEquals([...broker.producers.groups.get("P")!.values()].map((c) => c.clientId), ["c1"]);
});

Deno.test("members are told when the group's topics change, and not of newer subscriptions alone", async () => {
  await using broker = setup();
  const client = broker.connect("c1");
  await client.beat();
  await client.notified();
  const newer = { topic: "T", subString: "a", subVersion: 2 };
  await client.beat({ subscriptionDataSet: [newer] });
  assertEquals(await client.notified(), []);
  assertEquals(broker.consumers.findSubscription("G", "T")?.subString, "a");
  await client.beat({ subscriptionDataSet: [{ topic: "T", subString: "old", subVersion: 1 }] });
  assertEquals(broker.consumers.findSubscription("G", "T")?.subString, "a");
  await client.beat({ subscriptionDataSet: [{ topic: "U", subString: "*", subVersion: 3 }] });
  assertEquals(await client.notified(), ["40 G"]);
  assertEquals(broker.consumers.findSubscription("G", "T"), undefined);
});

Deno.test("nobody is told in a broadcasting group, nor when the setting or the group says so", async () => {
  await using broker = setup();
  const client = broker.connect("c1");
  await client.beat({ messageModel: "BROADCASTING" });
  assertEquals(await client.notified(), []);
  broker.settings.notifyConsumerIdsChangedEnable = false;
  await broker.connect("c2").beat();
  assertEquals(await client.notified(), []);
  broker.settings.notifyConsumerIdsChangedEnable = true;
  broker.groups.update({ ...broker.groups.find("G")!, notifyConsumerIdsChangedEnable: false });
  await broker.connect("c3").beat();
  assertEquals(await client.notified(), []);
});

Deno.test("HEART_BEAT of the second kind may leave out what the broker knows", async () => {
  await using broker = setup();
  const client = broker.connect("c1");
  const isSubChange = async (fingerprint: number, withoutSub: boolean) => {
    const answer = await client.beat(
      withoutSub ? { subscriptionDataSet: [] } : {},
      { heartbeatFingerprint: fingerprint, withoutSub },
    );
    return answer.fields["IS_SUB_CHANGE"];
  };
  assertEquals(await isSubChange(5, true), "true");
  assertEquals(await isSubChange(5, false), "false");
  assertEquals(await isSubChange(5, true), "false");
  assertEquals(broker.consumers.findSubscription("G", "T")?.subString, "*");
  assertEquals(await isSubChange(6, false), "true");
});

Deno.test("a heartbeat without subscriptions leaves the order of the retry topic alone", async () => {
  await using broker = setup();
  const { attributes: _, ...topic } = broker.topics.createTopicInSendMessageBack({
    topic: "T",
    queueNums: 1,
  });
  broker.topics.update({ ...topic, order: true }, new Map());
  const client = broker.connect("c1");
  await client.beat({}, { heartbeatFingerprint: 5 });
  await client.beat({ subscriptionDataSet: [] }, { heartbeatFingerprint: 5, withoutSub: true });
  assertEquals(broker.topics.get("%RETRY%G")?.order, true);
});

Deno.test("a client that comes back before its old connection is dead counts once", async () => {
  await using broker = setup();
  const [old, next] = [broker.connect("c1"), broker.connect("c1")];
  await old.beat();
  await next.beat();
  const answer = await next.ask(RequestCode.GET_CONSUMER_LIST_BY_GROUP, { consumerGroup: "G" });
  assertEquals(answer.json, { consumerIdList: ["c1"] });
});

Deno.test("GET_CONSUMER_LIST_BY_GROUP of a group without members has Java's answer", async () => {
  await using broker = setup();
  const answer = await broker.connect("c1").ask(RequestCode.GET_CONSUMER_LIST_BY_GROUP, {
    consumerGroup: "G",
  });
  assertEquals(answer.code, ResponseCode.SYSTEM_ERROR);
  assertEquals(answer.remark, "no consumer for this group, G");
});

Deno.test("CHECK_CLIENT_CONFIG tells what cannot be a filter, and where it goes wrong", async () => {
  await using broker = setup();
  const client = broker.connect("c1");
  const check = async (expressionType?: string, subString = "a > 1") => {
    const subscriptionData = { topic: "T", subString, expressionType };
    const body = { clientId: "c1", group: "G", subscriptionData };
    const { code, remark } = await client.ask(RequestCode.CHECK_CLIENT_CONFIG, {}, body);
    return { code, remark };
  };
  assertEquals((await check()).code, ResponseCode.SUCCESS);
  assertEquals((await check("TAG")).code, ResponseCode.SUCCESS);
  assertEquals((await check("SQL92")).code, ResponseCode.SUCCESS);
  assertEquals(await check("SQL92", "a >"), {
    code: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
    remark:
      "Expected a property, a number, a text or (, but the expression ends, at line 1, column 4",
  });
  assertEquals(await check("XPATH"), {
    code: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
    remark: "This broker does not know the filter type XPATH",
  });
  broker.settings.enablePropertyFilter = false;
  assertEquals(await check("SQL92"), {
    code: ResponseCode.SYSTEM_ERROR,
    remark: "The broker does not support consumer to filter message by SQL92",
  });
});

Deno.test("HEART_BEAT registers filters, which die with their subscription and with the group", async () => {
  await using broker = setup();
  const client = broker.connect("c1");
  const sql = { topic: "T", subString: "a > 1", expressionType: "SQL92", subVersion: 5 };
  const tags = { topic: "U", subString: "x", expressionType: "TAG", subVersion: 5 };
  await client.beat({ subscriptionDataSet: [sql, tags] });
  assertEquals(broker.filters.get("T", "G")?.deadTime, 0);
  assertEquals(broker.filters.get("U", "G"), undefined);
  await client.beat({ subscriptionDataSet: [tags] });
  assertEquals(broker.filters.get("T", "G")?.deadTime, broker.clock.millis);
  await client.beat({ subscriptionDataSet: [sql] });
  assertEquals(broker.filters.get("T", "G")?.deadTime, 0);
  await client.ask(RequestCode.UNREGISTER_CLIENT, { clientID: "c1", consumerGroup: "G" });
  assertEquals(broker.filters.get("T", "G")?.deadTime, broker.clock.millis);
});

Deno.test("LOCK_BATCH_MQ and UNLOCK_BATCH_MQ hand queues from client to client", async () => {
  await using broker = setup();
  const client = broker.connect("c1");
  const mqSet = [{ topic: "T", brokerName: "a", queueId: 0 }];
  const ask = async (code: number, clientId: string) =>
    (await client.ask(code, {}, { consumerGroup: "G", clientId, mqSet })).json;
  assertEquals(await ask(RequestCode.LOCK_BATCH_MQ, "c1"), { lockOKMQSet: mqSet });
  assertEquals(await ask(RequestCode.LOCK_BATCH_MQ, "c2"), { lockOKMQSet: [] });
  await ask(RequestCode.UNLOCK_BATCH_MQ, "c1");
  assertEquals(await ask(RequestCode.LOCK_BATCH_MQ, "c2"), { lockOKMQSet: mqSet });
});

Deno.test("ProducerTable.pick() takes each member in turn", async () => {
  await using broker = setup();
  const clients = ["c1", "c2"].map(broker.connect);
  for (const client of clients) await client.beat();
  const picked = new Set([broker.producers.pick("P"), broker.producers.pick("P")]);
  assertEquals(picked, new Set(clients.map(({ connection }) => connection)));
  assertEquals(broker.producers.pick("Q"), undefined);
});
