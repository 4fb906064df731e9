/**
 * The configuration: one row per setting. A row is the only place that knows a setting's name, default, form and
 * meaning; the type `Config`, reading, printing and `docs/configuration.md` come from the rows. Names and defaults are
 * those of Apache's broker.conf and namesrv.conf, so that existing files work; a row says where we differ.
 */

import { apacheSettingNames, isApacheSetting, refusedPromise } from "./config_apache.ts";
import { MESSAGES } from "./config_messages.ts";
import { METRICS } from "./config_metrics.ts";
import { NAMESRV } from "./config_namesrv.ts";
import { TIMERS } from "./config_timers.ts";
import { LOG_LEVELS } from "./log.ts";
import { nearestName } from "./nearest_name.ts";
import { ConfigError, printProperties } from "./properties.ts";
import type { SettingEntry } from "./properties.ts";
import { addressList, bool, bytes, int, long, millis } from "./setting.ts";
import {
  hostNames,
  hoursOfDay,
  name,
  oneOf,
  onePath,
  path,
  percent,
  port,
  reachableHost,
} from "./setting.ts";
import type { Setting } from "./setting.ts";

const MUTABLE = { mutable: true };
const OWN = { own: true };

const IDENTITY = {
  brokerClusterName: name("DefaultCluster", "The cluster that this broker belongs to"),
  brokerName: name("broker-a", "The name of this broker in routes", {
    apacheDefault: "the host name",
  }),
  brokerId: long(0, "0 for a master; routes list brokers of one name by this number"),
  brokerPermission: int(6, "What clients may do here: 4 read + 2 write", {
    min: 0,
    max: 7,
    ...MUTABLE,
  }),
};

const NETWORK = {
  bindAddress: name("0.0.0.0", "The address to listen on"),
  listenPort: port(
    10911,
    "The broker's port; 0 takes a free one (in the role namesrv: the name server's)",
  ),
  fastListenPort: port(
    0,
    "The broker's second port, for clients with vipChannelEnabled; 0 means listenPort - 2",
    OWN,
  ),
  haListenPort: port(0, "The port for replicas that routes name; 0 means listenPort + 1"),
  namesrvPort: port(9876, "The name server's port; 0 takes a free one", OWN),
  httpPort: port(8080, "The port of the HTTP API and the dashboard; 0 takes a free one", OWN),
  httpWriteAccess: oneOf(
    ["loopback", "anyone"],
    "loopback",
    "From where the HTTP API takes changes: from this machine, or from wherever its port can be reached",
    OWN,
  ),
  httpAllowedHosts: hostNames(
    "",
    "Names by which browsers may reach the HTTP port, beside addresses and localhost; * for any",
    OWN,
  ),
  brokerIP1: reachableHost(
    "",
    "The address that clients are told, with a port where it is mapped; empty means found out",
  ),
  brokerIP2: reachableHost("", "The address that replicas are told; empty means brokerIP1"),
  namesrvAddr: addressList(
    "",
    "Name servers to register at; the role serve registers at its own as well",
  ),
  registerNameServerPeriod: millis(30_000, "How often the broker registers at its name servers"),
  registerBrokerTimeoutMills: millis(24_000, "How long one registration may take"),
  brokerNotActiveTimeoutMillis: millis(
    120_000,
    "How long a name server may keep a broker that it does not hear from",
    { apacheDefault: "10000, only with enableSlaveActingMaster; otherwise a fixed 120000" },
  ),
  serverChannelMaxIdleTimeSeconds: int(120, "Connections that are silent for so long are closed", {
    min: 1,
  }),
  frameMaxLength: bytes(16_777_216, "The longest frame that a connection takes", {
    own: true,
    min: 1024,
  }),
  logLevel: oneOf(LOG_LEVELS, "info", "The least important lines that the log shows", OWN),
};

const STORE = {
  storePathRootDir: path("./comet-data", "The data folder", { apacheDefault: "~/store" }),
  storePathCommitLog: onePath(
    "",
    "The commit log's folder; empty means commitlog in the data folder",
  ),
  mappedFileSizeCommitLog: bytes(1_073_741_824, "The size of one commit log file", { min: 1024 }),
  mappedFileSizeConsumeQueue: bytes(
    6_000_000,
    "The size of one consume queue file, rounded up to its units of 20",
    {
      min: 20,
      unit: 20,
    },
  ),
  messageIndexEnable: bool(true, "Whether messages can be found by key"),
  maxHashSlotNum: int(5_000_000, "Hash slots in one index file", { min: 1 }),
  maxIndexNum: int(20_000_000, "Entries in one index file", { min: 2 }),
  flushDiskType: oneOf(
    ["SYNC_FLUSH", "ASYNC_FLUSH"],
    "SYNC_FLUSH",
    "Whether a send is acknowledged after its message is on disk, or before",
    { apacheDefault: "ASYNC_FLUSH" },
  ),
  flushIntervalCommitLog: millis(500, "How often ASYNC_FLUSH brings the commit log to disk"),
  flushConsumerOffsetInterval: millis(5_000, "How often consumer offsets are written"),
  fileReservedTime: int(72, "How many hours messages are kept at least", { min: 1, ...MUTABLE }),
  deleteWhen: hoursOfDay(
    "04",
    "The hours of the day at which expired files go, as in 04;16",
    MUTABLE,
  ),
  diskMaxUsedSpaceRatio: percent(
    75,
    "How full the disk may be, in percent, before expired files go at any hour",
    MUTABLE,
  ),
  diskSpaceCleanForciblyRatio: percent(
    85,
    "How full it may be before cleanFileForciblyEnable counts",
    MUTABLE,
  ),
  diskSpaceWarningLevelRatio: percent(
    100,
    "How full it may be before no message is taken; 100 leaves that to diskMinFreeBytes",
    { apacheDefault: "90", ...MUTABLE },
  ),
  diskMinFreeBytes: long(
    0,
    "Free bytes below which no message is taken; 0 means a twentieth of the disk, at most 1 GiB",
    { ...OWN, ...MUTABLE },
  ),
  cleanFileForciblyEnable: bool(
    false,
    "Whether a nearly full disk may cost messages younger than fileReservedTime",
    { apacheDefault: "true", ...MUTABLE },
  ),
  cleanResourceInterval: millis(
    10_000,
    "How often old files and the space on the disk are looked at",
  ),
  deleteFileBatchMax: int(10, "The most commit log files that are deleted at a time", {
    min: 1,
    ...MUTABLE,
  }),
  enableCompaction: bool(
    true,
    "Whether compaction topics (cleanup.policy=COMPACTION) keep the newest message of each key",
  ),
  compactionScheduleInternal: millis(900_000, "How often compaction topics are compacted"),
  compactionMappedFileSize: bytes(
    104_857_600,
    "The size of one compaction log file, rounded to a multiple of compactionCqMappedFileSize",
    { min: 1024 },
  ),
  compactionCqMappedFileSize: bytes(
    10_485_760,
    "The size of one of its consume queue's files, rounded down to its units of 46",
    { min: 92 },
  ),
  maxOffsetMapSize: bytes(
    104_857_600,
    "Bytes for the keys of one run of compaction; more keys take several passes",
  ),
  maxMessageSize: bytes(4_194_304, "The longest message body", MUTABLE),
  enabledAppendPropCRC: bool(
    true,
    "Whether a record carries a checksum of all of itself as a property",
    { apacheDefault: "false" },
  ),
};

const TOPICS = {
  autoCreateTopicEnable: bool(true, "Whether sending to an unknown topic creates it", MUTABLE),
  autoCreateSubscriptionGroup: bool(
    true,
    "Whether an unknown consumer group is created when it consumes",
    MUTABLE,
  ),
  defaultTopicQueueNums: int(8, "The most queues of an automatically created topic", {
    min: 1,
    max: 65_535,
    ...MUTABLE,
  }),
  clearRetryTopicWhenDeleteTopic: bool(
    true,
    "Whether the topics of what was popped of a topic and not consumed are deleted with it",
    MUTABLE,
  ),
  brokerTopicEnable: bool(true, "Whether the topic named like the broker takes messages"),
  clusterTopicEnable: bool(true, "Whether the topic named like the cluster takes messages"),
  traceTopicEnable: bool(true, "Whether the topic for client traces exists from the start", {
    apacheDefault: "false",
  }),
  msgTraceTopicName: name("RMQ_SYS_TRACE_TOPIC", "The topic for client traces"),
  storeReplyMessageEnable: bool(true, "Whether answers to requests are stored as well", MUTABLE),
  enablePropertyFilter: bool(true, "Whether consumers may filter with SQL92", {
    apacheDefault: "false",
    ...MUTABLE,
  }),
  filterSupportRetry: bool(
    false,
    "Whether a SQL92 filter on a retry topic tests by the filter of the messages' first topic",
    MUTABLE,
  ),
  filterDataCleanTimeSpan: millis(
    86_400_000,
    "How long the SQL92 filters of groups that have gone are kept",
    MUTABLE,
  ),
};

const CONSUMING = {
  longPollingEnable: bool(
    true,
    "Whether a pull that finds nothing waits as long as its client allows",
    MUTABLE,
  ),
  shortPollingTimeMills: millis(1_000, "How long such a pull waits without long polling", MUTABLE),
  maxTransferCountOnMessageInMemory: int(32, "The most messages in one answer, from memory", {
    min: 1,
    ...MUTABLE,
  }),
  maxTransferBytesOnMessageInMemory: bytes(
    262_144,
    "The most bytes in one answer, from memory",
    MUTABLE,
  ),
  maxTransferCountOnMessageInDisk: int(8, "The most messages in one answer, from disk", {
    min: 1,
    ...MUTABLE,
  }),
  maxTransferBytesOnMessageInDisk: bytes(
    65_536,
    "The most bytes in one answer, from disk",
    MUTABLE,
  ),
  defaultQueryMaxNum: int(32, "The most messages that a query by unique key returns", {
    min: 1,
    ...MUTABLE,
  }),
  useServerSideResetOffset: bool(
    true,
    "Whether the broker resets the offsets of a group; else it has the group's members do so",
    MUTABLE,
  ),
  notifyConsumerIdsChangedEnable: bool(
    true,
    "Whether consumers are told at once when their group changes",
    MUTABLE,
  ),
  channelExpiredTimeout: millis(120_000, "Clients without a heartbeat for so long are forgotten"),
  rebalanceLockMaxLiveTime: millis(
    60_000,
    "How long an orderly consumer's lock on a queue lasts",
    OWN,
  ),
};

const POPPING = {
  defaultMessageRequestMode: oneOf(
    ["PULL", "POP"],
    "PULL",
    "Whether groups pull or pop for which no admin has said it and the broker assigns queues",
    MUTABLE,
  ),
  defaultPopShareQueueNum: int(
    -1,
    "How many other clients' queues a client of such a group pops as well; -1 for all queues",
    { min: -1, ...MUTABLE },
  ),
  serverLoadBalancerEnable: bool(
    true,
    "Whether the broker shares queues out; otherwise each client that asks gets all of them",
    MUTABLE,
  ),
  loadBalancePollNameServerInterval: millis(
    30_000,
    "How long the broker remembers what name servers say about the queues of other brokers",
  ),
  popPollingSize: int(1_024, "The most pops of one group that wait at one queue", MUTABLE),
  popPollingMapSize: int(100_000, "The most queues and groups for which pops wait", MUTABLE),
  maxPopPollingSize: long(100_000, "The most pops that wait", MUTABLE),
  reviveQueueNum: int(8, "The queues of the topic that records pops and acknowledgements", {
    min: 1,
    max: 998,
  }),
  popCkMaxBufferSize: int(
    200_000,
    "The most pops in flight, each with up to 32 messages; more wait until some are acknowledged",
    { min: 1, ...MUTABLE },
  ),
  enablePopMessageThreshold: bool(
    false,
    "Whether a group gets no more from a queue of which it has too many messages in flight",
    MUTABLE,
  ),
  popInflightMessageThreshold: long(10_000, "How many those are", MUTABLE),
  popFromRetryProbability: int(
    20,
    "How many of 100 pops look first for messages that come again",
    { max: 100, ...MUTABLE },
  ),
  popResponseReturnActualRetryTopic: bool(
    false,
    "Whether messages that come again carry the name of their retry topic, not of their own",
    MUTABLE,
  ),
  enableRetryTopicV2: bool(
    false,
    "Whether popped messages come again through %RETRY%group+topic, not %RETRY%group_topic",
    MUTABLE,
  ),
  retrieveMessageFromPopRetryTopicV1: bool(
    true,
    "Whether pops then still look into the retry topics of the other spelling",
    MUTABLE,
  ),
  initPopOffsetByCheckMsgInMem: bool(
    true,
    "Whether a new group that asks for the newest messages gets all of a queue that is all in memory",
    MUTABLE,
  ),
};

const TRANSACTIONS = {
  rejectTransactionMessage: bool(false, "Whether transactional messages are refused", MUTABLE),
  transactionTimeOut: millis(
    6_000,
    "How old a transaction must be before its producers are asked about it, if it does not say so",
    MUTABLE,
  ),
  transactionCheckInterval: millis(30_000, "How long until they are asked again", MUTABLE),
  transactionCheckMax: int(
    15,
    "How often they are asked before the transaction is given up, to TRANS_CHECK_MAX_TIME_TOPIC",
    { min: 1, ...MUTABLE },
  ),
  transactionOpenMax: int(
    500_000,
    "The most open transactions; more are refused until some have ended",
    { min: 1, ...OWN, ...MUTABLE },
  ),
};

/** The rows in the order of the documentation. */
export const SETTING_SECTIONS = [
  { title: "Identity", settings: IDENTITY },
  { title: "Network", settings: NETWORK },
  { title: "Store", settings: STORE },
  { title: "Topics and groups", settings: TOPICS },
  { title: "Messages", settings: MESSAGES },
  { title: "Consuming and queries", settings: CONSUMING },
  { title: "Popping", settings: POPPING },
  { title: "Transactions", settings: TRANSACTIONS },
  { title: "Timer messages", settings: TIMERS },
  { title: "Name server", settings: NAMESRV },
  { title: "Metrics", settings: METRICS },
] as const;

/** All rows by key. */
export const SETTINGS = {
  ...IDENTITY,
  ...NETWORK,
  ...STORE,
  ...TOPICS,
  ...MESSAGES,
  ...CONSUMING,
  ...POPPING,
  ...TRANSACTIONS,
  ...TIMERS,
  ...NAMESRV,
  ...METRICS,
};

export type SettingKey = keyof typeof SETTINGS;
/** A value for every setting. Mutable ones change in place: read them when they are used, keep no copy. */
export type Config = {
  [K in SettingKey]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never;
};

const KEYS = Object.keys(SETTINGS) as SettingKey[];

/** Every setting at its default. */
export function defaultConfig(): Config {
  return Object.fromEntries(KEYS.map((key) => [key, SETTINGS[key].fallback])) as Config;
}

/**
 * Sets what `entries` say, in their order; returns warnings about settings of Apache's that have no effect here. Throws
 * ConfigError, which names every mistake at once, and then changes nothing.
 */
export function applySettings(config: Config, entries: readonly SettingEntry[]): string[] {
  return change(config, entries, () => undefined);
}

/**
 * The same for a program that runs: refuses to change what cannot change without a restart. Naming such a setting with
 * the value it has is fine, since some tools send the whole configuration back.
 */
export function updateSettings(config: Config, entries: readonly SettingEntry[]): string[] {
  return change(config, entries, (key, value) => {
    if (SETTINGS[key].mutable || config[key] === value) return undefined;
    return `${key} cannot change while the broker runs; set it in the configuration and restart`;
  });
}

/** The configuration as `key=value` lines in the order of their keys, as GET_BROKER_CONFIG answers. */
export function formatProperties(config: Config): string {
  return printProperties(KEYS.toSorted().map((key) => [key, String(config[key])] as const));
}

function change(
  config: Config,
  entries: readonly SettingEntry[],
  objection: (key: SettingKey, value: unknown) => string | undefined,
): string[] {
  const changes: Record<string, unknown> = {};
  const warnings: string[] = [];
  const mistakes: string[] = [];
  for (const { key, value: text, where } of entries) {
    if (!isSettingKey(key)) {
      const mistake = unusableKeyMistake(key, text);
      if (mistake !== undefined) mistakes.push(`${where}: ${mistake}`);
      else {warnings.push(
          `${where}: ${key} is a setting of Apache RocketMQ that Comet does not use`,
        );}
      continue;
    }
    const value = SETTINGS[key].parse(text);
    const mistake = value === undefined
      ? `${key} is ${JSON.stringify(text)}; expected ${SETTINGS[key].expected}`
      : objection(key, value);
    if (mistake === undefined) changes[key] = value;
    else mistakes.push(`${where}: ${mistake}`);
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes.join("\n"));
  Object.assign(config, changes);
  return warnings;
}

function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(SETTINGS, key);
}

/** Why an entry for a setting that is not served must not pass, or undefined when it may, with a warning. */
function unusableKeyMistake(key: string, value: string): string | undefined {
  if (isApacheSetting(key)) return refusedPromise(key, value);
  const suggestion = nearestName(key, KEYS) ?? nearestName(key, apacheSettingNames());
  const hint = suggestion === undefined
    ? "neither Comet nor Apache RocketMQ knows it"
    : `did you mean ${JSON.stringify(suggestion)}?`;
  return `unknown setting ${JSON.stringify(key)}; ${hint}`;
}
