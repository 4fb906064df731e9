/** What a broker's metrics are read from. */

import type { MessageStore } from "../../store/message_store.ts";
import type { DiskSpace } from "../../store/file_system.ts";
import type { ConsumerTable, ProducerTable } from "../broker/client_table.ts";
import type { GroupTable } from "../broker/group_table.ts";
import type { LongPolling } from "../broker/long_polling.ts";
import type { OffsetTable } from "../broker/offset_table.ts";
import type { Pop } from "../broker/pop/pop.ts";
import type { BrokerStats } from "../broker/stats/broker_stats.ts";
import type { Timers } from "../broker/timer/timers.ts";
import type { TopicTable } from "../broker/topic_table.ts";
import type { Transactions } from "../broker/transaction/transaction.ts";
import type { Config } from "../config.ts";
import type { ConsumerLag } from "./consumer_lag.ts";
import type { Histogram } from "./histogram.ts";
import type { RpcLatency } from "./rpc_latency.ts";

export interface BrokerSource {
  config: Config;
  store: MessageStore;
  stats: BrokerStats;
  rpc: RpcLatency;
  /** How long bringing the commit log to disk took, in seconds. */
  syncs: Histogram;
  lag: ConsumerLag;
  topics: TopicTable;
  groups: GroupTable;
  offsets: OffsetTable;
  consumers: ConsumerTable;
  producers: ProducerTable;
  timers: Timers;
  popping: Pop;
  transactions: Transactions;
  longPolling: LongPolling;
  connectionCount: () => number;
  diskSpace: () => DiskSpace;
  now: () => number;
}
