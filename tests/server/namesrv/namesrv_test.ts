import { assert, assertEquals, assertMatch } from "@std/assert";
import { deflateSync } from "node:zlib";
import { RemotingClient } from "../../../client/remoting/remoting_client.ts";
import { ByteWriter, decodeUtf8, encodeUtf8 } from "../../../client/protocol/bytes.ts";
import { createRequest } from "../../../client/protocol/frame.ts";
import { recordCrc } from "../../../client/protocol/message_record.ts";
import { RequestCode } from "../../../client/protocol/request_code.ts";
import { ResponseCode } from "../../../client/protocol/response_code.ts";
import { createLog } from "../../../server/log.ts";
import { advertiseReached } from "../../../server/namesrv/advertised_address.ts";
import { createNamesrv, type NamesrvOptions } from "../../../server/namesrv/namesrv.ts";

const BROKER = {
  clusterName: "C",
  brokerName: "a",
  brokerId: "0",
  brokerAddr: "10.0.0.1:10911",
  haServerAddr: "10.0.0.1:10912",
};
const QUEUES = { readQueueNums: 4, writeQueueNums: 8, perm: 6, topicSysFlag: 0 };
const BODY = encodeUtf8(JSON.stringify({
  filterServerList: [],
  topicConfigSerializeWrapper: {
    dataVersion: { counter: 1, stateVersion: 0, timestamp: 5 },
    topicConfigTable: {
      T1: { topicName: "T1", ...QUEUES, attributes: {} },
      C: { topicName: "C", ...QUEUES, perm: 7, topicSysFlag: 3 },
    },
  },
}));

async function setup(options: Partial<NamesrvOptions> = {}) {
  const lines: string[] = [];
  const clock = { millis: 1_000 };
  const namesrv = await createNamesrv({
    hostname: "127.0.0.1",
    port: 0,
    log: createLog("info", (line) => lines.push(line)),
    now: () => clock.millis,
    ...options,
  });
  const client = new RemotingClient();
  const ask = async (code: number, fields: Record<string, string> = {}, body?: Uint8Array) => {
    const request = createRequest(code, new Map(Object.entries(fields)), body);
    const answer = await client.invoke(`127.0.0.1:${namesrv.port}`, request, 5_000);
    const text = decodeUtf8(answer.body, 0, answer.body.length);
    return {
      code: answer.code,
      remark: answer.remark,
      fields: Object.fromEntries(answer.extFields),
      text,
      json: text.startsWith("{") ? JSON.parse(text) : undefined,
    };
  };
  return {
    namesrv,
    client,
    clock,
    lines,
    ask,
    register: (fields: Record<string, string> = {}, body = BODY) =>
      ask(RequestCode.REGISTER_BROKER, { ...BROKER, ...fields }, body),
    route: (topic: string) => ask(RequestCode.GET_ROUTEINFO_BY_TOPIC, { topic }),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await namesrv[Symbol.asyncDispose]();
    },
  };
}

/** The body that a broker sends with compressedRegister=true; 5.x adds the queue mappings. */
function compressedBody(mappings?: object[]): Uint8Array {
  const out = new ByteWriter();
  out.longText(JSON.stringify({ counter: 1, stateVersion: 0, timestamp: 5 }));
  out.int32(2);
  out.longText('T1 4 8 6 SINGLE_TAG {"message.type":"FIFO"}');
  out.longText("C 4 8 7 MULTI_TAG");
  out.longText('["10.0.0.1:33"]');
  if (mappings !== undefined) {
    out.int32(mappings.length);
    for (const mapping of mappings) out.longText(JSON.stringify(mapping));
  }
  return deflateSync(out.written());
}

Deno.test("GET_ROUTEINFO_BY_TOPIC answers standard JSON when a broker has registered", async () => {
  await using rig = await setup();
  const crc = String(recordCrc(BODY));
  assertEquals((await rig.register({ compressed: "false", bodyCrc32: crc })).code, 0);
  const { json } = await rig.route("T1");
  assertEquals(json, {
    brokerDatas: [{
      brokerAddrs: { "0": "10.0.0.1:10911" },
      brokerName: "a",
      cluster: "C",
      enableActingMaster: false,
    }],
    filterServerTable: {},
    queueDatas: [{ brokerName: "a", ...QUEUES }],
  });
});

Deno.test("GET_ROUTEINFO_BY_TOPIC answers TOPIC_NOT_EXIST with Java's remark when nobody serves it", async () => {
  await using rig = await setup();
  const answer = await rig.route("nope");
  assertEquals(answer.code, ResponseCode.TOPIC_NOT_EXIST);
  assertMatch(answer.remark!, /^No topic route info in name server for the topic: nope\nSee /);
});

Deno.test("GET_ROUTEINFO_BY_TOPIC refuses when the name server waits for its brokers", async () => {
  await using rig = await setup({ settings: { needWaitForService: true } });
  await rig.register();
  assertEquals((await rig.route("T1")).remark, "name server not ready");
  rig.clock.millis += 45_000;
  assertEquals((await rig.route("T1")).code, 0);
});

Deno.test("GET_ROUTEINFO_BY_TOPIC answers the address that was reached when the broker is local", async () => {
  await using rig = await setup({ advertise: advertiseReached(new Set([BROKER.brokerAddr])) });
  await rig.register();
  await rig.register({ brokerId: "1", brokerAddr: "10.0.0.2:10911" });
  const { json } = await rig.route("T1");
  assertEquals(json.brokerDatas[0].brokerAddrs, {
    "0": "127.0.0.1:10911",
    "1": "10.0.0.2:10911",
  });
  const cluster = (await rig.ask(RequestCode.GET_BROKER_CLUSTER_INFO)).json;
  assertEquals(cluster.brokerAddrTable.a.brokerAddrs["0"], "127.0.0.1:10911");
  const system = (await rig.ask(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS)).json;
  assertEquals(system, { brokerAddr: "127.0.0.1:10911", topicList: ["C", "a"] });
});

Deno.test("GET_ROUTEINFO_BY_TOPIC answers the order configuration when that is enabled", async () => {
  await using rig = await setup({ settings: { orderMessageEnable: true } });
  await rig.register();
  const item = { namespace: "ORDER_TOPIC_CONFIG", key: "T1", value: "a:4" };
  await rig.ask(RequestCode.PUT_KV_CONFIG, item);
  assertEquals((await rig.route("T1")).json.orderTopicConf, "a:4");
  assertEquals((await rig.route("C")).json.orderTopicConf, undefined);
  assertEquals((await rig.register()).json, { table: { T1: "a:4" } });
});

Deno.test("REGISTER_BROKER refuses when the checksum is wrong", async () => {
  await using rig = await setup();
  const answer = await rig.register({ bodyCrc32: String(recordCrc(BODY) ^ 1) });
  assertEquals(answer.code, ResponseCode.SYSTEM_ERROR);
  assertEquals(answer.remark, "crc32 not match");
  assertEquals((await rig.route("T1")).code, ResponseCode.TOPIC_NOT_EXIST);
});

Deno.test("REGISTER_BROKER reads a compressed body of 4.x, and of 5.x, which does not say that it is", async () => {
  const mapping = { topic: "T1", bname: "a", totalQueues: 8 };
  const rows = [["true", compressedBody()], ["false", compressedBody([mapping])]] as const;
  for (const [compressed, body] of rows) {
    await using rig = await setup();
    const crc = String(recordCrc(body));
    const answer = await rig.register({ compressed, bodyCrc32: crc }, body);
    assertEquals([answer.code, answer.remark], [0, undefined]);
    const { json } = await rig.route("T1");
    assertEquals(json.queueDatas, [{ brokerName: "a", ...QUEUES }]);
    assertEquals(json.filterServerTable, { "10.0.0.1:10911": ["10.0.0.1:33"] });
  }
});

Deno.test("REGISTER_BROKER reads Fastjson's number keys when topics are static", async () => {
  await using rig = await setup();
  const body = encodeUtf8(
    '{"topicConfigSerializeWrapper":{"topicConfigTable":{"T1":{"topicName":"T1"},"T2":{"topicName":"T2"}},' +
      '"topicQueueMappingInfoMap":{"T1":{"bname":"a","currIdMap":{0:1,1:2},"scope":"{0:x}"}}}}',
  );
  assertEquals((await rig.register({}, body)).code, 0);
  const { json } = await rig.route("T1");
  assertEquals(json.topicQueueMappingByBroker, {
    a: { bname: "a", currIdMap: { "0": 1, "1": 2 }, scope: "{0:x}" },
  });
  assertEquals(json.queueDatas[0].readQueueNums, 16);
});

Deno.test("REGISTER_BROKER refuses a body that cannot be read, and goes on", async () => {
  await using rig = await setup();
  const cut = compressedBody().subarray(0, 20);
  const bomb = deflateSync(new Uint8Array(65 * 1024 * 1024));
  for (const body of [cut, bomb, encodeUtf8("junk")]) {
    const answer = await rig.register({ compressed: "true" }, body);
    assertEquals(answer.code, ResponseCode.SYSTEM_ERROR);
    assertMatch(answer.remark!, /^Cannot read the RegisterBrokerBody/);
  }
  assertEquals((await rig.register({}, encodeUtf8("{"))).code, ResponseCode.SYSTEM_ERROR);
  assertEquals((await rig.register()).code, 0);
});

Deno.test("REGISTER_BROKER answers the master when a slave registers", async () => {
  await using rig = await setup();
  await rig.register();
  const slave = { brokerId: "1", brokerAddr: "10.0.0.2:10911" };
  assertEquals((await rig.register(slave)).fields, {
    haServerAddr: "10.0.0.1:10912",
    masterAddr: "10.0.0.1:10911",
  });
});

Deno.test("QUERY_DATA_VERSION answers whether the topics have changed", async () => {
  await using rig = await setup();
  const query = (version: object) =>
    rig.ask(RequestCode.QUERY_DATA_VERSION, BROKER, encodeUtf8(JSON.stringify(version)));
  const registered = { counter: 1, stateVersion: 0, timestamp: 5 };
  assertEquals((await query(registered)).fields, { changed: "true" });
  await rig.register();
  const same = await query(registered);
  assertEquals([same.fields, same.json], [{ changed: "false" }, registered]);
  assertEquals((await query({ ...registered, counter: 2 })).fields, { changed: "true" });
});

Deno.test("UNREGISTER_BROKER ends the broker's routes", async () => {
  await using rig = await setup();
  await rig.register();
  assertEquals((await rig.ask(RequestCode.UNREGISTER_BROKER, BROKER)).code, 0);
  assertEquals((await rig.route("T1")).code, ResponseCode.TOPIC_NOT_EXIST);
});

Deno.test("scanNotActiveBroker() ends the routes of a broker when it is silent", async () => {
  await using rig = await setup();
  await rig.register();
  rig.clock.millis += 100_000;
  assertEquals((await rig.ask(RequestCode.BROKER_HEARTBEAT, BROKER)).code, 0);
  rig.clock.millis += 100_000;
  rig.namesrv.scanNotActiveBroker();
  assertEquals((await rig.route("T1")).code, 0);
  rig.clock.millis += 20_001;
  rig.namesrv.scanNotActiveBroker();
  assertEquals((await rig.route("T1")).code, ResponseCode.TOPIC_NOT_EXIST);
});

Deno.test("createNamesrv() ends the routes of a broker when its connection closes", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const log = createLog("info", (line) => line.includes("connection ended") && resolve());
  await using rig = await setup({ log });
  await using broker = new RemotingClient();
  const connection = await broker.connect(`127.0.0.1:${rig.namesrv.port}`);
  const fields = new Map(Object.entries(BROKER));
  await connection.invoke(createRequest(RequestCode.REGISTER_BROKER, fields, BODY), 5_000);
  assertEquals((await rig.route("T1")).code, 0);
  connection.close();
  await promise;
  assertEquals((await rig.route("T1")).code, ResponseCode.TOPIC_NOT_EXIST);
});

Deno.test("WIPE_WRITE_PERM_OF_BROKER and ADD_WRITE_PERM_OF_BROKER answer the number of topics", async () => {
  await using rig = await setup();
  await rig.register();
  const broker = { brokerName: "a" };
  const perm = async () => (await rig.route("T1")).json.queueDatas[0].perm;
  const wiped = await rig.ask(RequestCode.WIPE_WRITE_PERM_OF_BROKER, broker);
  assertEquals([wiped.fields, await perm()], [{ wipeTopicCount: "2" }, 4]);
  const added = await rig.ask(RequestCode.ADD_WRITE_PERM_OF_BROKER, broker);
  assertEquals([added.fields, await perm()], [{ addTopicCount: "2" }, 6]);
});

Deno.test("REGISTER_TOPIC_IN_NAMESRV and DELETE_TOPIC_IN_NAMESRV change one topic", async () => {
  await using rig = await setup();
  await rig.register();
  const body = encodeUtf8(JSON.stringify({ queueDatas: [{ brokerName: "a", ...QUEUES }] }));
  await rig.ask(RequestCode.REGISTER_TOPIC_IN_NAMESRV, { topic: "N" }, body);
  assertEquals((await rig.route("N")).json.queueDatas, [{ brokerName: "a", ...QUEUES }]);
  await rig.ask(RequestCode.DELETE_TOPIC_IN_NAMESRV, { topic: "N", clusterName: "other" });
  assertEquals((await rig.route("N")).code, 0);
  await rig.ask(RequestCode.DELETE_TOPIC_IN_NAMESRV, { topic: "N" });
  assertEquals((await rig.route("N")).code, ResponseCode.TOPIC_NOT_EXIST);
});

Deno.test('topic lists answer names, or "disable" when they are switched off', async () => {
  await using rig = await setup();
  await rig.register();
  const rows: [number, string[]][] = [
    [RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER, ["T1", "C"]],
    [RequestCode.GET_TOPICS_BY_CLUSTER, ["T1", "C"]],
    [RequestCode.GET_UNIT_TOPIC_LIST, ["C"]],
    [RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST, ["C"]],
    [RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST, []],
  ];
  await using off = await setup({
    settings: { enableAllTopicList: false, enableTopicList: false },
  });
  for (const [code, topicList] of rows) {
    assertEquals((await rig.ask(code, { cluster: "C" })).json, { topicList });
    assertEquals((await off.ask(code, { cluster: "C" })).remark, "disable");
  }
});

Deno.test("GET_BROKER_MEMBER_GROUP answers addresses by id", async () => {
  await using rig = await setup();
  await rig.register();
  const group = { clusterName: "C", brokerName: "a" };
  assertEquals((await rig.ask(RequestCode.GET_BROKER_MEMBER_GROUP, group)).json, {
    brokerMemberGroup: {
      brokerAddrs: { "0": "10.0.0.1:10911" },
      brokerName: "a",
      cluster: "C",
    },
  });
});

Deno.test("KV config commands put, get, list and delete", async () => {
  await using rig = await setup();
  const item = { namespace: "n", key: "k" };
  const missing = await rig.ask(RequestCode.GET_KV_CONFIG, item);
  assertEquals(
    [missing.code, missing.remark],
    [ResponseCode.QUERY_NOT_FOUND, "No config item, Namespace: n Key: k"],
  );
  const noList = await rig.ask(RequestCode.GET_KVLIST_BY_NAMESPACE, { namespace: "n" });
  assertEquals(noList.remark, "No config item, Namespace: n");
  await rig.ask(RequestCode.PUT_KV_CONFIG, { ...item, value: "v" });
  assertEquals((await rig.ask(RequestCode.GET_KV_CONFIG, item)).fields, { value: "v" });
  const list = await rig.ask(RequestCode.GET_KVLIST_BY_NAMESPACE, { namespace: "n" });
  assertEquals(list.json, { table: { k: "v" } });
  await rig.ask(RequestCode.DELETE_KV_CONFIG, item);
  assertEquals((await rig.ask(RequestCode.GET_KV_CONFIG, item)).code, 22);
});

Deno.test("GET_NAMESRV_CONFIG answers the settings and UPDATE_NAMESRV_CONFIG is refused", async () => {
  await using rig = await setup();
  const { text } = await rig.ask(RequestCode.GET_NAMESRV_CONFIG);
  assertMatch(text, /^bindAddress=127\.0\.0\.1\n/);
  assert(text.includes(`\nlistenPort=${rig.namesrv.port}\n`));
  const change = encodeUtf8("kvConfigPath=/elsewhere\n");
  const answer = await rig.ask(RequestCode.UPDATE_NAMESRV_CONFIG, {}, change);
  assertEquals(answer.code, ResponseCode.NO_PERMISSION);
  assertMatch(answer.remark!, /cannot be changed remotely/);
});

Deno.test("createNamesrv() answers REQUEST_CODE_NOT_SUPPORTED to other commands", async () => {
  await using rig = await setup();
  const answer = await rig.ask(RequestCode.SEND_MESSAGE);
  assertEquals(
    [answer.code, answer.remark],
    [
      ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
      "request type 10 not supported: SEND_MESSAGE is for a broker, this is a name server",
    ],
  );
});
