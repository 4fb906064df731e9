/** Where a group goes on when an admin takes it to another time or offset. */

import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { Reply } from "../dispatcher.ts";
import type { GroupTable } from "./group_table.ts";
import { fastjsonBody } from "./json_body.ts";
import type { OffsetTable } from "./offset_table.ts";
import type { TopicTable } from "./topic_table.ts";

export interface ResetDeps {
  config: Readonly<{ brokerName: string }>;
  topics: Pick<TopicTable, "get">;
  groups: Pick<GroupTable, "has">;
  offsets: Pick<OffsetTable, "queryOffset" | "assignResetOffset" | "flush">;
  store: Pick<
    MessageStore,
    "getMinOffsetInQueue" | "getMaxOffsetInQueue" | "getOffsetInQueueByTime"
  >;
}

export interface ResetRequest {
  topic: string;
  group: string;
  queueId: number;
  offset: number | undefined;
  timestamp: number;
  isForce: boolean;
}

/** Assigns new offsets, which count from the group's next pull on, whether it is there or not. @throws {RemotingError} */
export async function resetAtBroker(deps: ResetDeps, request: ResetRequest): Promise<Reply> {
  const { topic, group } = request;
  const offsets = brokerResetOffsets(deps, request);
  for (const [queueId, queueOffset] of offsets) {
    deps.offsets.assignResetOffset(group, topic, queueId, queueOffset);
  }
  await deps.offsets.flush();
  const queue = { brokerName: deps.config.brokerName, topic };
  return { body: fastjsonBody({ offsetTable: offsetTableOf(queue, offsets) }) };
}

function brokerResetOffsets(deps: ResetDeps, request: ResetRequest): Map<number, number> {
  const { topic, group, queueId, offset, timestamp } = request;
  const config = deps.topics.get(topic);
  if (config === undefined) {
    throw refuse(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} does not exist`);
  }
  if (!deps.groups.has(group)) {
    throw refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `Group ${group} does not exist`);
  }
  const offsets = new Map<number, number>();
  if (queueId >= 0) {
    const isGiven = offset !== undefined && offset !== -1;
    offsets.set(
      queueId,
      isGiven
        ? checkedOffset(deps, topic, queueId, offset)
        : offsetByTime(deps, topic, queueId, timestamp),
    );
  } else {
    for (let id = 0; id < config.readQueueNums; id++) {
      offsets.set(id, offsetByTime(deps, topic, id, timestamp));
    }
  }
  if (offsets.size > 0) return offsets;
  throw refuse(ResponseCode.SYSTEM_ERROR, "No queues to reset.");
}

function checkedOffset(
  { store }: ResetDeps,
  topic: string,
  queueId: number,
  offset: number,
): number {
  const min = store.getMinOffsetInQueue(topic, queueId);
  const max = store.getMaxOffsetInQueue(topic, queueId);
  if (offset >= min && offset <= max) return offset;
  throw refuse(
    ResponseCode.SYSTEM_ERROR,
    `Target offset ${offset} not in consume queue range [${min}-${max}]`,
  );
}

function offsetByTime(
  { store }: ResetDeps,
  topic: string,
  queueId: number,
  timestamp: number,
): number {
  if (timestamp < 0) return store.getMaxOffsetInQueue(topic, queueId);
  return store.getOffsetInQueueByTime(topic, queueId, timestamp, "LOWER");
}

/** Where the members of a group shall go on; back only, unless it is forced. @throws {RemotingError} */
export function clientResetOffsets(deps: ResetDeps, request: ResetRequest): Map<number, number> {
  const { topic, group, timestamp, isForce } = request;
  const config = deps.topics.get(topic);
  if (config === undefined) {
    throw refuse(
      ResponseCode.TOPIC_NOT_EXIST,
      `[reset-offset] reset offset failed, no topic in this broker. topic=${topic}`,
    );
  }
  const offsets = new Map<number, number>();
  for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
    const consumerOffset = deps.offsets.queryOffset(group, topic, queueId);
    if (consumerOffset === -1) {
      throw refuse(ResponseCode.SYSTEM_ERROR, `THe consumer group <${group}> not exist`);
    }
    const target = offsetByTime(
      deps,
      topic,
      queueId,
      timestamp === -1 ? -1 : Math.max(0, timestamp),
    );
    offsets.set(queueId, isForce || target < consumerOffset ? target : consumerOffset);
  }
  return offsets;
}

/** A ResetOffsetBody, or what clients in C++ read in place of it. */
export function bodyForClients(
  queue: { brokerName: string; topic: string },
  offsets: ReadonlyMap<number, number>,
  isCpp: boolean,
): unknown {
  if (!isCpp) return { offsetTable: offsetTableOf(queue, offsets) };
  const offsetTable = [...offsets].map(([queueId, offset]) => ({
    brokerName: queue.brokerName,
    offset,
    queueId,
    topic: queue.topic,
  }));
  return { offsetTable };
}

/** Offsets by Java's MessageQueue. */
export function offsetTableOf(
  { brokerName, topic }: { brokerName: string; topic: string },
  offsets: ReadonlyMap<number, number>,
): Map<unknown, number> {
  return new Map([...offsets].map(([queueId, offset]) => [{ brokerName, queueId, topic }, offset]));
}
