/** A consumer gives a message back: it comes again later through %RETRY%, or goes to %DLQ% when it came too often. */

import {
  MessageProperty,
  parseProperties,
  printProperties,
} from "../../client/protocol/message.ts";
import type { MessageToStore, StoredMessage } from "../../client/protocol/message_record.ts";
import { CONSUMER_SEND_MSG_BACK } from "../../client/protocol/commands/send.ts";
import { nextDelayMillis } from "../../client/protocol/retry_policy.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { isWriteable, TopicSysFlag } from "../../client/protocol/topic_config.ts";
import type { SubscriptionGroupConfig } from "../../client/protocol/subscription_group_config.ts";
import type { MessageStore } from "../../store/message_store.ts";
import { type Route, route } from "../dispatcher.ts";
import { describeError } from "../log.ts";
import { type HeldReplies, putSafely } from "./held_replies.ts";
import { scheduled } from "./schedule.ts";
import { addDeadLetterOrigin } from "./dead_letter.ts";
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
  /** Read when it is needed. */
  config: Readonly<{ timerWheelEnable: boolean; timerMaxDelaySec: number }>;
  /** See Timers. */
  timers: { timed(message: MessageToStore): MessageToStore };
  stats: Pick<BrokerStats, "sentBack"> & Partial<Pick<BrokerStats, "deadLettered">>;
}

/** Dead letters of a group go to one queue. */
const DLQ_QUEUE_NUMS = 1;
/** The first retry waits as long as level 3 does, each further one a level longer. */
const FIRST_RETRY_LEVEL = 3;

const TIMES = [
  MessageProperty.TIMER_DELIVER_MS,
  MessageProperty.TIMER_DELAY_SEC,
  MessageProperty.TIMER_DELAY_MS,
  MessageProperty.TIMER_OUT_MS,
];

/** The handler of CONSUMER_SEND_MSG_BACK. */
export function sendBackRoutes(deps: SendBackDeps): Route[] {
  const { store, topics, held } = deps;
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
      const again: MessageToStore = {
        ...origin,
        topic,
        queueId: Math.floor(Math.random() * queueNums),
        reconsumeTimes: origin.reconsumeTimes + 1,
        preparedTransactionOffset: 0,
        properties: propertiesOf(origin, dead),
      };
      const put = dead ? again : waiting(deps, again, group, header.delayLevel);
      try {
        await putSafely(store, held, [put]);
      } catch (error) {
        throw refuse(ResponseCode.SYSTEM_ERROR, describeError(error));
      }
      deps.stats.sentBack(origin.topic, header.group);
      if (dead) deps.stats.deadLettered?.(header.originTopic ?? origin.topic, header.group);
      return {};
    }),
  ];
}

/** What the message had, and where it comes from. */
function propertiesOf(origin: StoredMessage, dead: boolean): string {
  const properties = parseProperties(origin.properties);
  setIfAbsent(properties, MessageProperty.RETRY_TOPIC, origin.topic);
  setIfAbsent(properties, MessageProperty.ORIGIN_MESSAGE_ID, origin.offsetMsgId);
  properties.set(MessageProperty.WAIT, "false");
  properties.delete(MessageProperty.DELAY);
  if (dead) addDeadLetterOrigin(properties);
  return printProperties(properties);
}

/**
 * The message until it comes again: for as long as the client says, else as the group's policy says, else a level longer
 * each time. Only levels count for a policy when there are no timers.
 */
function waiting(
  { config, levelCount, timers }: SendBackDeps,
  message: MessageToStore,
  { groupRetryPolicy }: SubscriptionGroupConfig,
  delayLevel: number,
): MessageToStore {
  const triesBefore = message.reconsumeTimes - 1;
  const delayMillis = delayLevel > 0 ? undefined : nextDelayMillis(groupRetryPolicy, triesBefore);
  if (delayMillis === undefined || !config.timerWheelEnable) {
    const level = delayLevel > 0 ? delayLevel : FIRST_RETRY_LEVEL + triesBefore;
    return scheduled(message, level, levelCount);
  }
  const properties = parseProperties(message.properties);
  // Of the time for which it has waited before.
  for (const name of TIMES) properties.delete(name);
  const delay = Math.min(delayMillis, config.timerMaxDelaySec * 1_000);
  properties.set(MessageProperty.TIMER_DELAY_MS, String(delay));
  return timers.timed({ ...message, properties: printProperties(properties) });
}

function setIfAbsent(properties: Map<string, string>, name: string, value: string): void {
  if (!properties.has(name)) properties.set(name, value);
}
