/**
 * Transactions that have not ended. No request of Apache's lists them, so the half messages are read from where the
 * broker is done with them on, and those left out that the op messages name.
 */

import { QUERY_CONSUMER_OFFSET } from "../protocol/commands/offset.ts";
import { RESUME_CHECK_HALF_MESSAGE } from "../protocol/commands/transaction.ts";
import { decodeUtf8 } from "../protocol/bytes.ts";
import { MessageProperty } from "../protocol/message.ts";
import { SystemTopic } from "../protocol/names.ts";
import { ResponseCode } from "../protocol/response_code.ts";
import type { AdminClient, BrokerAddress } from "./admin_client.ts";
import { fanOut } from "./fan_out.ts";
import { type Message, messageOf, recordsOf } from "./message.ts";
import { maxOffset, minOffset, pullOnce, type QueueAddress } from "./queue_reading.ts";

/** A transaction that is open. */
export interface HalfMessage {
  /** Where the message goes to when it is committed. */
  readonly topic: string;
  readonly producerGroup: string;
  readonly msgId: string;
  readonly offsetMsgId: string;
  readonly brokerName: string;
  readonly queueOffset: number;
  /** Since the producer made the message. */
  readonly ageMillis: number;
  /** How often a producer has been asked. */
  readonly checkTimes: number;
}

export interface HalfMessages {
  readonly messages: readonly HalfMessage[];
  /** Whether there are no more. */
  readonly isComplete: boolean;
  readonly scanned: number;
}

const { TRANS_HALF: HALF_TOPIC, TRANS_OP_HALF: OP_TOPIC } = SystemTopic;
/** MixAll.CID_SYS_RMQ_TRANS: its offsets say how far the broker is done with both topics. */
const TRANSACTION_GROUP = "CID_RMQ_SYS_TRANS";
const REMOVE_TAG = "d";
const PULL_MESSAGES = 32;
/** So many messages of one broker are read for one answer. */
const SCANNED_MAX = 200_000;

/** Open transactions of all masters, the oldest first; at most `limit` of each. */
export async function halfMessages(
  admin: AdminClient,
  limit: number,
  now: number,
): Promise<HalfMessages> {
  const { answers } = await fanOut(
    await admin.masters(),
    (broker) => halfMessagesOf(admin, broker, limit, now),
  );
  const results = answers.map(({ value }) => value);
  return {
    messages: results.flatMap(({ messages }) => messages)
      .sort((a, b) => b.ageMillis - a.ageMillis),
    isComplete: results.every(({ isComplete }) => isComplete),
    scanned: results.reduce((sum, { scanned }) => sum + scanned, 0),
  };
}

async function halfMessagesOf(
  admin: AdminClient,
  broker: BrokerAddress,
  limit: number,
  now: number,
): Promise<HalfMessages> {
  const { brokerName, brokerAddr } = broker;
  const place = { brokerName, brokerAddr, queueId: 0 };
  const ended = new Set<number>();
  let scanned = 0;
  for await (const op of messagesFrom(admin, { ...place, topic: OP_TOPIC })) {
    if (++scanned > SCANNED_MAX) break;
    if (op.tags !== REMOVE_TAG) continue;
    // One offset without a comma before 5.0.
    const text = decodeUtf8(op.body, 0, op.body.length);
    for (const offset of text.split(",")) if (offset !== "") ended.add(Number(offset));
  }
  // A check puts the half message anew: the newest record counts.
  const open = new Map<string, HalfMessage>();
  let isComplete = scanned <= SCANNED_MAX;
  for await (const half of messagesFrom(admin, { ...place, topic: HALF_TOPIC })) {
    if (++scanned > 2 * SCANNED_MAX || open.size > limit) {
      isComplete = false;
      break;
    }
    if (ended.has(half.queueOffset)) open.delete(half.msgId);
    else open.set(half.msgId, halfOf(half, now));
  }
  const messages = [...open.values()];
  return {
    messages: messages.slice(0, limit),
    isComplete: isComplete && messages.length <= limit,
    scanned,
  };
}

function halfOf(message: Message, now: number): HalfMessage {
  const { properties, msgId, offsetMsgId, brokerName, queueOffset, bornTimestamp } = message;
  return {
    topic: properties[MessageProperty.REAL_TOPIC] ?? "",
    producerGroup: properties[MessageProperty.PGROUP] ?? "",
    msgId,
    offsetMsgId,
    brokerName,
    queueOffset,
    ageMillis: Math.max(0, now - bornTimestamp),
    checkTimes: Number(properties[MessageProperty.TRANSACTION_CHECK_TIMES] ?? 0) || 0,
  };
}

/** The messages of a queue that the broker is not done with. */
async function* messagesFrom(admin: AdminClient, queue: QueueAddress): AsyncGenerator<Message> {
  const end = await maxOffset(admin, queue);
  let queueOffset = Math.max(await minOffset(admin, queue), await doneWith(admin, queue));
  while (queueOffset < end) {
    const pulled = await pullOnce(admin, queue, { queueOffset, maxMsgNums: PULL_MESSAGES });
    for (const record of recordsOf(pulled.body)) {
      yield messageOf(pulled.body, record, queue.brokerName);
    }
    if (pulled.isAtEnd || pulled.nextBeginOffset <= queueOffset) return;
    queueOffset = pulled.nextBeginOffset;
  }
}

async function doneWith(admin: AdminClient, queue: QueueAddress): Promise<number> {
  const { topic, queueId, brokerAddr } = queue;
  const header = { consumerGroup: TRANSACTION_GROUP, topic, queueId };
  const accept = [ResponseCode.QUERY_NOT_FOUND];
  const answer = await admin.invoke(brokerAddr, QUERY_CONSUMER_OFFSET, header, { accept });
  return answer.code === ResponseCode.SUCCESS ? answer.header.offset : 0;
}

/** Takes a transaction up again that was given up: a message of TRANS_CHECK_MAX_TIME_TOPIC. */
export async function resumeHalfMessage(
  admin: AdminClient,
  brokerName: string,
  offsetMsgId: string,
  topic: string,
): Promise<void> {
  const { brokerAddr } = await admin.master(brokerName);
  await admin.invoke(brokerAddr, RESUME_CHECK_HALF_MESSAGE, { topic, msgId: offsetMsgId });
}
