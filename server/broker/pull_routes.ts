/** Pulling: read the queue, or wait for a message. */

import {
  LITE_PULL_MESSAGE,
  PULL_MESSAGE,
  PullSysFlag,
} from "../../client/protocol/commands/pull.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { isReadable } from "../../client/protocol/topic_config.ts";
import type { GetMessageResult, GetMessageStatus, MessageFilter } from "../../store/get_message.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { Config } from "../config.ts";
import { PARKED, type Reply, type RequestContext, type Route, route } from "../dispatcher.ts";
import type { ClientTable } from "./client_table.ts";
import type { LongPolling } from "./long_polling.ts";
import { parseSubscription } from "./message_filter.ts";
import type { OffsetTable } from "./offset_table.ts";
import type { TopicTable } from "./topic_table.ts";

export interface PullDeps {
  config: Config;
  store: Pick<MessageStore, "getMessage">;
  topics: TopicTable;
  clients: ClientTable;
  offsets: OffsetTable;
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
    checkPull(deps, context);
    const { header } = context;
    const filter = filterOf(deps, header);
    if ((header.sysFlag & PullSysFlag.COMMIT_OFFSET) !== 0) {
      deps.offsets.commit(header.consumerGroup, header.topic, header.queueId, header.commitOffset);
    }
    tryPull(deps, context, filter, false);
    return PARKED;
  };
  return [route(PULL_MESSAGE, pull), route(LITE_PULL_MESSAGE, pull)];
}

function checkPull(deps: PullDeps, { header }: PullContext): void {
  if (!isReadable(deps.config.brokerPermission)) {
    throw refuse(
      ResponseCode.NO_PERMISSION,
      `the broker[${deps.config.brokerName}] pulling message is forbidden`,
    );
  }
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

function filterOf(deps: PullDeps, header: PullContext["header"]): MessageFilter | undefined {
  if ((header.sysFlag & PullSysFlag.SUBSCRIPTION) !== 0) {
    return parseSubscription(header.subscription, header.expressionType);
  }
  if (!deps.clients.has(header.consumerGroup)) {
    throw refuse(ResponseCode.SUBSCRIPTION_NOT_EXIST, "the consumer's group info not exist");
  }
  const subscription = deps.clients.subscription(header.consumerGroup, header.topic);
  if (subscription === undefined) {
    throw refuse(ResponseCode.SUBSCRIPTION_NOT_EXIST, "the consumer's subscription not exist");
  }
  if (subscription.subVersion < header.subVersion) {
    throw refuse(ResponseCode.SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest");
  }
  return parseSubscription(subscription.subString, subscription.expressionType);
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
  if (connection.congested) return respond(emptyReply(ResponseCode.PULL_RETRY_IMMEDIATELY, header));
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

function emptyReply(code: number, header: PullContext["header"]): Reply<PullResponse> {
  const { queueOffset } = header;
  return {
    code,
    header: {
      suggestWhichBrokerId: 0,
      nextBeginOffset: queueOffset,
      minOffset: 0,
      maxOffset: queueOffset,
    },
  };
}
