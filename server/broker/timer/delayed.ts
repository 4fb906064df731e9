/** Messages that are to be delivered later, by a level or at a time. */

import { findProperty, MessageProperty } from "../../../client/protocol/message.ts";
import type { MessageToStore } from "../../../client/protocol/message_record.ts";
import { delayedByLevel } from "../schedule.ts";
import { mayBeTimer, untimed } from "./timer_message.ts";

export interface DelayDeps {
  levelCount: number;
  /** See Timers. */
  timers: { timed(message: MessageToStore): MessageToStore };
}

/**
 * The message as it waits first, if it is to be delivered later. A level counts for more than a time.
 * @throws {RemotingError} when its time is none or too far away.
 */
export function delayed(message: MessageToStore, deps: DelayDeps): MessageToStore {
  const { properties } = message;
  if (!mayBeTimer(properties)) return delayedByLevel(message, deps.levelCount);
  return Number(findProperty(properties, MessageProperty.DELAY) ?? 0) > 0
    ? delayedByLevel(untimed(message), deps.levelCount)
    : deps.timers.timed(message);
}
