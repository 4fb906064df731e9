/**
 * Timer messages, the messages with a time of delivery: how they are kept in the timer topic until then, and what becomes
 * of them. Properties and rules are Apache's (HookUtils.java and TimerMessageStore.java of 5.3.3) with these differences:
 * times are exact to the millisecond, and a delivered message no longer has REAL_TOPIC and REAL_QID.
 */

import { decodeUtf8, encodeUtf8, viewOf } from "../../../client/protocol/bytes.ts";
import {
  findProperty,
  MessageProperty,
  parseProperties,
  printProperties,
} from "../../../client/protocol/message.ts";
import {
  CRC_PROPERTY_BYTES,
  type MessageToStore,
  PROPERTIES_BYTES_MAX,
  readRecord,
  type RecordLayout,
} from "../../../client/protocol/message_record.ts";
import { TIMER_TOPIC } from "../../../client/protocol/names.ts";
import { printRecallHandle } from "../../../client/protocol/recall_handle.ts";
import { refuse, ResponseCode } from "../../../client/protocol/response_code.ts";

/** The topic in whose only queue timer messages wait. */
export { TIMER_TOPIC };

export interface TimerSettings {
  timerWheelEnable: boolean;
  timerMaxDelaySec: number;
}

const {
  TIMER_DELAY_SEC,
  TIMER_DELAY_MS,
  TIMER_DELIVER_MS,
  TIMER_OUT_MS,
  TIMER_ENQUEUE_MS,
  TIMER_DEQUEUE_MS,
  TIMER_ROLL_TIMES,
  TIMER_DEL_UNIQKEY,
  REAL_TOPIC,
  REAL_QID,
  UNIQ_KEY,
  CRC32,
} = MessageProperty;

/** What delivering it or storing it anew adds to a message needs so much room in its properties at most. */
const ADDED_BYTES_MAX = 128;
/** Apache's slots of time are as long, unless it is told otherwise. */
export const APACHE_SLOT_MILLIS = 1_000;
/** Apache's times are multiples of it, ours are not: so they can be told apart. */
const APACHE_PRECISION_MILLIS = 100;

/** Whether the properties may ask for a time of delivery: cheap, and false for nearly all messages. */
export function mayBeTimer(properties: string): boolean {
  return properties.includes("TIMER_D");
}

/**
 * The message on its way to the timer topic, if it asks for a time of delivery that is still to come; else as it is.
 * @param now milliseconds since the epoch.
 * @throws {RemotingError} when the time is none or too far away.
 */
export function timed(
  message: MessageToStore,
  settings: TimerSettings,
  now: number,
): MessageToStore {
  // One that is stored anew by the broker of another cluster's node.
  if (message.topic === TIMER_TOPIC) return message;
  const due = requestedTime(message.properties, now);
  if (due === undefined) return message;
  if (!settings.timerWheelEnable) {
    throw refuse(
      ResponseCode.SYSTEM_ERROR,
      "accurate timer message is not enabled, timerWheelEnable is false",
    );
  }
  const isCancel = findProperty(message.properties, TIMER_DEL_UNIQKEY) !== undefined;
  const maxMillis = settings.timerMaxDelaySec * 1_000;
  const isPast = due <= now;
  if (Number.isNaN(due) || due - now > maxMillis || isPast && isCancel) {
    throw refuse(
      ResponseCode.MESSAGE_ILLEGAL,
      `timer message illegal, the delay time should not be bigger than the max delay ${maxMillis}ms; ` +
        "or if set del msg, the delay time should be bigger than the current time",
    );
  }
  return isPast ? message : waiting(message, due);
}

/** The message without a time of delivery. */
export function untimed(message: MessageToStore): MessageToStore {
  const properties = parseProperties(message.properties);
  for (const name of [TIMER_DELIVER_MS, TIMER_DELAY_SEC, TIMER_DELAY_MS]) properties.delete(name);
  return { ...message, properties: printProperties(properties) };
}

/** When the message is to be delivered; NaN for a time that is none, undefined for a message without. */
function requestedTime(properties: string, now: number): number | undefined {
  // One that has waited already and comes again, as to a consumer that could not handle it.
  if (findProperty(properties, TIMER_OUT_MS) !== undefined) return undefined;
  const seconds = findProperty(properties, TIMER_DELAY_SEC);
  if (seconds !== undefined) return now + parseLong(seconds) * 1_000;
  const millis = findProperty(properties, TIMER_DELAY_MS);
  if (millis !== undefined) return now + parseLong(millis);
  const time = findProperty(properties, TIMER_DELIVER_MS);
  return time === undefined ? undefined : parseLong(time);
}

function parseLong(text: string): number {
  return /^[+-]?\d{1,19}$/.test(text) ? Number(text) : NaN;
}

/** The message as it waits for `due`. */
function waiting(message: MessageToStore, due: number): MessageToStore {
  const properties = parseProperties(message.properties);
  for (const name of [TIMER_ENQUEUE_MS, TIMER_DEQUEUE_MS, TIMER_ROLL_TIMES]) {
    properties.delete(name);
  }
  properties.set(TIMER_OUT_MS, String(outTime(due)));
  properties.set(REAL_TOPIC, message.topic);
  properties.set(REAL_QID, String(message.queueId));
  if (!properties.get(UNIQ_KEY)) properties.set(UNIQ_KEY, createUniqKey());
  const text = printProperties(properties);
  if (!fits(text, ADDED_BYTES_MAX)) {
    throw refuse(
      ResponseCode.MESSAGE_ILLEGAL,
      `the message is illegal: its properties leave less than ${ADDED_BYTES_MAX} bytes of 32KB for ` +
        "those that a timer message gets",
    );
  }
  return { ...message, topic: TIMER_TOPIC, queueId: 0, properties: text };
}

/** TIMER_OUT_MS of a message that is due then: one less, and never a multiple of what Apache's are. */
function outTime(due: number): number {
  const time = due - 1;
  return time % APACHE_PRECISION_MILLIS === 0 ? time + 1 : time;
}

/** In the form that clients give: 32 hexadecimal digits. */
function createUniqKey(): string {
  return crypto.randomUUID().replaceAll("-", "").toUpperCase();
}

function fits(properties: string, moreBytes: number): boolean {
  const room = PROPERTIES_BYTES_MAX - CRC_PROPERTY_BYTES - moreBytes;
  return properties.length * 3 <= room || encodeUtf8(properties).length <= room;
}

/** The handle with which a message is taken back that `timed` has sent to the timer topic; undefined for any other. */
export function recallHandleOf(
  { topic, properties }: MessageToStore,
  brokerName: string,
): string | undefined {
  const timer = topic === TIMER_TOPIC ? readTimerProperties(properties) : undefined;
  if (timer?.uniqKey === undefined) return undefined;
  const { outTime, uniqKey } = timer;
  return printRecallHandle({ topic: timer.topic, brokerName, timestamp: outTime + 1, uniqKey });
}

/** What the properties of a message in the timer topic say. */
export interface TimerProperties {
  /** When it is due; milliseconds since the epoch. */
  due: number;
  /** TIMER_OUT_MS */
  outTime: number;
  /** The topic and queue that it goes to. */
  topic: string;
  queueId: number;
  uniqKey: string | undefined;
  /** The topic and unique key of the message that this one cancels. */
  cancels: string | undefined;
  rollTimes: number;
}

/** Reads them; undefined when the message is none of the timer's, as clients can send to its topic. */
export function readTimerProperties(properties: string): TimerProperties | undefined {
  const outTime = parseLong(findProperty(properties, TIMER_OUT_MS) ?? "");
  const topic = findProperty(properties, REAL_TOPIC);
  const queueId = Number(findProperty(properties, REAL_QID) ?? NaN);
  const isQueue = Number.isInteger(queueId) && queueId >= 0 && queueId < 1 << 16;
  if (Number.isNaN(outTime) || topic === undefined || /^(\.*)$|[/\\\0]/.test(topic) || !isQueue) {
    return undefined;
  }
  return {
    due: dueTime(properties)!,
    outTime,
    topic,
    queueId,
    uniqKey: findProperty(properties, UNIQ_KEY),
    cancels: findProperty(properties, TIMER_DEL_UNIQKEY),
    rollTimes: Number(findProperty(properties, TIMER_ROLL_TIMES) ?? 0),
  };
}

/**
 * When the message with these properties is due, in milliseconds since the epoch; undefined for one that is no timer's.
 *
 * Apache's broker cuts times down to the beginning of a slot and delivers at its end, so a message that it has stored
 * may be due up to a slot after its time; when it was given the time itself, that is exact.
 */
export function dueTime(properties: string): number | undefined {
  const outTime = parseLong(findProperty(properties, TIMER_OUT_MS) ?? "");
  if (Number.isNaN(outTime)) return undefined;
  if (outTime % APACHE_PRECISION_MILLIS !== 0) return outTime + 1;
  const isDelay = findProperty(properties, TIMER_DELAY_SEC) !== undefined ||
    findProperty(properties, TIMER_DELAY_MS) !== undefined;
  const time = isDelay ? NaN : parseLong(findProperty(properties, TIMER_DELIVER_MS) ?? "");
  const slotEnd = outTime + APACHE_SLOT_MILLIS;
  return time > outTime && time <= slotEnd ? time : slotEnd;
}

/** Apache's slot of a time of delivery: what cancels a message has the same one. Both bounds are included. */
export function slotOf(outTime: number): { from: number; until: number } {
  const start = Math.floor(outTime / APACHE_SLOT_MILLIS) * APACHE_SLOT_MILLIS;
  return { from: start + 1, until: start + APACHE_SLOT_MILLIS };
}

/** A message of the timer topic that was read. */
export interface TimerRecord {
  bytes: Uint8Array;
  layout: RecordLayout;
  /** The properties string. */
  text: string;
}

/** Reads a record; its parts are views. */
export function readTimerRecord(bytes: Uint8Array): TimerRecord {
  const layout = readRecord(bytes, viewOf(bytes), 0);
  return { bytes, layout, text: propertiesOf(bytes, layout) };
}

/** The properties string of a record. */
export function propertiesOf(bytes: Uint8Array, layout: RecordLayout): string {
  const { propertiesStart, propertiesLength } = layout;
  return decodeUtf8(bytes, propertiesStart, propertiesStart + propertiesLength);
}

/**
 * The message as it goes to its own topic; undefined when it goes nowhere. `preparedTransactionOffset`, which has no
 * meaning there, is one more than its queueOffset in the timer topic: so a start finds what has been delivered already.
 */
export function delivered(record: TimerRecord, now: number): MessageToStore | undefined {
  const timer = readTimerProperties(record.text);
  if (timer === undefined) return undefined;
  const properties = parseProperties(record.text);
  properties.delete(REAL_TOPIC);
  properties.delete(REAL_QID);
  const { topic, queueId } = timer;
  return { ...again(record, properties, now), topic, queueId };
}

/** The message as it is stored anew in the timer topic, before its file of the log goes. */
export function rolled(record: TimerRecord, now: number): MessageToStore {
  const properties = parseProperties(record.text);
  const rollTimes = Number(properties.get(TIMER_ROLL_TIMES) ?? 0);
  properties.set(TIMER_ROLL_TIMES, String(rollTimes + 1));
  return { ...again(record, properties, now), topic: TIMER_TOPIC, queueId: 0 };
}

function again(
  { bytes, layout }: TimerRecord,
  properties: Map<string, string>,
  now: number,
): MessageToStore {
  const { bodyStart, bodyLength, queueOffset, storeTimestamp } = layout;
  properties.delete(CRC32);
  const without = printProperties(properties);
  properties.set(TIMER_ENQUEUE_MS, String(storeTimestamp));
  properties.set(TIMER_DEQUEUE_MS, String(now));
  const text = printProperties(properties);
  return {
    topic: layout.topic,
    queueId: layout.queueId,
    flag: layout.flag,
    sysFlag: layout.sysFlag,
    bornTimestamp: layout.bornTimestamp,
    bornHost: layout.bornHost,
    storeHost: layout.storeHost,
    reconsumeTimes: layout.reconsumeTimes,
    preparedTransactionOffset: queueOffset + 1,
    body: bytes.subarray(bodyStart, bodyStart + bodyLength),
    // One of Apache's may leave no room for what only people look at.
    properties: fits(text, 0) ? text : without,
  };
}

/** The queueOffset in the timer topic of the message that this record was made of; undefined for any other record. */
export function originOf(layout: RecordLayout, properties: string): number | undefined {
  if (layout.preparedTransactionOffset <= 0) return undefined;
  const isFromTimer = findProperty(properties, TIMER_OUT_MS) !== undefined;
  const isRolled = findProperty(properties, TIMER_ROLL_TIMES) !== undefined;
  const isOurs = isFromTimer && (layout.topic !== TIMER_TOPIC || isRolled);
  return isOurs ? layout.preparedTransactionOffset - 1 : undefined;
}

/** What the properties of a message that cancels another one say (RecallMessageProcessor.java). */
export function cancelProperties(
  { topic, uniqKey, due, producerGroup, now }: {
    topic: string;
    uniqKey: string;
    due: number;
    producerGroup: string | undefined;
    now: number;
  },
): string {
  return printProperties([
    [MessageProperty.TAGS, "_RECALL_TAG_"],
    [TIMER_DEL_UNIQKEY, timerName(topic, uniqKey)],
    [UNIQ_KEY, uniqKey],
    [TIMER_DELIVER_MS, String(due)],
    ["BORN_TIMESTAMP", String(now)],
    ["TRACE_CONTEXT", ""],
    ...(producerGroup === undefined ? [] : [[MessageProperty.PGROUP, producerGroup] as const]),
  ]);
}

/** The name by which a message is cancelled. */
export function timerName(topic: string, uniqKey: string): string {
  return `${topic}+${uniqKey}`;
}
