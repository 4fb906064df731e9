/** Consumers keep their offsets with the broker. */

import * as commands from "../../client/protocol/commands/offset.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { type Route, route } from "../dispatcher.ts";
import type { GroupTable } from "./group_table.ts";
import type { OffsetTable } from "./offset_table.ts";
import type { TopicTable } from "./topic_table.ts";

export interface OffsetDeps {
  offsets: Pick<OffsetTable, "commitOffset" | "queryOffset" | "hasOffsetReset">;
  topics: Pick<TopicTable, "get">;
  groups: Pick<GroupTable, "has">;
  store: {
    /** 0 for an unknown queue. */
    getMinOffsetInQueue(topic: string, queueId: number): number;
    /** Whether a message can be had without reading a file. */
    isInMemory(topic: string, queueId: number, queueOffset: number): boolean;
  };
}

/** No topic has more queues, so that made-up queues cannot fill the memory. */
const QUEUE_ID_MAX = 65_535;

/** QUERY_CONSUMER_OFFSET and UPDATE_CONSUMER_OFFSET. */
export function offsetRoutes({ offsets, topics, groups, store }: OffsetDeps): Route[] {
  return [
    route(commands.QUERY_CONSUMER_OFFSET, ({ header }) => {
      const { consumerGroup, topic, queueId, setZeroIfNotFound } = header;
      const offset = offsets.queryOffset(consumerGroup, topic, queueId);
      if (offset >= 0) return { header: { offset } };
      if (setZeroIfNotFound === false) {
        throw notFound("Not found, do not set to zero, maybe this group boot first");
      }
      // The queue has all its messages and they are few: a new group should not miss the first of a new topic.
      if (store.getMinOffsetInQueue(topic, queueId) <= 0 && store.isInMemory(topic, queueId, 0)) {
        return { header: { offset: 0 } };
      }
      throw notFound("Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first");
    }),
    route(commands.UPDATE_CONSUMER_OFFSET, ({ header }) => {
      const { consumerGroup, topic, queueId, commitOffset } = header;
      if (!groups.has(consumerGroup)) {
        throw refuse(
          ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
          `Group ${consumerGroup} not exist!`,
        );
      }
      if (topics.get(topic) === undefined) {
        throw refuse(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} not exist!`);
      }
      if (queueId < 0 || queueId > QUEUE_ID_MAX) {
        throw refuse(
          ResponseCode.INVALID_PARAMETER,
          `QueueId ${queueId} is none, topic is ${topic}`,
        );
      }
      if (offsets.hasOffsetReset(consumerGroup, topic, queueId)) {
        return { remark: "Offset has been previously reset" };
      }
      offsets.commitOffset(consumerGroup, topic, queueId, commitOffset);
      return {};
    }),
  ];
}

function notFound(remark: string): Error {
  return refuse(ResponseCode.QUERY_NOT_FOUND, remark);
}
