/** What a broker tells of itself, from its texts (GET_BROKER_RUNTIME_INFO) into figures. Apache's keys. */

/** Rates each second over the last 10 seconds, minute and 10 minutes. */
export interface Rates {
  readonly tenSeconds: number;
  readonly minute: number;
  readonly tenMinutes: number;
}

export interface DayCounts {
  readonly yesterday: number;
  readonly today: number;
}

export interface BrokerRuntime {
  readonly version: string;
  readonly active: boolean;
  /** Milliseconds since the epoch. */
  readonly bootTimestamp: number;
  readonly putTps: Rates;
  readonly getFoundTps: Rates;
  readonly getMissTps: Rates;
  readonly getTransferredTps: Rates;
  readonly putCount: DayCounts;
  readonly getCount: DayCounts;
  readonly putMessageAverageSize: number;
  /** Milliseconds; 0 where the broker does not say. */
  readonly putLatency99: number;
  readonly putLatency999: number;
  readonly commitLogMinOffset: number;
  readonly commitLogMaxOffset: number;
  /** How full the disk is, from 0 to 1. */
  readonly commitLogDiskRatio: number;
  readonly dispatchBehindBytes: number;
  readonly earliestMessageTimeStamp: number;
  /** Queues in front of thread pools; empty for a broker that has none. */
  readonly threadPools: readonly ThreadPool[];
  /** How far the delivery of each delay level is. */
  readonly delayLevels: readonly DelayLevel[];
}

export interface ThreadPool {
  readonly name: string;
  readonly queueSize: number;
  readonly queueCapacity: number;
  readonly headWaitTimeMillis: number;
}

export interface DelayLevel {
  readonly level: number;
  /** queueOffset of the next message to deliver, and of the next one to come. */
  readonly delayOffset: number;
  readonly maxOffset: number;
}

type Texts = Readonly<Record<string, string>>;

/** Reads the texts; what is not there or no number is 0. */
export function parseRuntimeInfo(texts: Texts): BrokerRuntime {
  return {
    version: texts["brokerVersionDesc"] ?? "",
    active: texts["brokerActive"] !== "false",
    bootTimestamp: numberIn(texts, "bootTimestamp"),
    putTps: ratesIn(texts, "putTps"),
    getFoundTps: ratesIn(texts, "getFoundTps"),
    getMissTps: ratesIn(texts, "getMissTps"),
    getTransferredTps: ratesIn(texts, "getTransferredTps"),
    putCount: countsIn(texts, "msgPutTotal"),
    getCount: countsIn(texts, "msgGetTotal"),
    putMessageAverageSize: numberIn(texts, "putMessageAverageSize"),
    putLatency99: numberIn(texts, "putLatency99"),
    putLatency999: numberIn(texts, "putLatency999"),
    commitLogMinOffset: numberIn(texts, "commitLogMinOffset"),
    commitLogMaxOffset: numberIn(texts, "commitLogMaxOffset"),
    commitLogDiskRatio: Math.max(0, numberIn(texts, "commitLogDiskRatio")),
    dispatchBehindBytes: numberIn(texts, "dispatchBehindBytes"),
    earliestMessageTimeStamp: numberIn(texts, "earliestMessageTimeStamp"),
    threadPools: threadPoolsIn(texts),
    delayLevels: delayLevelsIn(texts),
  };
}

function numberIn(texts: Texts, key: string): number {
  const value = Number(texts[key]);
  return Number.isFinite(value) ? value : 0;
}

function ratesIn(texts: Texts, key: string): Rates {
  const [tenSeconds = 0, minute = 0, tenMinutes = 0] = (texts[key] ?? "").trim().split(/\s+/)
    .map((word) => Number.isFinite(Number(word)) ? Number(word) : 0);
  return { tenSeconds, minute, tenMinutes };
}

function countsIn(texts: Texts, prefix: string): DayCounts {
  const [yesterday, today, now] = ["YesterdayMorning", "TodayMorning", "TodayNow"]
    .map((when) => numberIn(texts, prefix + when)) as [number, number, number];
  return { yesterday: today - yesterday, today: now - today };
}

/** Pools that never have a capacity are none. */
function threadPoolsIn(texts: Texts): ThreadPool[] {
  return Object.keys(texts).flatMap((key) => {
    const name = /^(.+)ThreadPoolQueueCapacity$/.exec(key)?.[1];
    const queueCapacity = numberIn(texts, key);
    if (name === undefined || queueCapacity === 0) return [];
    return [{
      name,
      queueSize: numberIn(texts, `${name}ThreadPoolQueueSize`),
      queueCapacity,
      headWaitTimeMillis: numberIn(texts, `${name}ThreadPoolQueueHeadWaitTimeMills`),
    }];
  });
}

function delayLevelsIn(texts: Texts): DelayLevel[] {
  return Object.entries(texts).flatMap(([key, text]) => {
    const level = /^scheduleMessageOffset_(\d+)$/.exec(key)?.[1];
    if (level === undefined) return [];
    const [delayOffset = 0, maxOffset = 0] = text.split(",").map(Number);
    return [{ level: Number(level), delayOffset, maxOffset }];
  }).sort((left, right) => left.level - right.level);
}
