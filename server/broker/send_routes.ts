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
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { isWriteable, type TopicConfig } from "../../client/protocol/topic_config.ts";
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
import { invalidTopicReason, isNotAllowedSendTopic, type TopicTable } from "./topic_table.ts";

export interface SendDeps {
  config: Config;
  store: Pick<MessageStore, "putMessage">;
  topics: TopicTable;
  held: HeldReplies;
  levelCount: number;
  /** The broker's own address, which goes into records and offsetMsgIds. */
  storeHost: () => HostBytes;
}

type SendFields = typeof SEND_MESSAGE.request.fields;
type SendResponse = typeof SEND_MESSAGE.response.fields;
type SendContext = RequestContext<SendFields, SendResponse>;

/** The handlers of the SEND commands. */
export function sendRoutes(deps: SendDeps): Route[] {
  const send = (context: SendContext) =>
    context.header.batch ? sendBatch(deps, context) : sendMessage(deps, context);
  return [
    route(SEND_MESSAGE, send),
    route(SEND_MESSAGE_V2, send),
    route(SEND_BATCH_MESSAGE, (context) => sendBatch(deps, context)),
  ];
}

function sendMessage(deps: SendDeps, context: SendContext): HandlerResult<SendResponse> {
  const { header, body } = context;
  const queueId = checkedQueue(deps, header);
  refuseUnserved(header.properties);
  const result = put(deps, context, queueId, header.flag, body, header.properties);
  const transactionId = findProperty(header.properties, MessageProperty.UNIQ_KEY);
  return answerWhenSafe(deps, context, queueId, [result], transactionId);
}

function sendBatch(deps: SendDeps, context: SendContext): HandlerResult<SendResponse> {
  const { header } = context;
  const queueId = checkedQueue(deps, header);
  if (header.topic.startsWith("%")) {
    throw refuse(ResponseCode.MESSAGE_ILLEGAL, "batch request does not support retry group");
  }
  const items = decodeBatch(context.body);
  const results = items.map((item) =>
    put(deps, context, queueId, item.flag, item.body, item.properties)
  );
  return answerWhenSafe(deps, context, queueId, results, undefined);
}

/** @throws {RemotingError} unless the message may go to its topic; gives the queue. */
function checkedQueue(deps: SendDeps, header: SendContext["header"]): number {
  const { topic } = header;
  const invalid = invalidTopicReason(topic);
  if (invalid !== undefined) throw refuse(ResponseCode.INVALID_PARAMETER, invalid);
  if (isNotAllowedSendTopic(topic)) {
    throw refuse(ResponseCode.NO_PERMISSION, `Sending message to topic[${topic}] is forbidden.`);
  }
  const found = deps.topics.getOrCreate(topic, header.defaultTopic, header.defaultTopicQueueNums);
  if (found === undefined) {
    throw refuse(
      ResponseCode.TOPIC_NOT_EXIST,
      `topic[${topic}] not exist, apply first please! Create it with mqadmin updateTopic`,
    );
  }
  refuseForbidden(deps.config, found);
  const queueNums = Math.max(found.writeQueueNums, found.readQueueNums);
  if (header.queueId < queueNums) {
    return header.queueId >= 0 ? header.queueId : Math.floor(Math.random() * found.writeQueueNums);
  }
  throw refuse(
    ResponseCode.INVALID_PARAMETER,
    `request queueId[${header.queueId}] is illegal, topic[${topic}] has ${queueNums} queues`,
  );
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
  const delayed = [
    MessageProperty.TIMER_DELAY_MS,
    MessageProperty.TIMER_DELAY_SEC,
    MessageProperty.TIMER_DELIVER_MS,
  ].some((name) => Number(findProperty(properties, name) ?? 0) > 0);
  if (delayed) throw refuse(ResponseCode.MESSAGE_ILLEGAL, "timer messages are not served");
}

function put(
  deps: SendDeps,
  { header, connection }: SendContext,
  queueId: number,
  flag: number,
  body: Uint8Array,
  properties: string,
): PutMessageResult {
  if (body.length > deps.config.maxMessageSize) throw illegalMessage(deps.config);
  const message = {
    topic: header.topic,
    queueId,
    flag,
    sysFlag: header.sysFlag,
    bornTimestamp: header.bornTimestamp,
    bornHost: hostBytes(connection.remote.hostname, connection.remote.port),
    storeHost: deps.storeHost(),
    reconsumeTimes: header.reconsumeTimes,
    preparedTransactionOffset: 0,
    body,
    properties: withBrokerProperties(properties, deps.config.brokerClusterName),
  };
  const level = Number(findProperty(properties, MessageProperty.DELAY) ?? 0);
  return deps.store.putMessage(scheduled(message, level, deps.levelCount));
}

/** Adds what Apache's broker adds to every message. A message that is sent on has some of it already. */
function withBrokerProperties(properties: string, cluster: string): string {
  const own = [["MSG_REGION", "DefaultRegion"], ["TRACE_ON", "true"], [
    "CLUSTER",
    cluster,
  ]] as const;
  if (/MSG_REGION|TRACE_ON|CLUSTER|POP_CK/.test(properties)) {
    const merged = parseProperties(properties);
    merged.delete("POP_CK");
    for (const [name, value] of own) merged.set(name, value);
    return printProperties(merged);
  }
  const separated = properties === "" || properties.endsWith("\u0002") ? "" : "\u0002";
  return properties + separated + printProperties(own);
}

function answerWhenSafe(
  deps: SendDeps,
  context: SendContext,
  queueId: number,
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
  const header = { msgId: ids.join(","), queueId, queueOffset: first, transactionId };
  const { respond } = context;
  deps.held.hold({
    endOffset,
    finish: (failure) =>
      respond(
        failure === undefined ? { header } : {
          code: ResponseCode.SERVICE_NOT_AVAILABLE,
          remark: unavailable(failure.message).message,
        },
      ),
  });
  return PARKED;
}

function unavailable(reason: string): Error {
  return refuse(ResponseCode.SERVICE_NOT_AVAILABLE, `service not available now: ${reason}`);
}

function illegalMessage(config: Config): Error {
  return refuse(
    ResponseCode.MESSAGE_ILLEGAL,
    "the message is illegal, maybe msg body or properties length not matched. msg body length " +
      `limit ${config.maxMessageSize}B, msg properties length limit 32KB.`,
  );
}
