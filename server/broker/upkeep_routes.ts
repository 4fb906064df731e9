/** Admins have the store tidied up, and other brokers take over the offsets. */

import * as commands from "../../client/protocol/commands/admin_broker.ts";
import { isLmq } from "../../client/protocol/multi_dispatch.ts";
import type { MessageStore } from "../../store/message_store.ts";
import { type Route, route } from "../dispatcher.ts";
import type { Log } from "../log.ts";
import { jsonBody } from "./json_body.ts";
import type { OffsetTable } from "./offset_table.ts";
import type { Schedule } from "./schedule.ts";
import type { TopicTable } from "./topic_table.ts";

export interface UpkeepDeps {
  store: Pick<
    MessageStore,
    "checkpoint" | "deleteExpiredFiles" | "deleteTopic" | "topicsOnDisk"
  >;
  topics: Pick<TopicTable, "get" | "isSystemTopic">;
  offsets: Pick<OffsetTable, "toJson">;
  schedule: Pick<Schedule, "toJson">;
  log: Log;
}

/** CLEAN_…, DELETE_EXPIRED_COMMITLOG, GET_ALL_CONSUMER_OFFSET and GET_ALL_DELAY_OFFSET. */
export function upkeepRoutes({ store, topics, offsets, schedule, log }: UpkeepDeps): Route[] {
  return [
    route(commands.CLEAN_EXPIRED_CONSUMEQUEUE, async () => {
      // Queues lose what the log has lost with each checkpoint. Apache also deletes whole queues that have nothing left,
      // which then begin at 0 again behind the offsets of their consumers; here they go on where they were.
      await store.checkpoint();
      return {};
    }),
    route(commands.CLEAN_UNUSED_TOPIC, async () => {
      for (const topic of store.topicsOnDisk()) {
        const isUsed = topics.get(topic) !== undefined || topics.isSystemTopic(topic) ||
          // In no table.
          isLmq(topic);
        if (isUsed) continue;
        await store.deleteTopic(topic);
        log.info("deleted the queues of a topic that is not there any more", { topic });
      }
      return {};
    }),
    route(commands.DELETE_EXPIRED_COMMITLOG, async () => {
      await store.deleteExpiredFiles(true);
      return {};
    }),
    route(commands.GET_ALL_CONSUMER_OFFSET, () => ({ body: jsonBody(offsets.toJson()) })),
    route(commands.GET_ALL_DELAY_OFFSET, () => ({ body: jsonBody(schedule.toJson()) })),
  ];
}
