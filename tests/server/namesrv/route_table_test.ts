import { assertEquals } from "@std/assert";
import { createTopicConfig, PermName } from "../../../client/protocol/topic_config.ts";
import {
  type BrokerRegistration,
  RouteTable,
  type RouteTableOptions,
} from "../../../server/namesrv/route_table.ts";

const CONNECTION = {};
const RW = PermName.READ | PermName.WRITE;

function setup(options: Partial<RouteTableOptions> = {}) {
  const clock = { millis: 1_000 };
  const routeTable = new RouteTable({
    now: () => clock.millis,
    deleteTopicWithBrokerRegistration: false,
    supportActingMaster: false,
    ...options,
  });
  const register = (fields: Partial<BrokerRegistration> = {}, connection: object = CONNECTION) =>
    routeTable.registerBroker({ ...master(), ...fields }, connection);
  return { clock, routeTable, register };
}

function master(): BrokerRegistration {
  return {
    clusterName: "C",
    brokerName: "a",
    brokerId: 0,
    brokerAddr: "10.0.0.1:10911",
    haServerAddr: "10.0.0.1:10912",
    enableActingMaster: false,
    dataVersion: version(1),
    topicConfigs: topics("T1", "T2"),
    topicQueueMappingInfoMap: {},
    filterServerList: [],
  };
}

const SLAVE = { brokerId: 1, brokerAddr: "10.0.0.2:10911", haServerAddr: "10.0.0.2:10912" };

function version(counter: number, stateVersion = 0) {
  return { counter, stateVersion, timestamp: 5 };
}

function topics(...names: string[]) {
  return names.map((name) =>
    createTopicConfig(name, { readQueueNums: 4, writeQueueNums: 4, perm: RW })
  );
}

function permOf(routeTable: RouteTable, topic: string) {
  return routeTable.pickupTopicRouteData(topic)?.queueDatas[0]?.perm;
}

Deno.test("registerBroker() makes the broker's topics routable when it is new", () => {
  const { routeTable, register } = setup();
  assertEquals(register(), { status: "REGISTERED", isNew: true });
  assertEquals(routeTable.pickupTopicRouteData("T1"), {
    brokerDatas: [{
      brokerAddrs: { "0": "10.0.0.1:10911" },
      brokerName: "a",
      cluster: "C",
      enableActingMaster: false,
    }],
    filterServerTable: {},
    queueDatas: [
      { brokerName: "a", perm: RW, readQueueNums: 4, topicSysFlag: 0, writeQueueNums: 4 },
    ],
  });
  assertEquals(routeTable.pickupTopicRouteData("T3"), undefined);
});

Deno.test("registerBroker() answers isNew false when the broker is known", () => {
  const { register } = setup();
  register();
  assertEquals(register(), { status: "REGISTERED", isNew: false });
});

Deno.test("registerBroker() refuses a single topic when the broker has not registered in full", () => {
  const { routeTable, register } = setup();
  assertEquals(register({ topicConfigs: topics("T1") }), { status: "NOT_REGISTERED_YET" });
  assertEquals(routeTable.clusterInfo(), { brokerAddrTable: {}, clusterAddrTable: {} });
  assertEquals(routeTable.topics.topics(), []);
});

Deno.test("registerBroker() adds a single topic when the broker has registered in full", () => {
  const { routeTable, register } = setup();
  register();
  register({ topicConfigs: topics("T3"), dataVersion: version(2) });
  assertEquals(routeTable.topics.topics(), ["T1", "T2", "T3"]);
});

Deno.test("registerBroker() keeps an address under one id when a slave becomes master", () => {
  const { routeTable, register } = setup();
  register(SLAVE);
  register({ brokerAddr: SLAVE.brokerAddr });
  assertEquals(routeTable.brokerMemberGroup("C", "a"), {
    brokerAddrs: { "0": SLAVE.brokerAddr },
    brokerName: "a",
    cluster: "C",
  });
});

Deno.test("registerBroker() ignores another address for an id when its stateVersion is older", () => {
  const { routeTable, register } = setup();
  register({ dataVersion: version(1, 7) });
  const result = register({ brokerAddr: "10.0.0.9:10911", dataVersion: version(9, 6) });
  assertEquals(result, { status: "CONFLICT" });
  assertEquals(routeTable.dataVersionOf("C", "10.0.0.9:10911"), undefined);
  assertEquals(routeTable.brokerMemberGroup("C", "a").brokerAddrs["0"], "10.0.0.1:10911");
});

Deno.test("registerBroker() takes another address for an id when its stateVersion is as new", () => {
  const { routeTable, register } = setup();
  register({ dataVersion: version(1, 7) });
  register({ brokerAddr: "10.0.0.9:10911", dataVersion: version(1, 7) });
  assertEquals(routeTable.brokerMemberGroup("C", "a").brokerAddrs["0"], "10.0.0.9:10911");
});

Deno.test("registerBroker() takes changed topics only when the data version has changed", () => {
  const { routeTable, register } = setup();
  register();
  const readOnly = [createTopicConfig("T1", { perm: PermName.READ }), ...topics("T2")];
  register({ topicConfigs: readOnly });
  assertEquals(permOf(routeTable, "T1"), RW);
  register({ topicConfigs: readOnly, dataVersion: version(2) });
  assertEquals(permOf(routeTable, "T1"), PermName.READ);
});

Deno.test("registerBroker() restores a deleted topic when the data version has not changed", () => {
  const { routeTable, register } = setup();
  register();
  routeTable.topics.delete("T1");
  register();
  assertEquals(permOf(routeTable, "T1"), RW);
});

Deno.test("registerBroker() keeps topics that are missing unless it is told to delete them", () => {
  for (const deleteTopicWithBrokerRegistration of [false, true]) {
    const { routeTable, register } = setup({ deleteTopicWithBrokerRegistration });
    register({ topicConfigs: topics("T1", "T2", "T3") });
    register({ dataVersion: version(2) });
    assertEquals(permOf(routeTable, "T3") === undefined, deleteTopicWithBrokerRegistration);
    register({ topicConfigs: topics("T4"), dataVersion: version(3) });
    assertEquals(permOf(routeTable, "T1"), RW, "a single new topic ends no other");
  }
});

Deno.test("registerBroker() answers the master when a slave registers", () => {
  const { register } = setup();
  register();
  assertEquals(register(SLAVE), {
    status: "REGISTERED",
    isNew: true,
    masterAddr: "10.0.0.1:10911",
    haServerAddr: "10.0.0.1:10912",
  });
});

Deno.test("registerBroker() ignores a slave's topics when there is a master", () => {
  const { routeTable, register } = setup();
  register();
  register({ ...SLAVE, topicConfigs: topics("X", "Y") });
  assertEquals(routeTable.topics.topics(), ["T1", "T2"]);
});

Deno.test("registerBroker() takes a prime slave's topics without write when it may act as master", () => {
  const { routeTable, register } = setup();
  register({ ...SLAVE, enableActingMaster: true });
  assertEquals(permOf(routeTable, "T1"), PermName.READ);
  const other = setup();
  other.register({ ...SLAVE, enableActingMaster: undefined });
  assertEquals(other.routeTable.topics.topics(), [], "a slave older than 5.0 tells no topics");
});

Deno.test("registerBroker() keeps the filter servers when the broker tells none", () => {
  const { routeTable, register } = setup();
  const table = () => routeTable.pickupTopicRouteData("T1")?.filterServerTable;
  register({ filterServerList: ["10.0.0.1:1"] });
  register({ filterServerList: undefined });
  assertEquals(table(), { "10.0.0.1:10911": ["10.0.0.1:1"] });
  register({ filterServerList: [] });
  assertEquals(table(), {});
});

Deno.test("registerBroker() passes queue mappings through when topics are static", () => {
  const { routeTable, register } = setup();
  const info = { topic: "T1", bname: "b", totalQueues: 8, currIdMap: { "0": 1 } };
  register({ topicQueueMappingInfoMap: { T1: info } });
  const routeData = routeTable.pickupTopicRouteData("T1");
  assertEquals(routeData?.topicQueueMappingByBroker, { b: info });
});

Deno.test("pickupTopicRouteData() shows the least slave as master when there is none and it may act", () => {
  const { routeTable, register } = setup({ supportActingMaster: true });
  const acting = { enableActingMaster: true };
  register(acting);
  register({ ...SLAVE, ...acting });
  register({ ...SLAVE, ...acting, brokerId: 2, brokerAddr: "10.0.0.3:10911" });
  routeTable.unregisterBroker(master());
  assertEquals(routeTable.pickupTopicRouteData("T1")?.brokerDatas[0]?.brokerAddrs, {
    "0": "10.0.0.2:10911",
    "2": "10.0.0.3:10911",
  });
  assertEquals(permOf(routeTable, "T1"), PermName.READ);
  assertEquals(routeTable.brokerMemberGroup("C", "a").brokerAddrs, {
    "1": "10.0.0.2:10911",
    "2": "10.0.0.3:10911",
  });
});

Deno.test("pickupTopicRouteData() shows the real ids when acting masters are not supported", () => {
  const { routeTable, register } = setup();
  register({ ...SLAVE, enableActingMaster: true });
  assertEquals(routeTable.pickupTopicRouteData("T1")?.brokerDatas[0]?.brokerAddrs, {
    "1": "10.0.0.2:10911",
  });
});

Deno.test("unregisterBroker() forgets everything when the last broker of a name goes", () => {
  const { routeTable, register } = setup();
  register();
  register(SLAVE);
  routeTable.unregisterBroker(master());
  assertEquals(permOf(routeTable, "T1"), RW, "the slave still serves it");
  routeTable.unregisterBroker({ ...master(), ...SLAVE });
  assertEquals(routeTable.topics.topics(), []);
  assertEquals(routeTable.clusterInfo(), { brokerAddrTable: {}, clusterAddrTable: {} });
  assertEquals(routeTable.systemTopicList(), { topicList: [] });
});

Deno.test("unregisterBroker() leaves other brokers alone when the name is not known", () => {
  const { routeTable, register } = setup();
  register();
  routeTable.unregisterBroker({ ...master(), brokerName: "z", brokerAddr: "10.0.0.7:1" });
  assertEquals(permOf(routeTable, "T1"), RW);
});

Deno.test("unregisterConnection() forgets brokers that have not registered over another since", () => {
  const { routeTable, register } = setup();
  const [first, second] = [{}, {}];
  register({}, first);
  register({ brokerName: "b", brokerAddr: "10.0.0.5:10911" }, first);
  register({}, second);
  assertEquals(routeTable.unregisterConnection(first).map((gone) => gone.brokerName), ["b"]);
  assertEquals(Object.keys(routeTable.clusterInfo().brokerAddrTable), ["a"]);
});

Deno.test("expireBrokers() forgets a broker when it is silent for 120 s or its own time", () => {
  const { clock, routeTable, register } = setup();
  register();
  register({
    brokerName: "b",
    brokerAddr: "10.0.0.5:10911",
    heartbeatTimeoutMillis: 10_000,
  });
  clock.millis += 10_000;
  assertEquals(routeTable.expireBrokers(), []);
  clock.millis += 1;
  assertEquals(routeTable.expireBrokers().map((gone) => gone.brokerName), ["b"]);
  routeTable.heartbeat("C", "10.0.0.1:10911");
  clock.millis += 120_000;
  assertEquals(routeTable.expireBrokers(), []);
  clock.millis += 1;
  assertEquals(routeTable.expireBrokers().map((gone) => gone.brokerName), ["a"]);
  assertEquals(routeTable.topics.topics(), []);
});

Deno.test("expireBrokers() forgets an address that another has replaced, and keeps the other", () => {
  const { clock, routeTable, register } = setup();
  register();
  clock.millis += 60_000;
  register({ brokerAddr: "10.0.0.9:10911" });
  clock.millis += 60_001;
  assertEquals(routeTable.expireBrokers().length, 1);
  assertEquals(routeTable.brokerMemberGroup("C", "a").brokerAddrs["0"], "10.0.0.9:10911");
  assertEquals(permOf(routeTable, "T1"), RW);
});

Deno.test("registerTopic() takes queues only when all their brokers are known", () => {
  const { routeTable, register } = setup();
  register();
  const queues = (brokerName: string) => ({
    brokerName,
    perm: RW,
    readQueueNums: 1,
    topicSysFlag: 0,
    writeQueueNums: 1,
  });
  assertEquals(routeTable.registerTopic("N", [queues("a"), queues("z")]), false);
  assertEquals(routeTable.pickupTopicRouteData("N"), undefined);
  assertEquals(routeTable.registerTopic("N", [queues("a")]), true);
  assertEquals(permOf(routeTable, "N"), RW);
});

Deno.test("deleteTopicOfCluster() deletes on the brokers of that cluster only", () => {
  const { routeTable, register } = setup();
  register();
  register({ clusterName: "D", brokerName: "d", brokerAddr: "10.0.1.1:10911" });
  routeTable.deleteTopicOfCluster("T1", "C");
  routeTable.deleteTopicOfCluster("T1", "unknown");
  assertEquals(
    routeTable.pickupTopicRouteData("T1")?.queueDatas.map((queues) => queues.brokerName),
    ["d"],
  );
  assertEquals(routeTable.topicsOfCluster("C"), ["T2"]);
  assertEquals(routeTable.topicsOfCluster("unknown"), []);
});

Deno.test("changePerm() changes all topics of a broker and counts them", () => {
  const { routeTable, register } = setup();
  register();
  assertEquals(routeTable.topics.changePerm("a", (perm) => perm & ~PermName.WRITE), 2);
  assertEquals(permOf(routeTable, "T2"), PermName.READ);
  register();
  assertEquals(permOf(routeTable, "T2"), PermName.READ, "until the broker's topics change");
  assertEquals(routeTable.topics.changePerm("z", () => 0), 0);
});

Deno.test("topicsBySysFlag() looks at the flags of the topic", () => {
  const { routeTable, register } = setup();
  register({ topicConfigs: [...topics("T1"), createTopicConfig("U", { topicSysFlag: 3 })] });
  assertEquals(routeTable.topics.topicsBySysFlag((flag) => (flag & 2) !== 0), ["U"]);
});

Deno.test("systemTopicList() names clusters, brokers and some broker's address", () => {
  const { routeTable, register } = setup();
  register(SLAVE);
  register();
  assertEquals(routeTable.systemTopicList(), {
    brokerAddr: "10.0.0.1:10911",
    topicList: ["C", "a"],
  });
});
