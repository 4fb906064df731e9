/**
 * ACK_MESSAGE and BATCH_ACK_MESSAGE. An acknowledgement is answered when it is as safe as was promised. One that comes too
 * late, when the message has been given back to come again, is refused, since it does not hold.
 */

import { ACK_MESSAGE, BATCH_ACK_MESSAGE } from "../../../client/protocol/commands/pop.ts";
import {
  parseBatchAck,
  parsePopHandle,
  POP_ORDER_REVIVE_QUEUE,
} from "../../../client/protocol/pop_handle.ts";
import { refuse, ResponseCode } from "../../../client/protocol/response_code.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { PARKED, type Reply, type RequestContext, type Route, route } from "../../dispatcher.ts";
import { parseJsonBody } from "../json_body.ts";
import type { OffsetTable } from "../offset_table.ts";
import type { TopicTable } from "../topic_table.ts";
import type { AckedMessages, AckGroup } from "./ack_group.ts";
import { ackInOrder, type OrderAckDeps } from "./order_ack.ts";
import { checkAckedMessage } from "./pop_checks.ts";
import { popOffsetOf } from "./pop_offsets.ts";
import { bitOf } from "./pop_queue.ts";
import type { PopTable } from "./pop_table.ts";
import { realTopicOf } from "./retry_topic.ts";

export interface AckDeps extends OrderAckDeps {
  store: Pick<MessageStore, "commit" | "getMinOffsetInQueue" | "getMaxOffsetInQueue">;
  topics: Pick<TopicTable, "get">;
  offsets: Pick<OffsetTable, "queryOffset" | "hasOffsetReset">;
  table: PopTable;
  acks: AckGroup;
}

/** The messages of one pop that are to be acknowledged. */
interface Acked {
  topic: string;
  group: string;
  queueId: number;
  startOffset: number;
  popTime: number;
  invisibleTime: number;
  reviveQid: number;
  queueOffsets: readonly number[];
}

type AckContext = Pick<RequestContext<Record<never, never>, Record<never, never>>, "respond">;

/** The handlers of ACK_MESSAGE and BATCH_ACK_MESSAGE. */
export function ackRoutes(deps: AckDeps): Route[] {
  return [
    route(ACK_MESSAGE, (context) => {
      const { topic, queueId, consumerGroup, offset, extraInfo } = context.header;
      checkAckedMessage(deps, context.header);
      const handle = handleOrRefuse(extraInfo);
      acknowledge(deps, context, [{
        ...handle,
        topic,
        queueId,
        group: consumerGroup,
        queueOffsets: [offset],
      }]);
      return PARKED;
    }),
    route(BATCH_ACK_MESSAGE, (context) => {
      const acks = context.body.length === 0 ? [] : parseJsonBody(context.body, parseBatchAck);
      const acked = acks.map((ack): Acked => ({
        ...ack,
        topic: realTopicOf(ack.topic, ack.consumerGroup, ack.retry),
        group: ack.consumerGroup,
      }));
      if (acked.length === 0) throw refuse(ResponseCode.NO_MESSAGE, "the batch has no acks");
      acknowledge(deps, context, acked);
      return PARKED;
    }),
  ];
}

/** @throws {RemotingError} when a client's handle is none. */
export function handleOrRefuse(extraInfo: string): ReturnType<typeof parsePopHandle> {
  try {
    return parsePopHandle(extraInfo);
  } catch (error) {
    throw refuse(ResponseCode.MESSAGE_ILLEGAL, (error as Error).message);
  }
}

function acknowledge(deps: AckDeps, { respond }: AckContext, acked: readonly Acked[]): void {
  const messages: AckedMessages[] = [];
  let lateCount = 0;
  let pending = 1;
  let failed: Error | undefined;
  const finish = (failure: Error | undefined) => {
    failed ??= failure;
    if (--pending === 0) respond(replyOf(failed, lateCount));
  };
  for (const one of acked) {
    if (one.reviveQid !== POP_ORDER_REVIVE_QUEUE) {
      lateCount += findMessages(deps, one, messages);
      continue;
    }
    for (const queueOffset of one.queueOffsets) {
      const recorded = ackInOrder(deps, { ...one, queueOffset }, finish);
      if (recorded === "WAITS") pending++;
      else if (recorded === "LATE") lateCount++;
    }
  }
  if (messages.length > 0) {
    pending++;
    deps.acks.ack(messages, finish);
  }
  finish(undefined);
}

/** Adds what is in flight of the messages; returns how many come, or came, again. */
function findMessages(deps: AckDeps, acked: Acked, messages: AckedMessages[]): number {
  const { topic, group, queueId, startOffset, popTime, queueOffsets } = acked;
  const queue = deps.table.find(topic, group, queueId);
  const checkPoint = deps.table.findCheckPoint(queue, startOffset, popTime);
  if (checkPoint === undefined) {
    // It is over. Before its time that can only be because every message was acknowledged, this one perhaps by a request
    // whose answer got lost, or was hidden for another time.
    const isLate = deps.clock.now() >= popTime + acked.invisibleTime;
    const popped = queue === undefined
      ? deps.offsets.queryOffset(group, topic, queueId)
      : popOffsetOf(deps, queue);
    return queueOffsets.filter((queueOffset) =>
      isLate || queueOffset >= popped || queue?.successors.has(queueOffset)
    ).length;
  }
  let bits = 0;
  let lateCount = 0;
  for (const queueOffset of queueOffsets) {
    const bit = bitOf(checkPoint, queueOffset);
    if (bit === 0 || (checkPoint.givenBack & bit) !== 0) lateCount++;
    else bits |= bit;
  }
  if (bits !== 0) messages.push({ checkPoint, bits });
  return lateCount;
}

function replyOf(failure: Error | undefined, lateCount: number): Reply<Record<never, never>> {
  if (failure !== undefined) {
    return { code: ResponseCode.SYSTEM_ERROR, remark: `ack message failed: ${failure.message}` };
  }
  if (lateCount === 0) return {};
  return {
    code: ResponseCode.NO_MESSAGE,
    remark: `${lateCount} messages are not invisible under this handle any more, they come again`,
  };
}
