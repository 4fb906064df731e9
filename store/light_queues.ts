/**
 * Light queues (LMQ): where a message goes besides its own queue. `client/protocol/multi_dispatch.ts` has the properties
 * that say so.
 */

import {
  isLmq,
  isMultiDispatchServed,
  LMQ_QUEUE_ID,
  lmqsToDispatchTo,
  withLmqOffsets,
} from "../client/protocol/multi_dispatch.ts";
import type { MessageToStore } from "../client/protocol/message_record.ts";
import type { ConsumeQueue } from "./consume_queue.ts";
import { type DispatchEntry, isQueued } from "./dispatch.ts";
import type { StoreSettings } from "./open_store.ts";
import type { QueueTable } from "./queue_table.ts";
import type { PutMessageResult } from "./store_options.ts";

export interface LightQueueOptions {
  /** Read when they are needed. */
  settings: Readonly<
    Pick<StoreSettings, "enableLmq" | "enableMultiDispatch" | "maxLmqConsumeQueueNum">
  >;
  queues: Pick<QueueTable, "get" | "topicsOnDisk">;
  /** Whether a topic is being deleted, so that nothing may come to its queues. */
  isBeingDeleted: (topic: string) => boolean;
}

/** A message as it is to be stored, and the light queues that it then is in, each at its nextOffset. */
interface Dispatched {
  message: MessageToStore;
  queues: readonly ConsumeQueue[];
}

export class LightQueues {
  readonly #options: LightQueueOptions;
  /** Those that there are. */
  readonly #names: Set<string>;

  constructor(options: LightQueueOptions) {
    this.#options = options;
    this.#names = new Set(options.queues.topicsOnDisk().filter(isLmq));
  }

  /** Whether messages may go to light queues of these names, of which there may be so many. */
  haveRoomFor(names: Iterable<string>): boolean {
    let count = this.#names.size;
    const isKnown = (name: string) => this.#names.has(name);
    for (const name of new Set(names)) if (!isKnown(name)) count++;
    return count === this.#names.size || count <= this.#options.settings.maxLmqConsumeQueueNum;
  }

  /**
   * Says where a message goes that may name light queues. Changes nothing, and refuses none for being one too many: a
   * message that has been taken may come to its topic later.
   */
  dispatched(
    message: MessageToStore,
  ): Dispatched | Extract<PutMessageResult, { status: "SERVICE_NOT_AVAILABLE" }> {
    const { settings, queues, isBeingDeleted } = this.#options;
    const isServed = isMultiDispatchServed(settings) && isQueued(message.sysFlag);
    const names = isServed ? lmqsToDispatchTo(message.topic, message.properties) : [];
    const deleted = names.find(isBeingDeleted);
    if (deleted !== undefined) {
      return { status: "SERVICE_NOT_AVAILABLE", reason: `${deleted} is being deleted` };
    }
    const found = names.map((name) => queues.get(name, LMQ_QUEUE_ID));
    const offsets = found.map(({ nextOffset }) => nextOffset);
    const properties = withLmqOffsets(message.properties, names, offsets);
    return { message: { ...message, properties }, queues: found };
  }

  /** Takes the places of a message that has been appended. */
  take(queues: readonly ConsumeQueue[], entry: DispatchEntry): void {
    for (const { topic } of queues) this.#names.add(topic);
    entry.multiDispatch = queues.map((queue) => ({
      ...entry,
      topic: queue.topic,
      queueId: LMQ_QUEUE_ID,
      queue,
      queueOffset: queue.nextOffset++,
    }));
  }

  /** A message goes to a topic. */
  note(topic: string): void {
    if (isLmq(topic)) this.#names.add(topic);
  }

  /** A topic was deleted. */
  forget(topic: string): void {
    this.#names.delete(topic);
  }
}
