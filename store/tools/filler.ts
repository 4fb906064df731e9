/**
 * What takes the place of damaged bytes in the log, so that both Comet and Apache read on behind them.
 *
 * - A *tombstone* for each message that is known to be lost, in its own queue with its own queueOffset: queues stay
 *   without a gap, also when Apache makes them anew from the log, which over a gap gives messages wrong offsets. Comet
 *   passes over it; Apache gives it to consumers, with the tag COMET_LOST where there was room for one.
 * - *Fillers* for the rest: messages of a transaction that was rolled back, which are in no queue and no index.
 * - A blank where the damage goes to the end of a file.
 */

import { encodeUtf8, viewOf } from "../../client/protocol/bytes.ts";
import { MessageProperty, MessageSysFlag, printProperties } from "../../client/protocol/message.ts";
import {
  BLANK_RECORD_BYTES,
  CRC_PROPERTY_BYTES,
  encodeBlank,
  encodeRecord,
  type MessageToStore,
  recordBytesMax,
} from "../../client/protocol/message_record.ts";
import { SCHEDULE_TOPIC } from "../dispatch.ts";
import { LOST_SYS_FLAG } from "../tombstone.ts";

/** The tag of a tombstone. */
const LOST_TAG = "COMET_LOST";
/** The topic of fillers, and where tombstones of delayed messages are delivered to. */
export const LOST_TOPIC = "rmq_sys_COMET_LOST";

const LOST_BODY = encodeUtf8("lost to a damaged disk, marked by comet store repair");
/** A record without topic, body and properties. */
const FIXED_BYTES = 91;
/** The shortest filler: its topic has one letter. */
const FILLER_BYTES_MIN = FIXED_BYTES + 1;
/** Longer damage gets several: readers load a record as a whole. */
const FILLER_BYTES_MAX = 1024 * 1024;
const TIMER_TOPIC = "rmq_sys_wheel_timer";
const NO_HOST = new Uint8Array(8);

/** What a tombstone has beyond what a record needs; the first form is as short as a message can be. */
const FORMS = {
  short: { hasTag: false, bodyBytes: 1, hasCrc: false },
  tagged: { hasTag: true, bodyBytes: 1, hasCrc: false },
  full: { hasTag: true, bodyBytes: LOST_BODY.length, hasCrc: true },
} as const;

export type TombstoneForm = keyof typeof FORMS;

/** One record to write in place of damage. */
export type Part =
  | {
    kind: "tombstone";
    topic: string;
    queueId: number;
    queueOffset: number;
    form: TombstoneForm;
    bytes: number;
  }
  | { kind: "filler"; bytes: number }
  | { kind: "blank"; bytes: number };

/** Damaged bytes within one file of the log, and what is to be put there. */
export interface Patch {
  start: number;
  end: number;
  storeTimestamp: number;
  parts: Part[];
}

/** How long a tombstone is. */
export function tombstoneBytes(topic: string, queueId: number, form: TombstoneForm): number {
  const { bodyBytes, hasCrc } = FORMS[form];
  const properties = encodeUtf8(tombstoneProperties(topic, queueId, 0, form)).length;
  return FIXED_BYTES + topicBytes(topic) + bodyBytes + properties +
    (hasCrc ? CRC_PROPERTY_BYTES : 0);
}

/** Long topics have one more byte for their length. */
function topicBytes(topic: string): number {
  return encodeUtf8(topic).length + (topic.length > 127 ? 1 : 0);
}

/** Delayed messages are delivered by what their properties say, so a tombstone among them needs some. */
function tombstoneProperties(
  topic: string,
  queueId: number,
  storeTimestamp: number,
  form: TombstoneForm,
): string {
  const properties: [string, string][] = [];
  if (FORMS[form].hasTag) properties.push([MessageProperty.TAGS, LOST_TAG]);
  const delayed: [string, string][] = [
    [MessageProperty.REAL_TOPIC, LOST_TOPIC],
    [MessageProperty.REAL_QID, "0"],
  ];
  if (topic === SCHEDULE_TOPIC) {
    properties.push([MessageProperty.DELAY, String(queueId + 1)], ...delayed);
  } else if (topic === TIMER_TOPIC) {
    properties.push(["TIMER_OUT_MS", String(storeTimestamp).padStart(13, "0")], ...delayed);
  }
  return printProperties(properties);
}

/**
 * Fills what the tombstones of a patch leave over. Bytes too few for a filler go to the last tombstone.
 * @returns false when there are too few bytes for anything.
 */
export function fillUp(patch: Patch, segmentBytes: number): boolean {
  let room = patch.end - patch.start;
  for (const { bytes } of patch.parts) room -= bytes;
  if (patch.end % segmentBytes === 0) {
    // The first record of a file tells starts how old the file is; a blank cannot.
    if (room === segmentBytes && room >= 2 * FILLER_BYTES_MIN) {
      patch.parts.push({ kind: "filler", bytes: FILLER_BYTES_MIN });
      room -= FILLER_BYTES_MIN;
    }
    patch.parts.push({ kind: "blank", bytes: room });
    return room >= BLANK_RECORD_BYTES;
  }
  while (room >= FILLER_BYTES_MIN) {
    const bytes = room <= FILLER_BYTES_MAX
      ? room
      : Math.min(FILLER_BYTES_MAX, room - FILLER_BYTES_MIN);
    patch.parts.push({ kind: "filler", bytes });
    room -= bytes;
  }
  const last = patch.parts.at(-1);
  if (room > 0 && last !== undefined) last.bytes += room;
  return room === 0 || last !== undefined;
}

/** The bytes of one part at `physicalOffset`; of a blank only its beginning. */
export function encodePart(
  part: Part,
  physicalOffset: number,
  storeTimestamp: number,
): Uint8Array {
  if (part.kind === "blank") {
    const blank = new Uint8Array(BLANK_RECORD_BYTES);
    encodeBlank(viewOf(blank), 0, part.bytes);
    return blank;
  }
  const message = part.kind === "filler"
    ? fillerMessage(part.bytes)
    : tombstone(part, storeTimestamp);
  const bare = FIXED_BYTES + topicBytes(message.topic) + message.body.length +
    encodeUtf8(message.properties).length;
  const appendCrc = part.bytes - bare === CRC_PROPERTY_BYTES;
  const bytes = new Uint8Array(recordBytesMax(message));
  const queueOffset = part.kind === "filler" ? 0 : part.queueOffset;
  const place = { queueOffset, physicalOffset, storeTimestamp };
  const size = encodeRecord(bytes, viewOf(bytes), 0, message, place, appendCrc);
  if (size !== part.bytes) throw new Error(`A ${part.kind} got ${size} bytes, not ${part.bytes}`);
  return bytes.subarray(0, size);
}

function fillerMessage(bytes: number): MessageToStore {
  const topic = LOST_TOPIC.slice(0, bytes - FIXED_BYTES);
  const room = bytes - FIXED_BYTES - topic.length;
  const bodyBytes = room < CRC_PROPERTY_BYTES ? room : room - CRC_PROPERTY_BYTES;
  return {
    ...emptyMessage(topic, 0),
    sysFlag: MessageSysFlag.TRANSACTION_ROLLBACK | LOST_SYS_FLAG,
    body: new Uint8Array(bodyBytes),
  };
}

function tombstone(
  { topic, queueId, form, bytes }: Extract<Part, { kind: "tombstone" }>,
  storeTimestamp: number,
): MessageToStore {
  const surplus = bytes - tombstoneBytes(topic, queueId, form);
  const body = new Uint8Array(FORMS[form].bodyBytes + surplus).fill(0x20);
  body.set(LOST_BODY.subarray(0, body.length));
  return {
    ...emptyMessage(topic, queueId),
    sysFlag: LOST_SYS_FLAG,
    bornTimestamp: storeTimestamp,
    body,
    properties: tombstoneProperties(topic, queueId, storeTimestamp, form),
  };
}

function emptyMessage(topic: string, queueId: number): MessageToStore {
  return {
    topic,
    queueId,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 0,
    bornHost: NO_HOST,
    storeHost: NO_HOST,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: new Uint8Array(0),
    properties: "",
  };
}
