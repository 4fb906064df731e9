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
import { decodeBatch } from "../../client/protocol/message_record.ts";
import {
  SEND_BATCH_MESSAGE,
  SEND_MESSAGE,
  SEND_MESSAGE_V2,
} from "../../client/protocol/commands/send.ts";
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
import type { HeldReplies } from "./held_replies.ts";
import { scheduled } from "./schedule.ts";
import { groupOrRefuse, type GroupTable } from "./group_table.ts";
import type { QueueLockTable } from "./queue_lock_table.ts";
import {
  dlqTopicOf,
  invalidTopicReason,
  notAllowedSendReason,
  RETRY_GROUP_TOPIC_PREFIX,
} from "./topic_name.ts";
import type { TopicTable } from "./topic_table.ts";

export interface SendOptions {
  config: Config;
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
type SendContext = RequestContext<SendFields, SendResponse>;

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
interface Target {
  topic: string;
  queueId: number;
}

function sendMessage(deps: SendDeps, context: SendContext): HandlerResult<SendResponse> {
  const { header, body } = context;
  const target = deadLetterTarget(deps, header, checkedTarget(deps, context));
  refuseUnserved(header.properties);
  const result = put(deps, context, target, header.flag, body, header.properties);
  const transactionId = findProperty(header.properties, MessageProperty.UNIQ_KEY);
  return answerWhenSafe(deps, context, target, [result], transactionId);
}

function sendBatch(deps: SendDeps, context: SendContext): HandlerResult<SendResponse> {
  const target = checkedTarget(deps, context);
  if (target.topic.startsWith("%")) {
    throw refuse(ResponseCode.MESSAGE_ILLEGAL, "batch request does not support retry group");
  }
  const items = decodeBatch(context.body);
  const results = items.map((item) =>
    put(deps, context, target, item.flag, item.body, item.properties)
  );
  return answerWhenSafe(deps, context, target, results, undefined);
}

/** @throws {RemotingError} unless the message may go to its topic, which is created if it may be. */
function checkedTarget(deps: SendDeps, { header, connection }: SendContext): Target {
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
  return { topic, queueId };
}

function createTopic(
  { topics }: SendDeps,
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
  return { topic, queueId: 0 };
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

/** What is not served must not be taken for an ordinary message, which would be delivered at once. */
function refuseUnserved(properties: string): void {
  if (findProperty(properties, MessageProperty.TRAN_MSG) === "true") {
    throw refuse(ResponseCode.NO_PERMISSION, "transaction messages are not served");
  }
  const isTimer = properties.includes("TIMER_D") &&
    TIMER_PROPERTIES.some((name) => Number(findProperty(properties, name) ?? 0) > 0);
  if (isTimer) throw refuse(ResponseCode.MESSAGE_ILLEGAL, "timer messages are not served");
}

const TIMER_PROPERTIES = [
  MessageProperty.TIMER_DELAY_MS,
  MessageProperty.TIMER_DELAY_SEC,
  MessageProperty.TIMER_DELIVER_MS,
];

function put(
  deps: SendDeps,
  { header, connection }: SendContext,
  { topic, queueId }: Target,
  flag: number,
  body: Uint8Array,
  properties: string,
): PutMessageResult {
  if (body.length > deps.config.maxMessageSize) throw illegalMessage(deps.config);
  const message = {
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
  const isDead = topic !== header.topic;
  const level = isDead ? 0 : Number(findProperty(properties, MessageProperty.DELAY) ?? 0);
  return deps.store.putMessage(scheduled(message, level, deps.levelCount));
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
  transactionId: string | undefined,
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
  const header = { msgId: ids.join(","), queueId, queueOffset: first, transactionId };
  const { respond } = context;
  const finish = (failure: Error | undefined) =>
    respond(failure === undefined ? { header } : refusalOf(unavailable(failure.message)));
  // A topic that was just created must be as safe as the message, and name servers must know it when consumers ask.
  const finishPublished = (failure: Error | undefined) => {
    deps.topics.published().then(() => finish(failure), finish);
  };
  const published = deps.topics.isPublished(target.topic);
  deps.held.hold({ endOffset, finish: published ? finish : finishPublished });
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

function bornHostOf(connection: Connection): HostBytes {
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
