/**
 * Consuming for programs that have no client: messages are popped, stay invisible to others for a while, and are gone
 * when they are acknowledged with their handle. Nothing is kept here, so any node can serve any request.
 */

import {
  ACK_MESSAGE,
  CHANGE_MESSAGE_INVISIBLETIME,
  ConsumeInitMode,
  POP_MESSAGE,
} from "../protocol/commands/pop.ts";
import { decodeUtf8, encodeUtf8 } from "../protocol/bytes.ts";
import { MessageProperty } from "../protocol/message.ts";
import { RETRY_GROUP_TOPIC_PREFIX } from "../protocol/names.ts";
import { parsePopHandle, printPopHandle, RetryFlag } from "../protocol/pop_handle.ts";
import { refuse, ResponseCode } from "../protocol/response_code.ts";
import type { AdminClient, BrokerAddress } from "./admin_client.ts";
import { type Message, messageOf, recordsOf } from "./message.ts";

export interface PopQuery {
  consumerGroup: string;
  topic: string;
  maxMsgNums: number;
  /** For how long nobody else gets the messages. */
  invisibleMillis: number;
  /** How long to wait for a message. */
  waitMillis: number;
  /** Where a group begins that has not consumed yet. */
  from: "earliest" | "latest";
  /** Tags or an expression. */
  expression?: { type: "TAG" | "SQL92"; text: string };
  bodyLimit: number;
}

export interface PoppedMessage {
  readonly message: Message;
  /** For `ack` and `changeInvisible`: a text that means something to them only. */
  readonly handle: string;
}

/** Over the time for which a request waits at a broker. */
const ANSWER_MILLIS = 10_000;

/**
 * Pops from one of the topic's brokers: the first that has something, or else the first for as long as it may take.
 * @throws {RemotingError} TOPIC_NOT_EXIST, SUBSCRIPTION_GROUP_NOT_EXIST.
 */
export async function popMessages(
  admin: AdminClient,
  brokers: readonly BrokerAddress[],
  query: PopQuery,
  now: () => number,
): Promise<PoppedMessage[]> {
  const end = now() + query.waitMillis;
  for (const broker of brokers) {
    const isLast = broker === brokers.at(-1);
    const pollTime = isLast ? Math.max(0, end - now()) : 0;
    const found = await popFrom(admin, broker, query, { pollTime, bornTime: now() });
    if (found.length > 0) return found;
  }
  return [];
}

async function popFrom(
  admin: AdminClient,
  { brokerName, brokerAddr }: BrokerAddress,
  query: PopQuery,
  times: { pollTime: number; bornTime: number },
): Promise<PoppedMessage[]> {
  const { consumerGroup, topic, expression } = query;
  const { code, header, body } = await admin.invoke(brokerAddr, POP_MESSAGE, {
    consumerGroup,
    topic,
    queueId: -1,
    maxMsgNums: query.maxMsgNums,
    invisibleTime: query.invisibleMillis,
    ...times,
    initMode: query.from === "latest" ? ConsumeInitMode.MAX : ConsumeInitMode.MIN,
    expType: expression?.type,
    exp: expression?.text,
  }, {
    accept: [
      ResponseCode.PULL_NOT_FOUND,
      ResponseCode.POLLING_FULL,
      ResponseCode.POLLING_TIMEOUT,
      ResponseCode.PULL_RETRY_IMMEDIATELY,
    ],
    timeoutMillis: ANSWER_MILLIS + times.pollTime,
  });
  if (code !== ResponseCode.SUCCESS) return [];
  const starts = startOffsets(header.startOffsetInfo ?? "");
  return [...recordsOf(body)].map((record) => {
    const message = messageOf(body, record, brokerName, query.bodyLimit);
    const flag = retryFlagOf(message.topic);
    // A message that comes again brings its handle along.
    const extraInfo = message.properties[MessageProperty.POP_CK] ?? printPopHandle({
      startOffset: starts.get(`${flag} ${message.queueId}`) ?? message.queueOffset,
      popTime: header.popTime,
      invisibleTime: header.invisibleTime,
      reviveQid: header.reviveQid,
      retry: flag,
      brokerName,
      queueId: message.queueId,
    }, message.queueOffset);
    return { message, handle: printHandle({ consumerGroup, topic, extraInfo }) };
  });
}

/** startOffset by retry flag and queue, see pop_handle.ts. */
function startOffsets(text: string): Map<string, number> {
  return new Map(
    text.split(";").filter((part) => part !== "").map((part) => {
      const [flag, queueId, offset] = part.split(" ");
      return [`${flag} ${queueId}`, Number(offset)];
    }),
  );
}

function retryFlagOf(topic: string): RetryFlag {
  if (!topic.startsWith(RETRY_GROUP_TOPIC_PREFIX)) return RetryFlag.NORMAL;
  return topic.includes("+") ? RetryFlag.V2 : RetryFlag.V1;
}

interface Handle {
  consumerGroup: string;
  /** That the group subscribes to. */
  topic: string;
  extraInfo: string;
}

function printHandle({ consumerGroup, topic, extraInfo }: Handle): string {
  const bytes = encodeUtf8(JSON.stringify([consumerGroup, topic, extraInfo]));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_")
    .replace(/=+$/, "");
}

/** @throws {RemotingError} INVALID_PARAMETER when the text is no handle of this group. */
function parseHandle(text: string, group: string): Handle & { offset: number } {
  try {
    const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(raw, (character) => character.charCodeAt(0));
    const [consumerGroup, topic, extraInfo] = JSON.parse(decodeUtf8(bytes, 0, bytes.length));
    const offset = Number(String(extraInfo).split(" ")[7]);
    if (consumerGroup !== group || typeof topic !== "string" || !Number.isSafeInteger(offset)) {
      throw new RangeError();
    }
    parsePopHandle(extraInfo);
    return { consumerGroup, topic, extraInfo, offset };
  } catch {
    throw refuse(
      ResponseCode.INVALID_PARAMETER,
      `This is no handle of the group ${group}: ${text}`,
    );
  }
}

/**
 * Says that a message has been consumed.
 * @returns false when it came too late, and the message will come again.
 * @throws {RemotingError} INVALID_PARAMETER when the text is no handle of this group.
 */
export async function ackMessage(
  admin: AdminClient,
  consumerGroup: string,
  handle: string,
): Promise<boolean> {
  const { brokerAddr, ...header } = await placeOf(admin, consumerGroup, handle);
  const accept = [ResponseCode.NO_MESSAGE];
  const { code } = await admin.invoke(brokerAddr, ACK_MESSAGE, header, { accept });
  return code === ResponseCode.SUCCESS;
}

/**
 * Has a message come again after so long, to whoever asks then; 0 for at once.
 * @returns the new handle; undefined when it came too late.
 * @throws {RemotingError} INVALID_PARAMETER when the text is no handle of this group.
 */
export async function changeInvisible(
  admin: AdminClient,
  consumerGroup: string,
  handle: string,
  invisibleMillis: number,
): Promise<string | undefined> {
  const { brokerAddr, ...place } = await placeOf(admin, consumerGroup, handle);
  const { topic } = parseHandle(handle, consumerGroup);
  const accept = [ResponseCode.NO_MESSAGE];
  const { code, header } = await admin.invoke(
    brokerAddr,
    CHANGE_MESSAGE_INVISIBLETIME,
    { ...place, invisibleTime: invisibleMillis },
    { accept },
  );
  if (code !== ResponseCode.SUCCESS) return undefined;
  const before = parsePopHandle(place.extraInfo);
  const extraInfo = printPopHandle({
    ...before,
    // The message has a checkpoint of its own now, which begins with it.
    startOffset: place.offset,
    popTime: header.popTime ?? before.popTime,
    invisibleTime: header.invisibleTime ?? invisibleMillis,
    reviveQid: header.reviveQid ?? before.reviveQid,
  }, place.offset);
  return printHandle({ consumerGroup, topic, extraInfo });
}

/** What the requests about a popped message say of it. */
async function placeOf(admin: AdminClient, group: string, text: string) {
  const { consumerGroup, topic, extraInfo, offset } = parseHandle(text, group);
  const { brokerName, queueId, retry } = parsePopHandle(extraInfo);
  const { brokerAddr } = await admin.master(brokerName);
  return {
    brokerAddr,
    consumerGroup,
    topic: realTopic(topic, group, retry),
    queueId,
    extraInfo,
    offset,
  };
}

/** The topic in which the message is. */
function realTopic(topic: string, group: string, retry: RetryFlag): string {
  if (retry === RetryFlag.NORMAL || topic.startsWith(RETRY_GROUP_TOPIC_PREFIX)) return topic;
  const separator = retry === RetryFlag.V2 ? "+" : "_";
  return `${RETRY_GROUP_TOPIC_PREFIX}${group}${separator}${topic}`;
}
