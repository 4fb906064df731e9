/** What becomes of each request code: who serves it, or why nobody does. */

import { RequestCode, type RequestCodeName, requestCodeName } from "./request_code.ts";

/** Who answers: a broker, a name server, or a client that a broker asks. */
export type Side = "broker" | "name server" | "client";

/**
 * `served`: this side answers it. `later`: Apache's does and Comet's will. `refused`: it has no meaning here, as the
 * reason says.
 */
export type RequestState =
  | { state: "served"; side: Side }
  | { state: "later"; side: Side }
  | { state: "refused"; reason: string };

const broker: RequestState = { state: "served", side: "broker" };
const namesrv: RequestState = { state: "served", side: "name server" };
const client: RequestState = { state: "served", side: "client" };
const brokerLater: RequestState = { state: "later", side: "broker" };
const refused = (reason: string): RequestState => ({ state: "refused", reason });
const unused = refused("Apache RocketMQ has the number, but serves it nowhere");
const controller = refused("there is no controller");
const container = refused("there is no broker container");
const rocksdb = refused("nothing is kept in RocksDB");
const staticTopics = refused("there are no static topics");
const coldData = refused("reads of old messages do not slow others down, so they are not limited");
const configByRemote = refused("settings of a name server change in its file, with a restart");

/** The state of every code in RequestCode. */
export const REQUEST_STATES: Record<RequestCodeName, RequestState> = {
  SEND_MESSAGE: broker,
  PULL_MESSAGE: broker,
  QUERY_MESSAGE: broker,
  QUERY_BROKER_OFFSET: unused,
  QUERY_CONSUMER_OFFSET: broker,
  UPDATE_CONSUMER_OFFSET: broker,
  UPDATE_AND_CREATE_TOPIC: broker,
  UPDATE_AND_CREATE_TOPIC_LIST: broker,
  GET_ALL_TOPIC_CONFIG: broker,
  GET_TOPIC_CONFIG_LIST: unused,
  GET_TOPIC_NAME_LIST: unused,
  UPDATE_BROKER_CONFIG: broker,
  GET_BROKER_CONFIG: broker,
  TRIGGER_DELETE_FILES: unused,
  GET_BROKER_RUNTIME_INFO: broker,
  SEARCH_OFFSET_BY_TIMESTAMP: broker,
  GET_MAX_OFFSET: broker,
  GET_MIN_OFFSET: broker,
  GET_EARLIEST_MSG_STORETIME: broker,
  VIEW_MESSAGE_BY_ID: broker,
  HEART_BEAT: broker,
  UNREGISTER_CLIENT: broker,
  CONSUMER_SEND_MSG_BACK: broker,
  END_TRANSACTION: broker,
  GET_CONSUMER_LIST_BY_GROUP: broker,
  CHECK_TRANSACTION_STATE: client,
  NOTIFY_CONSUMER_IDS_CHANGED: client,
  LOCK_BATCH_MQ: broker,
  UNLOCK_BATCH_MQ: broker,
  GET_ALL_CONSUMER_OFFSET: broker,
  GET_ALL_DELAY_OFFSET: broker,
  CHECK_CLIENT_CONFIG: broker,
  GET_CLIENT_CONFIG: unused,
  GET_TIMER_CHECK_POINT: broker,
  GET_TIMER_METRICS: broker,
  POP_MESSAGE: broker,
  ACK_MESSAGE: broker,
  BATCH_ACK_MESSAGE: broker,
  PEEK_MESSAGE: broker,
  CHANGE_MESSAGE_INVISIBLETIME: broker,
  NOTIFICATION: broker,
  POLLING_INFO: broker,
  POP_ROLLBACK: rocksdb,
  PUT_KV_CONFIG: namesrv,
  GET_KV_CONFIG: namesrv,
  DELETE_KV_CONFIG: namesrv,
  REGISTER_BROKER: namesrv,
  UNREGISTER_BROKER: namesrv,
  GET_ROUTEINFO_BY_TOPIC: namesrv,
  GET_BROKER_CLUSTER_INFO: namesrv,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: broker,
  GET_ALL_SUBSCRIPTIONGROUP_CONFIG: broker,
  GET_TOPIC_STATS_INFO: broker,
  GET_CONSUMER_CONNECTION_LIST: broker,
  GET_PRODUCER_CONNECTION_LIST: broker,
  WIPE_WRITE_PERM_OF_BROKER: namesrv,
  GET_ALL_TOPIC_LIST_FROM_NAMESERVER: namesrv,
  DELETE_SUBSCRIPTIONGROUP: broker,
  GET_CONSUME_STATS: broker,
  SUSPEND_CONSUMER: unused,
  RESUME_CONSUMER: unused,
  RESET_CONSUMER_OFFSET_IN_CONSUMER: unused,
  RESET_CONSUMER_OFFSET_IN_BROKER: unused,
  ADJUST_CONSUMER_THREAD_POOL: unused,
  WHO_CONSUME_THE_MESSAGE: unused,
  DELETE_TOPIC_IN_BROKER: broker,
  DELETE_TOPIC_IN_NAMESRV: namesrv,
  REGISTER_TOPIC_IN_NAMESRV: namesrv,
  GET_KVLIST_BY_NAMESPACE: namesrv,
  RESET_CONSUMER_CLIENT_OFFSET: client,
  GET_CONSUMER_STATUS_FROM_CLIENT: client,
  INVOKE_BROKER_TO_RESET_OFFSET: broker,
  INVOKE_BROKER_TO_GET_CONSUMER_STATUS: broker,
  QUERY_TOPIC_CONSUME_BY_WHO: broker,
  GET_TOPICS_BY_CLUSTER: namesrv,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST: broker,
  QUERY_TOPICS_BY_CONSUMER: broker,
  QUERY_SUBSCRIPTION_BY_CONSUMER: broker,
  REGISTER_FILTER_SERVER: unused,
  REGISTER_MESSAGE_FILTER_CLASS: unused,
  QUERY_CONSUME_TIME_SPAN: broker,
  GET_SYSTEM_TOPIC_LIST_FROM_NS: namesrv,
  GET_SYSTEM_TOPIC_LIST_FROM_BROKER: broker,
  CLEAN_EXPIRED_CONSUMEQUEUE: broker,
  GET_CONSUMER_RUNNING_INFO: broker,
  QUERY_CORRECTION_OFFSET: broker,
  CONSUME_MESSAGE_DIRECTLY: broker,
  SEND_MESSAGE_V2: broker,
  GET_UNIT_TOPIC_LIST: namesrv,
  GET_HAS_UNIT_SUB_TOPIC_LIST: namesrv,
  GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST: namesrv,
  CLONE_GROUP_OFFSET: broker,
  VIEW_BROKER_STATS_DATA: broker,
  CLEAN_UNUSED_TOPIC: broker,
  GET_BROKER_CONSUME_STATS: broker,
  UPDATE_NAMESRV_CONFIG: configByRemote,
  GET_NAMESRV_CONFIG: namesrv,
  SEND_BATCH_MESSAGE: broker,
  QUERY_CONSUME_QUEUE: broker,
  QUERY_DATA_VERSION: namesrv,
  RESUME_CHECK_HALF_MESSAGE: broker,
  SEND_REPLY_MESSAGE: broker,
  SEND_REPLY_MESSAGE_V2: broker,
  PUSH_REPLY_MESSAGE_TO_CLIENT: client,
  ADD_WRITE_PERM_OF_BROKER: namesrv,
  GET_ALL_PRODUCER_INFO: broker,
  DELETE_EXPIRED_COMMITLOG: broker,
  GET_TOPIC_CONFIG: broker,
  GET_SUBSCRIPTIONGROUP_CONFIG: broker,
  UPDATE_AND_GET_GROUP_FORBIDDEN: broker,
  CHECK_ROCKSDB_CQ_WRITE_PROGRESS: rocksdb,
  EXPORT_ROCKSDB_CONFIG_TO_JSON: rocksdb,
  LITE_PULL_MESSAGE: broker,
  RECALL_MESSAGE: broker,
  QUERY_ASSIGNMENT: broker,
  SET_MESSAGE_REQUEST_MODE: broker,
  GET_ALL_MESSAGE_REQUEST_MODE: broker,
  UPDATE_AND_CREATE_STATIC_TOPIC: staticTopics,
  GET_BROKER_MEMBER_GROUP: namesrv,
  ADD_BROKER: container,
  REMOVE_BROKER: container,
  BROKER_HEARTBEAT: namesrv,
  NOTIFY_MIN_BROKER_ID_CHANGE: brokerLater,
  EXCHANGE_BROKER_HA_INFO: brokerLater,
  GET_BROKER_HA_STATUS: broker,
  RESET_MASTER_FLUSH_OFFSET: brokerLater,
  CONTROLLER_ALTER_SYNC_STATE_SET: controller,
  CONTROLLER_ELECT_MASTER: controller,
  CONTROLLER_REGISTER_BROKER: controller,
  CONTROLLER_GET_REPLICA_INFO: controller,
  CONTROLLER_GET_METADATA_INFO: controller,
  CONTROLLER_GET_SYNC_STATE_DATA: controller,
  GET_BROKER_EPOCH_CACHE: controller,
  NOTIFY_BROKER_ROLE_CHANGED: controller,
  UPDATE_CONTROLLER_CONFIG: controller,
  GET_CONTROLLER_CONFIG: controller,
  CLEAN_BROKER_DATA: controller,
  CONTROLLER_GET_NEXT_BROKER_ID: controller,
  CONTROLLER_APPLY_BROKER_ID: controller,
  UPDATE_COLD_DATA_FLOW_CTR_CONFIG: coldData,
  REMOVE_COLD_DATA_FLOW_CTR_CONFIG: coldData,
  GET_COLD_DATA_FLOW_CTR_INFO: coldData,
  SET_COMMITLOG_READ_MODE: coldData,
  AUTH_CREATE_USER: brokerLater,
  AUTH_UPDATE_USER: brokerLater,
  AUTH_DELETE_USER: brokerLater,
  AUTH_GET_USER: brokerLater,
  AUTH_LIST_USER: brokerLater,
  AUTH_CREATE_ACL: brokerLater,
  AUTH_UPDATE_ACL: brokerLater,
  AUTH_DELETE_ACL: brokerLater,
  AUTH_GET_ACL: brokerLater,
  AUTH_LIST_ACL: brokerLater,
};

/** The remark for a request that `side` does not serve: what it is, and who serves it or why nobody does. */
export function unservedRemark(code: number, side: Side): string {
  const name = requestCodeName(code);
  const row = REQUEST_STATES[name as RequestCodeName];
  const head = `request type ${code} not supported`;
  if (!Object.values<number>(RequestCode).includes(code)) return `${head}: it is unknown`;
  if (row.state === "refused") return `${head}: ${name} is not served, ${row.reason}`;
  if (row.side !== side) return `${head}: ${name} is for a ${row.side}, this is a ${side}`;
  return `${head}: ${name} is not served by this version`;
}
