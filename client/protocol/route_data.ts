/** What a name server answers about topics and brokers, in its JSON form. */

import type { TopicConfig } from "./topic_config.ts";

/** The queues of one topic on one broker name. */
export interface QueueData {
  readonly brokerName: string;
  /** Bits of `PermName`. */
  readonly perm: number;
  readonly readQueueNums: number;
  /** Bits of `TopicSysFlag`. */
  readonly topicSysFlag: number;
  readonly writeQueueNums: number;
}

/** The brokers of one name: a master and its slaves. */
export interface BrokerData {
  /** Addresses by brokerId; the master has 0. */
  readonly brokerAddrs: Readonly<Record<string, string>>;
  readonly brokerName: string;
  readonly cluster: string;
  readonly enableActingMaster: boolean;
  readonly zoneName?: string;
}

/** Answers GET_ROUTEINFO_BY_TOPIC. */
export interface TopicRouteData {
  readonly brokerDatas: readonly BrokerData[];
  /** Filter servers by broker address. */
  readonly filterServerTable: Readonly<Record<string, readonly string[]>>;
  /** `brokerName:queueNums;…`: the queues of an ordered topic, fixed by an admin. */
  readonly orderTopicConf?: string;
  readonly queueDatas: readonly QueueData[];
  /** Static topics: TopicQueueMappingInfo by brokerName, passed through as it came. */
  readonly topicQueueMappingByBroker?: Readonly<Record<string, unknown>>;
}

/** Answers GET_BROKER_CLUSTER_INFO. */
export interface ClusterInfo {
  readonly brokerAddrTable: Readonly<Record<string, BrokerData>>;
  /** Broker names by cluster name. */
  readonly clusterAddrTable: Readonly<Record<string, readonly string[]>>;
}

/** Answers GET_BROKER_MEMBER_GROUP, as the field `brokerMemberGroup`. */
export interface BrokerMemberGroup {
  readonly brokerAddrs: Readonly<Record<string, string>>;
  readonly brokerName: string;
  readonly cluster: string;
}

/** Answers the commands that list topics. */
export interface TopicList {
  readonly brokerAddr?: string;
  readonly topicList: readonly string[];
}

/** The queues that `topic` has on a broker. */
export function queueDataOf(brokerName: string, topic: TopicConfig): QueueData {
  return {
    brokerName,
    perm: topic.perm,
    readQueueNums: topic.readQueueNums,
    topicSysFlag: topic.topicSysFlag,
    writeQueueNums: topic.writeQueueNums,
  };
}

/**
 * Reads queues out of parsed JSON; missing numbers are 0, as in Java.
 * @throws {TypeError} when it has no brokerName.
 */
export function parseQueueData(value: unknown): QueueData {
  const json = (value ?? {}) as Record<string, unknown>;
  const brokerName = json["brokerName"];
  if (typeof brokerName !== "string") throw new TypeError("A topic's queues have no brokerName");
  const integer = (name: string) => Number.isInteger(json[name]) ? json[name] as number : 0;
  return {
    brokerName,
    perm: integer("perm"),
    readQueueNums: integer("readQueueNums"),
    topicSysFlag: integer("topicSysFlag"),
    writeQueueNums: integer("writeQueueNums"),
  };
}
