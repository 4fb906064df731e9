/** The name server: brokers register, everybody asks who serves a topic. Bodies are JSON. */

import { RequestCode } from "../request_code.ts";
import {
  bool,
  cluster,
  command,
  fallback,
  int,
  long,
  optional,
  str,
  topic,
} from "../header_schema.ts";

/** Which broker is meant, in the commands that brokers send about themselves. */
const brokerFields = { brokerName: str, brokerAddr: str, clusterName: cluster, brokerId: long };

export const PUT_KV_CONFIG = command({
  name: "PUT_KV_CONFIG",
  code: RequestCode.PUT_KV_CONFIG,
  access: "UPDATE",
  request: { namespace: str, key: str, value: str },
});

export const GET_KV_CONFIG = command({
  name: "GET_KV_CONFIG",
  code: RequestCode.GET_KV_CONFIG,
  access: "GET",
  request: { namespace: str, key: str },
  response: { value: optional(str) },
});

export const DELETE_KV_CONFIG = command({
  name: "DELETE_KV_CONFIG",
  code: RequestCode.DELETE_KV_CONFIG,
  access: "UPDATE",
  request: { namespace: str, key: str },
});

export const GET_KVLIST_BY_NAMESPACE = command({
  name: "GET_KVLIST_BY_NAMESPACE",
  code: RequestCode.GET_KVLIST_BY_NAMESPACE,
  access: "GET",
  request: { namespace: str },
});

/** The body is a RegisterBrokerBody: the broker's topics, plain or compressed. */
export const REGISTER_BROKER = command({
  name: "REGISTER_BROKER",
  code: RequestCode.REGISTER_BROKER,
  access: "UPDATE",
  request: {
    ...brokerFields,
    haServerAddr: str,
    heartbeatTimeoutMillis: optional(long),
    /** Brokers older than 5.0 do not send it, which is not the same as false. */
    enableActingMaster: optional(bool),
    compressed: fallback(bool, false),
    /** Of the body as it is sent; 0 says that there is none. */
    bodyCrc32: fallback(int, 0),
    __ZONE_NAME: optional(str),
  },
  response: { haServerAddr: optional(str), masterAddr: optional(str) },
});

export const UNREGISTER_BROKER = command({
  name: "UNREGISTER_BROKER",
  code: RequestCode.UNREGISTER_BROKER,
  access: "UPDATE",
  request: brokerFields,
});

export const BROKER_HEARTBEAT = command({
  name: "BROKER_HEARTBEAT",
  code: RequestCode.BROKER_HEARTBEAT,
  access: "UPDATE",
  request: {
    clusterName: cluster,
    brokerAddr: str,
    brokerName: str,
    brokerId: optional(long),
    epoch: optional(int),
    maxOffset: optional(long),
    confirmOffset: optional(long),
    heartbeatTimeoutMills: optional(long),
    electionPriority: optional(int),
  },
});

/** The body is the broker's DataVersion, the answer's body the one that is registered. */
export const QUERY_DATA_VERSION = command({
  name: "QUERY_DATA_VERSION",
  code: RequestCode.QUERY_DATA_VERSION,
  access: "GET",
  request: brokerFields,
  response: { changed: bool },
});

export const GET_ROUTEINFO_BY_TOPIC = command({
  name: "GET_ROUTEINFO_BY_TOPIC",
  code: RequestCode.GET_ROUTEINFO_BY_TOPIC,
  access: "GET",
  request: { topic, acceptStandardJsonOnly: optional(bool) },
});

export const GET_BROKER_CLUSTER_INFO = command({
  name: "GET_BROKER_CLUSTER_INFO",
  code: RequestCode.GET_BROKER_CLUSTER_INFO,
  access: "GET",
  request: {},
});

export const GET_BROKER_MEMBER_GROUP = command({
  name: "GET_BROKER_MEMBER_GROUP",
  code: RequestCode.GET_BROKER_MEMBER_GROUP,
  access: "GET",
  request: { clusterName: cluster, brokerName: str },
});

export const WIPE_WRITE_PERM_OF_BROKER = command({
  name: "WIPE_WRITE_PERM_OF_BROKER",
  code: RequestCode.WIPE_WRITE_PERM_OF_BROKER,
  access: "UPDATE",
  request: { brokerName: str },
  response: { wipeTopicCount: int },
});

export const ADD_WRITE_PERM_OF_BROKER = command({
  name: "ADD_WRITE_PERM_OF_BROKER",
  code: RequestCode.ADD_WRITE_PERM_OF_BROKER,
  access: "UPDATE",
  request: { brokerName: str },
  response: { addTopicCount: int },
});

/** The body is a TopicRouteData of which only `queueDatas` counts. */
export const REGISTER_TOPIC_IN_NAMESRV = command({
  name: "REGISTER_TOPIC_IN_NAMESRV",
  code: RequestCode.REGISTER_TOPIC_IN_NAMESRV,
  access: "UPDATE",
  request: { topic },
});

export const DELETE_TOPIC_IN_NAMESRV = command({
  name: "DELETE_TOPIC_IN_NAMESRV",
  code: RequestCode.DELETE_TOPIC_IN_NAMESRV,
  access: "UPDATE",
  request: { topic, clusterName: optional(cluster) },
});

export const GET_ALL_TOPIC_LIST_FROM_NAMESERVER = command({
  name: "GET_ALL_TOPIC_LIST_FROM_NAMESERVER",
  code: RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
  access: "LIST",
  request: {},
});

export const GET_TOPICS_BY_CLUSTER = command({
  name: "GET_TOPICS_BY_CLUSTER",
  code: RequestCode.GET_TOPICS_BY_CLUSTER,
  access: "LIST",
  request: { cluster },
});

export const GET_SYSTEM_TOPIC_LIST_FROM_NS = command({
  name: "GET_SYSTEM_TOPIC_LIST_FROM_NS",
  code: RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS,
  access: "LIST",
  request: {},
});

export const GET_UNIT_TOPIC_LIST = command({
  name: "GET_UNIT_TOPIC_LIST",
  code: RequestCode.GET_UNIT_TOPIC_LIST,
  access: "LIST",
  request: {},
});

export const GET_HAS_UNIT_SUB_TOPIC_LIST = command({
  name: "GET_HAS_UNIT_SUB_TOPIC_LIST",
  code: RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST,
  access: "LIST",
  request: {},
});

export const GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST = command({
  name: "GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST",
  code: RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST,
  access: "LIST",
  request: {},
});

/** The body is the new settings as properties text. */
export const UPDATE_NAMESRV_CONFIG = command({
  name: "UPDATE_NAMESRV_CONFIG",
  code: RequestCode.UPDATE_NAMESRV_CONFIG,
  access: "UPDATE",
  request: {},
});

/** The answer's body is the settings as properties text. */
export const GET_NAMESRV_CONFIG = command({
  name: "GET_NAMESRV_CONFIG",
  code: RequestCode.GET_NAMESRV_CONFIG,
  access: "GET",
  request: {},
});
