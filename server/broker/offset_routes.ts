/** Offsets: of groups, and of queues. */

import {
  QUERY_CONSUMER_OFFSET,
  UPDATE_CONSUMER_OFFSET,
} from "../../client/protocol/commands/offset.ts";
import {
  GET_EARLIEST_MSG_STORETIME,
  GET_MAX_OFFSET,
  GET_MIN_OFFSET,
  SEARCH_OFFSET_BY_TIMESTAMP,
} from "../../client/protocol/commands/query.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import type { MessageStore } from "../../store/message_store.ts";
import { type Route, route } from "../dispatcher.ts";
import type { OffsetTable } from "./offset_table.ts";

export interface OffsetDeps {
  store: MessageStore;
  offsets: OffsetTable;
}

/** The handlers of the offset commands. */
export function offsetRoutes({ store, offsets }: OffsetDeps): Route[] {
  return [
    route(QUERY_CONSUMER_OFFSET, ({ header: { consumerGroup, topic, queueId, ...rest } }) => {
      const offset = offsets.query(consumerGroup, topic, queueId);
      if (offset !== undefined) return { header: { offset } };
      // A new group on a queue that still has its first message, in memory, begins with it: as Apache decides.
      const fromStart = store.getMinOffsetInQueue(topic, queueId) <= 0 &&
        (store.getMaxOffsetInQueue(topic, queueId) === 0 || store.isInMemory(topic, queueId, 0));
      if (rest.setZeroIfNotFound !== false && fromStart) return { header: { offset: 0 } };
      throw refuse(
        ResponseCode.QUERY_NOT_FOUND,
        "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first",
      );
    }),
    route(UPDATE_CONSUMER_OFFSET, ({ header: { consumerGroup, topic, queueId, commitOffset } }) => {
      offsets.commit(consumerGroup, topic, queueId, commitOffset);
      return {};
    }),
    route(GET_MAX_OFFSET, ({ header: { topic, queueId, committed } }) => ({
      header: { offset: store.getMaxOffsetInQueue(topic, queueId, committed) },
    })),
    route(GET_MIN_OFFSET, ({ header: { topic, queueId } }) => ({
      header: { offset: store.getMinOffsetInQueue(topic, queueId) },
    })),
    route(GET_EARLIEST_MSG_STORETIME, ({ header: { topic, queueId } }) => ({
      header: { timestamp: store.getEarliestMessageTime(topic, queueId) },
    })),
    route(SEARCH_OFFSET_BY_TIMESTAMP, ({ header: { topic, queueId, timestamp, boundaryType } }) => {
      const boundary = boundaryType?.toUpperCase() === "UPPER" ? "UPPER" : "LOWER";
      return {
        header: { offset: store.getOffsetInQueueByTime(topic, queueId, timestamp, boundary) },
      };
    }),
  ];
}
