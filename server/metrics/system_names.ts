/** Which topics and groups are a broker's own, as labels have it. */

import type { TopicTable } from "../broker/topic_table.ts";

/** The label protocol_type of everything here. */
export const PROTOCOL = "remoting";

const SYSTEM_GROUP_PREFIX = "cid_rmq_sys_";

export function isSystemGroup(group: string): boolean {
  return group.toLowerCase().startsWith(SYSTEM_GROUP_PREFIX);
}

export function isSystem(
  topics: Pick<TopicTable, "isSystemTopic">,
  topic: string,
  group: string,
): boolean {
  return topics.isSystemTopic(topic) || isSystemGroup(group);
}
