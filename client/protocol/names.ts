/** Names of topics and groups: which are allowed, and which have a meaning (TopicValidator.java, MixAll.java). */

export const RETRY_GROUP_TOPIC_PREFIX = "%RETRY%";
export const DLQ_GROUP_TOPIC_PREFIX = "%DLQ%";
export const SYSTEM_TOPIC_PREFIX = "rmq_sys_";
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
