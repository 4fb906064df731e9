/** Clients come, tell what they are, share queues among each other, and go. */

import type { Connection } from "../../client/remoting/connection.ts";
import * as commands from "../../client/protocol/commands/client.ts";
import { createRequest } from "../../client/protocol/frame.ts";
import { encodeHeader } from "../../client/protocol/header_schema.ts";
import {
  type ConsumerData,
  type HeartbeatData,
  isTagType,
  parseHeartbeatData,
  parseSubscriptionData,
  type SubscriptionData,
} from "../../client/protocol/heartbeat.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { TopicSysFlag } from "../../client/protocol/topic_config.ts";
import { type Route, route } from "../dispatcher.ts";
import type { Log } from "../log.ts";
import {
  clientIdsOf,
  type ClientInfo,
  type ConsumerTable,
  type ProducerTable,
} from "./client_table.ts";
import type { GroupTable } from "./group_table.ts";
import { jsonBody, parseJsonBody } from "./json_body.ts";
import type { SqlFilterCache } from "./filter/sql_filter.ts";
import { expressionFilterOf, mustServeExpression } from "./message_filter.ts";
import type { QueueLockTable } from "./queue_lock_table.ts";
import type { MessageQueue } from "../../client/protocol/message_queue.ts";
import { retryTopicOf } from "./topic_name.ts";
import type { TopicTable } from "./topic_table.ts";

export interface ClientDeps {
  consumers: Pick<ConsumerTable, "groups" | "register" | "unregister">;
  producers: Pick<ProducerTable, "register" | "unregister">;
  topics: Pick<TopicTable, "get" | "createTopicInSendMessageBack">;
  groups: Pick<GroupTable, "find">;
  queueLocks: Pick<QueueLockTable, "lock" | "unlock" | "saved">;
  filterCache: SqlFilterCache;
  settings: Readonly<{ enablePropertyFilter: boolean }>;
  log: Log;
}

type Client = Omit<ClientInfo, "lastUpdateTimestamp">;

/** HEART_BEAT, UNREGISTER_CLIENT, CHECK_CLIENT_CONFIG, GET_CONSUMER_LIST_BY_GROUP and the locks of queues. */
export function clientRoutes(deps: ClientDeps): Route[] {
  const { consumers, producers, queueLocks } = deps;
  return [
    route(commands.HEART_BEAT, ({ body, request, connection }) => {
      const heartbeat = parseJsonBody(body, parseHeartbeatData);
      const { language, version } = request;
      const client = { clientId: heartbeat.clientID, language, version, connection };
      return {
        header: {
          IS_SUPPORT_HEART_BEAT_V2: true,
          IS_SUB_CHANGE: takeHeartbeat(deps, heartbeat, client),
        },
      };
    }),
    route(commands.UNREGISTER_CLIENT, ({ header, connection }) => {
      const { producerGroup, consumerGroup } = header;
      if (producerGroup !== undefined) producers.unregister(producerGroup, connection);
      if (consumerGroup !== undefined) consumers.unregister(consumerGroup, connection);
      return {};
    }),
    route(commands.CHECK_CLIENT_CONFIG, ({ body }) => {
      checkSubscription(deps, parseJsonBody(body, parseCheckedSubscription));
      return {};
    }),
    route(commands.GET_CONSUMER_LIST_BY_GROUP, ({ header }) => {
      const group = consumers.groups.get(header.consumerGroup);
      if (group !== undefined) return { body: jsonBody({ consumerIdList: clientIdsOf(group) }) };
      throw refuse(
        ResponseCode.SYSTEM_ERROR,
        `no consumer for this group, ${header.consumerGroup}`,
      );
    }),
    route(commands.LOCK_BATCH_MQ, async ({ body }) => {
      const { consumerGroup, clientId, mqSet } = parseJsonBody(body, parseLockBody);
      const lockOKMQSet = queueLocks.lock(consumerGroup, mqSet, clientId);
      await queueLocks.saved();
      return { body: jsonBody({ lockOKMQSet }) };
    }),
    route(commands.UNLOCK_BATCH_MQ, ({ body }) => {
      const { consumerGroup, clientId, mqSet } = parseJsonBody(body, parseLockBody);
      queueLocks.unlock(consumerGroup, mqSet, clientId);
      return {};
    }),
  ];
}

/** Tells the members of a group at once that it has changed; they ask for the list and share the queues anew. */
export function consumerIdsNotifier(
  settings: Readonly<{ notifyConsumerIdsChangedEnable: boolean }>,
): (consumerGroup: string, connections: readonly Connection[]) => void {
  const { code, request } = commands.NOTIFY_CONSUMER_IDS_CHANGED;
  return (consumerGroup, connections) => {
    if (!settings.notifyConsumerIdsChangedEnable) return;
    for (const connection of connections) {
      connection.invokeOneway(createRequest(code, encodeHeader(request, { consumerGroup })));
    }
  };
}

/** Returns whether the client must tell its subscriptions again. */
function takeHeartbeat(deps: ClientDeps, heartbeat: HeartbeatData, client: Client): boolean {
  let isSubChange = false;
  for (const consumer of heartbeat.consumerDataSet) {
    isSubChange = takeConsumer(deps, heartbeat, consumer, client) || isSubChange;
  }
  for (const group of heartbeat.producerGroups) deps.producers.register(group, client);
  // The first kind of heartbeat is whole every time, and Java answers it so.
  return heartbeat.heartbeatFingerprint === 0 || isSubChange;
}

function takeConsumer(
  { consumers, groups, topics, log }: ClientDeps,
  { heartbeatFingerprint, withoutSub }: HeartbeatData,
  consumer: ConsumerData,
  client: Client,
): boolean {
  const { groupName } = consumer;
  const group = groups.find(groupName);
  if (group === undefined) {
    log.debug("ignored a consumer of an unknown group", { group: groupName });
    return false;
  }
  const known = consumers.groups.get(groupName);
  const subscriptions = withoutSub && known !== undefined
    ? [...known.subscriptions.values()]
    : consumer.subscriptionDataSet;
  topics.createTopicInSendMessageBack({
    topic: retryTopicOf(groupName),
    queueNums: group.retryQueueNums,
    order: subscriptions.some(({ topic }) => topics.get(topic)?.order === true),
    topicSysFlag: consumer.unitMode ? TopicSysFlag.UNIT_SUB : 0,
  });
  // Java asks for the subscriptions only when it knows another fingerprint; after a restart it knows none.
  const isSubChange = known === undefined
    ? withoutSub
    : known.heartbeatFingerprint !== heartbeatFingerprint;
  consumers.register({
    consumer,
    client,
    heartbeatFingerprint,
    withoutSub,
    notifyConsumerIdsChangedEnable: group.notifyConsumerIdsChangedEnable,
  });
  return isSubChange;
}

/** A client asks before it subscribes by something else than tags. */
function checkSubscription(deps: ClientDeps, subscription: SubscriptionData | undefined): void {
  if (subscription === undefined || isTagType(subscription.expressionType)) return;
  const { expressionType, subString } = subscription;
  mustServeExpression(expressionType, deps.settings);
  try {
    expressionFilterOf(deps.filterCache, expressionType, subString);
  } catch (error) {
    throw refuse(ResponseCode.SUBSCRIPTION_PARSE_FAILED, (error as Error).message);
  }
}

function parseCheckedSubscription(json: unknown): SubscriptionData | undefined {
  const { subscriptionData } = (json ?? {}) as Record<string, unknown>;
  return subscriptionData ? parseSubscriptionData(subscriptionData) : undefined;
}

interface LockBody {
  consumerGroup: string;
  clientId: string;
  mqSet: MessageQueue[];
}

function parseLockBody(json: unknown): LockBody {
  const { consumerGroup, clientId, mqSet } = (json ?? {}) as Record<string, unknown>;
  if (typeof consumerGroup !== "string" || typeof clientId !== "string") {
    throw new TypeError("a lock needs a consumerGroup and a clientId");
  }
  return { consumerGroup, clientId, mqSet: Array.isArray(mqSet) ? mqSet.map(parseQueue) : [] };
}

function parseQueue(json: Record<string, unknown> | null): MessageQueue {
  const { topic, brokerName, queueId } = json ?? {};
  if (typeof topic === "string" && typeof brokerName === "string" && Number.isInteger(queueId)) {
    return { topic, brokerName, queueId: queueId as number };
  }
  throw new TypeError("a queue needs a topic, a brokerName and a queueId");
}
