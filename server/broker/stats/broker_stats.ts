/**
 * What goes in and out of the broker, counted as Apache counts it: per second for runtime info, by topic and group for
 * admins. Nothing of it outlives the process.
 * Source of names and windows: StoreStatsService.java and BrokerStatsManager.java of Apache RocketMQ 5.3.3.
 */

import { EventCounters } from "./event_counters.ts";
import { MessageCounters } from "./message_counters.ts";
import { PutLatency } from "./put_latency.ts";
import { type Rate, type Traffic, TrafficTable, type WindowName } from "./traffic.ts";

export interface BrokerStatsOptions {
  now: () => number;
  /** Such topics do not count in the totals of the day. */
  isSystemTopic: (topic: string) => boolean;
  /** The most series of one metric (metricsOtelCardinalityLimit). */
  seriesMax: number;
}

/** Counters since the start. */
interface Totals {
  put: number;
  /** Looks into queues that found messages, and those that did not. */
  found: number;
  miss: number;
  /** Messages that were given out. */
  transferred: number;
}

/** How many seconds back rates are told for. */
const RATE_SECONDS = [10, 60, 600] as const;
const SECONDS_KEPT = 601;
/** Since when the day's totals count. */
interface DayTotals {
  put: number;
  get: number;
}

export class BrokerStats implements Disposable {
  readonly bootTimestamp: number;
  readonly latency = new PutLatency();
  readonly totals: Totals = { put: 0, found: 0, miss: 0, transferred: 0 };
  /** For metrics. */
  readonly messages: MessageCounters;
  readonly events = new EventCounters();
  putBytes = 0;
  /** Without system topics: now, and as it was when today and yesterday began. */
  readonly day: { readonly now: DayTotals; todayMorning: DayTotals; yesterdayMorning: DayTotals } =
    {
      now: { put: 0, get: 0 },
      todayMorning: { put: 0, get: 0 },
      yesterdayMorning: { put: 0, get: 0 },
    };
  readonly #options: BrokerStatsOptions;
  readonly #topicPut: TrafficTable;
  readonly #groupGet: TrafficTable;
  readonly #sentBack: TrafficTable;
  readonly #seconds: (Totals & { timestamp: number })[] = [];
  readonly #timer: ReturnType<typeof setInterval>;
  #nextMinute: number;
  #nextMorning: number;

  constructor(options: BrokerStatsOptions) {
    const now = options.now();
    this.#options = options;
    this.messages = new MessageCounters(options.seriesMax);
    this.bootTimestamp = now;
    this.#topicPut = new TrafficTable(now);
    this.#groupGet = new TrafficTable(now);
    this.#sentBack = new TrafficTable(now);
    this.#nextMinute = now + 60_000;
    this.#nextMorning = morningAfter(now);
    this.#seconds.push({ ...this.totals, timestamp: now });
    this.#timer = setInterval(() => this.sample(), 1_000);
  }

  /** A message has come to a queue. */
  arrived(topic: string, bytes: number, storeTimestamp: number): void {
    this.totals.put++;
    this.putBytes += bytes;
    this.#topicPut.get(topic).add(1, bytes);
    this.latency.add(this.#options.now() - storeTimestamp);
    if (!this.#options.isSystemTopic(topic)) this.day.now.put++;
  }

  /** A group has looked into a queue; `count` is 0 when nothing was there for it. */
  looked(topic: string, group: string, count: number, parts: readonly Uint8Array[]): void {
    if (count === 0) {
      this.totals.miss++;
      return;
    }
    const bytes = bytesOf(parts);
    this.messages.given(topic, group, "pull", { count, bytes });
    this.#found(topic, group, count, bytes);
  }

  /** A group has popped messages of a topic, or of its retry topic, which come from `topic`. */
  popped(topic: string, from: string, group: string, parts: readonly Uint8Array[]): void {
    const messages = { count: parts.length, bytes: bytesOf(parts) };
    this.messages.given(topic, group, from === topic ? "pop" : "pop retry", messages);
    this.#found(from, group, messages.count, messages.bytes);
  }

  #found(topic: string, group: string, count: number, bytes: number): void {
    this.totals.found++;
    this.totals.transferred += count;
    this.#groupGet.get(groupKey(topic, group)).add(count, bytes);
    if (!this.#options.isSystemTopic(topic)) this.day.now.get += count;
  }

  /** A group could not consume a message and gave it back. */
  sentBack(topic: string, group: string): void {
    this.#sentBack.get(groupKey(topic, group)).add(1, 0);
  }

  /** A message of a topic went to the dead letters of a group. */
  deadLettered(topic: string, group: string): void {
    this.messages.deadLettered(topic, group);
  }

  /** Messages per second that came to a topic in the last minute. */
  topicPutTps(topic: string): number {
    return this.#tps(this.#topicPut, topic);
  }

  /** Messages per second that a group got of a topic in the last minute. */
  groupGetTps(group: string, topic: string): number {
    return this.#tps(this.#groupGet, groupKey(topic, group));
  }

  #tps(table: TrafficTable, key: string): number {
    const counter = table.find(key);
    return counter === undefined
      ? 0
      : table.rate(counter, "count", "minute", this.#options.now()).tps;
  }

  /** One of Apache's statistics by name and key; undefined when nothing has been counted for them. */
  find(statsName: string, statsKey: string): Record<WindowName, Rate> | undefined {
    const row = STATS[statsName];
    if (row === undefined) return undefined;
    const table = this.#tables()[row.table];
    const counter: Traffic | undefined = table.find(statsKey);
    if (counter === undefined) return undefined;
    const now = this.#options.now();
    return {
      minute: table.rate(counter, row.of, "minute", now),
      hour: table.rate(counter, row.of, "hour", now),
      day: table.rate(counter, row.of, "day", now),
    };
  }

  #tables(): Record<TableName, TrafficTable> {
    return { topicPut: this.#topicPut, groupGet: this.#groupGet, sentBack: this.#sentBack };
  }

  /** Forgets what was counted of a topic that is gone. */
  forgetTopic(topic: string): void {
    this.messages.forgetTopic(topic);
    this.events.forget(topic);
    this.#topicPut.remove((key) => key === topic);
    for (const table of [this.#groupGet, this.#sentBack]) {
      table.remove((key) => key.startsWith(`${topic}@`));
    }
  }

  /** Forgets what was counted of a group that is gone. */
  forgetGroup(group: string): void {
    this.messages.forgetGroup(group);
    this.events.forget(group);
    for (const table of [this.#groupGet, this.#sentBack]) {
      table.remove((key) => key.endsWith(`@${group}`));
    }
  }

  /** What one counter rose by per second, over the last 10, 60 and 600 seconds; shorter after a start. */
  perSecond(of: (totals: Totals) => number): number[] {
    const now = this.#options.now();
    const current = of(this.totals);
    return RATE_SECONDS.map((seconds) => {
      const since = this.#seconds.at(-seconds - 1) ?? this.#seconds[0]!;
      return (current - of(since)) * 1000 / Math.max(1_000, now - since.timestamp);
    });
  }

  /** Notes where the counters are. Runs by itself every second. */
  sample(): void {
    const now = this.#options.now();
    this.#seconds.push({ ...this.totals, timestamp: now });
    if (this.#seconds.length > SECONDS_KEPT) this.#seconds.shift();
    for (const table of Object.values(this.#tables())) table.sample(now);
    if (now >= this.#nextMinute) {
      this.latency.roll();
      this.#nextMinute = now + 60_000;
    }
    if (now < this.#nextMorning) return;
    this.#nextMorning = morningAfter(now);
    this.day.yesterdayMorning = this.day.todayMorning;
    this.day.todayMorning = { ...this.day.now };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

type TableName = "topicPut" | "groupGet" | "sentBack";

/** Apache's statistics that are counted here. */
const STATS: Record<string, { table: TableName; of: "count" | "bytes" }> = {
  TOPIC_PUT_NUMS: { table: "topicPut", of: "count" },
  TOPIC_PUT_SIZE: { table: "topicPut", of: "bytes" },
  GROUP_GET_NUMS: { table: "groupGet", of: "count" },
  GROUP_GET_SIZE: { table: "groupGet", of: "bytes" },
  SNDBCK_PUT_NUMS: { table: "sentBack", of: "count" },
};

/** Apache's key for a group and a topic. */
function groupKey(topic: string, group: string): string {
  return `${topic}@${group}`;
}

function bytesOf(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes;
}

/** The next midnight here, in milliseconds. */
function morningAfter(now: number): number {
  const day = new Date(now);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1).getTime();
}
