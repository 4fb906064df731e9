/**
 * The table that `mqadmin brokerStatus` and `clusterList` print. Where Apache has thread pools with queues in front,
 * there are none here, so nothing ever waits in one.
 * Source of the keys: AdminBrokerProcessor.prepareRuntimeInfo of Apache RocketMQ 5.3.3.
 */

import { VERSION_5_3_3 } from "../../client/protocol/frame.ts";
import { SCHEDULE_TOPIC } from "../../store/dispatch.ts";
import type { DiskSpace } from "../../store/file_system.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { Config } from "../config.ts";
import { storePaths } from "../config_derived.ts";
import type { BrokerStats } from "./stats/broker_stats.ts";

export interface RuntimeInfoDeps {
  config: Config;
  store: Pick<
    MessageStore,
    "stats" | "diskUsedRatio" | "getEarliestStoreTime" | "getMaxOffsetInQueue"
  >;
  stats: BrokerStats;
  /** queueOffset of the next message to deliver, by delay level. */
  delayOffsets: () => Iterable<readonly [level: number, queueOffset: number]>;
  diskSpace: (path: string) => DiskSpace;
  now: () => number;
}

/** Apache's thread pools; a name goes before each of these suffixes. */
const POOLS = ["send", "pull", "litePull", "query", "ack"];
const POOL_FIGURES = [
  "ThreadPoolQueueSize",
  "ThreadPoolQueueCapacity",
  "ThreadPoolQueueHeadWaitTimeMills",
];

/** All figures by name, as text. */
export function runtimeInfo(deps: RuntimeInfoDeps): Record<string, string> {
  const figures = { ...traffic(deps), ...storage(deps), ...delays(deps), ...noThreadPools() };
  return Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [name, String(value)]),
  );
}

type Figures = Record<string, string | number | boolean>;

function traffic({ stats, now }: RuntimeInfoDeps): Figures {
  const { totals, putBytes, latency, day } = stats;
  const rates = (of: (counters: typeof totals) => number) => stats.perSecond(of).join(" ");
  return {
    brokerActive: true,
    brokerVersionDesc: "V5_3_3",
    brokerVersion: VERSION_5_3_3,
    bootTimestamp: stats.bootTimestamp,
    startAcceptSendRequestTimeStamp: 0,
    runtime: formatRuntime(now() - stats.bootTimestamp),
    putTps: rates(({ put }) => put),
    getFoundTps: rates(({ found }) => found),
    getMissTps: rates(({ miss }) => miss),
    getTotalTps: rates(({ found, miss }) => found + miss),
    getTransferredTps: rates(({ transferred }) => transferred),
    putMessageTimesTotal: Math.max(1, totals.put),
    putMessageFailedTimes: 0,
    putMessageSizeTotal: putBytes,
    putMessageAverageSize: putBytes / Math.max(1, totals.put),
    putMessageEntireTimeMax: latency.maxMillis,
    putMessageDistributeTime: latency.distribution(),
    putLatency99: latency.percentile(0.99).toFixed(2),
    putLatency999: latency.percentile(0.999).toFixed(2),
    msgPutTotalYesterdayMorning: day.yesterdayMorning.put,
    msgPutTotalTodayMorning: day.todayMorning.put,
    msgPutTotalTodayNow: day.now.put,
    msgGetTotalYesterdayMorning: day.yesterdayMorning.get,
    msgGetTotalTodayMorning: day.todayMorning.get,
    msgGetTotalTodayNow: day.now.get,
  };
}

function storage({ config, store, diskSpace }: RuntimeInfoDeps): Figures {
  const { minOffset, maxOffset, durableOffset } = store.stats;
  const paths = storePaths(config);
  const { usedBytes, freeBytes } = diskSpace(paths.root);
  const ratio = store.diskUsedRatio / 100;
  // What is only written is visible at once, unless it has to be synced first.
  const behind = config.flushDiskType === "SYNC_FLUSH" ? maxOffset - durableOffset : 0;
  return {
    commitLogMinOffset: maxOffset === 0 ? -1 : minOffset,
    commitLogMaxOffset: maxOffset,
    commitLogDiskRatio: ratio,
    [`commitLogDiskRatio_${paths.commitLog}`]: ratio,
    consumeQueueDiskRatio: usedBytes / Math.max(1, usedBytes + freeBytes),
    commitLogDirCapacity: `Total : ${readableBytes(usedBytes + freeBytes)}, Free : ${
      readableBytes(freeBytes)
    }.`,
    earliestMessageTimeStamp: store.getEarliestStoreTime(),
    dispatchBehindBytes: behind,
    remainHowManyDataToFlush: readableBytes(maxOffset - durableOffset),
  };
}

function delays({ store, delayOffsets }: RuntimeInfoDeps): Figures {
  const figures: Figures = {};
  for (const [level, queueOffset] of delayOffsets()) {
    const maxOffset = store.getMaxOffsetInQueue(SCHEDULE_TOPIC, level - 1);
    figures[`scheduleMessageOffset_${level}`] = `${queueOffset},${maxOffset}`;
  }
  return figures;
}

/** What tools expect to find, and what is always so here. */
function noThreadPools(): Figures {
  const figures: Figures = {
    dispatchMaxBuffer: 0,
    getMessageEntireTimeMax: 0,
    pageCacheLockTimeMills: 0,
    remainTransientStoreBufferNumbs: 0,
    EndTransactionQueueSize: 0,
    EndTransactionThreadPoolQueueCapacity: 0,
    timerReadBehind: 0,
    timerOffsetBehind: 0,
    timerCongestNum: 0,
    timerEnqueueTps: "0.0",
    timerDequeueTps: "0.0",
  };
  for (const pool of POOLS) {
    for (const figure of POOL_FIGURES) figures[pool + figure] = 0;
  }
  return figures;
}

function formatRuntime(millis: number): string {
  const seconds = Math.floor(millis / 1000);
  const [days, hours, minutes] = [86_400, 3_600, 60].map((unit) => Math.floor(seconds / unit));
  return `[ ${days} days, ${hours! % 24} hours, ${minutes! % 60} minutes, ${
    seconds % 60
  } seconds ]`;
}

/** As 1.5 GiB. */
export function readableBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const exponent = Math.min(6, Math.floor(Math.log(bytes) / Math.log(1024)));
  return `${(bytes / 1024 ** exponent).toFixed(1)} ${"KMGTPE"[exponent - 1]}iB`;
}
