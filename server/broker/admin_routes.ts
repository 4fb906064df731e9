/** All that admins ask of a broker, besides creating topics and groups. */

import { denoFileSystem } from "../../store/file_system.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { Config } from "../config.ts";
import type { Route } from "../dispatcher.ts";
import type { Log } from "../log.ts";
import { adminGroupRoutes } from "./admin_group_routes.ts";
import { adminTopicRoutes } from "./admin_topic_routes.ts";
import { brokerInfoRoutes } from "./broker_info_routes.ts";
import type { ChangedSettings } from "./changed_settings.ts";
import type { ConsumerTable, ProducerTable } from "./client_table.ts";
import { consumeStatsRoutes } from "./consume_stats_routes.ts";
import { consumerAdminRoutes } from "./consumer_admin_routes.ts";
import type { ConsumerFilterTable } from "./consumer_filter_table.ts";
import type { GroupTable } from "./group_table.ts";
import type { OffsetTable } from "./offset_table.ts";
import type { Schedule } from "./schedule.ts";
import type { BrokerStats } from "./stats/broker_stats.ts";
import type { TopicTable } from "./topic_table.ts";
import { upkeepRoutes } from "./upkeep_routes.ts";

export interface AdminDeps {
  config: Config;
  changedSettings: ChangedSettings;
  store: MessageStore;
  schedule: Schedule;
  topics: TopicTable;
  groups: GroupTable;
  offsets: OffsetTable;
  consumers: ConsumerTable;
  producers: ProducerTable;
  filters: ConsumerFilterTable;
  stats: BrokerStats;
  /** What the broker has registered as; undefined before that. */
  brokerAddr: () => string | undefined;
  log: Log;
}

/** The handlers of the admin commands. */
export function adminRoutes(deps: AdminDeps): Route[] {
  const { config, schedule, topics } = deps;
  const now = Date.now;
  return [
    ...brokerInfoRoutes({
      ...deps,
      now,
      delayOffsets: () => schedule.offsets,
      diskSpace: (path) => denoFileSystem.diskSpaceSync(path),
      // They decide about TBW102, and about what routes say.
      onSettings: () => topics.settingsChanged(),
    }),
    ...upkeepRoutes(deps),
    ...adminTopicRoutes(deps),
    ...adminGroupRoutes(deps),
    ...consumeStatsRoutes({ ...deps, brokerName: config.brokerName, now }),
    ...consumerAdminRoutes(deps),
  ];
}
