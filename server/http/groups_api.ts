/** Consumer groups: what there is, creating, changing, deleting. */

import { createRoute } from "@hono/zod-openapi";
import type { AdminClient } from "../../client/admin/admin_client.ts";
import { groupConnections } from "../../client/admin/clients.ts";
import { type BrokerFailure, mapLimited } from "../../client/admin/fan_out.ts";
import {
  createGroup,
  deleteGroup,
  findGroup,
  findGroupOrNone,
  type Group,
  listGroups,
  topicsOfGroup,
  updateGroup,
} from "../../client/admin/groups.ts";
import { allGroupLags, type GroupLag } from "../../client/admin/progress.ts";
import type { SubscriptionGroupConfig } from "../../client/protocol/subscription_group_config.ts";
import { apiArea, type ApiParts, jsonBody, jsonContent } from "./api_route.ts";
import { audit } from "./audit.ts";
import {
  asGroupSettings,
  GroupAnswerSchema,
  GroupCreateSchema,
  GroupDeletedSchema,
  groupDeleteQuery,
  groupListQuery,
  GroupPageSchema,
  GroupUpdateSchema,
} from "./group_schemas.ts";
import { problem, PROBLEMS } from "./problem.ts";
import { cutPage, groupParam as params, matches, sortBy } from "./schemas.ts";

const tags = ["Groups"];

const getGroups = createRoute({
  method: "get",
  path: "/groups",
  summary: "Consumer groups, filtered, sorted and in pages",
  tags,
  request: { query: groupListQuery },
  responses: { 200: jsonContent(GroupPageSchema, "One page"), ...PROBLEMS },
});

const postGroup = createRoute({
  method: "post",
  path: "/groups",
  summary: "Create a group on all brokers, or on those that are named",
  tags,
  request: { body: jsonBody(GroupCreateSchema) },
  responses: { 201: jsonContent(GroupAnswerSchema, "The group"), ...PROBLEMS },
});

const getGroup = createRoute({
  method: "get",
  path: "/groups/{group}",
  summary: "A group's settings",
  tags,
  request: { params },
  responses: { 200: jsonContent(GroupAnswerSchema, "The group"), ...PROBLEMS },
});

const putGroup = createRoute({
  method: "put",
  path: "/groups/{group}",
  summary: "Change a group where it is; what is left out stays as it is",
  tags,
  request: { params, body: jsonBody(GroupUpdateSchema) },
  responses: { 200: jsonContent(GroupAnswerSchema, "The group as it is now"), ...PROBLEMS },
});

const removeGroup = createRoute({
  method: "delete",
  path: "/groups/{group}",
  summary: "Delete a group, with its offsets, its retry topic and its dead letters if wanted",
  tags,
  request: { params, query: groupDeleteQuery },
  responses: { 200: jsonContent(GroupDeletedSchema, "What was deleted"), ...PROBLEMS },
});

export function groupsApi(parts: ApiParts) {
  const { admin } = parts;
  return apiArea()
    .openapi(getGroups, async (c) => {
      const query = c.req.valid("query");
      const { groups, failures } = await listGroups(admin);
      const wanted = groups.filter(({ group, type }) =>
        (query.type === undefined || type === query.type) && matches(group, query.search)
      );
      const needsLags = query.progress || /diffTotal|consumeTps|topicCount/.test(query.sort);
      const { lags } = needsLags ? await allGroupLags(admin) : { lags: undefined };
      const { items, ...page } = cutPage(sorted(wanted, query.sort, lags), query);
      const counts = query.clients ? await clientCounts(admin, items) : undefined;
      const rows = items.map((group) => ({
        ...shown(group),
        ...(lags === undefined ? {} : lags.get(group.group) ?? NO_LAG),
        ...(counts === undefined ? {} : { clientCount: counts.get(group.group) ?? 0 }),
      }));
      return c.json({ ...page, items: rows, failures: [...failures] }, 200);
    })
    .openapi(postGroup, async (c) => {
      const { group, clusterName, brokerNames, ...settings } = c.req.valid("json");
      if (await findGroupOrNone(admin, group) !== undefined) {
        throw problem(
          409,
          `There is a group ${group} already; PUT /api/groups/${group} changes it`,
        );
      }
      const { failures } = await createGroup(admin, group, asGroupSettings(settings), {
        clusterName,
        brokerNames,
      });
      const created = await findGroup(admin, group);
      audit(parts, c, { action: "group.create", target: group, after: settingsOf(created.group) });
      return c.json(answerOf(created.group, [...failures, ...created.failures]), 201);
    })
    .openapi(getGroup, async (c) => {
      const { group, failures } = await findGroup(admin, c.req.valid("param").group);
      return c.json(answerOf(group, failures), 200);
    })
    .openapi(putGroup, async (c) => {
      const name = c.req.valid("param").group;
      const { group } = await findGroup(admin, name);
      const { failures } = await updateGroup(admin, group, asGroupSettings(c.req.valid("json")));
      const changed = await findGroup(admin, name);
      audit(parts, c, {
        action: "group.update",
        target: name,
        before: settingsOf(group),
        after: settingsOf(changed.group),
      });
      return c.json(answerOf(changed.group, [...failures, ...changed.failures]), 200);
    })
    .openapi(removeGroup, async (c) => {
      const name = c.req.valid("param").group;
      const { dryRun, ...options } = c.req.valid("query");
      const { group } = await findGroup(admin, name);
      const topics = options.deleteTopics ? await topicsOfGroup(admin, name) : [];
      const addresses = group.brokers.map(({ broker }) => broker);
      const { clients } = await groupConnections(admin, name, addresses);
      const failures = dryRun ? [] : (await deleteGroup(admin, group, options)).failures;
      if (!dryRun) {
        audit(parts, c, {
          action: "group.delete",
          target: name,
          before: { settings: settingsOf(group), topics },
        });
      }
      const brokerNames = addresses.map(({ brokerName }) => brokerName);
      const clientCount = clients.length;
      return c.json(
        { group: name, dryRun, brokerNames, topics, clientCount, failures: [...failures] },
        200,
      );
    });
}

const NO_LAG: GroupLag = { diffTotal: 0, consumeTps: 0, topicCount: 0 };

function sorted(
  groups: readonly Group[],
  sort: string,
  lags: ReadonlyMap<string, GroupLag> | undefined,
): Group[] {
  const lag = ({ group }: Group) => lags?.get(group) ?? NO_LAG;
  return sortBy(groups, sort, {
    group: ({ group }) => group,
    type: ({ type }) => type,
    retryMaxTimes: ({ brokers }) => brokers[0]!.config.retryMaxTimes,
    diffTotal: (group) => lag(group).diffTotal,
    consumeTps: (group) => lag(group).consumeTps,
    topicCount: (group) => lag(group).topicCount,
  });
}

const GROUPS_AT_A_TIME = 32;

async function clientCounts(
  admin: AdminClient,
  groups: readonly Group[],
): Promise<Map<string, number>> {
  const counts = await mapLimited(groups, GROUPS_AT_A_TIME, async ({ group, brokers }) => {
    const addresses = brokers.map(({ broker }) => broker);
    return [group, (await groupConnections(admin, group, addresses)).clients.length] as const;
  });
  return new Map(counts);
}

function answerOf(group: Group, failures: readonly BrokerFailure[]) {
  return { ...shown(group), failures: [...failures] };
}

/** The settings of the first broker, and which brokers have others. */
function shown({ group, type, brokers }: Group) {
  const settings = configOf(brokers[0]!.config);
  const text = JSON.stringify(settings);
  const differing = brokers.filter(({ config }) => JSON.stringify(configOf(config)) !== text);
  return {
    group,
    type,
    ...settings,
    brokerNames: brokers.map(({ broker }) => broker.brokerName),
    differingBrokerNames: differing.map(({ broker }) => broker.brokerName),
  };
}

function configOf(config: SubscriptionGroupConfig) {
  return {
    consumeEnable: config.consumeEnable,
    consumeFromMinEnable: config.consumeFromMinEnable,
    consumeBroadcastEnable: config.consumeBroadcastEnable,
    consumeMessageOrderly: config.consumeMessageOrderly,
    retryQueueNums: config.retryQueueNums,
    retryMaxTimes: config.retryMaxTimes,
    groupRetryPolicy: retryPolicyOf(config.groupRetryPolicy),
    brokerId: config.brokerId,
    whichBrokerWhenConsumeSlowly: config.whichBrokerWhenConsumeSlowly,
    notifyConsumerIdsChangedEnable: config.notifyConsumerIdsChangedEnable,
    groupSysFlag: config.groupSysFlag,
    consumeTimeoutMinute: config.consumeTimeoutMinute,
    attributes: { ...config.attributes },
  };
}

function retryPolicyOf(policy: SubscriptionGroupConfig["groupRetryPolicy"]) {
  const { type, exponentialRetryPolicy, customizedRetryPolicy } = policy;
  return {
    type,
    ...(exponentialRetryPolicy === undefined ? {} : { exponentialRetryPolicy }),
    ...(customizedRetryPolicy === undefined
      ? {}
      : { customizedRetryPolicy: { next: [...customizedRetryPolicy.next] } }),
  };
}

/** What the log says of a group. */
function settingsOf({ brokers }: Group) {
  return brokers.map(({ broker, config }) => ({
    brokerName: broker.brokerName,
    ...configOf(config),
  }));
}
