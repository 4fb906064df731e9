/** The broker's tables over a folder that vanishes with the test. */

import { denoFileSystem } from "../../store/file_system.ts";
import { ConsumerFilterTable } from "../../server/broker/consumer_filter_table.ts";
import { SqlFilterCache } from "../../server/broker/filter/sql_filter.ts";
import { GroupTable } from "../../server/broker/group_table.ts";
import { OffsetTable } from "../../server/broker/offset_table.ts";
import { QueueLockTable } from "../../server/broker/queue_lock_table.ts";
import { TopicTable } from "../../server/broker/topic_table.ts";
import { memoryLog } from "./fake_connection.ts";

export function setupTables() {
  const folder = Deno.makeTempDirSync();
  const { log, lines } = memoryLog();
  const clock = { millis: 1_000_000 };
  const settings = {
    brokerClusterName: "DefaultCluster",
    brokerName: "broker-a",
    autoCreateTopicEnable: true,
    autoCreateSubscriptionGroup: true,
    defaultTopicQueueNums: 8,
    clusterTopicEnable: true,
    brokerTopicEnable: true,
    reviveQueueNum: 8,
    traceTopicEnable: false,
    msgTraceTopicName: "RMQ_SYS_TRACE_TOPIC",
    flushConsumerOffsetInterval: 60_000,
    enablePropertyFilter: true,
    enableMixedMessageType: false,
    enableLmq: false,
    filterSupportRetry: false,
    filterDataCleanTimeSpan: 86_400_000,
    notifyConsumerIdsChangedEnable: true,
  };
  const opened: AsyncDisposable[] = [];
  const changes = { count: 0 };
  const common = { folder, fileSystem: denoFileSystem, settings, now: () => clock.millis, log };
  const onChange = () => {
    changes.count++;
    return Promise.resolve();
  };
  const keep = <T extends AsyncDisposable>(table: T): T => {
    opened.push(table);
    return table;
  };
  return {
    folder,
    lines,
    log,
    clock,
    settings,
    /** How often topics were announced. */
    changes,
    openTopics: () => keep(new TopicTable({ ...common, onChange })),
    openGroups: () => keep(new GroupTable(common)),
    openOffsets: () => keep(new OffsetTable(common)),
    openQueueLocks: () => keep(new QueueLockTable({ ...common, rebalanceLockMaxLiveTime: 60_000 })),
    openFilters: () =>
      keep(new ConsumerFilterTable({ ...common, filterCache: new SqlFilterCache() })),
    write: (name: string, text: string) => Deno.writeTextFileSync(`${folder}/${name}`, text),
    read: (name: string) => JSON.parse(Deno.readTextFileSync(`${folder}/${name}`)),
    async [Symbol.asyncDispose]() {
      for (const table of opened) await table[Symbol.asyncDispose]();
      Deno.removeSync(folder, { recursive: true });
    },
  };
}
