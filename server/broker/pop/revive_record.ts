/**
 * Records of the revive log: checkpoints, acknowledgements, and what orderly groups have popped. Bodies are JSON, tags say
 * which. Source: PopCheckPoint.java, AckMsg.java, BatchAckMsg.java and PopReviveService.java of Apache RocketMQ 5.3.3.
 *
 * ```
 * ck     bm bits of acknowledged messages   bn brokerName   c group   d distances, left out without gaps
 *        it invisibleTime   n messages   pt popTime   q queueId   so startOffset   t topic   rp times put again
 *        ours: no where the group's next pop begins, -1 for nowhere new   order an orderly group's pop, n is 0 then
 *        reset 1 when an admin has sent the group to no, n is 0 then
 * ack    ao queueOffset   bn c pt q so t as above   ours: back 1 for a message that was not acknowledged but given back
 * bAck   aol queueOffsets   bn c pt q so t back as above
 * ```
 * Apache reads past fields that it does not know and finds nothing to do in a checkpoint without messages.
 */

import { decodeUtf8 } from "../../../client/protocol/bytes.ts";
import { parseFastjson } from "../../../client/protocol/fastjson.ts";
import { type OrderInfo, parseOrderInfo } from "./order_info.ts";
import {
  CHECK_POINT_MESSAGES_MAX,
  type CheckPoint,
  isConsecutive,
  type PopQueue,
  queueOffsetsOf,
} from "./pop_queue.ts";

export const ReviveTag = { CHECK_POINT: "ck", ACK: "ack", BATCH_ACK: "bAck" } as const;

/**
 * The properties of a record. Apache's broker revives what lies more than two seconds before the greatest
 * TIMER_DELIVER_MS that it has read, and takes the time of day for that once it has read all; so the time of writing is
 * what keeps it from giving messages too early.
 */
export function reviveProperties(tag: string, now: number): string {
  return `TAGS\u0001${tag}\u0002TIMER_DELIVER_MS\u0001${now}\u0002`;
}

/** The body of a checkpoint's record. `nextOffset`: where the group's next pop begins, or -1. */
export function checkPointText(checkPoint: CheckPoint, nextOffset: number): string {
  const { queue, startOffset, popTime, invisibleTime, distances } = checkPoint;
  const gaps = isConsecutive(distances) ? "" : `"d":[${distances.join()}],`;
  return `{"bm":${checkPoint.safe},"bn":${JSON.stringify(checkPoint.brokerName)},${gaps}` +
    `"it":${invisibleTime},"n":${distances.length},"no":${nextOffset},"pt":${popTime},` +
    `"so":${startOffset},${queue.json}}`;
}

/** The body of the record that says how an orderly group stands in a queue. */
export function orderText(queue: PopQueue, order: OrderInfo, brokerName: string): string {
  return `{"bm":0,"bn":${JSON.stringify(brokerName)},"it":${order.invisibleTime},"n":0,` +
    `"no":${order.nextOffset},"order":${JSON.stringify(order.toJson())},"pt":${order.popTime},` +
    `"so":${order.queueOffsets[0]},${queue.json}}`;
}

/** The body of the record that says that a group goes on at `nextOffset`, whatever it popped before. */
export function resetText(queue: PopQueue, nextOffset: number, now: number): string {
  return `{"bm":0,"it":0,"n":0,"no":${nextOffset},"pt":${now},"reset":1,"so":${nextOffset},` +
    `${queue.json}}`;
}

/** The body of the record that ends messages of a checkpoint, and its tag. */
export function ackText(checkPoint: CheckPoint, bits: number): { tag: string; text: string } {
  const { queue, startOffset, popTime, brokerName } = checkPoint;
  const back = (checkPoint.givenBack & bits) === 0 ? "" : '"back":1,';
  const queueOffsets = queueOffsetsOf(checkPoint, bits);
  const rest = `${back}"bn":${JSON.stringify(brokerName)},"pt":${popTime},` +
    `"so":${startOffset},${queue.json}}`;
  if (queueOffsets.length === 1) {
    return { tag: ReviveTag.ACK, text: `{"ao":${queueOffsets[0]},${rest}` };
  }
  return { tag: ReviveTag.BATCH_ACK, text: `{"aol":[${queueOffsets.join()}],${rest}` };
}

/** What every record says about its checkpoint. */
interface RecordHead {
  topic: string;
  group: string;
  queueId: number;
  startOffset: number;
  popTime: number;
  brokerName: string | undefined;
}

export type ReviveRecord =
  | (RecordHead & {
    kind: "CHECK_POINT";
    invisibleTime: number;
    queueOffsets: readonly number[];
    bits: number;
    /** Undefined in a record of Apache's. */
    nextOffset: number | undefined;
    isReset: boolean;
    order: OrderInfo | undefined;
  })
  | (RecordHead & {
    kind: "ACK";
    queueOffsets: readonly number[];
    /** The messages come again, or are in another checkpoint. */
    isGivenBack: boolean;
  });

/**
 * Reads a record; undefined for one that says nothing, such as Apache's cancelled checkpoints.
 * @throws {SyntaxError | TypeError} when it is damaged.
 */
export function parseReviveRecord(tag: string, body: Uint8Array): ReviveRecord | undefined {
  const text = decodeUtf8(body, 0, body.length);
  if (!text.startsWith("{")) return undefined;
  const json = parseFastjson(text) as Record<string, unknown>;
  const head = headOf(json);
  if (head === undefined) return undefined;
  if (tag === ReviveTag.CHECK_POINT) return checkPointOf(head, json);
  if (tag !== ReviveTag.ACK && tag !== ReviveTag.BATCH_ACK) return undefined;
  const queueOffsets = tag === ReviveTag.ACK
    ? [integer(json["ao"] ?? json["ackOffset"])]
    : integers(json["aol"] ?? json["ackOffsetList"]);
  return { ...head, kind: "ACK", queueOffsets, isGivenBack: json["back"] === 1 };
}

function headOf(json: Record<string, unknown>): RecordHead | undefined {
  const topic = json["t"] ?? json["topic"];
  const group = json["c"] ?? json["consumerGroup"];
  const brokerName = json["bn"] ?? json["brokerName"];
  if (typeof topic !== "string" || typeof group !== "string") return undefined;
  return {
    topic,
    group,
    queueId: integer(json["q"] ?? json["queueId"]),
    startOffset: integer(json["so"] ?? json["startOffset"]),
    popTime: integer(json["pt"] ?? json["popTime"]),
    brokerName: typeof brokerName === "string" && brokerName !== "" ? brokerName : undefined,
  };
}

function checkPointOf(head: RecordHead, json: Record<string, unknown>): ReviveRecord {
  const length = Math.min(CHECK_POINT_MESSAGES_MAX, Math.max(0, integer(json["n"])));
  const distances = integers(json["d"]);
  return {
    ...head,
    kind: "CHECK_POINT",
    invisibleTime: integer(json["it"]),
    queueOffsets: Array.from(
      { length },
      (_, index) => head.startOffset + (distances.length === 0 ? index : distances[index] ?? index),
    ),
    bits: integer(json["bm"]) | 0,
    nextOffset: json["no"] === undefined ? undefined : integer(json["no"]),
    isReset: json["reset"] === 1,
    order: json["order"] === undefined ? undefined : parseOrderInfo(json["order"]),
  };
}

function integer(value: unknown): number {
  return Number.isSafeInteger(value) ? value as number : 0;
}

function integers(value: unknown): number[] {
  return Array.isArray(value) ? value.map(integer) : [];
}
