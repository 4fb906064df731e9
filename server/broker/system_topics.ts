/** The topics that every broker has from the start (TopicConfigManager.java). */

import {
  createTopicConfig,
  PermName,
  type TopicConfig,
} from "../../client/protocol/topic_config.ts";
import { SYSTEM_TOPIC_PREFIX, SystemTopic } from "./topic_name.ts";

/** The settings that they depend on, under Apache's names. */
export interface SystemTopicSettings {
  brokerClusterName: string;
  brokerName: string;
  autoCreateTopicEnable: boolean;
  defaultTopicQueueNums: number;
  clusterTopicEnable: boolean;
  brokerTopicEnable: boolean;
  reviveQueueNum: number;
  traceTopicEnable: boolean;
  msgTraceTopicName: string;
}

const { INHERIT, READ, WRITE } = PermName;
const SCHEDULE_QUEUE_COUNT = 18;

/** Their configurations with the settings as they are. */
export function systemTopicConfigs(settings: SystemTopicSettings): TopicConfig[] {
  const { brokerClusterName: cluster, brokerName } = settings;
  const sendable = (isEnabled: boolean) => INHERIT | (isEnabled ? READ | WRITE : 0);
  const revive = `${SYSTEM_TOPIC_PREFIX}REVIVE_LOG_${cluster}`;
  const memberGroup = `${SYSTEM_TOPIC_PREFIX}SYNC_BROKER_MEMBER_${brokerName}`;
  return [
    topicOf(SystemTopic.SELF_TEST, 1),
    ...(settings.autoCreateTopicEnable ? [autoCreateTopicConfig(settings)] : []),
    topicOf(SystemTopic.BENCHMARK, 1024),
    topicOf(cluster, 16, sendable(settings.clusterTopicEnable)),
    topicOf(brokerName, 1, sendable(settings.brokerTopicEnable)),
    topicOf(SystemTopic.OFFSET_MOVED_EVENT, 1),
    topicOf(SystemTopic.SCHEDULE, SCHEDULE_QUEUE_COUNT),
    ...(settings.traceTopicEnable ? [topicOf(settings.msgTraceTopicName, 1)] : []),
    topicOf(replyTopicOf(cluster), 1),
    topicOf(revive, settings.reviveQueueNum),
    topicOf(memberGroup, 1, INHERIT),
    topicOf(SystemTopic.TRANS_HALF, 1),
    topicOf(SystemTopic.TRANS_OP_HALF, 1),
    topicOf(`${SYSTEM_TOPIC_PREFIX}wheel_timer`, 1),
  ];
}

/** The topic from which those take their settings that a send creates. */
export function autoCreateTopicConfig(
  settings: Pick<SystemTopicSettings, "defaultTopicQueueNums">,
): TopicConfig {
  const queueNums = settings.defaultTopicQueueNums;
  return topicOf(SystemTopic.AUTO_CREATE_TOPIC_KEY, queueNums, INHERIT | READ | WRITE);
}

/** The topic of a cluster's replies to requests. */
export function replyTopicOf(cluster: string): string {
  return `${cluster}_REPLY_TOPIC`;
}

function topicOf(topicName: string, queueNums: number, perm: number = READ | WRITE): TopicConfig {
  return createTopicConfig(topicName, {
    readQueueNums: queueNums,
    writeQueueNums: queueNums,
    perm,
  });
}
