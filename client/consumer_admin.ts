/** What admins ask a consumer through its broker: how it is, to go on elsewhere, to consume a message again. */

import { parseJson } from "./admin/admin_client.ts";
import { receiveMessage } from "./message.ts";
import type { MessageQueue } from "./protocol/message_queue.ts";
import { encodeUtf8 } from "./protocol/bytes.ts";
import {
  CONSUME_MESSAGE_DIRECTLY,
  GET_CONSUMER_RUNNING_INFO,
  GET_CONSUMER_STATUS_FROM_CLIENT,
  RESET_CONSUMER_CLIENT_OFFSET,
} from "./protocol/commands/admin_consumer.ts";
import { printFastjson } from "./protocol/fastjson.ts";
import { type RemotingCommand, VERSION_5_3_3 } from "./protocol/frame.ts";
import { decodeHeader } from "./protocol/header_schema.ts";
import { decodeMessages } from "./protocol/message_record.ts";
import type { ConsumerParts } from "./consumer_parts.ts";
import type { QueueSet } from "./queue_set.ts";

/** Answers until it is disposed. */
export function answerAdmins(parts: ConsumerParts, queues: QueueSet): Disposable {
  const { client, settings, offsets } = parts;
  const stack = new DisposableStack();
  stack.use(client.handle(GET_CONSUMER_RUNNING_INFO, (request) => {
    const header = decodeHeader(GET_CONSUMER_RUNNING_INFO.request, request.extFields);
    return header.consumerGroup === settings.group ? runningInfo(parts, queues) : undefined;
  }));
  stack.use(client.handle(GET_CONSUMER_STATUS_FROM_CLIENT, (request) => {
    const { group, topic } = decodeHeader(
      GET_CONSUMER_STATUS_FROM_CLIENT.request,
      request.extFields,
    );
    if (group !== settings.group) return undefined;
    const table = offsets.entries(topic).map(({ queue, offset }) => [queue, offset] as const);
    return jsonBody({ messageQueueTable: new Map(table) });
  }));
  stack.use(client.handle(RESET_CONSUMER_CLIENT_OFFSET, async (request) => {
    const { group } = decodeHeader(RESET_CONSUMER_CLIENT_OFFSET.request, request.extFields);
    if (group === settings.group) await queues.reset(offsetsOf(request.body));
    return undefined;
  }));
  stack.use(client.handle(CONSUME_MESSAGE_DIRECTLY, (request) => {
    const header = decodeHeader(CONSUME_MESSAGE_DIRECTLY.request, request.extFields);
    return header.consumerGroup === settings.group ? consumeDirectly(parts, request) : undefined;
  }));
  return stack;
}

/** A ConsumerRunningInfo. */
function runningInfo(parts: ConsumerParts, queues: QueueSet) {
  const { settings, stats, subscriptions, startTimestamp } = parts;
  const mqTable = queues.processQueues.map((processQueue) => {
    const { queue, count, commitOffset, nextOffset, isDropped } = processQueue;
    return [queue, {
      commitOffset,
      cachedMsgMinOffset: count === 0 ? 0 : commitOffset,
      cachedMsgMaxOffset: count === 0 ? 0 : nextOffset - 1,
      cachedMsgCount: count,
      locked: settings.orderly,
      droped: isDropped,
      lastPullTimestamp: processQueue.lastPullTimestamp,
      lastConsumeTimestamp: processQueue.lastConsumeTimestamp,
    }] as const;
  });
  return jsonBody({
    properties: {
      PROP_CONSUME_TYPE: "CONSUME_PASSIVELY",
      PROP_CONSUMEORDERLY: String(settings.orderly),
      PROP_THREADPOOL_CORE_SIZE: String(settings.consumeThreadMax),
      PROP_CLIENT_VERSION: `V${VERSION_5_3_3}`,
      PROP_CONSUMER_START_TIMESTAMP: String(startTimestamp),
    },
    subscriptionSet: [...subscriptions.values()],
    mqTable: new Map(mqTable),
    mqPopTable: new Map(),
    statusTable: stats.statusTable(),
    userConsumerInfo: {},
  });
}

/** The offsets of a ResetOffsetBody, by queue, or of a ResetOffsetBodyForC, in a list. */
function offsetsOf(body: Uint8Array): { queue: MessageQueue; offset: number }[] {
  const { offsetTable } = parseJson(body) as { offsetTable: unknown };
  if (Array.isArray(offsetTable)) {
    return offsetTable.map(({ offset, ...queue }) => ({ queue, offset }));
  }
  return Object.entries(offsetTable as Record<string, number>).map(([queue, offset]) => ({
    queue: JSON.parse(queue),
    offset,
  }));
}

/** A ConsumeMessageDirectlyResult. */
async function consumeDirectly({ settings }: ConsumerParts, request: RemotingCommand) {
  const { brokerName = "" } = decodeHeader(CONSUME_MESSAGE_DIRECTLY.request, request.extFields);
  const started = Date.now();
  let consumeResult = "CR_SUCCESS";
  let remark: string | undefined;
  try {
    const messages = decodeMessages(request.body);
    const received = messages.map((message) => receiveMessage(message, brokerName));
    if (await settings.onMessages(received) === "RECONSUME_LATER") consumeResult = "CR_LATER";
  } catch (error) {
    [consumeResult, remark] = ["CR_THROW_EXCEPTION", String(error)];
  }
  const spentTimeMills = Date.now() - started;
  const { orderly: order } = settings;
  return jsonBody({ order, autoCommit: true, consumeResult, remark, spentTimeMills });
}

function jsonBody(value: unknown): Uint8Array {
  return encodeUtf8(printFastjson(value));
}
