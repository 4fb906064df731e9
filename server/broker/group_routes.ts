/** Admins create consumer groups, change them and look at them. */

import * as commands from "../../client/protocol/commands/group.ts";
import { invalidRetryPolicyReason } from "../../client/protocol/retry_policy.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import {
  parseSubscriptionGroupConfig,
  type SubscriptionGroupConfig,
} from "../../client/protocol/subscription_group_config.ts";
import { type Route, route } from "../dispatcher.ts";
import type { GroupTable } from "./group_table.ts";
import { jsonBody, parseJsonBody } from "./json_body.ts";
import { invalidGroupReason } from "./topic_name.ts";

export interface GroupDeps {
  groups: Pick<GroupTable, "find" | "update" | "flush" | "toJson">;
}

/** UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, GET_ALL_SUBSCRIPTIONGROUP_CONFIG and GET_SUBSCRIPTIONGROUP_CONFIG. */
export function groupRoutes({ groups }: GroupDeps): Route[] {
  return [
    route(commands.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, async ({ body }) => {
      updateGroups(groups, [parseJsonBody(body, parseSubscriptionGroupConfig)]);
      await groups.flush();
      return {};
    }),
    route(
      commands.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
      () => ({ body: jsonBody(groups.toJson()) }),
    ),
    route(commands.GET_SUBSCRIPTIONGROUP_CONFIG, ({ header }) => {
      const config = groups.find(header.group);
      if (config !== undefined) return { body: jsonBody(config) };
      throw refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, "No group in this broker");
    }),
  ];
}

/** Creates or changes groups; none when one may not have its name or its policy. @throws {RemotingError} */
export function updateGroups(
  groups: Pick<GroupTable, "update">,
  configs: readonly SubscriptionGroupConfig[],
): void {
  for (const { groupName, groupRetryPolicy } of configs) {
    const reason = invalidGroupReason(groupName) ?? invalidRetryPolicyReason(groupRetryPolicy);
    if (reason !== undefined) throw refuse(ResponseCode.INVALID_PARAMETER, reason);
  }
  try {
    for (const config of configs) groups.update(config);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw refuse(ResponseCode.SYSTEM_ERROR, error.message);
  }
}
