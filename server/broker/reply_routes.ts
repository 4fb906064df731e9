/**
 * Request and reply: a consumer answers a message, and the broker takes the answer over the connection of the producer
 * that asked, which waits for it. The answer is stored as well, for whoever looks for it later.
 * Source: ReplyMessageProcessor.java of Apache RocketMQ 5.3.3.
 */

import {
  PUSH_REPLY_MESSAGE_TO_CLIENT,
  SEND_REPLY_MESSAGE,
  SEND_REPLY_MESSAGE_V2,
} from "../../client/protocol/commands/send.ts";
import { createRequest } from "../../client/protocol/frame.ts";
import { encodeHeader } from "../../client/protocol/header_schema.ts";
import {
  createMessageId,
  findProperty,
  type HostBytes,
  MessageProperty,
  parseProperties,
  printProperties,
} from "../../client/protocol/message.ts";
import type { MessageToStore } from "../../client/protocol/message_record.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import type { Address } from "../../client/remoting/connection.ts";
import type { MessageStore } from "../../store/message_store.ts";
import { type Reply, type Route, route } from "../dispatcher.ts";
import { describeError, type Log } from "../log.ts";
import type { ProducerTable } from "./client_table.ts";
import { checkMessage } from "./message_checks.ts";
import { bornHostOf } from "./send_routes.ts";
import { checkedTarget, type SendContext, type Target, type TargetDeps } from "./send_target.ts";

export interface ReplyDeps extends TargetDeps {
  store: Pick<MessageStore, "putMessage">;
  producers: Pick<ProducerTable, "findByClientId">;
  /** The broker's own address, as it stands in records. */
  storeHost: () => HostBytes;
  /** An answer was stored, which takes so many bytes. */
  onReceived?: (reply: MessageToStore, count: number, bytes: number) => void;
  log: Log;
}

type ReplyResponse = typeof SEND_REPLY_MESSAGE.response.fields;

/** Who asked has this long to take the answer. */
const PUSH_TIMEOUT_MILLIS = 10_000;

/** The handlers of the SEND_REPLY commands. */
export function replyRoutes(deps: ReplyDeps): Route[] {
  const reply = async (context: SendContext): Promise<Reply<ReplyResponse>> => {
    const target = checkedTarget(deps, context);
    const { header: { sysFlag, properties }, body } = context;
    checkMessage(deps.config, target.topicConfig, sysFlag, { body, properties });
    // Both take the body before the first await, as long as it is valid.
    const pushing = push(deps, context);
    const stored = deps.config.storeReplyMessageEnable ? store(deps, context, target) : undefined;
    await pushing;
    return { header: { msgId: "0", queueId: target.queueId, queueOffset: 0, ...stored } };
  };
  return [route(SEND_REPLY_MESSAGE, reply), route(SEND_REPLY_MESSAGE_V2, reply)];
}

/** @throws {RemotingError} unless the producer that asked has taken the answer. */
async function push(deps: ReplyDeps, { header, body, connection }: SendContext): Promise<void> {
  const senderId = findProperty(header.properties, MessageProperty.REPLY_TO_CLIENT);
  if (senderId === undefined) {
    throw failure(`reply message properties[${MessageProperty.REPLY_TO_CLIENT}] is null`);
  }
  const requester = deps.producers.findByClientId(senderId);
  if (requester === undefined) {
    throw failure(`push reply message fail, channel of <${senderId}> not found.`);
  }
  const now = Date.now();
  const properties = parseProperties(header.properties);
  properties.set(MessageProperty.PUSH_REPLY_TIME, String(now));
  const { code, request } = PUSH_REPLY_MESSAGE_TO_CLIENT;
  const pushed = createRequest(
    code,
    encodeHeader(request, {
      ...header,
      properties: printProperties(properties),
      bornHost: addressText(connection.remote),
      storeHost: addressText(connection.local),
      storeTimestamp: now,
    }),
    body,
  );
  const answer = await requester.invoke(pushed, PUSH_TIMEOUT_MILLIS).catch((error) => {
    throw failure(`push reply message to ${senderId} fail: ${describeError(error)}`);
  });
  if (answer.code !== ResponseCode.SUCCESS) {
    throw failure(`push reply message to ${senderId} fail: ${answer.remark ?? answer.code}`);
  }
}

function failure(remark: string): Error {
  return refuse(ResponseCode.SYSTEM_ERROR, remark);
}

function addressText({ hostname, port }: Address): string {
  return `${hostname}:${port}`;
}

/** Keeps the answer. It has reached who asked or will not, whether it can be kept or not. */
function store(
  deps: ReplyDeps,
  { header, body, connection }: SendContext,
  { topic, queueId }: Target,
): { msgId: string; queueOffset: number } | undefined {
  const message: MessageToStore = {
    topic,
    queueId,
    flag: header.flag,
    sysFlag: header.sysFlag,
    bornTimestamp: header.bornTimestamp,
    bornHost: bornHostOf(connection),
    storeHost: deps.storeHost(),
    reconsumeTimes: header.reconsumeTimes,
    preparedTransactionOffset: 0,
    body,
    properties: header.properties,
  };
  const result = deps.store.putMessage(message);
  if (result.status !== "PUT_OK") {
    deps.log.warn("a reply is not stored", { topic, status: result.status });
    return undefined;
  }
  deps.onReceived?.(message, 1, result.endOffset - result.physicalOffset);
  const msgId = createMessageId(deps.storeHost(), result.physicalOffset);
  return { msgId, queueOffset: result.queueOffset };
}
