import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  applySettings,
  defaultConfig,
  formatProperties,
  SETTING_SECTIONS,
  SETTINGS,
  updateSettings,
} from "../../server/config.ts";
import type { SettingKey } from "../../server/config.ts";
import { apacheSettingNames } from "../../server/config_apache.ts";
import { fastPort, haPort, reachableAddress, storePaths } from "../../server/config_derived.ts";
import { ConfigError, parseProperties } from "../../server/properties.ts";

/** In the manner of the file that Apache ships for a single broker. */
const SINGLE_BROKER = `
# A broker of its own

brokerClusterName = DefaultCluster
brokerName = broker-a
brokerId = 0
deleteWhen = 04
fileReservedTime = 48
brokerRole = ASYNC_MASTER
flushDiskType = ASYNC_FLUSH
`;

/** In the manner of the pairs of files for two masters with a replica each. */
const MASTER_OF_A_PAIR = `
namesrvAddr=10.0.0.1:9876;10.0.0.2:9876
brokerClusterName=DefaultCluster
brokerName=broker-b
brokerId=0
deleteWhen=04
fileReservedTime=48
brokerRole=ASYNC_MASTER
flushDiskType=ASYNC_FLUSH
`;
const REPLICA_OF_A_PAIR = MASTER_OF_A_PAIR
  .replace("brokerId=0", "brokerId=1")
  .replace("ASYNC_MASTER", "SLAVE");

/** In the manner of the guides that people copy: every line is one that is found in many files. */
const COPIED_FROM_A_GUIDE = `
brokerClusterName=rocketmq-cluster
brokerName=broker-b
brokerId=0
namesrvAddr=rocketmq-nameserver1:9876;rocketmq-nameserver2:9876
defaultTopicQueueNums=4
autoCreateTopicEnable=false
autoCreateSubscriptionGroup=true
listenPort=10911
deleteWhen=04
fileReservedTime=120
mapedFileSizeCommitLog=1073741824
mapedFileSizeConsumeQueue=300000
#destroyMapedFileIntervalForcibly=120000
diskMaxUsedSpaceRatio=88
storePathRootDir=/usr/local/rocketmq/store
storePathCommitLog=/usr/local/rocketmq/store/commitlog
storePathConsumeQueue=/usr/local/rocketmq/store/consumequeue
storePathIndex=/usr/local/rocketmq/store/index
storeCheckpoint=/usr/local/rocketmq/store/checkpoint
abortFile=/usr/local/rocketmq/store/abort
maxMessageSize=65536
brokerRole=SYNC_MASTER
flushDiskType=SYNC_FLUSH
#checkTransactionMessageEnable=false
sendMessageThreadPoolNums=128
pullMessageThreadPoolNums=128
`;

function configOf(text: string) {
  const config = defaultConfig();
  const warnings = applySettings(config, parseProperties(text, "broker.conf"));
  return { config, warnings };
}

function mistakesIn(text: string): string {
  return assertThrows(() => configOf(text), ConfigError).message;
}

Deno.test("defaultConfig() has Apache's defaults, and SYNC_FLUSH", () => {
  const config = defaultConfig();
  assertEquals(config.listenPort, 10911);
  assertEquals(config.namesrvPort, 9876);
  assertEquals(config.defaultTopicQueueNums, 8);
  assertEquals(config.maxMessageSize, 4 * 1024 * 1024);
  assertEquals(config.mappedFileSizeCommitLog, 1024 ** 3);
  assertEquals(config.flushDiskType, "SYNC_FLUSH");
});

Deno.test("defaultConfig() holds only values that their settings accept", () => {
  const config = defaultConfig();
  for (const key of Object.keys(SETTINGS) as SettingKey[]) {
    assertEquals(SETTINGS[key].parse(String(config[key])), config[key], key);
  }
});

Deno.test("defaultConfig() gives every caller an object of its own", () => {
  defaultConfig().brokerName = "changed";
  assertEquals(defaultConfig().brokerName, "broker-a");
});

Deno.test("SETTING_SECTIONS name every setting once", () => {
  const keys = SETTING_SECTIONS.flatMap(({ settings }) => Object.keys(settings));
  assertEquals(keys, Object.keys(SETTINGS));
  assertEquals(new Set(keys).size, keys.length);
});

Deno.test("apacheSettingNames() name no setting that is served", () => {
  assertEquals(apacheSettingNames().filter((key) => Object.hasOwn(SETTINGS, key)), []);
});

Deno.test("applySettings() takes the file of a single broker", () => {
  const { config, warnings } = configOf(SINGLE_BROKER);
  assertEquals(config, {
    ...defaultConfig(),
    fileReservedTime: 48,
    flushDiskType: "ASYNC_FLUSH",
  });
  assertEquals(warnings, [
    "broker.conf:9: brokerRole is a setting of Apache RocketMQ that Comet does not use",
  ]);
});

Deno.test("applySettings() takes a file that was copied from a guide", () => {
  const { config, warnings } = configOf(COPIED_FROM_A_GUIDE);
  assertEquals(config, {
    ...defaultConfig(),
    brokerClusterName: "rocketmq-cluster",
    brokerName: "broker-b",
    namesrvAddr: "rocketmq-nameserver1:9876;rocketmq-nameserver2:9876",
    defaultTopicQueueNums: 4,
    autoCreateTopicEnable: false,
    storePathRootDir: "/usr/local/rocketmq/store",
    storePathCommitLog: "/usr/local/rocketmq/store/commitlog",
    fileReservedTime: 120,
    diskMaxUsedSpaceRatio: 88,
    maxMessageSize: 65536,
  });
  assertEquals(warnings.length, 9);
});

Deno.test("applySettings() takes the file of a master, not that of its replica", () => {
  const { config } = configOf(MASTER_OF_A_PAIR);
  assertEquals([config.brokerName, config.namesrvAddr], [
    "broker-b",
    "10.0.0.1:9876;10.0.0.2:9876",
  ]);
  assertEquals(
    mistakesIn(REPLICA_OF_A_PAIR),
    "broker.conf:8: brokerRole=SLAVE asks for a replica, which Comet does not have yet; " +
      "remove it to start without",
  );
});

Deno.test("applySettings() lets the last of several entries win", () => {
  assertEquals(configOf("listenPort=1\nlistenPort=2").config.listenPort, 2);
});

Deno.test("applySettings() suggests the setting that was probably meant", () => {
  const suggestions = {
    brokrName: "brokerName",
    brokerip1: "brokerIP1",
    flushDisktype: "flushDiskType",
    sendMessageThreadPoolNum: "sendMessageThreadPoolNums",
  };
  for (const [key, suggestion] of Object.entries(suggestions)) {
    assertEquals(
      mistakesIn(`\n${key}=x`),
      `broker.conf:2: unknown setting "${key}"; did you mean "${suggestion}"?`,
    );
  }
});

Deno.test("applySettings() says so when nobody knows a setting", () => {
  assertEquals(
    mistakesIn("color=blue"),
    'broker.conf:1: unknown setting "color"; neither Comet nor Apache RocketMQ knows it',
  );
});

Deno.test("applySettings() knows no setting by the name of an object's property", () => {
  assertStringIncludes(mistakesIn("constructor=1"), 'unknown setting "constructor"');
  assertStringIncludes(mistakesIn("__proto__=1"), 'unknown setting "__proto__"');
});

Deno.test("applySettings() says what is expected when a value is not that", () => {
  const expectations: [key: SettingKey, value: string, expected: string][] = [
    ["listenPort", "abc", "a port number from 0 to 65535"],
    ["listenPort", "65536", "a port number from 0 to 65535"],
    ["listenPort", "-1", "a port number from 0 to 65535"],
    ["listenPort", "10911 # comment", "a port number from 0 to 65535"],
    ["listenPort", "", "a port number from 0 to 65535"],
    ["brokerPermission", "8", "a whole number from 0 to 7"],
    ["brokerId", "-1", "a whole number of at least 0"],
    ["brokerId", "1.5", "a whole number of at least 0"],
    ["brokerId", "9007199254740993", "a whole number of at least 0"],
    ["maxMessageSize", "4MB", "a number of bytes of at least 1"],
    ["maxMessageSize", "2147483648", "a number of bytes of at least 1"],
    ["registerNameServerPeriod", "0", "a number of milliseconds of at least 1"],
    ["autoCreateTopicEnable", "yes", "true or false"],
    ["flushDiskType", "sync_flush", "SYNC_FLUSH or ASYNC_FLUSH"],
    ["logLevel", "trace", "debug, info, warn or error"],
    ["brokerName", "", "1 to 127 characters without white space, comma or semicolon"],
    ["brokerName", "broker a", "1 to 127 characters without white space, comma or semicolon"],
    ["storePathRootDir", "", "a path"],
    ["messageDelayLevel", "1s 5", 'delays such as "1s 5s 10m 2h"'],
    [
      "namesrvAddr",
      "http://a:9876",
      'addresses with ";" between them, as in "10.0.0.1:9876;10.0.0.2:9876"',
    ],
    [
      "brokerIP1",
      "0.0.0.0",
      "a host name or an address that clients can reach, with a port or without one",
    ],
  ];
  for (const [key, value, expected] of expectations) {
    const given = JSON.stringify(value);
    assertEquals(
      mistakesIn(`${key}=${value}`),
      `broker.conf:1: ${key} is ${given}; expected ${expected}`,
    );
  }
});

Deno.test("applySettings() reads words in any case, signs and zeros as Java does", () => {
  const { config } = configOf("autoCreateTopicEnable=FALSE\nlistenPort=+010911\nbrokerId=007");
  assertEquals([config.autoCreateTopicEnable, config.listenPort, config.brokerId], [
    false,
    10911,
    7,
  ]);
});

Deno.test("applySettings() rounds mappedFileSizeConsumeQueue up to its units", () => {
  const { config } = configOf("mappedFileSizeConsumeQueue=300001");
  assertEquals(config.mappedFileSizeConsumeQueue, 300020);
});

Deno.test("applySettings() completes the addresses of name servers", () => {
  const addresses = {
    "a": "a:9876",
    "a:1;": "a:1",
    " 10.0.0.1:9876 ; b_2.example.com ": "10.0.0.1:9876;b_2.example.com:9876",
    "[::1]:9877;fe80::2": "[::1]:9877;[fe80::2]:9876",
    "": "",
  };
  for (const [given, namesrvAddr] of Object.entries(addresses)) {
    assertEquals(configOf(`namesrvAddr=${given}`).config.namesrvAddr, namesrvAddr);
  }
  for (const given of ["a:0", "a:65536", "a:b", "a,b", "a:1:2", ":9876"]) {
    assertStringIncludes(mistakesIn(`namesrvAddr=${given}`), "expected addresses");
  }
});

Deno.test("applySettings() reports all mistakes at once and then changes nothing", () => {
  const config = defaultConfig();
  const entries = parseProperties("brokerName=b\nlistenPort=x\nfoo=1\nbrokerId=y", "f");
  const error = assertThrows(() => applySettings(config, entries), ConfigError);
  assertEquals(error.message.split("\n").map((line) => line.slice(0, 4)), [
    "f:2:",
    "f:3:",
    "f:4:",
  ]);
  assertEquals(config, defaultConfig());
});

Deno.test("applySettings() refuses several commit log folders, which Apache takes", () => {
  assertEquals(
    mistakesIn("storePathCommitLog=/a/log,/b/log"),
    'broker.conf:1: storePathCommitLog is "/a/log,/b/log"; expected one path, without a comma',
  );
});

Deno.test("applySettings() refuses to ignore what promises safety", () => {
  assertEquals(
    mistakesIn("aclEnable=true"),
    "broker.conf:1: aclEnable=true asks for access control, which Comet does not have yet; " +
      "remove it to start without",
  );
  assertStringIncludes(mistakesIn("brokerRole=SLAVE"), "asks for a replica");
  assertStringIncludes(mistakesIn("storeType=defaultRocksDB"), "in RocksDB");
  assertStringIncludes(mistakesIn("authenticationEnabled=TRUE"), "asks for authentication");
  assertEquals(configOf("aclEnable=false").warnings.length, 1);
});

Deno.test("updateSettings() changes what is mutable", () => {
  const config = defaultConfig();
  updateSettings(config, parseProperties("maxMessageSize=1024\nbrokerPermission=4", "request"));
  assertEquals([config.maxMessageSize, config.brokerPermission], [1024, 4]);
});

Deno.test("updateSettings() refuses what is not mutable, and then changes nothing", () => {
  const config = defaultConfig();
  const entries = parseProperties("maxMessageSize=1024\nbrokerName=b", "request");
  const error = assertThrows(() => updateSettings(config, entries), ConfigError);
  assertEquals(
    error.message,
    "request:2: brokerName cannot change while the broker runs; " +
      "set it in the configuration and restart",
  );
  assertEquals(config, defaultConfig());
});

Deno.test("updateSettings() takes the whole configuration back", () => {
  const config = defaultConfig();
  updateSettings(config, parseProperties(formatProperties(config), "request"));
  assertEquals(config, defaultConfig());
});

Deno.test("formatProperties() prints all settings in the order of their keys", () => {
  const lines = formatProperties(defaultConfig()).trimEnd().split("\n");
  assertEquals(lines.length, Object.keys(SETTINGS).length);
  assertEquals(lines, lines.toSorted());
  assertEquals(lines.includes("flushDiskType=SYNC_FLUSH"), true);
  assertEquals(lines.includes("brokerIP1="), true);
});

Deno.test("fastPort() and haPort() follow the listening port unless they are set", () => {
  const config = defaultConfig();
  assertEquals([fastPort(config, 10911), haPort(config, 10911)], [10909, 10912]);
  assertEquals(fastPort(config, 1), 0);
  const set = { fastListenPort: 1, haListenPort: 2 };
  assertEquals([fastPort(set, 10911), haPort(set, 10911)], [1, 2]);
});

Deno.test("reachableAddress() prefers what is configured, and its port", () => {
  assertEquals(reachableAddress("", "10.0.0.7", 10911), "10.0.0.7:10911");
  assertEquals(reachableAddress("mq.example.com", "10.0.0.7", 10911), "mq.example.com:10911");
  assertEquals(reachableAddress("mq.example.com:31000", "10.0.0.7", 10911), "mq.example.com:31000");
  assertEquals(reachableAddress("", "fe80::1", 10911), "[fe80::1]:10911");
  assertEquals(reachableAddress("[fe80::1]:31000", "10.0.0.7", 10911), "[fe80::1]:31000");
});

Deno.test("storePaths() derives from the data folder what is not set", () => {
  const paths = storePaths({ ...defaultConfig(), storePathRootDir: "/data/mq/" });
  assertEquals(paths.commitLog, "/data/mq/commitlog");
  assertEquals(paths.consumeQueue, "/data/mq/consumequeue");
  assertEquals(paths.kvConfig, "/data/mq/namesrv/kvConfig.json");
  const set = storePaths({ ...defaultConfig(), storePathCommitLog: "/fast", kvConfigPath: "/kv" });
  assertEquals([set.commitLog, set.kvConfig], ["/fast", "/kv"]);
});

Deno.test("storePaths() keeps the root of the file system", () => {
  assertEquals(storePaths({ ...defaultConfig(), storePathRootDir: "/" }).index, "/index");
});
