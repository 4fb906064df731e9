/** `comet admin`: brokers. */

import type { BrokerAddress } from "../../client/admin/admin_client.ts";
import { brokerConfig, brokerRuntimeInfo, updateBrokerConfig } from "../../client/admin/cluster.ts";
import { fanOut } from "../../client/admin/fan_out.ts";
import { type HaRuntimeInfo, haStatus, tidyUp, type UPKEEP } from "../../client/admin/upkeep.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { adminCommand, type AdminContext } from "./admin_command.ts";
import { bool, required, text, toggle } from "./admin_flags.ts";
import {
  type AdminOutput,
  changeOutput,
  type Columns,
  partsOutput,
  recordOutput,
  tableOutput,
} from "./admin_output.ts";
import { BROKER_FLAGS, brokersToAsk, brokersToChange } from "./broker_choice.ts";
import { INTERVAL_FLAG, repeated } from "./repeated.ts";

const area = "Brokers";

export const BROKER_COMMANDS = {
  clusterList: adminCommand({
    area,
    help: "list the brokers with their traffic",
    flags: {
      moreStats: toggle("m", "messages of today and yesterday in place of rates"),
      clusterName: text("c", "CLUSTER", "only this cluster"),
      interval: INTERVAL_FLAG,
    },
    run(context, { moreStats, clusterName, interval }) {
      return repeated(context, interval, () => clusterList(context, moreStats, clusterName));
    },
  }),
  brokerStatus: adminCommand({
    area,
    help: "show the figures that a broker tells of itself",
    flags: BROKER_FLAGS,
    run: (context, values) =>
      askEach(context, values, ({ brokerAddr }) => brokerRuntimeInfo(context.admin, brokerAddr)),
  }),
  getBrokerConfig: adminCommand({
    area,
    help: "show a broker's settings",
    flags: { ...BROKER_FLAGS, key: text("k", "NAME", "only settings with this in their name") },
    run: (context, { key, ...where }) =>
      askEach(context, where, async ({ brokerAddr }) => {
        const settings = Object.entries(await brokerConfig(context.admin, brokerAddr));
        return Object.fromEntries(settings.filter(([name]) => name.includes(key ?? "")).sort());
      }),
  }),
  updateBrokerConfig: adminCommand({
    area,
    help: "change a setting while brokers run",
    hasDryRun: true,
    flags: {
      ...BROKER_FLAGS,
      key: required(text("k", "NAME", "the setting")),
      value: required(text("v", "VALUE", "what it gets")),
      updateAllBroker: bool("a", "slaves as well"),
    },
    run: changeSetting,
  }),
  haStatus: adminCommand({
    area,
    help: "show how replication goes",
    flags: { ...BROKER_FLAGS, interval: INTERVAL_FLAG },
    run(context, { interval, ...where }) {
      return repeated(context, interval, async () => {
        const brokers = await brokersToAsk(context, where);
        const { answers, failures } = await fanOut(
          brokers,
          ({ brokerAddr }) => haStatus(context.admin, brokerAddr),
        );
        const parts = answers.map(({ broker, value }) =>
          [broker.brokerAddr, haOutput(broker, value)] as const
        );
        return { ...partsOutput(Object.fromEntries(parts)), failures };
      });
    },
  }),
  cleanExpiredCQ: upkeepCommand("cleanExpiredCQ", "let queues forget what the log has lost"),
  cleanUnusedTopic: upkeepCommand("cleanUnusedTopic", "delete the queues of topics that are gone"),
  deleteExpiredCommitLog: upkeepCommand(
    "deleteExpiredCommitLog",
    "delete log files that have expired, whatever the hour",
  ),
};

function upkeepCommand(what: keyof typeof UPKEEP, help: string) {
  return adminCommand({
    area,
    help,
    hasDryRun: true,
    flags: { brokerAddr: BROKER_FLAGS.brokerAddr, cluster: BROKER_FLAGS.clusterName },
    async run(context, { brokerAddr, cluster: clusterName }) {
      const brokers = await brokersToChange(context, { brokerAddr, clusterName });
      if (context.isDryRun) {
        return changeOutput(
          { answers: brokers.map((broker) => ({ broker, value: undefined })), failures: [] },
          `would be asked to ${help}`,
          { isDryRun: true },
        );
      }
      const result = await fanOut(
        brokers,
        ({ brokerAddr }) => tidyUp(context.admin, brokerAddr, what),
      );
      return changeOutput(result, "done");
    },
  });
}

/** What each broker tells, by its name. */
async function askEach(
  context: AdminContext,
  where: { brokerAddr: string | undefined; clusterName: string | undefined },
  ask: (broker: BrokerAddress) => Promise<Record<string, string>>,
): Promise<AdminOutput> {
  const { answers, failures } = await fanOut(await brokersToAsk(context, where), ask);
  const parts = answers.map(({ broker: { brokerName, brokerAddr }, value }) =>
    [brokerName, {
      ...recordOutput({ Broker: `${brokerName} ${brokerAddr}`, ...value }),
      data: value,
    }] as const
  );
  return { ...partsOutput(Object.fromEntries(parts)), failures };
}

async function changeSetting(
  context: AdminContext,
  { key, value, updateAllBroker = false, ...where }: {
    key: string;
    value: string;
    updateAllBroker: boolean | undefined;
    brokerAddr: string | undefined;
    clusterName: string | undefined;
  },
): Promise<AdminOutput> {
  const { admin, isDryRun } = context;
  const masters = await brokersToChange(context, where);
  const names = masters.map(({ brokerName }) => brokerName);
  const brokers = updateAllBroker
    ? (await admin.brokers()).filter(({ brokerName }) => names.includes(brokerName))
    : masters;
  const result = await fanOut(brokers, async ({ brokerAddr }) => {
    const before = (await brokerConfig(admin, brokerAddr))[key];
    if (!isDryRun) await updateBrokerConfig(admin, brokerAddr, { [key]: value });
    return before;
  });
  const rows = result.answers.map(({ broker: { brokerName, brokerAddr }, value: before }) => ({
    brokerName,
    brokerAddr,
    key,
    before,
    after: value,
  }));
  return tableOutput(rows, {
    Broker: (row) => row.brokerName,
    Address: (row) => row.brokerAddr,
    Setting: (row) => row.key,
    Before: (row) => row.before,
    [isDryRun ? "Would be" : "Now"]: (row) => row.after,
  }, { data: { isDryRun, brokers: rows, failures: result.failures }, failures: result.failures });
}

type Asked = BrokerAddress & { readonly info: Readonly<Record<string, string>> };

async function clusterList(
  { admin, now }: AdminContext,
  moreStats: boolean,
  clusterName: string | undefined,
): Promise<AdminOutput> {
  const brokers = (await admin.brokers())
    .filter((broker) => clusterName === undefined || broker.clusterName === clusterName);
  if (brokers.length === 0) {
    const where = clusterName === undefined ? "" : ` in the cluster ${clusterName}`;
    throw refuse(ResponseCode.BROKER_NOT_EXIST, `No broker is registered${where}`);
  }
  const { answers, failures } = await fanOut(
    brokers,
    ({ brokerAddr }) => brokerRuntimeInfo(admin, brokerAddr),
  );
  const rows: Asked[] = answers.map(({ broker, value: info }) => ({ ...broker, info }));
  const time = now();
  const columns = moreStats ? DAY_COLUMNS : rateColumns(time);
  const data = rows.map(({ info, ...broker }) => ({
    ...broker,
    version: info["brokerVersionDesc"],
    active: info["brokerActive"] === "true",
    inTps: firstRate(info["putTps"]),
    outTps: firstRate(info["getTransferredTps"]),
    hours: hours({ info }, time),
    commitLogDiskRatio: Number(info["commitLogDiskRatio"]),
    ...dayFigures({ info }),
  }));
  return tableOutput(rows, { ...WHO_COLUMNS, ...columns }, { data, failures });
}

const WHO_COLUMNS: Columns<Asked> = {
  Cluster: (row) => row.clusterName,
  Broker: (row) => row.brokerName,
  Id: (row) => row.brokerId,
  Address: (row) => row.brokerAddr,
};

function rateColumns(time: number): Columns<Asked> {
  return {
    Version: (row) => row.info["brokerVersionDesc"],
    "In TPS": (row) => firstRate(row.info["putTps"]),
    "Out TPS": (row) => firstRate(row.info["getTransferredTps"]),
    Hours: (row) => hours(row, time),
    Disk: (row) => `${Math.round(Number(row.info["commitLogDiskRatio"]) * 100)} %`,
    Active: (row) => row.info["brokerActive"],
  };
}

const DAY_COLUMNS: Columns<Asked> = {
  "In yesterday": (row) => dayFigures(row).inYesterday,
  "Out yesterday": (row) => dayFigures(row).outYesterday,
  "In today": (row) => dayFigures(row).inToday,
  "Out today": (row) => dayFigures(row).outToday,
};

function dayFigures({ info }: Pick<Asked, "info">) {
  const between = (from: string, to: string) => Number(info[to]) - Number(info[from]);
  return {
    inYesterday: between("msgPutTotalYesterdayMorning", "msgPutTotalTodayMorning"),
    outYesterday: between("msgGetTotalYesterdayMorning", "msgGetTotalTodayMorning"),
    inToday: between("msgPutTotalTodayMorning", "msgPutTotalTodayNow"),
    outToday: between("msgGetTotalTodayMorning", "msgGetTotalTodayNow"),
  };
}

/** Rates are texts of three numbers: of the last 10 seconds, minute and 10 minutes. */
function firstRate(rates: string | undefined): number {
  return Math.round(Number(rates?.split(" ")[0] ?? 0) * 100) / 100;
}

/** How old the oldest message is. */
function hours({ info }: Pick<Asked, "info">, now: number): number | undefined {
  const earliest = Number(info["earliestMessageTimeStamp"] ?? -1);
  return earliest <= 0 ? undefined : Math.round((now - earliest) / 36_000) / 100;
}

function haOutput({ brokerAddr }: BrokerAddress, info: HaRuntimeInfo): AdminOutput {
  const { master, masterCommitLogMaxOffset, inSyncSlaveNums, haConnectionInfo } = info;
  const output = master
    ? partsOutput({
      master: recordOutput({
        Master: brokerAddr,
        "Log bytes": masterCommitLogMaxOffset,
        Slaves: haConnectionInfo.length,
        "In sync": inSyncSlaveNums,
      }),
      slaves: tableOutput(haConnectionInfo, {
        Slave: (row) => row.addr,
        Acknowledged: (row) => row.slaveAckOffset,
        Behind: (row) => row.diff,
        "KB/s": (row) => Math.round(row.transferredByteInSecond / 10.24) / 100,
        "In sync": (row) => row.inSync,
        From: (row) => row.transferFromWhere,
      }),
    })
    : recordOutput({ Slave: brokerAddr, ...info.haClientRuntimeInfo });
  return { ...output, data: info };
}
