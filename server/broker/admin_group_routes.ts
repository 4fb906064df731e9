/** Admins look at groups, their clients and subscriptions, and delete groups. */

import * as commands from "../../client/protocol/commands/admin_group.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { PermName } from "../../client/protocol/topic_config.ts";
import { parseSubscriptionGroupConfig } from "../../client/protocol/subscription_group_config.ts";
import { type Route, route } from "../dispatcher.ts";
import type { ConsumerTable, ProducerTable } from "./client_table.ts";
import { connectionJson, producerJson, subscriptionJson } from "./connection_json.ts";
import { updateGroups } from "./group_routes.ts";
import type { GroupTable } from "./group_table.ts";
import { jsonBody, parseJsonBody } from "./json_body.ts";
import type { OffsetTable } from "./offset_table.ts";
import type { BrokerStats } from "./stats/broker_stats.ts";

export interface AdminGroupDeps {
  groups: Pick<GroupTable, "update" | "delete" | "flush" | "forbiddenOf" | "setForbidden">;
  offsets: Pick<OffsetTable, "committed" | "removeGroup" | "flush">;
  consumers: Pick<ConsumerTable, "groups" | "findSubscription">;
  producers: Pick<ProducerTable, "groups">;
  stats: Pick<BrokerStats, "forgetGroup">;
  brokerAddr: () => string | undefined;
}

/** The commands of `admin_group.ts`. */
export function adminGroupRoutes(deps: AdminGroupDeps): Route[] {
  const { groups, offsets, consumers, stats, brokerAddr } = deps;
  return [
    route(commands.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, async ({ body }) => {
      updateGroups(groups, parseJsonBody(body, parseGroupList));
      await groups.flush();
      return {};
    }),
    route(commands.DELETE_SUBSCRIPTIONGROUP, async ({ header: { groupName, cleanOffset } }) => {
      groups.delete(groupName);
      if (cleanOffset) offsets.removeGroup(groupName);
      await Promise.all([groups.flush(), offsets.flush()]);
      stats.forgetGroup(groupName);
      return {};
    }),
    route(commands.UPDATE_AND_GET_GROUP_FORBIDDEN, async ({ header }) => {
      const { group, topic, readable } = header;
      if (readable !== undefined) {
        groups.setForbidden(group, topic, PermName.READ, !readable);
        await groups.flush();
      }
      const isForbidden = (groups.forbiddenOf(group, topic) & PermName.READ) !== 0;
      return { remark: "", body: jsonBody({ group, readable: !isForbidden, topic }) };
    }),
    route(commands.QUERY_TOPICS_BY_CONSUMER, ({ header }) => {
      const topicList = [...offsets.committed.topicsOf(header.group).keys()];
      return { body: jsonBody({ brokerAddr: brokerAddr(), topicList }) };
    }),
    route(commands.QUERY_SUBSCRIPTION_BY_CONSUMER, ({ header: { group, topic } }) => {
      const found = consumers.findSubscription(group, topic);
      const subscriptionData = found && subscriptionJson(found);
      return { body: jsonBody({ group, subscriptionData, topic }) };
    }),
    ...connectionRoutes(deps),
  ];
}

function connectionRoutes({ consumers, producers }: AdminGroupDeps): Route[] {
  return [
    route(commands.GET_CONSUMER_CONNECTION_LIST, ({ header: { consumerGroup } }) => {
      const group = consumers.groups.get(consumerGroup);
      if (group === undefined) {
        throw refuse(
          ResponseCode.CONSUMER_NOT_ONLINE,
          `the consumer group[${consumerGroup}] not online`,
        );
      }
      const subscriptions = [...group.subscriptions].map(([topic, subscription]) =>
        [topic, subscriptionJson(subscription)] as const
      );
      return {
        body: jsonBody({
          connectionSet: [...group.clients.values()].map(connectionJson),
          consumeFromWhere: group.consumeFromWhere,
          consumeType: group.consumeType,
          messageModel: group.messageModel,
          subscriptionTable: Object.fromEntries(subscriptions),
        }),
      };
    }),
    route(commands.GET_PRODUCER_CONNECTION_LIST, ({ header: { producerGroup } }) => {
      const clients = producers.groups.get(producerGroup);
      if (clients === undefined) {
        throw refuse(
          ResponseCode.SYSTEM_ERROR,
          `the producer group[${producerGroup}] not exist`,
        );
      }
      return { body: jsonBody({ connectionSet: [...clients.values()].map(connectionJson) }) };
    }),
    route(commands.GET_ALL_PRODUCER_INFO, () => {
      const data = [...producers.groups].map(([group, clients]) =>
        [group, [...clients.values()].map(producerJson)] as const
      );
      return { body: jsonBody({ data: Object.fromEntries(data) }) };
    }),
  ];
}

function parseGroupList(json: unknown) {
  const { groupConfigList } = (json ?? {}) as Record<string, unknown>;
  if (!Array.isArray(groupConfigList)) throw new TypeError("groupConfigList is missing");
  return groupConfigList.map(parseSubscriptionGroupConfig);
}
