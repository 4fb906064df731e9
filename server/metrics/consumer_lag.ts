/**
 * How far the groups that are there are behind in each topic that they subscribe to. Worked out when somebody asks, in
 * slices, so that requests do not wait for it. What counts as what: ConsumerLagCalculator.java of Apache RocketMQ 5.3.3.
 */

import { setImmediate } from "node:timers";
import type { SubscriptionData } from "../../client/protocol/heartbeat.ts";
import { isReadable, isWriteable } from "../../client/protocol/topic_config.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { ConsumerTable } from "../broker/client_table.ts";
import type { GroupTable } from "../broker/group_table.ts";
import type { OffsetTable } from "../broker/offset_table.ts";
import { popRetryTopicV1, popRetryTopicV2 } from "../broker/pop/retry_topic.ts";
import { RETRY_GROUP_TOPIC_PREFIX } from "../broker/topic_name.ts";
import type { TopicTable } from "../broker/topic_table.ts";
import type { Config } from "../config.ts";
import { StoreTimes } from "./store_times.ts";
import { choosesByTags, wantedCount } from "./wanted_messages.ts";

/** What a group popped of a queue. */
interface Popped {
  /** Where it goes on; -1 when that is what is committed. */
  readonly nextOffset: number;
  readonly inFlightCount: number;
}

export interface ConsumerLagDeps {
  config: Readonly<
    Pick<
      Config,
      | "brokerPermission"
      | "enableRetryTopicV2"
      | "estimateAccumulation"
      | "retrieveMessageFromPopRetryTopicV1"
    >
  >;
  store: Pick<MessageStore, "findQueue" | "getMaxOffsetInQueue" | "getMessageTime">;
  topics: Pick<TopicTable, "get">;
  groups: Pick<GroupTable, "groups">;
  consumers: Pick<ConsumerTable, "groups">;
  offsets: Pick<OffsetTable, "queryOffset" | "pulled">;
  popped: (topic: string, group: string, queueId: number) => Popped | undefined;
  now: () => number;
}

/** A group and a topic. */
export interface LagRow {
  readonly group: string;
  /** The one that is subscribed to. */
  readonly topic: string;
  /** It is about popped messages of the topic that come again. */
  readonly isRetry: boolean;
  /** Messages that are not consumed, and how long ago the oldest of them was stored. */
  lagMessages: number;
  lagMillis: number;
  /** Messages that were given out and are not consumed. */
  inFlight: number;
  /** Messages that were not given out, and how long ago the oldest of them was stored. */
  ready: number;
  queueingMillis: number;
}

/** What a group consumes. */
interface Source {
  topic: string;
  isPop: boolean;
  /** Which messages of it the group wants; undefined for all. */
  filter: SubscriptionData | undefined;
}

/** So long it may hold up the event loop. */
const SLICE_MILLIS = 4;

export class ConsumerLag {
  readonly #deps: ConsumerLagDeps;
  readonly #times: StoreTimes;
  #rows: LagRow[] = [];
  #refreshing: Promise<void> | undefined;

  constructor(deps: ConsumerLagDeps) {
    this.#deps = deps;
    this.#times = new StoreTimes(deps.store);
  }

  /** As of the last refresh. */
  get rows(): readonly LagRow[] {
    return this.#rows;
  }

  /** Works it out anew, at most so many rows; who comes meanwhile waits for that. */
  refresh(rowsMax: number): Promise<void> {
    return this.#refreshing ??= this.#refresh(rowsMax).finally(() => this.#refreshing = undefined);
  }

  async #refresh(rowsMax: number): Promise<void> {
    this.#times.begin(this.#deps.now());
    const rows: LagRow[] = [];
    let sliceEnd = performance.now() + SLICE_MILLIS;
    for (const [group, { consumeType, subscriptions }] of [...this.#deps.consumers.groups]) {
      if (!this.#deps.groups.groups.has(group)) continue;
      for (const subscription of [...subscriptions.values()]) {
        if (rows.length >= rowsMax) break;
        this.#addRows(rows, group, subscription, consumeType === "CONSUME_POP");
        if (performance.now() < sliceEnd) continue;
        await nextTurn();
        sliceEnd = performance.now() + SLICE_MILLIS;
      }
    }
    this.#rows = rows;
  }

  #addRows(rows: LagRow[], group: string, subscription: SubscriptionData, isPop: boolean): void {
    const { topic } = subscription;
    if (topic.startsWith(RETRY_GROUP_TOPIC_PREFIX) || !this.#isUsable(topic)) return;
    const isFiltered = this.#deps.config.estimateAccumulation && choosesByTags(subscription);
    const filter = isFiltered ? subscription : undefined;
    rows.push(this.#rowOf({ group, topic, isRetry: false }, { topic, isPop, filter }));
    if (!isPop) return;
    const retryTopic = this.#retryTopicOf(topic, group);
    const source = { topic: retryTopic, isPop, filter: undefined };
    rows.push(this.#rowOf({ group, topic, isRetry: true }, source));
  }

  #isUsable(topic: string): boolean {
    const config = this.#deps.topics.get(topic);
    if (config === undefined) return false;
    const perm = config.perm & this.#deps.config.brokerPermission;
    return isReadable(perm) || isWriteable(perm);
  }

  #retryTopicOf(topic: string, group: string): string {
    const { config: { enableRetryTopicV2, retrieveMessageFromPopRetryTopicV1 } } = this.#deps;
    if (!enableRetryTopicV2) return popRetryTopicV1(topic, group);
    const newer = popRetryTopicV2(topic, group);
    if (this.#isUsable(newer) || !retrieveMessageFromPopRetryTopicV1) return newer;
    return popRetryTopicV1(topic, group);
  }

  #rowOf(of: Pick<LagRow, "group" | "topic" | "isRetry">, source: Source): LagRow {
    const { topics, now } = this.#deps;
    const row = { ...of, lagMessages: 0, lagMillis: 0, inFlight: 0, ready: 0, queueingMillis: 0 };
    const config = topics.get(source.topic);
    if (config === undefined) return row;
    const { topicName, writeQueueNums } = config;
    let oldestUnconsumed = Infinity;
    let oldestReady = Infinity;
    for (let queueId = 0; queueId < writeQueueNums; queueId++) {
      const at = this.#progressOf(of.group, source, queueId);
      row.lagMessages += at.lagMessages;
      row.inFlight += at.inFlight;
      row.ready += at.ready;
      const { consumedOffset, givenOffset } = at;
      oldestUnconsumed = Math.min(
        oldestUnconsumed,
        this.#times.at(topicName, queueId, consumedOffset, at.maxOffset),
      );
      oldestReady = Math.min(
        oldestReady,
        this.#times.at(topicName, queueId, givenOffset, at.maxOffset),
      );
    }
    if (oldestUnconsumed < Infinity) row.lagMillis = Math.max(0, now() - oldestUnconsumed);
    if (oldestReady < Infinity) row.queueingMillis = Math.max(0, now() - oldestReady);
    return row;
  }

  #progressOf(group: string, { topic, isPop, filter }: Source, queueId: number) {
    const { store, offsets, popped } = this.#deps;
    const countOf = (from: number, to: number) =>
      filter === undefined || from >= to
        ? Math.max(0, to - from)
        : wantedCount(store.findQueue(topic, queueId), filter, from, to);
    const maxOffset = store.getMaxOffsetInQueue(topic, queueId);
    const committed = offsets.queryOffset(group, topic, queueId);
    if (isPop) {
      const queue = popped(topic, group, queueId);
      const next = queue === undefined || queue.nextOffset < 0 ? committed : queue.nextOffset;
      const givenOffset = next < 0 ? maxOffset : next;
      const inFlight = queue?.inFlightCount ?? 0;
      const ready = countOf(givenOffset, maxOffset);
      const consumedOffset = givenOffset - inFlight;
      return {
        maxOffset,
        lagMessages: ready + inFlight,
        inFlight,
        ready,
        consumedOffset,
        givenOffset,
      };
    }
    const pulled = offsets.pulled.get(group, topic, queueId) ?? -1;
    const consumedOffset = committed < 0 ? maxOffset : committed;
    return {
      maxOffset,
      lagMessages: countOf(consumedOffset, maxOffset),
      inFlight: committed < 0 ? 0 : countOf(committed, pulled),
      ready: pulled < 0 ? 0 : countOf(pulled, maxOffset),
      consumedOffset,
      givenOffset: Math.max(0, pulled),
    };
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
