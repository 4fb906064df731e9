/** Sending: check, put, answer when the message is safe. */

import {
  createMessageId,
  findProperty,
  type HostBytes,
  hostBytes,
  MessageProperty,
  parseProperties,
  printProperties,
} from "../../client/protocol/message.ts";
import { decodeBatch, type MessageToStore } from "../../client/protocol/message_record.ts";
import {
  SEND_BATCH_MESSAGE,
  SEND_MESSAGE,
  SEND_MESSAGE_V2,
} from "../../client/protocol/commands/send.ts";
import type { HeaderInput } from "../../client/protocol/header_schema.ts";
import type { Connection } from "../../client/remoting/connection.ts";
import { refuse, type RemotingError, ResponseCode } from "../../client/protocol/response_code.ts";
import { isWriteable, type TopicConfig, TopicSysFlag } from "../../client/protocol/topic_config.ts";
import type { MessageStore, PutMessageResult } from "../../store/message_store.ts";
import type { Config } from "../config.ts";
import {
  type HandlerResult,
  PARKED,
  type RequestContext,
  type Route,
  route,
} from "../dispatcher.ts";
import { describeError } from "../log.ts";
import type { HeldReplies } from "./held_replies.ts";
import { delayed } from "./timer/delayed.ts";
import { mayBeTimer, recallHandleOf } from "./timer/timer_message.ts";
import { groupOrRefuse, type GroupTable } from "./group_table.ts";
import type { QueueLockTable } from "./queue_lock_table.ts";
import { isCompactionTopic } from "./topic_attributes.ts";
import {
  dlqTopicOf,
  invalidTopicReason,
  notAllowedSendReason,
  RETRY_GROUP_TOPIC_PREFIX,
} from "./topic_name.ts";
import type { TopicTable } from "./topic_table.ts";
import { isTransactional } from "./transaction/half_message.ts";
import type { Transactions } from "./transaction/transaction.ts";

/** What it takes to say where a message may go. */
export interface TargetDeps {
  config: Config;
  topics: Pick<
    TopicTable,
    "get" | "createTopicInSendMessage" | "createTopicInSendMessageBack"
  >;
}

export interface SendOptions extends TargetDeps {
  store: Pick<MessageStore, "putMessage">;
  topics: Pick<
    TopicTable,
    | "get"
    | "createTopicInSendMessage"
    | "createTopicInSendMessageBack"
    | "isPublished"
    | "published"
  >;
  groups: Pick<GroupTable, "find">;
  queueLocks: Pick<QueueLockTable, "isLockAllExpired">;
  transactions: Pick<Transactions, "halfMessage" | "opened">;
  /** See Timers. */
  timers: {
    timed(message: MessageToStore): MessageToStore;
    put(message: MessageToStore): PutMessageResult;
  };
  held: HeldReplies;
  levelCount: number;
  /** The broker's own address, which goes into records and offsetMsgIds. */
  storeHost: () => HostBytes;
}

interface SendDeps extends SendOptions {
  /** What the broker adds to each message's properties. */
  addedProperties: string;
}

type SendFields = typeof SEND_MESSAGE.request.fields;
type SendResponse = typeof SEND_MESSAGE.response.fields;
export type SendContext = RequestContext<SendFields, SendResponse>;

/** The handlers of the SEND commands. */
export function sendRoutes(options: SendOptions): Route[] {
  const deps = { ...options, addedProperties: addedProperties(options.config.brokerClusterName) };
  const send = (context: SendContext) =>
    context.header.batch ? sendBatch(deps, context) : sendMessage(deps, context);
  return [
    route(SEND_MESSAGE, send),
    route(SEND_MESSAGE_V2, send),
    route(SEND_BATCH_MESSAGE, (context) => sendBatch(deps, context)),
  ];
}

/** Where a message goes, once that has been checked. */
export interface Target {
  topic: string;
  queueId: number;
  /** The topic keeps the newest message of each key. */
  needsKey: boolean;
}

function sendMessage(deps: SendDeps, context: SendContext): HandlerResult<SendResponse> {
  const { header, body } = context;
  const target = deadLetterTarget(deps, header, checkedTarget(deps, context));
  if (target.needsKey) refuseKeyless(header.properties);
  if (isTransactional(header.properties, header.reconsumeTimes)) {
    return sendHalf(deps, context, target);
  }
  if (mayBeTimer(header.properties)) return sendTimer(deps, context, target);
  const result = put(deps, context, target, header.flag, body, header.properties);
  const transactionId = findProperty(header.properties, MessageProperty.UNIQ_KEY);
  return answerWhenSafe(deps, context, target, [result], { transactionId });
}

/** The message may have a time of delivery, and a handle to take it back until then. */
function sendTimer(
  deps: SendDeps,
  context: SendContext,
  target: Target,
): HandlerResult<SendResponse> {
  const { header, body } = context;
  const message = messageToStore(deps, context, target, header.flag, body, header.properties);
  const waiting = target.topic === header.topic ? delayed(message, deps) : message;
  const result = deps.timers.put(waiting);
  const transactionId = findProperty(waiting.properties, MessageProperty.UNIQ_KEY);
  const isRetry = target.topic.startsWith(RETRY_GROUP_TOPIC_PREFIX);
  const recallHandle = waiting === message || isRetry
    ? undefined
    : recallHandleOf(waiting, deps.config.brokerName);
  return answerWhenSafe(deps, context, target, [result], { transactionId, recallHandle });
}

/** The message waits until its transaction has ended. */
function sendHalf(
  deps: SendDeps,
  context: SendContext,
  target: Target,
): HandlerResult<SendResponse> {
  const { config, store, transactions } = deps;
  if (config.rejectTransactionMessage) {
    throw refuse(
      ResponseCode.NO_PERMISSION,
      `the broker[${config.brokerName}] sending transaction message is forbidden`,
    );
  }
  const { header, body } = context;
  const message = messageToStore(deps, context, target, header.flag, body, header.properties);
  // When the transaction is committed it is too late to refuse a time of delivery.
  if (mayBeTimer(header.properties)) deps.timers.timed(message);
  const half = transactions.halfMessage(message, header.producerGroup);
  const result = store.putMessage(half);
  const transactionId = findProperty(half.properties, MessageProperty.UNIQ_KEY);
  return answerWhenSafe(deps, context, target, [result], { transactionId }, () => {
    if (result.status === "PUT_OK") transactions.opened(half, result);
  });
}

function sendBatch(deps: SendDeps, context: SendContext): HandlerResult<SendResponse> {
  const target = checkedTarget(deps, context);
  if (target.topic.startsWith("%")) {
    throw refuse(ResponseCode.MESSAGE_ILLEGAL, "batch request does not support retry group");
  }
  const items = decodeBatch(context.body);
  if (target.needsKey) { for (const { properties } of items) refuseKeyless(properties); }
  const results = items.map((item) =>
    put(deps, context, target, item.flag, item.body, item.properties)
  );
  return answerWhenSafe(deps, context, target, results, {});
}

/** @throws {RemotingError} unless the message may go to its topic, which is created if it may be. */
export function checkedTarget(deps: TargetDeps, { header, connection }: SendContext): Target {
  const { topic } = header;
  const existing = deps.topics.get(topic);
  const invalid = existing === undefined ? invalidTopicReason(topic) : undefined;
  if (invalid !== undefined) throw refuse(ResponseCode.INVALID_PARAMETER, invalid);
  const forbidden = notAllowedSendReason(topic);
  if (forbidden !== undefined) throw refuse(ResponseCode.NO_PERMISSION, forbidden);
  const found = existing ?? createTopic(deps, header, connection);
  if (found === undefined) {
    throw refuse(
      ResponseCode.TOPIC_NOT_EXIST,
      `topic[${topic}] not exist, apply first please! Create it with mqadmin updateTopic`,
    );
  }
  refuseForbidden(deps.config, found);
  const queueNums = Math.max(found.writeQueueNums, found.readQueueNums);
  if (header.queueId >= queueNums) {
    throw refuse(
      ResponseCode.INVALID_PARAMETER,
      `request queueId[${header.queueId}] is illegal, topic[${topic}] has ${queueNums} queues`,
    );
  }
  const queueId = header.queueId >= 0
    ? header.queueId
    : Math.floor(Math.random() * found.writeQueueNums);
  return { topic, queueId, needsKey: isCompactionTopic(found) };
}

/** In a batch too, where Apache takes such a message and no consumer ever sees it. */
function refuseKeyless(properties: string): void {
  if (findProperty(properties, MessageProperty.KEYS)?.trim()) return;
  throw refuse(ResponseCode.MESSAGE_ILLEGAL, "Required message key is missing");
}

function createTopic(
  { topics }: TargetDeps,
  header: SendContext["header"],
  { remote }: SendContext["connection"],
): TopicConfig | undefined {
  const { topic, defaultTopic, unitMode } = header;
  const isRetry = topic.startsWith(RETRY_GROUP_TOPIC_PREFIX);
  const unitFlag = isRetry ? TopicSysFlag.UNIT_SUB : TopicSysFlag.UNIT;
  const topicSysFlag = unitMode ? unitFlag : 0;
  const created = topics.createTopicInSendMessage({
    topic,
    defaultTopic,
    clientDefaultTopicQueueNums: header.defaultTopicQueueNums,
    topicSysFlag,
    remoteAddress: `${remote.hostname}:${remote.port}`,
  });
  if (created !== undefined || !isRetry) return created;
  return topics.createTopicInSendMessageBack({ topic, queueNums: 1, topicSysFlag });
}

/**
 * A client that sends to its group's retry topic itself counts the tries itself. Once they are too many the message is
 * dead; so it is when the group consumes in order, which would come again out of order.
 */
function deadLetterTarget(deps: SendDeps, header: SendContext["header"], target: Target): Target {
  if (!target.topic.startsWith(RETRY_GROUP_TOPIC_PREFIX)) return target;
  const name = target.topic.slice(RETRY_GROUP_TOPIC_PREFIX.length);
  const group = groupOrRefuse(deps.groups, name);
  const triesMax = header.maxReconsumeTimes ?? group.retryMaxTimes;
  if (header.reconsumeTimes <= triesMax && deps.queueLocks.isLockAllExpired(name)) return target;
  const topic = dlqTopicOf(name);
  deps.topics.createTopicInSendMessageBack({ topic, queueNums: 1 });
  return { topic, queueId: 0, needsKey: false };
}

function refuseForbidden(config: Config, topic: TopicConfig): void {
  if (!isWriteable(config.brokerPermission)) {
    throw refuse(
      ResponseCode.NO_PERMISSION,
      `the broker[${config.brokerName}] sending message is forbidden`,
    );
  }
  if (!isWriteable(topic.perm)) {
    throw refuse(
      ResponseCode.NO_PERMISSION,
      `the topic[${topic.topicName}] sending message is forbidden`,
    );
  }
}

function put(
  deps: SendDeps,
  context: SendContext,
  target: Target,
  flag: number,
  body: Uint8Array,
  properties: string,
): PutMessageResult {
  const message = messageToStore(deps, context, target, flag, body, properties);
  const isDead = target.topic !== context.header.topic;
  const waiting = isDead ? message : delayed(message, deps);
  return mayBeTimer(properties) ? deps.timers.put(waiting) : deps.store.putMessage(waiting);
}

function messageToStore(
  deps: SendDeps,
  { header, connection }: SendContext,
  { topic, queueId }: Target,
  flag: number,
  body: Uint8Array,
  properties: string,
): MessageToStore {
  if (body.length > deps.config.maxMessageSize) throw illegalMessage(deps.config);
  return {
    topic,
    queueId,
    flag,
    sysFlag: header.sysFlag,
    bornTimestamp: header.bornTimestamp,
    bornHost: bornHostOf(connection),
    storeHost: deps.storeHost(),
    reconsumeTimes: header.reconsumeTimes,
    preparedTransactionOffset: 0,
    body,
    properties: withBrokerProperties(properties, deps.addedProperties),
  };
}

/** Adds what Apache's broker adds to every message. A message that is sent on has that already. */
function withBrokerProperties(properties: string, added: string): string {
  if (properties.includes("CLUSTER\u0001") || properties.includes("POP_CK\u0001")) {
    const merged = new Map([...parseProperties(properties), ...parseProperties(added)]);
    merged.delete("POP_CK");
    return printProperties(merged);
  }
  return properties === "" || properties.endsWith("\u0002")
    ? properties + added
    : `${properties}\u0002${added}`;
}

function addedProperties(cluster: string): string {
  return printProperties([["MSG_REGION", "DefaultRegion"], ["TRACE_ON", "true"], [
    "CLUSTER",
    cluster,
  ]]);
}

function answerWhenSafe(
  deps: SendDeps,
  context: SendContext,
  target: Target,
  results: PutMessageResult[],
  { transactionId, recallHandle }: Pick<
    HeaderInput<SendResponse>,
    "transactionId" | "recallHandle"
  >,
  onSafe?: () => void,
): HandlerResult<SendResponse> {
  const ids: string[] = [];
  let first: number | undefined;
  let endOffset = 0;
  for (const result of results) {
    if (result.status === "PROPERTIES_SIZE_EXCEEDED") throw illegalMessage(deps.config);
    if (result.status === "SERVICE_NOT_AVAILABLE") throw unavailable(result.reason);
    ids.push(createMessageId(deps.storeHost(), result.physicalOffset));
    first ??= result.queueOffset;
    endOffset = result.endOffset;
  }
  if (first === undefined) throw refuse(ResponseCode.MESSAGE_ILLEGAL, "the batch is empty");
  const { queueId } = target;
  const msgId = ids.join(",");
  const header = { msgId, queueId, queueOffset: first, transactionId, recallHandle };
  const { respond } = context;
  const finish = (failure: Error | undefined) =>
    respond(failure === undefined ? { header } : refusalOf(unavailable(describeError(failure))));
  // A topic that was just created must be as safe as the message, and name servers must know it when consumers ask.
  const finishPublished = (failure: Error | undefined) => {
    deps.topics.published().then(() => finish(failure), finish);
  };
  const answer = deps.topics.isPublished(target.topic) ? finish : finishPublished;
  const answerAfter = onSafe && ((failure: Error | undefined) => {
    if (failure === undefined) onSafe();
    answer(failure);
  });
  deps.held.hold({ endOffset, finish: answerAfter ?? answer });
  return PARKED;
}

function refusalOf({ code, message }: RemotingError): { code: number; remark: string } {
  return { code, remark: message };
}

function unavailable(reason: string): RemotingError {
  return refuse(ResponseCode.SERVICE_NOT_AVAILABLE, `service not available now: ${reason}`);
}

/** The addresses of producers in stored form, made once for a connection. */
const bornHosts = new WeakMap<Connection, HostBytes>();

export function bornHostOf(connection: Connection): HostBytes {
  let host = bornHosts.get(connection);
  if (host === undefined) {
    const { hostname, port } = connection.remote;
    bornHosts.set(connection, host = hostBytes(hostname, port));
  }
  return host;
}

function illegalMessage(config: Config): Error {
  return refuse(
    ResponseCode.MESSAGE_ILLEGAL,
    "the message is illegal, maybe msg body or properties length not matched. msg body length " +
      `limit ${config.maxMessageSize}B, msg properties length limit 32KB.`,
  );
}
