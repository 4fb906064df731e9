/** From times to offsets and back. */

import { readRecord } from "../protocol/message_record.ts";
import { viewOf } from "../protocol/bytes.ts";
import type { AdminClient } from "./admin_client.ts";
import { type BrokerFailure, failureOf, mapLimited } from "./fan_out.ts";
import {
  maxOffset,
  minOffset,
  offsetByTime,
  pullOnce,
  type QueueAddress,
} from "./queue_reading.ts";

/** What is looked for in each queue: a moment, an offset, or nothing but the ends. */
export interface OffsetQuestion {
  readonly timestamp?: number | undefined;
  readonly offset?: number | undefined;
}

export interface QueueOffset {
  readonly queue: QueueAddress;
  readonly minOffset: number;
  readonly maxOffset: number;
  /** What was found or asked for; maxOffset when there is no such message. */
  readonly offset: number;
  /** When the message at `offset` was stored, and the first and the last one; undefined when there is none. */
  readonly storeTimestamp: number | undefined;
  readonly minTimestamp: number | undefined;
  readonly maxTimestamp: number | undefined;
}

const QUEUES_AT_A_TIME = 32;

/** Looks into queues at the same time. @throws what the first one failed with, when all failed. */
export async function queueOffsets(
  admin: AdminClient,
  queues: readonly QueueAddress[],
  question: OffsetQuestion,
): Promise<{ offsets: QueueOffset[]; failures: BrokerFailure[] }> {
  const failures = new Map<string, BrokerFailure>();
  let firstError: unknown;
  const found = await mapLimited(queues, QUEUES_AT_A_TIME, async (queue) => {
    try {
      return await lookInto(admin, queue, question);
    } catch (error) {
      firstError ??= error;
      failures.set(queue.brokerName, failureOf(queue, error));
      return undefined;
    }
  });
  const offsets = found.filter((offset) => offset !== undefined);
  if (offsets.length === 0 && firstError !== undefined) throw firstError;
  return { offsets, failures: [...failures.values()] };
}

async function lookInto(
  admin: AdminClient,
  queue: QueueAddress,
  { timestamp, offset: asked }: OffsetQuestion,
): Promise<QueueOffset> {
  const [min, max] = await queueEnds(admin, queue);
  const offset = timestamp === undefined
    ? asked ?? max
    : Math.min(max, await offsetByTime(admin, queue, timestamp));
  const [storeTimestamp, minTimestamp, maxTimestamp] = await Promise.all(
    [offset, min, max - 1].map((at) =>
      at >= min && at < max ? storeTimestampAt(admin, queue, at) : undefined
    ),
  );
  return {
    queue,
    minOffset: min,
    maxOffset: max,
    offset,
    storeTimestamp,
    minTimestamp,
    maxTimestamp,
  };
}

/** The first offset that is there and the one that the next message gets. */
export async function queueEnds(
  admin: AdminClient,
  queue: QueueAddress,
): Promise<[min: number, max: number]> {
  const [min, max] = await Promise.all([minOffset(admin, queue), maxOffset(admin, queue)]);
  return [Math.max(0, min), Math.max(0, max)];
}

/** When a message was stored; undefined when there is none at the offset any more, or none yet. */
export async function storeTimestampAt(
  admin: AdminClient,
  queue: QueueAddress,
  queueOffset: number,
): Promise<number | undefined> {
  const { body } = await pullOnce(admin, queue, { queueOffset, maxMsgNums: 1 });
  return body.length === 0 ? undefined : readRecord(body, viewOf(body), 0).storeTimestamp;
}
