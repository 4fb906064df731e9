/**
 * Apache's metrics about the store and the timers in it.
 * Source: DefaultStoreMetricsManager.java of Apache RocketMQ 5.3.3.
 */

import type { BrokerSource } from "./broker_source.ts";
import type { Histogram } from "./histogram.ts";
import type { Labelled } from "./labelled.ts";
import type { Metric } from "./metric.ts";
import { counters, gauge, histograms } from "./rows.ts";

type Row = Metric<BrokerSource>;

/** Of every series here; Apache's other kinds of stores are not served. */
const LABELS = ["storage_type", "storage_medium"];
const VALUES = ["local", "disk"];
/** Seconds from now, as text and as a number (TimerMetrics.java). */
const SNAPSHOT_BOUNDS_SECONDS = [5, 60, 300, 900, 3_600, 14_400, 28_800, 86_400];

const STORE_ROWS: Row[] = [
  gauge("rocketmq_storage_size", {
    unit: "bytes",
    help: "What is used of the disk that the data folder is on",
    of: ({ diskSpace }) => diskSpace().usedBytes,
  }),
  gauge("rocketmq_storage_flush_behind_bytes", {
    unit: "bytes",
    help: "Bytes of the commit log that are written and not yet on the disk",
    of: ({ store: { stats } }) => stats.maxOffset - stats.durableOffset,
  }),
  gauge("rocketmq_storage_dispatch_behind_bytes", {
    unit: "bytes",
    help: "Bytes of the commit log that are written and that consumers do not see yet",
    of: ({ config, store: { stats } }) =>
      config.flushDiskType === "SYNC_FLUSH" ? stats.maxOffset - stats.durableOffset : 0,
  }),
  gauge("rocketmq_storage_message_reserve_time", {
    unit: "milliseconds",
    help: "How long ago the oldest message was stored",
    of: ({ store, now }) => {
      const earliest = store.getEarliestStoreTime();
      return earliest < 0 ? undefined : Math.max(0, now() - earliest);
    },
  }),
];

const TIMER_ROWS: Row[] = [
  gauge("rocketmq_timer_enqueue_lag", {
    help: "Timer messages that are stored and not yet in the timers' index",
    of: ({ timers }) => timers.enqueueBehind,
  }),
  gauge("rocketmq_timer_enqueue_latency", {
    unit: "milliseconds",
    help: "0: a timer message is in the index as soon as it is stored",
    of: () => 0,
  }),
  gauge("rocketmq_timer_dequeue_lag", {
    help: "Timer messages that are due and not yet delivered, about",
    of: ({ timers, now }) => timers.countByDue([now()])[0],
  }),
  gauge("rocketmq_timer_dequeue_latency", {
    unit: "milliseconds",
    help: "How long the next timer message has been due",
    of: ({ timers }) => timers.dequeueBehindMillis,
  }),
  {
    name: "rocketmq_timing_messages",
    kind: "gauge",
    help: "Timer messages that wait",
    labels: ["topic"],
    *collect({ timers }) {
      for (const [topic, count] of timers.counts()) yield [count, [topic]];
    },
  },
  counters("rocketmq_timer_enqueue_total", ["topic"], {
    help: "Timer messages that began to wait",
    of: ({ stats }) => stats.events.timersEnqueued,
  }),
  counters("rocketmq_timer_dequeue_total", ["topic"], {
    help: "Timer messages that were delivered",
    of: ({ stats }) => stats.events.timersDequeued,
  }),
  {
    name: "rocketmq_timer_message_snapshot",
    kind: "gauge",
    help:
      "Timer messages that are due within so many seconds, and not within the bound before; about",
    labels: ["timer_bound_s"],
    *collect({ timers, now }) {
      const from = now();
      // What is due already is in none.
      const until = [from, ...SNAPSHOT_BOUNDS_SECONDS.map((seconds) => from + seconds * 1_000)];
      const [, ...counts] = timers.countByDue(until);
      for (const [index, count] of counts.entries()) {
        yield [count, [String(SNAPSHOT_BOUNDS_SECONDS[index])]];
      }
    },
  },
  histograms("rocketmq_delay_message_latency", ["topic"], {
    unit: "seconds",
    help: "How long timer messages are to wait when they are sent",
    of: ({ stats }): Iterable<Labelled<Histogram>> => stats.events.timerDelay,
  }),
];

/** The row with the labels of the store before its own. */
function stored(row: Row): Row {
  return {
    ...row,
    labels: [...LABELS, ...row.labels],
    *collect(source) {
      for (const [value, labelValues = []] of row.collect(source)) {
        yield [value, [...VALUES, ...labelValues]];
      }
    },
  };
}

export const APACHE_STORE_ROWS: readonly Row[] = [...STORE_ROWS, ...TIMER_ROWS].map(stored);
