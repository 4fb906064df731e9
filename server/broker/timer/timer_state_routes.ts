/** How far the timers are: what Apache's slaves ask their master, and tools. Remarks are Apache's. */

import {
  GET_TIMER_CHECK_POINT,
  GET_TIMER_METRICS,
} from "../../../client/protocol/commands/admin_broker.ts";
import { refuse, ResponseCode } from "../../../client/protocol/response_code.ts";
import {
  encodeTimerCheckpoint,
  type TimerCheckpoint,
  timerMetrics,
} from "../../../store/timer/apache_files.ts";
import { type Route, route } from "../../dispatcher.ts";
import { jsonBody } from "../json_body.ts";

export interface TimerStateDeps {
  /** Undefined when there are no timers. */
  checkpoint: () => TimerCheckpoint | undefined;
  /** How many messages wait for each topic; undefined when there are no timers. */
  counts: () => Iterable<[topic: string, count: number]> | undefined;
  now: () => number;
}

/** GET_TIMER_CHECK_POINT and GET_TIMER_METRICS. */
export function timerStateRoutes({ checkpoint, counts, now }: TimerStateDeps): Route[] {
  return [
    route(GET_TIMER_CHECK_POINT, () => {
      const found = checkpoint();
      if (found === undefined) throw refuse(ResponseCode.SYSTEM_ERROR, "The checkpoint is null");
      return { body: encodeTimerCheckpoint(found) };
    }),
    route(GET_TIMER_METRICS, () => {
      const found = counts();
      if (found === undefined) {
        throw refuse(ResponseCode.SYSTEM_ERROR, "The timer message store is null");
      }
      return { body: jsonBody(timerMetrics(found, now())) };
    }),
  ];
}
