/** Finding messages by id and by key, and the ends and times of queues. */

import * as commands from "../../client/protocol/commands/query.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { Config } from "../config.ts";
import { type Route, route } from "../dispatcher.ts";

export interface QueryDeps {
  config: Config;
  store: Pick<
    MessageStore,
    | "queryMessage"
    | "selectMessageByOffset"
    | "indexEnd"
    | "getMinOffsetInQueue"
    | "getMaxOffsetInQueue"
    | "getEarliestMessageTime"
    | "getOffsetInQueueByTime"
  >;
}

/** The handlers of the query commands. */
export function queryRoutes({ config, store }: QueryDeps): Route[] {
  return [
    route(commands.QUERY_MESSAGE, async ({ header }) => {
      const { topic, key, beginTimestamp, endTimestamp } = header;
      const maxNum = header._UNIQUE_KEY_QUERY ? config.defaultQueryMaxNum : header.maxNum;
      const records = await store.queryMessage({
        topic,
        key,
        maxNum,
        beginTimestamp,
        endTimestamp,
      });
      const end = store.indexEnd;
      const reply = {
        indexLastUpdateTimestamp: end.timestamp,
        indexLastUpdatePhyoffset: end.physicalOffset,
      };
      if (records.length > 0) return { header: reply, bodyParts: records };
      return {
        code: ResponseCode.QUERY_NOT_FOUND,
        remark: "can not find message, maybe time range not correct",
        header: reply,
      };
    }),
    route(commands.VIEW_MESSAGE_BY_ID, async ({ header }) => {
      const record = await store.selectMessageByOffset(header.offset);
      if (record !== undefined) return { body: record };
      throw refuse(
        ResponseCode.SYSTEM_ERROR,
        `can not find message by the offset, ${header.offset}`,
      );
    }),
    route(commands.GET_MAX_OFFSET, ({ header: { topic, queueId, committed } }) => ({
      header: { offset: store.getMaxOffsetInQueue(topic, queueId, committed) },
    })),
    route(commands.GET_MIN_OFFSET, ({ header: { topic, queueId } }) => ({
      header: { offset: store.getMinOffsetInQueue(topic, queueId) },
    })),
    route(commands.GET_EARLIEST_MSG_STORETIME, ({ header: { topic, queueId } }) => ({
      header: { timestamp: store.getEarliestMessageTime(topic, queueId) },
    })),
    route(commands.SEARCH_OFFSET_BY_TIMESTAMP, ({ header }) => {
      const { topic, queueId, timestamp, boundaryType } = header;
      const boundary = boundaryType?.toUpperCase() === "UPPER" ? "UPPER" : "LOWER";
      const offset = store.getOffsetInQueueByTime(topic, queueId, timestamp, boundary);
      return { header: { offset } };
    }),
  ];
}
