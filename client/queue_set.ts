/** The queues that a consumer has: takes and gives them up as the group changes, and pulls from each. */

import type { ConsumeLoop } from "./consume_loop.ts";
import { type MessageQueue, queueKey } from "./protocol/message_queue.ts";
import { ProcessQueue } from "./process_queue.ts";
import {
  GET_CONSUMER_LIST_BY_GROUP,
  LOCK_BATCH_MQ,
  UNLOCK_BATCH_MQ,
} from "./protocol/commands/client.ts";
import { encodeUtf8 } from "./protocol/bytes.ts";
import { RemotingError } from "./protocol/response_code.ts";
import { parseJson } from "./admin/admin_client.ts";
import { pull } from "./pull.ts";
import type { ConsumerParts } from "./consumer_parts.ts";
import { allocateAveragely } from "./rebalance.ts";

/** How long a broker may wait for a message (brokerSuspendMaxTimeMillis). */
const SUSPEND_MILLIS = 15_000;
/** How long to wait after a pull that failed (pullTimeDelayMillsWhenException). */
const FAILURE_MILLIS = 3_000;
/** How soon to look again for a topic that is not there yet, or a group that its broker does not know yet. */
const AGAIN_MILLIS = 1_000;
/** How long listeners may take when the consumer stops. */
const STOP_MILLIS = 5_000;

interface Held {
  readonly processQueue: ProcessQueue;
  /** Ends when the queue is dropped and no listener works for it any more. */
  readonly running: Promise<void>;
}

export class QueueSet {
  readonly #parts: ConsumerParts;
  readonly #consume: ConsumeLoop;
  readonly #held = new Map<string, Held>();
  #rebalancing: Promise<void> | undefined;
  #isWanted = false;
  #isStopped = false;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: ConsumerParts, consume: ConsumeLoop) {
    this.#parts = parts;
    this.#consume = consume;
  }

  get processQueues(): ProcessQueue[] {
    return [...this.#held.values()].map(({ processQueue }) => processQueue);
  }

  /** A topic's queues; none when it does not exist yet. @throws {UnreachableError} */
  async findQueues(topic: string): Promise<readonly MessageQueue[]> {
    try {
      return (await this.#parts.client.routes.find(topic)).readQueues;
    } catch (error) {
      if (error instanceof RemotingError) return [];
      throw error;
    }
  }

  /**
   * Takes the queues that are this member's now, and gives up the others. Calls while one runs make one more. Never
   * rejects: what failed is tried again soon.
   */
  rebalance(): Promise<void> {
    this.#isWanted = true;
    return this.#rebalancing ??= this.#rebalanceWhileWanted().catch((error) => {
      this.#parts.client.reportError("cannot share the queues anew", error);
      this.#rebalanceSoon();
    }).finally(() => this.#rebalancing = undefined);
  }

  async #rebalanceWhileWanted(): Promise<void> {
    while (this.#isWanted && !this.#isStopped) {
      this.#isWanted = false;
      const { subscriptions } = this.#parts;
      let isWhole = true;
      for (const topic of subscriptions.keys()) {
        isWhole = await this.#rebalanceTopic(topic) && isWhole;
      }
      if (!isWhole) this.#rebalanceSoon();
    }
  }

  #rebalanceSoon(): void {
    clearTimeout(this.#again);
    if (this.#isStopped) return;
    this.#again = setTimeout(() => this.rebalance(), AGAIN_MILLIS);
  }

  /** Returns whether this member has its share now. */
  async #rebalanceTopic(topic: string): Promise<boolean> {
    const queues = await this.findQueues(topic);
    // A name server that was just started may not know the topic yet: that is no reason to give queues up.
    if (queues.length === 0) return false;
    const own = await this.#allocate(topic, queues);
    if (own === undefined) return false;
    const keys = new Set(own.map(queueKey));
    const lost = [...this.#held].filter(([key, { processQueue }]) =>
      processQueue.queue.topic === topic && !keys.has(key)
    );
    await Promise.all(lost.map(([key]) => this.#giveUp(key)));
    const locked = this.#parts.settings.orderly ? await this.#lock(own) : own;
    for (const queue of locked) {
      if (!this.#held.has(queueKey(queue))) await this.#take(queue);
    }
    return locked.every((queue) => this.#held.has(queueKey(queue)));
  }

  /** This member's share of one queue or more; undefined when nobody says who is in the group. */
  async #allocate(
    topic: string,
    queues: readonly MessageQueue[],
  ): Promise<readonly MessageQueue[] | undefined> {
    const { client, settings } = this.#parts;
    if (settings.messageModel === "BROADCASTING") return queues;
    const header = { consumerGroup: settings.group };
    try {
      const { body } = await client.invoke(
        queues[0]!.brokerName,
        GET_CONSUMER_LIST_BY_GROUP,
        header,
      );
      const { consumerIdList } = parseJson(body) as { consumerIdList: string[] };
      if (consumerIdList.includes(client.clientId)) {
        return allocateAveragely(client.clientId, consumerIdList, queues);
      }
    } catch (error) {
      client.reportError(`cannot learn who is in the group ${settings.group}`, error);
      client.routes.forget(topic);
    }
    // A broker that was started anew knows nobody, or only others.
    await client.heartbeat();
    return undefined;
  }

  /** Those of the queues that the brokers lock for this member; renews the locks that it has. */
  async #lock(queues: readonly MessageQueue[]): Promise<MessageQueue[]> {
    const locked: MessageQueue[] = [];
    for (const [brokerName, mqSet] of Map.groupBy(queues, ({ brokerName }) => brokerName)) {
      const body = this.#lockBody(mqSet);
      const answer = await this.#parts.client.invoke(brokerName, LOCK_BATCH_MQ, {}, { body });
      locked.push(...(parseJson(answer.body) as { lockOKMQSet: MessageQueue[] }).lockOKMQSet);
    }
    return locked;
  }

  #lockBody(mqSet: readonly MessageQueue[]): Uint8Array {
    const { client, settings } = this.#parts;
    const text = { clientId: client.clientId, consumerGroup: settings.group, mqSet };
    return encodeUtf8(JSON.stringify(text));
  }

  async #take(queue: MessageQueue): Promise<void> {
    const { client, offsets, settings } = this.#parts;
    try {
      const nextOffset = await offsets.begin(queue, settings.consumeFrom);
      if (this.#isStopped) return;
      const processQueue = new ProcessQueue(queue, nextOffset);
      const consuming = this.#consume(processQueue);
      // A pull that is under way brings nothing any more once the queue is dropped: nobody waits for it.
      this.#pullLoop(processQueue, consuming);
      this.#held.set(queueKey(queue), { processQueue, running: consuming.ended });
    } catch (error) {
      client.reportError(`cannot begin with the queue ${queueKey(queue)}`, error);
    }
  }

  /** Pulls until the queue is dropped. Never rejects. */
  async #pullLoop(
    processQueue: ProcessQueue,
    consuming: ReturnType<ConsumeLoop>,
  ): Promise<void> {
    const { client, settings, stats } = this.#parts;
    while (!processQueue.isDropped) {
      await processQueue.room(settings.pullThresholdForQueue);
      const subscription = this.#parts.subscriptions.get(processQueue.queue.topic);
      if (processQueue.isDropped || subscription === undefined) return;
      try {
        const started = Date.now();
        const result = await pull(client, {
          consumerGroup: settings.group,
          queue: processQueue.queue,
          queueOffset: processQueue.nextOffset,
          maxMsgNums: settings.pullBatchSize,
          suspendTimeoutMillis: SUSPEND_MILLIS,
          subscription,
          isLite: false,
        });
        if (processQueue.isDropped) return;
        processQueue.lastPullTimestamp = Date.now();
        processQueue.add(result.messages, result.nextBeginOffset);
        const { topic } = processQueue.queue;
        if (result.status === "FOUND") {
          stats.pulled(topic, result.messages.length, Date.now() - started);
        }
        if (result.messages.length > 0) consuming.take(result.messages);
        else this.#noteProgress(processQueue);
      } catch (error) {
        if (processQueue.isDropped) return;
        client.reportError(`cannot pull from ${queueKey(processQueue.queue)}`, error);
        client.routes.forget(processQueue.queue.topic);
        await processQueue.dropped(FAILURE_MILLIS);
      }
    }
  }

  /** Messages that the group does not want are consumed as well. */
  #noteProgress(processQueue: ProcessQueue): void {
    if (processQueue.count > 0) return;
    this.#parts.offsets.update(processQueue.queue, processQueue.commitOffset);
  }

  async #giveUp(key: string): Promise<void> {
    const held = this.#held.get(key);
    if (held === undefined) return;
    const { processQueue, running } = held;
    processQueue.drop();
    // An orderly queue is the next member's only when nothing of it is consumed here any more.
    if (this.#parts.settings.orderly) await Promise.race([running, limit(STOP_MILLIS)]);
    this.#held.delete(key);
    await this.#parts.offsets.release(processQueue.queue);
    if (this.#parts.settings.orderly) await this.#unlock(processQueue.queue);
  }

  async #unlock(queue: MessageQueue): Promise<void> {
    const body = this.#lockBody([queue]);
    await this.#parts.client.invoke(queue.brokerName, UNLOCK_BATCH_MQ, {}, { body }).catch((
      error,
    ) => this.#parts.client.reportError(`cannot unlock ${queueKey(queue)}`, error));
  }

  /** Goes on elsewhere in these queues: what was pulled is forgotten. */
  async reset(offsets: readonly { queue: MessageQueue; offset: number }[]): Promise<void> {
    for (const { queue, offset } of offsets) {
      const held = this.#held.get(queueKey(queue));
      if (held === undefined) continue;
      held.processQueue.drop();
      await Promise.race([held.running, limit(STOP_MILLIS)]);
      this.#parts.offsets.update(queue, offset);
      await this.#parts.offsets.release(queue);
      this.#held.delete(queueKey(queue));
    }
    await this.rebalance();
  }

  /** Gives all queues up. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#again);
    await this.#rebalancing;
    for (const { processQueue } of this.#held.values()) processQueue.drop();
    const running = [...this.#held.values()].map((held) => held.running);
    await Promise.race([Promise.all(running), limit(STOP_MILLIS)]);
    await Promise.all([...this.#held.keys()].map((key) => this.#giveUp(key)));
  }
}

function limit(millis: number): Promise<void> {
  return new Promise((resolve) => Deno.unrefTimer(setTimeout(resolve, millis)));
}
