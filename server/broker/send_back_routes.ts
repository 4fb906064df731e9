/** A consumer gives a message back: it comes again later through %RETRY%, or goes to %DLQ% when it came too often. */

import {
  MessageProperty,
  parseProperties,
  printProperties,
} from "../../client/protocol/message.ts";
import type { MessageToStore } from "../../client/protocol/message_record.ts";
import { CONSUMER_SEND_MSG_BACK } from "../../client/protocol/commands/send.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { isWriteable, TopicSysFlag } from "../../client/protocol/topic_config.ts";
import type { MessageStore } from "../../store/message_store.ts";
import { type Route, route } from "../dispatcher.ts";
import { describeError } from "../log.ts";
import { type HeldReplies, putSafely } from "./held_replies.ts";
import { scheduled } from "./schedule.ts";
import { groupOrRefuse, type GroupTable } from "./group_table.ts";
import type { BrokerStats } from "./stats/broker_stats.ts";
import { dlqTopicOf, retryTopicOf } from "./topic_name.ts";
import type { TopicTable } from "./topic_table.ts";

export interface SendBackDeps {
  store: Pick<MessageStore, "putMessage" | "commit" | "lookMessageByOffset">;
  topics: Pick<TopicTable, "createTopicInSendMessageBack">;
  groups: Pick<GroupTable, "find">;
  brokerPermission: () => number;
  held: HeldReplies;
  levelCount: number;
  stats: Pick<BrokerStats, "sentBack">;
}

/** Dead letters of a group go to one queue. */
const DLQ_QUEUE_NUMS = 1;
/** The first retry waits as long as level 3 does, each further one a level longer. */
const FIRST_RETRY_LEVEL = 3;

/** The handler of CONSUMER_SEND_MSG_BACK. */
export function sendBackRoutes(deps: SendBackDeps): Route[] {
  const { store, topics, held, levelCount } = deps;
  return [
    route(CONSUMER_SEND_MSG_BACK, async ({ header }) => {
      const group = groupOrRefuse(deps.groups, header.group);
      if (!isWriteable(deps.brokerPermission())) {
        throw refuse(ResponseCode.NO_PERMISSION, "the broker sending message is forbidden");
      }
      if (group.retryQueueNums <= 0) return {};
      const origin = await store.lookMessageByOffset(header.offset);
      if (origin === undefined) {
        throw refuse(
          ResponseCode.SYSTEM_ERROR,
          `look message by offset failed, ${header.offset}`,
        );
      }
      const dead = header.delayLevel < 0 ||
        origin.reconsumeTimes >= (header.maxReconsumeTimes ?? group.retryMaxTimes);
      const queueNums = dead ? DLQ_QUEUE_NUMS : group.retryQueueNums;
      const topic = topics.createTopicInSendMessageBack({
        topic: dead ? dlqTopicOf(header.group) : retryTopicOf(header.group),
        queueNums,
        topicSysFlag: header.unitMode && !dead ? TopicSysFlag.UNIT_SUB : 0,
      }).topicName;
      const properties = parseProperties(origin.properties);
      setIfAbsent(properties, MessageProperty.RETRY_TOPIC, origin.topic);
      setIfAbsent(properties, MessageProperty.ORIGIN_MESSAGE_ID, origin.offsetMsgId);
      properties.set(MessageProperty.WAIT, "false");
      properties.delete(MessageProperty.DELAY);
      if (dead) {
        setIfAbsent(properties, MessageProperty.DLQ_ORIGIN_TOPIC, origin.topic);
        setIfAbsent(properties, MessageProperty.DLQ_ORIGIN_MESSAGE_ID, origin.offsetMsgId);
      }
      const message: MessageToStore = {
        ...origin,
        topic,
        queueId: Math.floor(Math.random() * queueNums),
        reconsumeTimes: origin.reconsumeTimes + 1,
        preparedTransactionOffset: 0,
        properties: printProperties(properties),
      };
      const level = header.delayLevel > 0
        ? header.delayLevel
        : FIRST_RETRY_LEVEL + origin.reconsumeTimes;
      const put = dead ? message : scheduled(message, level, levelCount);
      try {
        await putSafely(store, held, [put]);
      } catch (error) {
        throw refuse(ResponseCode.SYSTEM_ERROR, describeError(error));
      }
      deps.stats.sentBack(origin.topic, header.group);
      return {};
    }),
  ];
}

function setIfAbsent(properties: Map<string, string>, name: string, value: string): void {
  if (!properties.has(name)) properties.set(name, value);
}
