/** Sending: check, put, answer when the message is safe. */

import {
  createMessageId,
  findProperty,
  type HostBytes,
  hostBytes,
  MessageProperty,
  MessageSysFlag,
  parseProperties,
  printProperties,
} from "../../client/protocol/message.ts";
import { decodeBatch, type MessageToStore } from "../../client/protocol/message_record.ts";
import {
  SEND_BATCH_MESSAGE,
  SEND_MESSAGE,
  SEND_MESSAGE_V2,
} from "../../client/protocol/commands/send.ts";
import {
  isLmq,
  isMultiDispatchServed,
  mayMultiDispatch,
  multiDispatchNames,
} from "../../client/protocol/multi_dispatch.ts";
import type { HeaderInput } from "../../client/protocol/header_schema.ts";
import type { Connection } from "../../client/remoting/connection.ts";
import { refuse, type RemotingError, ResponseCode } from "../../client/protocol/response_code.ts";
import type { MessageStore, PutMessageResult } from "../../store/message_store.ts";
import { type HandlerResult, PARKED, type Route, route } from "../dispatcher.ts";
import { describeError } from "../log.ts";
import { addDeadLetterOrigin } from "./dead_letter.ts";
import type { HeldReplies } from "./held_replies.ts";
import { delayed } from "./timer/delayed.ts";
import { mayBeTimer, recallHandleOf } from "./timer/timer_message.ts";
import { checkLightQueues, checkMessage, checkRoom, illegalMessage } from "./message_checks.ts";
import {
  checkedTarget,
  type DeadLetterDeps,
  deadLetterTarget,
  type SendContext,
  type Target,
} from "./send_target.ts";
import { RETRY_GROUP_TOPIC_PREFIX } from "./topic_name.ts";
import type { TopicTable } from "./topic_table.ts";
import { isTransactional } from "./transaction/half_message.ts";
import type { Transactions } from "./transaction/transaction.ts";

export interface SendOptions extends DeadLetterDeps {
  store: Pick<MessageStore, "putMessage" | "haveRoomForLightQueues">;
  topics: DeadLetterDeps["topics"] & Pick<TopicTable, "isPublished" | "published">;
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
  /** Messages are safe, which take so many bytes together; all are what the first of them is. */
  onReceived?: (first: MessageToStore, count: number, bytes: number) => void;
  /** A message that came too often went to the dead letters of its group. */
  onDead?: (header: Pick<SendContext["header"], "topic" | "producerGroup">) => void;
}

interface SendDeps extends SendOptions {
  /** What the broker adds to each message's properties. */
  addedProperties: string;
}

type SendResponse = typeof SEND_MESSAGE.response.fields;

/** One message of a send. */
interface Item {
  flag: number;
  body: Uint8Array;
  properties: string;
}

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

function sendMessage(deps: SendDeps, context: SendContext): HandlerResult<SendResponse> {
  const { header, body } = context;
  const target = deadLetterTarget(deps, header, checkedTarget(deps, context));
  const item = { flag: header.flag, body, properties: header.properties };
  const message = messageToStore(deps, context, target, item);
  if (mayMultiDispatch(header.properties) || isLmq(target.topic)) {
    refuseLightQueues(deps, [message]);
  }
  if (isTransactional(header.properties, header.reconsumeTimes)) {
    return sendHalf(deps, context, target, message);
  }
  const isDead = target.topic !== header.topic;
  const waiting = isDead ? deadLetter(message) : delayed(message, deps);
  if (mayBeTimer(header.properties)) return sendTimer(deps, context, target, waiting);
  const result = deps.store.putMessage(waiting);
  const transactionId = findProperty(header.properties, MessageProperty.UNIQ_KEY);
  return answerWhenSafe(deps, context, target, [result], { transactionId, stored: waiting });
}

/** The message may have a time of delivery, and a handle to take it back until then. */
function sendTimer(
  deps: SendDeps,
  context: SendContext,
  target: Target,
  waiting: MessageToStore,
): HandlerResult<SendResponse> {
  const result = deps.timers.put(waiting);
  const transactionId = findProperty(waiting.properties, MessageProperty.UNIQ_KEY);
  const isRetry = target.topic.startsWith(RETRY_GROUP_TOPIC_PREFIX);
  const recallHandle = waiting.topic === target.topic || isRetry
    ? undefined
    : recallHandleOf(waiting, deps.config.brokerName);
  const ids = { transactionId, recallHandle };
  return answerWhenSafe(deps, context, target, [result], { ...ids, stored: waiting });
}

/** The message waits until its transaction has ended. */
function sendHalf(
  deps: SendDeps,
  context: SendContext,
  target: Target,
  message: MessageToStore,
): HandlerResult<SendResponse> {
  const { config, store, transactions } = deps;
  if (config.rejectTransactionMessage) {
    throw refuse(
      ResponseCode.NO_PERMISSION,
      `the broker[${config.brokerName}] sending transaction message is forbidden`,
    );
  }
  const { header } = context;
  // When the transaction is committed it is too late to refuse a time of delivery.
  if (mayBeTimer(header.properties)) deps.timers.timed(message);
  const half = transactions.halfMessage(message, header.producerGroup);
  const result = store.putMessage(half);
  const transactionId = findProperty(half.properties, MessageProperty.UNIQ_KEY);
  return answerWhenSafe(deps, context, target, [result], { transactionId, stored: half }, () => {
    if (result.status === "PUT_OK") transactions.opened(half, result);
  });
}

function sendBatch(deps: SendDeps, context: SendContext): HandlerResult<SendResponse> {
  const target = checkedTarget(deps, context);
  if (target.topic.startsWith(RETRY_GROUP_TOPIC_PREFIX)) {
    throw refuse(
      ResponseCode.MESSAGE_ILLEGAL,
      `batch request does not support retry group ${target.topic}`,
    );
  }
  // All are looked at before the first one is put: a batch is taken as a whole or not at all.
  const messages = decodeBatch(context.body).map((item) => {
    const message = delayed(messageToStore(deps, context, target, item), deps);
    checkRoom(deps.config, message);
    return message;
  });
  const light = messages.filter(({ topic, properties }) =>
    mayMultiDispatch(properties) || isLmq(topic)
  );
  if (light.length > 0) refuseLightQueues(deps, light);
  const results = messages.map((message) =>
    mayBeTimer(message.properties) ? deps.timers.put(message) : deps.store.putMessage(message)
  );
  return answerWhenSafe(deps, context, target, results, { stored: messages[0] });
}

/** @throws {RemotingError} when messages may not go to the light queues that they name, or are sent to. */
function refuseLightQueues({ config, store }: SendDeps, messages: readonly MessageToStore[]): void {
  if (!isMultiDispatchServed(config)) return;
  for (const message of messages) checkRoom(config, message);
  checkLightQueues(
    store,
    messages.flatMap(({ topic, properties }) => [
      ...multiDispatchNames(properties),
      ...isLmq(topic) ? [topic] : [],
    ]),
  );
}

/** The message as a record has it. @throws {RemotingError} when its topic does not take such a one. */
function messageToStore(
  deps: SendDeps,
  { header, connection }: SendContext,
  { topic, queueId, topicConfig }: Target,
  item: Item,
): MessageToStore {
  const isMultiTag = topicConfig.topicFilterType === "MULTI_TAG";
  const sysFlag = isMultiTag ? header.sysFlag | MessageSysFlag.MULTI_TAGS : header.sysFlag;
  checkMessage(deps.config, topicConfig, sysFlag, item);
  return {
    topic,
    queueId,
    flag: item.flag,
    sysFlag,
    bornTimestamp: header.bornTimestamp,
    bornHost: bornHostOf(connection),
    storeHost: deps.storeHost(),
    reconsumeTimes: header.reconsumeTimes,
    preparedTransactionOffset: 0,
    body: item.body,
    properties: withBrokerProperties(item.properties, deps.addedProperties),
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

/** A dead letter, which waits for nothing. */
function deadLetter(message: MessageToStore): MessageToStore {
  const properties = parseProperties(message.properties);
  properties.set(MessageProperty.DELAY, "-1");
  addDeadLetterOrigin(properties);
  return { ...message, properties: printProperties(properties) };
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
  { stored, transactionId, recallHandle }:
    & Pick<HeaderInput<SendResponse>, "transactionId" | "recallHandle">
    & { stored: MessageToStore | undefined },
  onSafe?: () => void,
): HandlerResult<SendResponse> {
  const ids: string[] = [];
  let first: number | undefined;
  let endOffset = 0;
  let bytes = 0;
  for (const result of results) {
    if (result.status === "PROPERTIES_SIZE_EXCEEDED") throw illegalMessage(deps.config);
    if (result.status === "SERVICE_NOT_AVAILABLE") throw unavailable(result.reason);
    ids.push(createMessageId(deps.storeHost(), result.physicalOffset));
    first ??= result.queueOffset;
    endOffset = result.endOffset;
    bytes += endOffset - result.physicalOffset;
  }
  if (first === undefined || stored === undefined) {
    throw refuse(ResponseCode.MESSAGE_ILLEGAL, "the batch is empty");
  }
  const { queueId } = target;
  const msgId = ids.join(",");
  const header = { msgId, queueId, queueOffset: first, transactionId, recallHandle };
  const { respond } = context;
  const finish = (failure: Error | undefined) => {
    if (failure !== undefined) return respond(refusalOf(unavailable(describeError(failure))));
    deps.onReceived?.(stored, ids.length, bytes);
    if (target.topic !== context.header.topic) deps.onDead?.(context.header);
    respond({ header });
  };
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
