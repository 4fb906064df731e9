/** QUERY_ASSIGNMENT: the broker shares the queues of a topic out among a group's clients; and whether they pull or pop. */

import {
  GET_ALL_MESSAGE_REQUEST_MODE,
  QUERY_ASSIGNMENT,
  SET_MESSAGE_REQUEST_MODE,
} from "../../../client/protocol/commands/pop.ts";
import {
  compareQueues,
  compareText,
  type MessageQueue,
} from "../../../client/protocol/message_queue.ts";
import { refuse, ResponseCode } from "../../../client/protocol/response_code.ts";
import type { Config } from "../../config.ts";
import { type Route, route } from "../../dispatcher.ts";
import { clientIdsOf, type ConsumerTable } from "../client_table.ts";
import type { GroupTable } from "../group_table.ts";
import { jsonBody, parseJsonBody } from "../json_body.ts";
import { RETRY_GROUP_TOPIC_PREFIX } from "../topic_name.ts";
import type { TopicTable } from "../topic_table.ts";
import { ALLOCATE_STRATEGIES, allocateForPop } from "./allocate.ts";
import { parseRequestMode, type RequestMode, type RequestModeTable } from "./request_mode_table.ts";
import type { SubscribedQueues } from "./subscribed_queues.ts";

export interface AssignmentDeps {
  config: Pick<
    Config,
    "serverLoadBalancerEnable" | "defaultMessageRequestMode" | "defaultPopShareQueueNum"
  >;
  topics: Pick<TopicTable, "get">;
  groups: Pick<GroupTable, "find">;
  consumers: Pick<ConsumerTable, "groups">;
  requestModes: RequestModeTable;
  subscribedQueues: Pick<SubscribedQueues, "find">;
}

/** What a client asks. */
interface AssignmentQuery {
  topic: string;
  consumerGroup: string;
  clientId: string;
  strategyName: string;
  isBroadcasting: boolean;
}

/** The handlers of QUERY_ASSIGNMENT, SET_MESSAGE_REQUEST_MODE and GET_ALL_MESSAGE_REQUEST_MODE. */
export function assignmentRoutes(deps: AssignmentDeps): Route[] {
  const { requestModes } = deps;
  return [
    route(QUERY_ASSIGNMENT, async ({ body }) => {
      const query = parseJsonBody(body, parseQuery);
      const requestMode = requestModeOf(deps, query);
      const queues = await assign(deps, query, requestMode);
      // Without a list the client keeps what it has; an empty one takes that away.
      const messageQueueAssignments = queues?.map((messageQueue) => ({
        messageQueue,
        mode: requestMode.mode,
      }));
      return { body: jsonBody({ messageQueueAssignments }) };
    }),
    route(SET_MESSAGE_REQUEST_MODE, async ({ body }) => {
      const mode = parseJsonBody(body, parseRequestMode);
      refuseUnusable(deps, mode);
      await requestModes.set(mode);
      return {};
    }),
    route(GET_ALL_MESSAGE_REQUEST_MODE, () => ({ body: jsonBody(requestModes.toJson()) })),
  ];
}

function parseQuery(value: unknown): AssignmentQuery {
  const json = (value ?? {}) as Record<string, unknown>;
  const text = (name: string) => {
    if (typeof json[name] === "string") return json[name];
    throw new TypeError(`a query for an assignment has no ${name}`);
  };
  return {
    topic: text("topic"),
    consumerGroup: text("consumerGroup"),
    clientId: text("clientId"),
    strategyName: text("strategyName"),
    isBroadcasting: json["messageModel"] === "BROADCASTING",
  };
}

function requestModeOf(
  { config, requestModes }: AssignmentDeps,
  { topic, consumerGroup }: AssignmentQuery,
): RequestMode {
  const set = requestModes.find(topic, consumerGroup);
  if (set !== undefined) return set;
  // Whoever pops gets messages that come again along with the others.
  const mode = topic.startsWith(RETRY_GROUP_TOPIC_PREFIX)
    ? "PULL"
    : config.defaultMessageRequestMode;
  const popShareQueueNum = mode === "POP" ? config.defaultPopShareQueueNum : 0;
  return { topic, consumerGroup, mode, popShareQueueNum };
}

/** The client's queues; undefined when that cannot be said now. */
async function assign(
  deps: AssignmentDeps,
  query: AssignmentQuery,
  { mode, popShareQueueNum }: RequestMode,
): Promise<MessageQueue[] | undefined> {
  const { config, consumers, subscribedQueues } = deps;
  const queues = await subscribedQueues.find(query.topic);
  if (queues === undefined || query.isBroadcasting || !config.serverLoadBalancerEnable) {
    return queues;
  }
  const group = consumers.groups.get(query.consumerGroup);
  const strategy = ALLOCATE_STRATEGIES.get(query.strategyName);
  if (group === undefined || strategy === undefined) return undefined;
  const allocation = {
    clientId: query.clientId,
    clientIds: clientIdsOf(group).sort(compareText),
    queues: queues.sort(compareQueues),
  };
  return mode === "POP"
    ? allocateForPop(strategy, allocation, popShareQueueNum)
    : strategy(allocation);
}

/** @throws {RemotingError} when there is no such group or topic, or it is a retry topic. */
function refuseUnusable(
  { topics, groups }: AssignmentDeps,
  { topic, consumerGroup }: RequestMode,
): void {
  if (topic.startsWith(RETRY_GROUP_TOPIC_PREFIX)) {
    throw refuse(ResponseCode.NO_PERMISSION, "retry topic is not allowed to set mode");
  }
  if (topics.get(topic) === undefined) {
    throw refuse(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
  }
  if (groups.find(consumerGroup) === undefined) {
    throw refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, "subscription group does not exist");
  }
}
