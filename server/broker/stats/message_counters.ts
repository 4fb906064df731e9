/**
 * Messages in and out by topic and group, for metrics: plain numbers on objects that stay. Nothing of it outlives the
 * process. Names and what counts where: BrokerMetricsManager.java of Apache RocketMQ 5.3.3 and who calls it.
 */

import { MessageProperty } from "../../../client/protocol/message.ts";
import type { MessageToStore } from "../../../client/protocol/message_record.ts";
import { Histogram } from "../../metrics/histogram.ts";
import { TIMER_TOPIC } from "../timer/timer_message.ts";
import { DLQ_GROUP_TOPIC_PREFIX, RETRY_GROUP_TOPIC_PREFIX, SystemTopic } from "../topic_name.ts";

/** What a message is; its index is used in place of its name. */
export const MESSAGE_KINDS = ["normal", "fifo", "delay", "transaction"] as const;
export type MessageKind = typeof MESSAGE_KINDS[number];

const SHARDING_KEY = `${MessageProperty.SHARDING_KEY}\u0001`;

/** What a message is that was sent, as it is stored. */
export function messageKindOf(
  { topic, properties }: Pick<MessageToStore, "topic" | "properties">,
): MessageKind {
  if (topic === SystemTopic.TRANS_HALF) return "transaction";
  if (topic === SystemTopic.SCHEDULE || topic === TIMER_TOPIC) return "delay";
  return properties.includes(SHARDING_KEY) ? "fifo" : "normal";
}

/** How a group got a message; its index is used in place of its name. */
export const DELIVERIES = ["pull", "pop", "pop retry"] as const;
export type Delivery = typeof DELIVERIES[number];

const SIZE_BOUNDS_BYTES = [1_024, 4_096, 524_288, 1_048_576, 2_097_152, 4_194_304];

export class InCounter {
  count = 0;
  bytes = 0;
  readonly sizes = new Histogram(SIZE_BOUNDS_BYTES);
}

export class OutCounter {
  count = 0;
  bytes = 0;
}

type Few<T> = (T | undefined)[];

export class MessageCounters {
  readonly #in = new Map<string, Few<InCounter>>();
  readonly #out = new Map<string, Map<string, Few<OutCounter>>>();
  readonly #deadLetters = new Map<string, Map<string, number>>();
  readonly #outMax: number;
  #outCount = 0;
  /** Given to groups and topics that came after there were counters for so many. */
  readonly others = new OutCounter();

  /** @param outMax the most pairs of a topic and a group that have a counter of their own. */
  constructor(outMax: number) {
    this.#outMax = outMax;
  }

  /** So many messages of one kind, with so many bytes together, came to a topic. What is sent to groups does not count. */
  received(topic: string, kind: MessageKind, count: number, bytes: number): void {
    if (isOfGroup(topic)) return;
    let kinds = this.#in.get(topic);
    if (kinds === undefined) this.#in.set(topic, kinds = []);
    const counter = kinds[KIND_INDEX[kind]] ??= new InCounter();
    counter.count += count;
    counter.bytes += bytes;
    counter.sizes.record(bytes / count);
  }

  /** A group got messages of a topic; of a retry topic only what it popped counts, as of the topic behind it. */
  given(topic: string, group: string, delivery: Delivery, messages: OutCounter): void {
    if (isOfGroup(topic)) return;
    const counter = this.#out.get(topic)?.get(group)?.[DELIVERY_INDEX[delivery]] ??
      this.#createOut(topic, group, DELIVERY_INDEX[delivery]);
    counter.count += messages.count;
    counter.bytes += messages.bytes;
  }

  #createOut(topic: string, group: string, delivery: number): OutCounter {
    if (this.#outCount >= this.#outMax) return this.others;
    this.#outCount++;
    let groups = this.#out.get(topic);
    if (groups === undefined) this.#out.set(topic, groups = new Map());
    let deliveries = groups.get(group);
    if (deliveries === undefined) groups.set(group, deliveries = []);
    return deliveries[delivery] = new OutCounter();
  }

  /** A message of a topic went to the dead letters of a group. */
  deadLettered(topic: string, group: string): void {
    let groups = this.#deadLetters.get(topic);
    if (groups === undefined) this.#deadLetters.set(topic, groups = new Map());
    groups.set(group, (groups.get(group) ?? 0) + 1);
  }

  /** Every topic and kind of which messages came. */
  *incoming(): Generator<[topic: string, kind: MessageKind, counter: InCounter]> {
    for (const [topic, kinds] of this.#in) {
      for (const [index, counter] of kinds.entries()) {
        if (counter !== undefined) yield [topic, MESSAGE_KINDS[index]!, counter];
      }
    }
  }

  /** Every topic and group that got messages, by the way they did. */
  *outgoing(): Generator<[topic: string, group: string, delivery: Delivery, counter: OutCounter]> {
    for (const [topic, groups] of this.#out) {
      for (const [group, deliveries] of groups) {
        for (const [index, counter] of deliveries.entries()) {
          if (counter !== undefined) yield [topic, group, DELIVERIES[index]!, counter];
        }
      }
    }
  }

  *deadLetters(): Generator<[topic: string, group: string, count: number]> {
    for (const [topic, groups] of this.#deadLetters) {
      for (const [group, count] of groups) yield [topic, group, count];
    }
  }

  /** Forgets a topic that is gone. */
  forgetTopic(topic: string): void {
    this.#in.delete(topic);
    for (const deliveries of this.#out.get(topic)?.values() ?? []) this.#forgetOut(deliveries);
    this.#out.delete(topic);
    this.#deadLetters.delete(topic);
  }

  /** Forgets a group that is gone. */
  forgetGroup(group: string): void {
    for (const groups of this.#out.values()) {
      this.#forgetOut(groups.get(group) ?? []);
      groups.delete(group);
    }
    for (const groups of this.#deadLetters.values()) groups.delete(group);
  }

  #forgetOut(deliveries: Few<OutCounter>): void {
    for (const counter of deliveries) if (counter !== undefined) this.#outCount--;
  }
}

const KIND_INDEX = indexesOf(MESSAGE_KINDS);
const DELIVERY_INDEX = indexesOf(DELIVERIES);

function indexesOf<K extends string>(names: readonly K[]): Record<K, number> {
  return Object.fromEntries(names.map((name, index) => [name, index])) as Record<K, number>;
}

/** Whether a topic has what a group is to consume again, or could not. */
function isOfGroup(topic: string): boolean {
  return topic.charCodeAt(0) === PERCENT &&
    (topic.startsWith(RETRY_GROUP_TOPIC_PREFIX) || topic.startsWith(DLQ_GROUP_TOPIC_PREFIX));
}

const PERCENT = 37;
