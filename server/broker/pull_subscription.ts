/** What a pull wants of its queue: by the subscription that it carries, or by the one in the group's heartbeats. */

import { type PULL_MESSAGE, PullSysFlag } from "../../client/protocol/commands/pull.ts";
import type { HeaderOf } from "../../client/protocol/header_schema.ts";
import {
  createSubscriptionData,
  isTagType,
  type SubscriptionData,
} from "../../client/protocol/heartbeat.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import type { SubscriptionGroupConfig } from "../../client/protocol/subscription_group_config.ts";
import { PermName } from "../../client/protocol/topic_config.ts";
import type { MessageFilter } from "../../store/get_message.ts";
import type { ConsumerTable } from "./client_table.ts";
import type { ConsumerFilterTable } from "./consumer_filter_table.ts";
import { retryFilterOf } from "./filter/retry_filter.ts";
import type { SqlFilterCache } from "./filter/sql_filter.ts";
import type { GroupTable } from "./group_table.ts";
import { messageFilterOf, mustServeExpression } from "./message_filter.ts";
import { RETRY_GROUP_TOPIC_PREFIX } from "./topic_name.ts";

export interface PullSubscriptionDeps {
  /** Read when it is needed. */
  config: Readonly<{ enablePropertyFilter: boolean; filterSupportRetry: boolean }>;
  groups: Pick<GroupTable, "forbiddenOf">;
  consumers: Pick<ConsumerTable, "groups" | "findSubscription">;
  filters: Pick<ConsumerFilterTable, "get">;
  filterCache: SqlFilterCache;
}

type PullHeader = HeaderOf<typeof PULL_MESSAGE.request.fields>;

/**
 * The filter of a pull, or undefined when it wants every message.
 * @throws {RemotingError} with Java's codes when there is no such subscription, or no such filter.
 */
export function pullFilterOf(
  deps: PullSubscriptionDeps,
  header: PullHeader,
  group: SubscriptionGroupConfig,
): MessageFilter | undefined {
  const subscription = subscriptionOf(deps, header, group);
  const { expressionType, classFilterMode } = subscription;
  if (classFilterMode || isTagType(expressionType)) {
    return messageFilterOf(subscription, deps.filterCache);
  }
  const known = carriesSubscription(header) ? undefined : knownFilterOf(deps, header);
  mustServeExpression(expressionType, deps.config);
  const filter = known ?? messageFilterOf(subscription, deps.filterCache);
  const isRetried = deps.config.filterSupportRetry &&
    header.topic.startsWith(RETRY_GROUP_TOPIC_PREFIX);
  return isRetried ? retryFilterOf(header.topic, deps.filters) : filter;
}

function carriesSubscription({ sysFlag }: PullHeader): boolean {
  return (sysFlag & PullSysFlag.SUBSCRIPTION) !== 0;
}

/** The filter that the group's heartbeats brought. */
function knownFilterOf(
  { filters }: PullSubscriptionDeps,
  { consumerGroup, topic, subVersion }: PullHeader,
): MessageFilter {
  const data = filters.get(topic, consumerGroup);
  if (data === undefined) {
    throw refuse(
      ResponseCode.FILTER_DATA_NOT_EXIST,
      "The broker's consumer filter data is not exist!Your expression may be wrong!",
    );
  }
  if (data.clientVersion >= subVersion) return data.filter;
  throw refuse(
    ResponseCode.FILTER_DATA_NOT_LATEST,
    "the consumer's consumer filter data not latest",
  );
}

/** What the group reads of the topic: as the request says, or as its heartbeats did. */
function subscriptionOf(
  deps: PullSubscriptionDeps,
  header: PullHeader,
  group: SubscriptionGroupConfig,
): SubscriptionData {
  const { consumerGroup, topic, subscription, expressionType, subVersion } = header;
  if (carriesSubscription(header)) {
    try {
      return createSubscriptionData(topic, subscription, expressionType, subVersion);
    } catch {
      throw refuse(
        ResponseCode.SUBSCRIPTION_PARSE_FAILED,
        "parse the consumer's subscription failed",
      );
    }
  }
  const info = deps.consumers.groups.get(consumerGroup);
  if (info === undefined) {
    throw refuse(ResponseCode.SUBSCRIPTION_NOT_EXIST, "the consumer's group info not exist");
  }
  if (!group.consumeBroadcastEnable && info.messageModel === "BROADCASTING") {
    throw refuse(
      ResponseCode.NO_PERMISSION,
      `the consumer group[${consumerGroup}] can not consume by broadcast way`,
    );
  }
  if ((deps.groups.forbiddenOf(consumerGroup, topic) & PermName.READ) !== 0) {
    throw refuse(
      ResponseCode.NO_PERMISSION,
      `the consumer group[${consumerGroup}] is forbidden for topic[${topic}]`,
    );
  }
  const known = deps.consumers.findSubscription(consumerGroup, topic);
  if (known === undefined) {
    throw refuse(ResponseCode.SUBSCRIPTION_NOT_EXIST, "the consumer's subscription not exist");
  }
  if (known.subVersion >= subVersion) return known;
  throw refuse(ResponseCode.SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest");
}
