/** What Comet tells of a broker beside Apache's metrics. */

import type { BrokerSource } from "./broker_source.ts";
import type { Metric } from "./metric.ts";
import { counter, gauge, histogram } from "./rows.ts";

export const COMET_ROWS: readonly Metric<BrokerSource>[] = [
  histogram("comet_sync", {
    unit: "seconds",
    help: "How long bringing new messages to the disk took (fdatasync of the commit log)",
    of: ({ syncs }) => syncs,
  }),
  counter("comet_stored_messages_total", {
    help:
      "Messages that were stored, of all topics; by comet_sync_seconds_count: how many share an fdatasync",
    of: ({ store }) => store.stats.putCount,
  }),
  gauge("comet_commit_log_size", {
    unit: "bytes",
    help: "The commit log, from its oldest message to its end",
    of: ({ store: { stats } }) => stats.maxOffset - stats.minOffset,
  }),
  gauge("comet_commit_log_end", {
    unit: "bytes",
    help: "The physicalOffset at which the commit log ends; its rate is what is written",
    of: ({ store }) => store.stats.maxOffset,
  }),
  gauge("comet_disk_free", {
    unit: "bytes",
    help: "What is free of the disk that the data folder is on",
    of: ({ diskSpace }) => diskSpace().freeBytes,
  }),
  gauge("comet_connections", {
    help: "Connections of clients, brokers and tools to the broker",
    of: ({ connectionCount }) => connectionCount(),
  }),
  gauge("comet_held_pulls", {
    help: "Pulls that wait for a message",
    of: ({ longPolling }) => longPolling.count,
  }),
  gauge("comet_held_pops", {
    help: "Pops and notifications that wait for a message",
    of: ({ popping }) => popping.waitingCount,
  }),
  gauge("comet_pop_in_flight_messages", {
    help: "Messages that were popped and are neither acknowledged nor given back",
    of: ({ popping }) => {
      let count = 0;
      for (const { inFlightCount } of popping.table.queues) count += inFlightCount;
      return count;
    },
  }),
  gauge("comet_waiting_timers", {
    help: "Timer messages that wait, of all topics",
    of: ({ timers }) => timers.count(),
  }),
  gauge("comet_open_transactions", {
    help: "Transactions that are open, of all topics",
    of: ({ transactions }) => {
      let count = 0;
      for (const { openCount } of transactions.openCounts) count += openCount;
      return count;
    },
  }),
];
