/** Names of topics and groups: which are allowed, and which have a meaning (TopicValidator.java, MixAll.java). */

export const RETRY_GROUP_TOPIC_PREFIX = "%RETRY%";
export const DLQ_GROUP_TOPIC_PREFIX = "%DLQ%";
export const SYSTEM_TOPIC_PREFIX = "rmq_sys_";
/** Topics with a meaning for every broker (TopicValidator.java). */
export const SystemTopic = {
  AUTO_CREATE_TOPIC_KEY: "TBW102",
  SCHEDULE: "SCHEDULE_TOPIC_XXXX",
  BENCHMARK: "BenchmarkTest",
  TRANS_HALF: "RMQ_SYS_TRANS_HALF_TOPIC",
  TRACE: "RMQ_SYS_TRACE_TOPIC",
  TRANS_OP_HALF: "RMQ_SYS_TRANS_OP_HALF_TOPIC",
  TRANS_CHECK_MAX_TIME: "TRANS_CHECK_MAX_TIME_TOPIC",
  SELF_TEST: "SELF_TEST_TOPIC",
  OFFSET_MOVED_EVENT: "OFFSET_MOVED_EVENT",
  ROCKSDB_OFFSET: "CHECKPOINT_TOPIC",
} as const;
/** Where timer messages wait; with the prefix of system topics, so that it needs no row there. */
export const TIMER_TOPIC = "rmq_sys_wheel_timer";
/** Groups with this prefix are the servers' own. */
export const SYSTEM_GROUP_PREFIX = "CID_RMQ_SYS_";

/** What a topic or a group may be called. */
export const NAME_PATTERN = /^[%|a-zA-Z0-9_-]+$/;
export const TOPIC_LENGTH_MAX = 127;
export const GROUP_LENGTH_MAX = 255;

/** The groups that every broker has from the start (SubscriptionGroupManager.java). */
export const SYSTEM_GROUPS = [
  "TOOLS_CONSUMER",
  "FILTERSRV_CONSUMER",
  "SELF_TEST_C_GROUP",
  "CID_ONS-HTTP-PROXY",
  "CID_ONSAPI_PULL",
  "CID_ONSAPI_PERMISSION",
  "CID_ONSAPI_OWNER",
  "CID_RMQ_SYS_TRANS",
] as const;

const SYSTEM_GROUP_NAMES: ReadonlySet<string> = new Set(SYSTEM_GROUPS);

/** Whether a group is the servers' own. */
export function isSystemGroup(group: string): boolean {
  return SYSTEM_GROUP_NAMES.has(group) || group.startsWith(SYSTEM_GROUP_PREFIX);
}

/** The topic of a group's messages that are to be consumed again. */
export function retryTopicOf(group: string): string {
  return RETRY_GROUP_TOPIC_PREFIX + group;
}

/** The topic of a group's messages that could not be consumed. */
export function dlqTopicOf(group: string): string {
  return DLQ_GROUP_TOPIC_PREFIX + group;
}
