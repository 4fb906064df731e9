/** What a group does: how far it is, who is in it, what its members say. */

import { createRoute, z } from "@hono/zod-openapi";
import {
  groupConnections,
  type RunningInfo,
  runningInfo,
  runningInfos,
  subscriptionMismatches,
} from "../../client/admin/clients.ts";
import { findGroup, type Group } from "../../client/admin/groups.ts";
import { numberOf } from "../../client/admin/message_queue.ts";
import { groupProgress } from "../../client/admin/progress.ts";
import { apiArea, type ApiParts, jsonContent } from "./api_route.ts";
import {
  clientParams,
  ConnectionsSchema,
  progressQuery,
  ProgressSchema,
  RunningInfoSchema,
  SubscriptionsSchema,
} from "./group_schemas.ts";
import { problem, PROBLEMS } from "./problem.ts";
import { flag, groupParam as params } from "./schemas.ts";

const tags = ["Groups"];

const getProgress = createRoute({
  method: "get",
  path: "/groups/{group}/progress",
  summary: "How far a group is, in messages and in time, and who has each queue",
  tags,
  request: { params, query: progressQuery },
  responses: { 200: jsonContent(ProgressSchema, "By queue"), ...PROBLEMS },
});

const getConnections = createRoute({
  method: "get",
  path: "/groups/{group}/connections",
  summary: "Who of a group is there; a group of which nobody is there has no clients",
  tags,
  request: { params },
  responses: { 200: jsonContent(ConnectionsSchema, "Clients and subscriptions"), ...PROBLEMS },
});

const getSubscriptions = createRoute({
  method: "get",
  path: "/groups/{group}/subscriptions",
  summary: "What a group subscribes to, and whether its members agree",
  tags,
  request: { params },
  responses: { 200: jsonContent(SubscriptionsSchema, "Subscriptions"), ...PROBLEMS },
});

const getClient = createRoute({
  method: "get",
  path: "/groups/{group}/clients/{clientId}",
  summary: "What a consumer says of itself: its queues, rates and, if wanted, its threads",
  tags,
  request: { params: clientParams, query: z.object({ jstack: flag(false) }) },
  responses: { 200: jsonContent(RunningInfoSchema, "Its running info"), ...PROBLEMS },
});

export function groupViewsApi({ admin }: ApiParts) {
  return apiArea()
    .openapi(getProgress, async (c) => {
      const { group } = await findGroup(admin, c.req.valid("param").group);
      const options = { ...c.req.valid("query"), now: Date.now() };
      const { queues, failures, ...totals } = await groupProgress(admin, group, options);
      return c.json({
        group: group.group,
        ...totals,
        queues: queues.map(({ clientId, ...queue }) =>
          clientId === undefined ? queue : { ...queue, clientId }
        ),
        failures: [...failures],
      }, 200);
    })
    .openapi(getConnections, async (c) => {
      const { group } = await findGroup(admin, c.req.valid("param").group);
      const found = await groupConnections(admin, group.group, addressesOf(group));
      const { consumeType, messageModel, consumeFromWhere } = found;
      return c.json({
        group: group.group,
        clients: found.clients.map((client) => ({
          ...client,
          brokerNames: [...client.brokerNames],
        })),
        ...(consumeType === undefined ? {} : { consumeType }),
        ...(messageModel === undefined ? {} : { messageModel }),
        ...(consumeFromWhere === undefined ? {} : { consumeFromWhere }),
        subscriptions: [...found.subscriptions],
        failures: [...found.failures],
      }, 200);
    })
    .openapi(getSubscriptions, async (c) => {
      const { group } = await findGroup(admin, c.req.valid("param").group);
      const addresses = addressesOf(group);
      const found = await groupConnections(admin, group.group, addresses);
      const infos = await runningInfos(admin, group.group, found, addresses);
      const mismatches = subscriptionMismatches(infos).map(({ topic, variants }) => ({
        topic,
        variants: variants.map(({ subString, expressionType, clientIds }) => ({
          ...(subString === undefined ? {} : { subString }),
          ...(expressionType === undefined ? {} : { expressionType }),
          clientIds: [...clientIds],
        })),
      }));
      return c.json({
        group: group.group,
        subscriptions: [...found.subscriptions],
        answeredClientIds: infos.map(({ clientId }) => clientId),
        mismatches,
        failures: [...found.failures],
      }, 200);
    })
    .openapi(getClient, async (c) => {
      const { group: name, clientId } = c.req.valid("param");
      const { jstack } = c.req.valid("query");
      const { group } = await findGroup(admin, name);
      const addresses = addressesOf(group);
      const { clients } = await groupConnections(admin, name, addresses);
      const client = clients.find((known) => known.clientId === clientId);
      const broker = addresses.find(({ brokerName }) => client?.brokerNames.includes(brokerName));
      if (broker === undefined) {
        throw problem(404, `No client ${clientId} of the group ${name} is connected`);
      }
      const info = await runningInfo(admin, broker.brokerAddr, name, clientId, { jstack });
      return c.json({ group: name, ...infoJson(info) }, 200);
    });
}

function addressesOf({ brokers }: Group) {
  return brokers.map(({ broker }) => broker);
}

function infoJson(info: RunningInfo) {
  const { clientId, properties, subscriptions, queues, popQueues, status, jstack } = info;
  return {
    clientId,
    properties: { ...properties },
    subscriptions: [...subscriptions],
    queues: queues.map(({ queue, value }) => ({
      ...queue,
      commitOffset: numberOf(value["commitOffset"]),
      cachedMsgMinOffset: numberOf(value["cachedMsgMinOffset"]),
      cachedMsgMaxOffset: numberOf(value["cachedMsgMaxOffset"]),
      cachedMsgCount: numberOf(value["cachedMsgCount"]),
      cachedMsgSizeInMiB: numberOf(value["cachedMsgSizeInMiB"]),
      locked: value["locked"] === true,
      droped: value["droped"] === true,
      lastPullTimestamp: numberOf(value["lastPullTimestamp"]),
      lastConsumeTimestamp: numberOf(value["lastConsumeTimestamp"]),
    })),
    popQueues: popQueues.map(({ queue, value }) => ({
      ...queue,
      waitAckCount: numberOf(value["waitAckCount"]),
      droped: value["droped"] === true,
      lastPopTimestamp: numberOf(value["lastPopTimestamp"]),
    })),
    status: Object.entries(status).map(([topic, value]) => ({
      topic,
      pullRT: numberOf(value["pullRT"]),
      pullTPS: numberOf(value["pullTPS"]),
      consumeRT: numberOf(value["consumeRT"]),
      consumeOKTPS: numberOf(value["consumeOKTPS"]),
      consumeFailedTPS: numberOf(value["consumeFailedTPS"]),
      consumeFailedMsgs: numberOf(value["consumeFailedMsgs"]),
    })),
    ...(jstack === undefined ? {} : { jstack }),
  };
}
