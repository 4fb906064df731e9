/** Pulling: read the queue, or wait for a message. */

import {
  LITE_PULL_MESSAGE,
  PULL_MESSAGE,
  PullSysFlag,
} from "../../client/protocol/commands/pull.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import type { SubscriptionGroupConfig } from "../../client/protocol/subscription_group_config.ts";
import { isReadable } from "../../client/protocol/topic_config.ts";
import type { GetMessageResult, GetMessageStatus, MessageFilter } from "../../store/get_message.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { Config } from "../config.ts";
import { PARKED, type Reply, type RequestContext, type Route, route } from "../dispatcher.ts";
import type { GroupTable } from "./group_table.ts";
import type { Arrival, LongPolling } from "./long_polling.ts";
import type { OffsetTable } from "./offset_table.ts";
import { pullFilterOf, type PullSubscriptionDeps } from "./pull_subscription.ts";
import type { BrokerStats } from "./stats/broker_stats.ts";
import type { TopicTable } from "./topic_table.ts";

export interface PullDeps extends PullSubscriptionDeps {
  config: Config;
  store: Pick<MessageStore, "getMessage" | "readTail">;
  topics: Pick<TopicTable, "get">;
  groups: Pick<GroupTable, "find" | "forbiddenOf">;
  offsets: Pick<OffsetTable, "commitOffset" | "takeResetOffset" | "pulled">;
  longPolling: LongPolling;
  stats: Pick<BrokerStats, "looked">;
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
    const filter = pullFilterOf(deps, header, group);
    const { consumerGroup, topic, queueId, commitOffset } = header;
    if (answerReset(deps, context)) return PARKED;
    if ((header.sysFlag & PullSysFlag.COMMIT_OFFSET) !== 0) {
      deps.offsets.commitOffset(consumerGroup, topic, queueId, commitOffset);
    }
    tryPull(deps, { context, filter, queueOffset: header.queueOffset, lastTry: false });
    return PARKED;
  };
  return [route(PULL_MESSAGE, pull), route(LITE_PULL_MESSAGE, pull)];
}

/** Sends a group elsewhere when an admin wants it there; whether it did. */
function answerReset({ offsets }: PullDeps, { header, respond }: PullContext): boolean {
  const { consumerGroup, topic, queueId } = header;
  const resetOffset = offsets.takeResetOffset(consumerGroup, topic, queueId);
  if (resetOffset === undefined) return false;
  respond(emptyReply(ResponseCode.PULL_OFFSET_MOVED, resetOffset));
  return true;
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

/** One look into the queue for a request. */
interface Attempt {
  readonly context: PullContext;
  readonly filter: MessageFilter | undefined;
  /** Where the request begins, or further: what lies between has been found not to match. */
  readonly queueOffset: number;
  /** Answer even when nothing is found. */
  readonly lastTry: boolean;
}

function tryPull(deps: PullDeps, attempt: Attempt): void {
  const { header, connection, respond } = attempt.context;
  if (connection.closed) return;
  const { config } = deps;
  // A peer that does not drain what it asked for gets no more of it now; it asks again once it has.
  if (connection.congested) {
    return respond(emptyReply(ResponseCode.PULL_RETRY_IMMEDIATELY, attempt.queueOffset));
  }
  const result = deps.store.getMessage(header.topic, header.queueId, {
    queueOffset: attempt.queueOffset,
    maxMsgNums: Math.max(1, Math.min(header.maxMsgNums, config.maxTransferCountOnMessageInMemory)),
    maxMsgBytes: Math.min(
      header.maxMsgBytes ?? Infinity,
      config.maxTransferBytesOnMessageInMemory,
    ),
    filter: attempt.filter,
  });
  const finish = (result: GetMessageResult) => answerPull(deps, attempt, result);
  if (!(result instanceof Promise)) return finish(result);
  result.then(finish).catch((error) =>
    respond({ code: ResponseCode.SYSTEM_ERROR, remark: (error as Error).message })
  );
}

function answerPull(deps: PullDeps, attempt: Attempt, result: GetMessageResult): void {
  const { header, respond } = attempt.context;
  deps.stats.looked(header.topic, header.consumerGroup, result.messageCount, result.parts);
  const code = codeOf(result, attempt.queueOffset);
  if (code === ResponseCode.PULL_NOT_FOUND && !attempt.lastTry && holds(header)) {
    return park(deps, attempt);
  }
  const { consumerGroup, topic, queueId } = header;
  deps.offsets.pulled.set(consumerGroup, topic, queueId, result.nextBeginOffset);
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

function park(deps: PullDeps, attempt: Attempt): void {
  const { filter, context, context: { header } } = attempt;
  const { store, config } = deps;
  context.isLongPolling = true;
  const holdMillis = config.longPollingEnable
    ? header.suspendTimeoutMillis
    : config.shortPollingTimeMills;
  deps.longPolling.park(header.topic, header.queueId, {
    queueOffset: attempt.queueOffset,
    matches: filter && ((arrival) => matchesArrival(store, filter, arrival)),
    retry: (lastTry, queueOffset) => tryPull(deps, { ...attempt, lastTry, queueOffset }),
    // Whoever has gone must not take away what a member who is there has to hear.
    answerReset: () => !context.connection.closed && answerReset(deps, context),
  }, holdMillis);
}

function matchesArrival(
  store: Pick<MessageStore, "readTail">,
  filter: MessageFilter,
  { tagsCode, physicalOffset, size }: Arrival,
): boolean {
  if (!filter.matchesTagsCode(tagsCode)) return false;
  if (filter.matchesRecord === undefined) return true;
  const record = store.readTail(physicalOffset, size);
  return record === undefined || filter.matchesRecord(record);
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
