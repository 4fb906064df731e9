/**
 * CHANGE_MESSAGE_INVISIBLETIME: a message stays invisible for another time from now on. It gets a checkpoint of its own and
 * is done in the one that it was popped with; its handle is another from then on. Groups that consume in order keep it.
 */

import { CHANGE_MESSAGE_INVISIBLETIME } from "../../../client/protocol/commands/pop.ts";
import { POP_ORDER_REVIVE_QUEUE, type PopHandle } from "../../../client/protocol/pop_handle.ts";
import {
  refuse,
  type RemotingError,
  ResponseCode,
} from "../../../client/protocol/response_code.ts";
import { PARKED, type RequestContext, type Route, route } from "../../dispatcher.ts";
import { type AckDeps, handleOrRefuse } from "./ack_routes.ts";
import { hideInOrder } from "./order_ack.ts";
import { checkAckedMessage } from "./pop_checks.ts";
import { bitOf, type CheckPoint, checkPointKey, distancesOf } from "./pop_queue.ts";

type Context = RequestContext<
  typeof CHANGE_MESSAGE_INVISIBLETIME.request.fields,
  typeof CHANGE_MESSAGE_INVISIBLETIME.response.fields
>;

/** The handler of CHANGE_MESSAGE_INVISIBLETIME. */
export function invisibleRoutes(deps: AckDeps): Route[] {
  return [
    route(CHANGE_MESSAGE_INVISIBLETIME, (context) => {
      checkAckedMessage(deps, context.header);
      const handle = handleOrRefuse(context.header.extraInfo);
      if (handle.reviveQid === POP_ORDER_REVIVE_QUEUE) hideOrdered(deps, context, handle);
      else hide(deps, context, handle);
      return PARKED;
    }),
  ];
}

function hideOrdered(deps: AckDeps, { header, respond }: Context, { popTime }: PopHandle): void {
  const { topic, queueId, offset, invisibleTime, consumerGroup: group } = header;
  const visibleAt = deps.clock.now() + invisibleTime;
  const message = { topic, group, queueId, popTime, queueOffset: offset };
  const outcome = hideInOrder(deps, message, visibleAt, (failure) => {
    if (failure !== undefined) return respond(failed(failure));
    respond({
      header: { popTime, invisibleTime: visibleAt - popTime, reviveQid: POP_ORDER_REVIVE_QUEUE },
    });
  });
  if (outcome === "LATE") throw tooLate();
  if (outcome === "DONE") respond({});
}

function hide(deps: AckDeps, { header, respond }: Context, handle: PopHandle): void {
  const { table, reviveLog, clock } = deps;
  const { topic, queueId, offset, invisibleTime, consumerGroup } = header;
  const queue = table.find(topic, consumerGroup, queueId);
  const origin = table.findCheckPoint(queue, handle.startOffset, handle.popTime);
  const bit = origin === undefined ? 0 : bitOf(origin, offset) & ~origin.closed;
  if (origin === undefined || bit === 0) throw tooLate();
  let popTime = clock.now();
  while (origin.queue.checkPoints.has(checkPointKey(offset, popTime))) popTime++;
  const checkPoint = successorOf(origin, offset, popTime, invisibleTime);
  // First what keeps the message, then what ends its old checkpoint: a crash between the two loses nothing.
  const recorded = reviveLog.putCheckPoint(checkPoint, -1);
  origin.givenBack |= bit;
  const ended = recorded === undefined ? undefined : reviveLog.putAck(origin, bit);
  if (recorded === undefined || ended === undefined) {
    origin.givenBack &= ~bit;
    if (recorded !== undefined) reviveLog.release(checkPoint, recorded.endOffset);
    throw refuse(ResponseCode.SYSTEM_ERROR, "the store takes no messages");
  }
  origin.closed |= bit;
  table.add(checkPoint);
  reviveLog.whenSafe(recorded, ended.endOffset, (failure) => {
    if (failure !== undefined) {
      table.remove(checkPoint);
      origin.closed &= ~bit;
      origin.givenBack &= ~bit;
      table.due.add(origin);
      return respond(failed(failure));
    }
    if (table.close(origin, bit)) reviveLog.release(origin, ended.endOffset);
    respond({ header: { popTime, invisibleTime, reviveQid: checkPoint.reviveQid } });
  });
}

function successorOf(
  origin: CheckPoint,
  startOffset: number,
  popTime: number,
  invisibleTime: number,
): CheckPoint {
  return {
    ...origin,
    startOffset,
    popTime,
    invisibleTime,
    distances: distancesOf(startOffset, [startOffset]),
    closed: 0,
    safe: 0,
    givenBack: 0,
    isSuccessor: true,
    dueAt: popTime + invisibleTime,
    heapIndex: -1,
    reviveOffset: -1,
  };
}

function tooLate(): RemotingError {
  return refuse(
    ResponseCode.NO_MESSAGE,
    "the message is not invisible under this handle any more, it is acknowledged or comes again",
  );
}

function failed(failure: Error): { code: number; remark: string } {
  return {
    code: ResponseCode.SYSTEM_ERROR,
    remark: `change invisible time failed: ${failure.message}`,
  };
}
