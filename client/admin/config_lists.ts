/** Many topics or groups at once, as mqadmin's updateTopicList and updateSubGroupList take them from a file. */

import { encodeUtf8 } from "../protocol/bytes.ts";
import { UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST } from "../protocol/commands/admin_group.ts";
import { UPDATE_AND_CREATE_TOPIC_LIST } from "../protocol/commands/admin_topic.ts";
import type { SubscriptionGroupConfig } from "../protocol/subscription_group_config.ts";
import type { TopicConfig } from "../protocol/topic_config.ts";
import type { AdminClient } from "./admin_client.ts";

/**
 * Creates topics at one broker, or sets them as given where they are there; their attributes are set.
 * @throws {RemotingError} when the broker refuses one.
 */
export async function putTopics(
  admin: AdminClient,
  brokerAddr: string,
  topics: readonly TopicConfig[],
): Promise<void> {
  const topicConfigList = topics.map((topic) => ({
    ...topic,
    // In a request attributes are changes: with a sign before their names.
    attributes: Object.fromEntries(
      Object.entries(topic.attributes).map(([name, value]) => [name.replace(/^\+?/, "+"), value]),
    ),
  }));
  const body = encodeUtf8(JSON.stringify({ topicConfigList }));
  await admin.invoke(brokerAddr, UPDATE_AND_CREATE_TOPIC_LIST, {}, { body });
}

/** Creates groups at one broker, or sets them as given. @throws {RemotingError} when the broker refuses one. */
export async function putGroups(
  admin: AdminClient,
  brokerAddr: string,
  groupConfigList: readonly SubscriptionGroupConfig[],
): Promise<void> {
  const body = encodeUtf8(JSON.stringify({ groupConfigList }));
  await admin.invoke(brokerAddr, UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, {}, { body });
}
