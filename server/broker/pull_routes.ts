/** Pulling: read the queue, or wait for a message. */

import {
  LITE_PULL_MESSAGE,
  PULL_MESSAGE,
  PullSysFlag,
} from "../../client/protocol/commands/pull.ts";
import { createSubscriptionData, type SubscriptionData } from "../../client/protocol/heartbeat.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import type { SubscriptionGroupConfig } from "../../client/protocol/subscription_group_config.ts";
import { isReadable, PermName } from "../../client/protocol/topic_config.ts";
import type { GetMessageResult, GetMessageStatus, MessageFilter } from "../../store/get_message.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { Config } from "../config.ts";
import { PARKED, type Reply, type RequestContext, type Route, route } from "../dispatcher.ts";
import type { ConsumerTable } from "./client_table.ts";
import type { GroupTable } from "./group_table.ts";
import type { LongPolling } from "./long_polling.ts";
import { messageFilterOf } from "./message_filter.ts";
import type { OffsetTable } from "./offset_table.ts";
import type { TopicTable } from "./topic_table.ts";

export interface PullDeps {
  config: Config;
  store: Pick<MessageStore, "getMessage">;
  topics: Pick<TopicTable, "get">;
  groups: Pick<GroupTable, "find" | "forbiddenOf">;
  consumers: Pick<ConsumerTable, "groups" | "findSubscription">;
  offsets: Pick<OffsetTable, "commitOffset" | "takeResetOffset">;
  longPolling: LongPolling;
}

type PullFields = typeof PULL_MESSAGE.request.fields;
type PullResponse = typeof PULL_MESSAGE.response.fields;
type PullContext = RequestContext<PullFields, PullResponse>;

/** Java's composeResponseHeader as a table. NO_MESSAGE_IN_QUEUE has a case of its own. */
const CODE_OF_STATUS: Record<GetMessageStatus, number> = {
  FOUND: ResponseCode.SUCCESS,
  MESSAGE_WAS_REMOVING: ResponseCode.PULL_RETRY_IMMEDIATELY,
  NO_MATCHED_MESSAGE: ResponseCode.PULL_RETRY_IMMEDIATELY,
  NO_MATCHED_LOGIC_QUEUE: ResponseCode.PULL_NOT_FOUND,
  NO_MESSAGE_IN_QUEUE: ResponseCode.PULL_NOT_FOUND,
  OFFSET_OVERFLOW_ONE: ResponseCode.PULL_NOT_FOUND,
  OFFSET_OVERFLOW_BADLY: ResponseCode.PULL_OFFSET_MOVED,
  OFFSET_TOO_SMALL: ResponseCode.PULL_OFFSET_MOVED,
};

/** The handlers of the PULL commands. */
export function pullRoutes(deps: PullDeps): Route[] {
  const pull = (context: PullContext): typeof PARKED => {
    const { header } = context;
    const group = checkedGroup(deps, header);
    checkTopic(deps, header);
    const filter = messageFilterOf(subscriptionOf(deps, header, group));
    const { consumerGroup, topic, queueId, commitOffset } = header;
    const resetOffset = deps.offsets.takeResetOffset(consumerGroup, topic, queueId);
    if (resetOffset !== undefined) {
      context.respond(emptyReply(ResponseCode.PULL_OFFSET_MOVED, resetOffset));
      return PARKED;
    }
    if ((header.sysFlag & PullSysFlag.COMMIT_OFFSET) !== 0) {
      deps.offsets.commitOffset(consumerGroup, topic, queueId, commitOffset);
    }
    tryPull(deps, context, filter, false);
    return PARKED;
  };
  return [route(PULL_MESSAGE, pull), route(LITE_PULL_MESSAGE, pull)];
}

/** The group, which must be allowed to pull here. */
function checkedGroup(deps: PullDeps, header: PullContext["header"]): SubscriptionGroupConfig {
  if (!isReadable(deps.config.brokerPermission)) {
    throw refuse(
      ResponseCode.NO_PERMISSION,
      `the broker[${deps.config.brokerName}] pulling message is forbidden`,
    );
  }
  const group = deps.groups.find(header.consumerGroup);
  if (group === undefined) {
    throw refuse(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `subscription group [${header.consumerGroup}] does not exist`,
    );
  }
  if (group.consumeEnable) return group;
  throw refuse(
    ResponseCode.NO_PERMISSION,
    `subscription group no permission, ${header.consumerGroup}`,
  );
}

function checkTopic(deps: PullDeps, header: PullContext["header"]): void {
  const topic = deps.topics.get(header.topic);
  if (topic === undefined) {
    throw refuse(
      ResponseCode.TOPIC_NOT_EXIST,
      `topic[${header.topic}] not exist, apply first please!`,
    );
  }
  if (!isReadable(topic.perm)) {
    throw refuse(
      ResponseCode.NO_PERMISSION,
      `the topic[${header.topic}] pulling message is forbidden`,
    );
  }
  if (header.queueId >= 0 && header.queueId < topic.readQueueNums) return;
  throw refuse(
    ResponseCode.INVALID_PARAMETER,
    `queueId[${header.queueId}] is illegal, topic:[${header.topic}] topicConfig.readQueueNums:[${topic.readQueueNums}]`,
  );
}

/** What the group reads of the topic: as the request says, or as its heartbeats did. */
function subscriptionOf(
  deps: PullDeps,
  header: PullContext["header"],
  group: SubscriptionGroupConfig,
): SubscriptionData {
  const { consumerGroup, topic, subscription, expressionType, subVersion } = header;
  if ((header.sysFlag & PullSysFlag.SUBSCRIPTION) !== 0) {
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

function tryPull(
  deps: PullDeps,
  context: PullContext,
  filter: MessageFilter | undefined,
  lastTry: boolean,
): void {
  const { header, connection, respond } = context;
  if (connection.closed) return;
  const { config } = deps;
  // A peer that does not drain what it asked for gets no more of it now; it asks again once it has.
  if (connection.congested) {
    return respond(emptyReply(ResponseCode.PULL_RETRY_IMMEDIATELY, header.queueOffset));
  }
  const result = deps.store.getMessage(header.topic, header.queueId, {
    queueOffset: header.queueOffset,
    maxMsgNums: Math.max(1, Math.min(header.maxMsgNums, config.maxTransferCountOnMessageInMemory)),
    maxMsgBytes: Math.min(
      header.maxMsgBytes ?? Infinity,
      config.maxTransferBytesOnMessageInMemory,
    ),
    filter,
  });
  const finish = (result: GetMessageResult) => answerPull(deps, context, filter, result, lastTry);
  if (!(result instanceof Promise)) return finish(result);
  result.then(finish).catch((error) =>
    respond({ code: ResponseCode.SYSTEM_ERROR, remark: (error as Error).message })
  );
}

function answerPull(
  deps: PullDeps,
  context: PullContext,
  filter: MessageFilter | undefined,
  result: GetMessageResult,
  lastTry: boolean,
): void {
  const { header, respond } = context;
  const code = codeOf(result, header.queueOffset);
  if (code === ResponseCode.PULL_NOT_FOUND && !lastTry && holds(header)) {
    const holdMillis = deps.config.longPollingEnable
      ? header.suspendTimeoutMillis
      : deps.config.shortPollingTimeMills;
    deps.longPolling.park(header.topic, header.queueId, {
      queueOffset: header.queueOffset,
      retry: (lastTry) => tryPull(deps, context, filter, lastTry),
    }, holdMillis);
    return;
  }
  respond({
    code,
    remark: result.status,
    header: {
      suggestWhichBrokerId: 0,
      nextBeginOffset: result.nextBeginOffset,
      minOffset: result.minOffset,
      maxOffset: result.maxOffset,
    },
    bodyParts: result.parts,
  });
}

function codeOf(result: GetMessageResult, queueOffset: number): number {
  // A queue that is empty, but where the client has been further, has lost its messages.
  if (result.status === "NO_MESSAGE_IN_QUEUE" || result.status === "NO_MATCHED_LOGIC_QUEUE") {
    return queueOffset === 0 ? ResponseCode.PULL_NOT_FOUND : ResponseCode.PULL_OFFSET_MOVED;
  }
  return CODE_OF_STATUS[result.status];
}

function holds(header: PullContext["header"]): boolean {
  return (header.sysFlag & PullSysFlag.SUSPEND) !== 0 && header.suspendTimeoutMillis > 0;
}

function emptyReply(code: number, nextBeginOffset: number): Reply<PullResponse> {
  return {
    code,
    header: { suggestWhichBrokerId: 0, nextBeginOffset, minOffset: 0, maxOffset: nextBeginOffset },
  };
}
