/** What mqadmin's export commands write, in their form: topics and groups, settings, and figures of a cluster. */

import { SystemTopic } from "../protocol/names.ts";
import { type AdminClient, type BrokerAddress, MASTER_ID } from "./admin_client.ts";
import { groupConnections } from "./clients.ts";
import { brokerConfig, brokerRuntimeInfo } from "./cluster.ts";
import { mapLimited } from "./fan_out.ts";
import { type Group, listGroups } from "./groups.ts";
import { brokerRate } from "./stats.ts";
import { listTopics, type Topic } from "./topics.ts";

/** What of the metadata is exported. */
export interface MetadataOptions {
  readonly brokers: readonly BrokerAddress[];
  readonly topics: boolean;
  readonly groups: boolean;
  /** Also topics of groups: what is to be consumed again, and dead letters. */
  readonly specialTopics: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Topics and groups that users have made; queues of several brokers are added up, as mqadmin does. */
export async function exportMetadata(
  admin: AdminClient,
  { brokers, topics, groups, specialTopics, now }: MetadataOptions,
): Promise<Record<string, unknown>> {
  const names = new Set(brokers.map(({ brokerName }) => brokerName));
  return {
    ...(topics ? { topicConfigTable: await topicTable(admin, names, specialTopics) } : {}),
    ...(groups ? { subscriptionGroupTable: await groupTable(admin, names) } : {}),
    exportTime: now,
  };
}

async function topicTable(
  admin: AdminClient,
  names: ReadonlySet<string>,
  specialTopics: boolean,
): Promise<Record<string, unknown>> {
  const table: Record<string, unknown> = {};
  for (const { topic, brokers } of (await listTopics(admin)).topics.filter(isWanted)) {
    const own = brokers.filter(({ brokerName }) => names.has(brokerName));
    const [first] = own;
    if (first === undefined) continue;
    const { perm, topicFilterType, topicSysFlag, order, attributes } = first;
    table[topic] = {
      topicName: topic,
      readQueueNums: own.reduce((sum, { readQueueNums }) => sum + readQueueNums, 0),
      writeQueueNums: own.reduce((sum, { writeQueueNums }) => sum + writeQueueNums, 0),
      perm,
      topicFilterType,
      topicSysFlag,
      order,
      attributes,
    };
  }
  return table;

  function isWanted({ type }: Topic): boolean {
    return type === "normal" || (specialTopics && type !== "system");
  }
}

async function groupTable(
  admin: AdminClient,
  names: ReadonlySet<string>,
): Promise<Record<string, unknown>> {
  const table: Record<string, unknown> = {};
  for (const { group, brokers } of await userGroups(admin)) {
    const configs = brokers.filter(({ broker }) => names.has(broker.brokerName))
      .map(({ config }) => config);
    if (configs.length === 0) continue;
    const retryQueueNums = configs.reduce((sum, config) => sum + config.retryQueueNums, 0);
    table[group] = { ...configs[0], retryQueueNums };
  }
  return table;
}

async function userGroups(admin: AdminClient): Promise<Group[]> {
  return (await listGroups(admin)).groups.filter(({ type }) => type === "normal");
}

/** The settings that mqadmin exports. */
const EXPORTED_SETTINGS = [
  "brokerClusterName",
  "brokerId",
  "brokerName",
  "brokerRole",
  "fileReservedTime",
  "filterServerNums",
  "flushDiskType",
  "maxMessageSize",
  "messageDelayLevel",
  "msgTraceTopicName",
  "slaveReadEnable",
  "traceOn",
  "traceTopicEnable",
  "useTLS",
  "autoCreateTopicEnable",
  "autoCreateSubscriptionGroup",
];

/** How large a cluster is, and its masters' settings. */
export async function exportConfigs(
  admin: AdminClient,
  clusterName: string,
): Promise<Record<string, unknown>> {
  const brokers = (await admin.brokers()).filter((broker) => broker.clusterName === clusterName);
  const masters = brokers.filter(({ brokerId }) => brokerId === MASTER_ID);
  const settings = await Promise.all(masters.map(async ({ brokerName, brokerAddr }) => {
    const all = await brokerConfig(admin, brokerAddr);
    const chosen = EXPORTED_SETTINGS.filter((key) => all[key] !== undefined);
    return [brokerName, Object.fromEntries(chosen.map((key) => [key, all[key]]))] as const;
  }));
  return {
    brokerConfigs: Object.fromEntries(settings),
    clusterScale: {
      namesrvSize: admin.nameServers.length,
      masterBrokerSize: masters.length,
      slaveBrokerSize: brokers.length - masters.length,
    },
  };
}

const { TRANS_HALF: HALF_TOPIC, SCHEDULE: SCHEDULE_TOPIC } = SystemTopic;
const GROUPS_AT_A_TIME = 32;

/** Traffic, sizes and clients of a cluster's brokers. */
export async function exportMetrics(
  admin: AdminClient,
  clusterName: string,
): Promise<Record<string, unknown>> {
  const [masters, { topics }, groups] = await Promise.all([
    admin.masters(clusterName),
    listTopics(admin),
    userGroups(admin),
  ]);
  const clients = await clientsOf(admin, groups, masters);
  const reports = await Promise.all(masters.map(async (broker) => {
    const { brokerName } = broker;
    const has = (brokers: readonly { brokerName: string }[]) =>
      brokers.some((other) => other.brokerName === brokerName);
    const quota = await runtimeQuota(admin, broker);
    return [brokerName, {
      runtimeEnv: {},
      runtimeQuota: {
        ...quota,
        topicSize: topics.filter((topic) => topic.type === "normal" && has(topic.brokers)).length,
        groupSize: groups.filter(({ brokers }) => has(brokers.map((one) => one.broker))).length,
      },
      runtimeVersion: { rocketmqVersion: quota.version, clientInfo: clients },
    }] as const;
  }));
  const quotas = reports.map(([, { runtimeQuota }]) => runtimeQuota);
  return {
    evaluateReport: Object.fromEntries(reports),
    totalData: {
      totalTps: {
        totalNormalInTps: sum(quotas, ({ tps }) => tps.normalInTps),
        totalNormalOutTps: sum(quotas, ({ tps }) => tps.normalOutTps),
        totalTransInTps: sum(quotas, ({ tps }) => tps.transInTps),
        totalScheduleInTps: sum(quotas, ({ tps }) => tps.scheduleInTps),
      },
      totalOneDayNum: {
        normalOneDayInNum: sum(quotas, ({ oneDayNum }) => oneDayNum.normalOneDayInNum),
        normalOneDayOutNum: sum(quotas, ({ oneDayNum }) => oneDayNum.normalOneDayOutNum),
        transOneDayInNum: sum(quotas, ({ oneDayNum }) => oneDayNum.transOneDayInNum),
        scheduleOneDayInNum: sum(quotas, ({ oneDayNum }) => oneDayNum.scheduleOneDayInNum),
      },
    },
  };
}

function sum<T>(rows: readonly T[], of: (row: T) => number): number {
  return rows.reduce((total, row) => total + of(row), 0);
}

async function runtimeQuota(admin: AdminClient, { brokerAddr }: BrokerAddress) {
  const [info, half, schedule] = await Promise.all([
    brokerRuntimeInfo(admin, brokerAddr),
    brokerRate(admin, brokerAddr, "TOPIC_PUT_NUMS", HALF_TOPIC),
    brokerRate(admin, brokerAddr, "TOPIC_PUT_NUMS", SCHEDULE_TOPIC),
  ]);
  const yesterday = (what: string) =>
    Number(info[`${what}TodayMorning`]) - Number(info[`${what}YesterdayMorning`]);
  return {
    version: info["brokerVersionDesc"],
    diskRatio: {
      commitLogDiskRatio: info["commitLogDiskRatio"],
      consumeQueueDiskRatio: info["consumeQueueDiskRatio"],
    },
    tps: {
      normalInTps: Number(info["putTps"]?.split(" ")[0]),
      normalOutTps: Number(info["getTransferredTps"]?.split(" ")[0]),
      transInTps: half.tps,
      scheduleInTps: schedule.tps,
    },
    oneDayNum: {
      normalOneDayInNum: yesterday("msgPutTotal"),
      normalOneDayOutNum: yesterday("msgGetTotal"),
      transOneDayInNum: half.sumDay,
      scheduleOneDayInNum: schedule.sumDay,
    },
    messageAverageSize: info["putMessageAverageSize"],
  };
}

/** Languages and versions of the consumers that are there. */
async function clientsOf(
  admin: AdminClient,
  groups: readonly Group[],
  masters: readonly BrokerAddress[],
): Promise<string[]> {
  const connections = await mapLimited(groups, GROUPS_AT_A_TIME, async ({ group }) => {
    const { clients } = await groupConnections(admin, group, masters);
    return clients.map(({ language, version }) => `${language}%${version}`);
  });
  return [...new Set(connections.flat())].sort();
}
