/** Clients: heartbeats, who is in a group, queue locks. */

import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import {
  CHECK_CLIENT_CONFIG,
  GET_CONSUMER_LIST_BY_GROUP,
  HEART_BEAT,
  LOCK_BATCH_MQ,
  UNLOCK_BATCH_MQ,
  UNREGISTER_CLIENT,
} from "../../client/protocol/commands/client.ts";
import { parseFastjson } from "../../client/protocol/fastjson.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { type Route, route } from "../dispatcher.ts";
import type { ClientTable, ConsumerData, SubscriptionData } from "./client_table.ts";
import { parseSubscription } from "./message_filter.ts";
import type { QueueLockTable } from "./queue_lock_table.ts";
import { RETRY_GROUP_TOPIC_PREFIX, type TopicTable } from "./topic_table.ts";

export interface ClientDeps {
  clients: ClientTable;
  topics: TopicTable;
  locks: QueueLockTable;
  now: () => number;
}

interface LockBody {
  consumerGroup: string;
  clientId: string;
  mqSet: { topic: string; brokerName: string; queueId: number }[];
}

/** The handlers of the client commands. */
export function clientRoutes({ clients, topics, locks, now }: ClientDeps): Route[] {
  return [
    route(HEART_BEAT, ({ body, connection }) => {
      const heartbeat = readBody<{ clientID: string; consumerDataSet?: ConsumerData[] }>(body);
      for (const consumer of heartbeat.consumerDataSet ?? []) {
        topics.getOrCreateInternal(RETRY_GROUP_TOPIC_PREFIX + consumer.groupName, 1);
        clients.register(connection, heartbeat.clientID, consumer, now());
      }
      return {};
    }),
    route(UNREGISTER_CLIENT, ({ header, connection }) => {
      if (header.consumerGroup !== undefined) clients.unregister(connection, header.consumerGroup);
      return {};
    }),
    route(CHECK_CLIENT_CONFIG, ({ body }) => {
      const { subscriptionData } = readBody<{ subscriptionData?: SubscriptionData }>(body);
      parseSubscription(subscriptionData?.subString, subscriptionData?.expressionType);
      return {};
    }),
    route(GET_CONSUMER_LIST_BY_GROUP, ({ header: { consumerGroup } }) => {
      const consumerIdList = clients.clientIds(consumerGroup);
      if (consumerIdList.length > 0) {
        return { body: encodeUtf8(JSON.stringify({ consumerIdList })) };
      }
      throw refuse(ResponseCode.SYSTEM_ERROR, `no consumer for this group, ${consumerGroup}`);
    }),
    route(LOCK_BATCH_MQ, ({ body }) => {
      const { consumerGroup, clientId, mqSet } = readBody<LockBody>(body);
      const lockOKMQSet = mqSet.filter((queue) =>
        locks.lock(consumerGroup, `${queue.topic}@${queue.queueId}`, clientId, now())
      );
      return { body: encodeUtf8(JSON.stringify({ lockOKMQSet })) };
    }),
    route(UNLOCK_BATCH_MQ, ({ body }) => {
      const { consumerGroup, clientId, mqSet } = readBody<LockBody>(body);
      for (const { topic, queueId } of mqSet) {
        locks.unlock(consumerGroup, `${topic}@${queueId}`, clientId);
      }
      return {};
    }),
  ];
}

function readBody<T>(body: Uint8Array): T {
  return parseFastjson(decodeUtf8(body, 0, body.length)) as T;
}
