/** The life of a message in the order of time: what brokers have stored of it, and what clients say of it. */

import { MessageProperty } from "../protocol/message.ts";
import {
  DLQ_GROUP_TOPIC_PREFIX,
  RETRY_GROUP_TOPIC_PREFIX,
  SystemTopic,
  TIMER_TOPIC,
} from "../protocol/names.ts";
import { RemotingError, ResponseCode } from "../protocol/response_code.ts";
import type { AdminClient } from "./admin_client.ts";
import { mapLimited } from "./fan_out.ts";
import type { Message } from "./message.ts";
import { queryByKey } from "./messages.ts";
import { type FoundTraceRecord, queryTrace } from "./trace_query.ts";
import { trackMessage } from "./track.ts";

/** What a broker has done: the topic in which it stored the message says it. */
export const BROKER_EVENTS = ["PREPARED", "DELAYED", "STORED", "RETRIED", "DEAD_LETTERED"] as const;

export interface BrokerEvent {
  readonly source: "broker";
  readonly event: (typeof BROKER_EVENTS)[number];
  /** When it was stored there; milliseconds since the epoch. */
  readonly timestamp: number;
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly offsetMsgId: string;
  readonly reconsumeTimes: number;
  /** Whose retry or dead letter it is. */
  readonly group?: string;
  /** When a delayed message is due, when that is known. */
  readonly deliverAt?: number;
}

export interface ClientEvent {
  readonly source: "client";
  /** The kind of the trace record. */
  readonly event: FoundTraceRecord["kind"];
  readonly timestamp?: number;
  readonly record: FoundTraceRecord;
}

export type TimelineEvent = BrokerEvent | ClientEvent;

export interface TimelineQuery {
  msgId: string;
  topic: string | undefined;
  /** The message, when it has been found. */
  message: Message | undefined;
  traceTopics: readonly string[];
}

export interface Timeline {
  readonly events: readonly TimelineEvent[];
  /** Trace topics that are not there: clients cannot have written to them. */
  readonly missingTraceTopics: readonly string[];
}

/** Where brokers keep messages that are not to be consumed yet. */
const WAITING_TOPICS: readonly (readonly [topic: string, event: BrokerEvent["event"]])[] = [
  [SystemTopic.TRANS_HALF, "PREPARED"],
  [SystemTopic.SCHEDULE, "DELAYED"],
  [TIMER_TOPIC, "DELAYED"],
];
const RECORDS_MAX = 64;
const PARALLEL = 8;

/** Puts together what is known of a message. */
export async function messageTimeline(
  admin: AdminClient,
  { msgId, topic, message, traceTopics }: TimelineQuery,
): Promise<Timeline> {
  const records: FoundTraceRecord[] = [];
  const missingTraceTopics: string[] = [];
  for (const traceTopic of traceTopics) {
    const found = await ifTopicExists(
      queryTrace(admin, { msgId, traceTopic, maxNum: RECORDS_MAX }),
    );
    if (found === undefined) missingTraceTopics.push(traceTopic);
    else records.push(...found);
  }
  const groups = new Set(
    records.flatMap(({ kind, group }) =>
      kind.startsWith("Sub") && group !== undefined ? [group] : []
    ),
  );
  if (message !== undefined) {
    for (const { group } of await trackMessage(admin, message)) groups.add(group);
  }
  const events: TimelineEvent[] = records.map((record) => ({
    source: "client",
    event: record.kind,
    ...(record.timestamp === undefined ? {} : { timestamp: record.timestamp }),
    record,
  }));
  if (message !== undefined) events.push(brokerEvent(message, "STORED"));
  const places = placesOf(message?.topic ?? topic, groups);
  const stored = await mapLimited(places, PARALLEL, async (place) => {
    const query = { topic: place.topic, key: msgId, isUniqueKey: true, maxNum: RECORDS_MAX };
    const found = await ifTopicExists(queryByKey(admin, { ...query, bodyLimit: 0 }));
    return (found?.messages ?? []).map((copy) => brokerEvent(copy, place.event, place.group));
  });
  events.push(...stored.flat());
  events.sort((left, right) => (left.timestamp ?? Infinity) - (right.timestamp ?? Infinity));
  return { events, missingTraceTopics };
}

interface Place {
  topic: string;
  event: BrokerEvent["event"];
  group?: string;
}

/** Where copies of a message may be, under its unique key. */
function placesOf(topic: string | undefined, groups: Iterable<string>): Place[] {
  const places: Place[] = WAITING_TOPICS.map(([topic, event]) => ({ topic, event }));
  for (const group of groups) {
    const retry = RETRY_GROUP_TOPIC_PREFIX + group;
    const ofPops = topic === undefined ? [] : [`${retry}_${topic}`, `${retry}+${topic}`];
    for (const name of [retry, ...ofPops]) places.push({ topic: name, event: "RETRIED", group });
    places.push({ topic: DLQ_GROUP_TOPIC_PREFIX + group, event: "DEAD_LETTERED", group });
  }
  return places;
}

function brokerEvent(message: Message, event: BrokerEvent["event"], group?: string): BrokerEvent {
  const { topic, brokerName, queueId, queueOffset, offsetMsgId, reconsumeTimes } = message;
  const deliverAt = Number(
    message.properties[MessageProperty.TIMER_OUT_MS] ??
      message.properties[MessageProperty.TIMER_DELIVER_MS],
  );
  return {
    source: "broker",
    event,
    timestamp: message.storeTimestamp,
    topic,
    brokerName,
    queueId,
    queueOffset,
    offsetMsgId,
    reconsumeTimes,
    ...(group === undefined ? {} : { group }),
    ...(event === "DELAYED" && Number.isFinite(deliverAt) ? { deliverAt } : {}),
  };
}

async function ifTopicExists<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RemotingError && error.code === ResponseCode.TOPIC_NOT_EXIST) {
      return undefined;
    }
    throw error;
  }
}
