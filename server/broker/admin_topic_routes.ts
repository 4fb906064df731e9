/** Admins look into topics and their queues, and delete topics. */

import * as commands from "../../client/protocol/commands/admin_topic.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { parseTopicConfig, type TopicConfig } from "../../client/protocol/topic_config.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { Config } from "../config.ts";
import { type Route, route } from "../dispatcher.ts";
import { describeError } from "../log.ts";
import type { ConsumerTable } from "./client_table.ts";
import { queryConsumeQueue, type QueryConsumeQueueDeps } from "./consume_queue_view.ts";
import { fastjsonBody, jsonBody, parseJsonBody } from "./json_body.ts";
import type { OffsetTable } from "./offset_table.ts";
import { popRetryTopicV1, popRetryTopicV2 } from "./pop/retry_topic.ts";
import type { BrokerStats } from "./stats/broker_stats.ts";
import { topicOrRefuse, type TopicTable } from "./topic_table.ts";
import { invalidTopicConfigReason, type TopicSettings, updateTopic } from "./topic_routes.ts";

export interface AdminTopicDeps extends QueryConsumeQueueDeps {
  config:
    & Readonly<Pick<Config, "brokerName" | "clearRetryTopicWhenDeleteTopic">>
    & TopicSettings;
  topics: Pick<
    TopicTable,
    "get" | "update" | "delete" | "published" | "isSystemTopic"
  >;
  store:
    & QueryConsumeQueueDeps["store"]
    & Pick<
      MessageStore,
      "deleteTopic" | "getMessageTime" | "getMinOffsetInQueue" | "getMaxOffsetInQueue"
    >;
  offsets: Pick<OffsetTable, "committed" | "removeTopic" | "flush">;
  consumers: Pick<ConsumerTable, "groupsOf" | "findSubscription">;
  stats: Pick<BrokerStats, "topicPutTps" | "forgetTopic">;
}

/** UPDATE_AND_CREATE_TOPIC_LIST, DELETE_TOPIC_IN_BROKER, GET_TOPIC_STATS_INFO, QUERY_TOPIC_CONSUME_BY_WHO, QUERY_CONSUME_QUEUE. */
export function adminTopicRoutes(deps: AdminTopicDeps): Route[] {
  const { topics, offsets, consumers } = deps;
  return [
    route(commands.UPDATE_AND_CREATE_TOPIC_LIST, async ({ body }) => {
      const configs = parseJsonBody(body, parseTopicList);
      // All or none.
      for (const config of configs) {
        const reason = invalidTopicConfigReason(topics, config);
        if (reason !== undefined) throw refuse(ResponseCode.INVALID_PARAMETER, reason);
      }
      for (const { attributes, ...config } of configs) {
        updateTopic(deps, config, () => new Map(Object.entries(attributes)));
      }
      await topics.published();
      return {};
    }),
    route(commands.DELETE_TOPIC_IN_BROKER, async ({ header: { topic } }) => {
      if (topic.trim() === "") {
        throw refuse(ResponseCode.INVALID_PARAMETER, "The specified topic is blank.");
      }
      if (topics.isSystemTopic(topic)) {
        throw refuse(
          ResponseCode.INVALID_PARAMETER,
          `The topic[${topic}] is conflict with system topic.`,
        );
      }
      for (const gone of [topic, ...retryTopicsOf(deps, topic)]) await deleteTopic(deps, gone);
      return {};
    }),
    route(commands.GET_TOPIC_STATS_INFO, ({ header: { topic } }) => {
      const config = topicOrRefuse(topics, topic);
      return { body: fastjsonBody(topicStats(deps, config)) };
    }),
    route(commands.QUERY_TOPIC_CONSUME_BY_WHO, ({ header: { topic } }) => ({
      body: jsonBody({
        groupList: [
          ...new Set([...consumers.groupsOf(topic), ...offsets.committed.groupsOf(topic)]),
        ],
      }),
    })),
    route(
      commands.QUERY_CONSUME_QUEUE,
      ({ header }) => {
        const { remark, body } = queryConsumeQueue(deps, header);
        return body === undefined ? { remark } : { body: jsonBody(body) };
      },
    ),
  ];
}

/** The topics that hold what groups of a topic popped and could not consume. */
function retryTopicsOf({ config, topics, offsets }: AdminTopicDeps, topic: string): string[] {
  if (!config.clearRetryTopicWhenDeleteTopic) return [];
  return offsets.committed.groupsOf(topic)
    .flatMap((group) => [popRetryTopicV2(topic, group), popRetryTopicV1(topic, group)])
    .filter((retryTopic) => topics.get(retryTopic) !== undefined);
}

/** The topic goes first, so that nothing comes to its queues any more; each step can be done again after a crash. */
async function deleteTopic(
  { topics, store, offsets, stats }: AdminTopicDeps,
  topic: string,
): Promise<void> {
  topics.delete(topic);
  try {
    await topics.published();
    await store.deleteTopic(topic);
    offsets.removeTopic(topic);
    await offsets.flush();
  } catch (error) {
    throw refuse(
      ResponseCode.SYSTEM_ERROR,
      `Cannot delete topic ${topic}: ${describeError(error)}`,
    );
  }
  stats.forgetTopic(topic);
}

function topicStats(
  { config, store, stats }: AdminTopicDeps,
  { topicName: topic, readQueueNums, writeQueueNums }: TopicConfig,
) {
  const offsetTable = new Map<unknown, unknown>();
  for (let queueId = 0; queueId < Math.max(readQueueNums, writeQueueNums); queueId++) {
    const maxOffset = store.getMaxOffsetInQueue(topic, queueId);
    offsetTable.set({ brokerName: config.brokerName, queueId, topic }, {
      lastUpdateTimestamp: maxOffset > 0 ? store.getMessageTime(topic, queueId, maxOffset - 1) : 0,
      maxOffset,
      minOffset: store.getMinOffsetInQueue(topic, queueId),
    });
  }
  return { offsetTable, topicPutTps: stats.topicPutTps(topic) };
}

function parseTopicList(json: unknown): TopicConfig[] {
  const { topicConfigList } = (json ?? {}) as Record<string, unknown>;
  if (!Array.isArray(topicConfigList)) throw new TypeError("topicConfigList is missing");
  return topicConfigList.map(parseTopicConfig);
}
