/**
 * Following a topic: what comes into its queues is given out as it comes, for as long as somebody wants it. Requests
 * wait at the brokers for messages; one for each queue.
 */

import type { AdminClient } from "./admin_client.ts";
import { mapLimited } from "./fan_out.ts";
import { FilteredPull } from "./filtered_pull.ts";
import { type Message, messageOf, recordsOf } from "./message.ts";
import {
  maxOffset,
  minOffset,
  offsetByTime,
  type QueueAddress,
  readQueues,
} from "./queue_reading.ts";
import type { SearchFilter } from "./search_types.ts";

export interface TailOptions {
  topic: string;
  /** Where to begin: at the end, the beginning, a store time in milliseconds, or where another tail was. */
  from: "latest" | "earliest" | number | readonly TailPosition[];
  filter: SearchFilter;
  bodyLimit: number;
  /**
   * Takes a message; `given` marks it as given out and says where the tail is with it. The queue is not read on before a
   * promise that this returns is fulfilled.
   */
  onMessage: (message: Message, given: () => TailPosition[]) => void | Promise<void>;
  /** So many messages behind the end of its queue, the tail goes on at the end. Never without it. */
  behindMax?: number;
  /** Messages that were passed over because of that. */
  onSkipped?: (count: number) => void;
  /** A queue cannot be read any more; called once, the tail has ended then. */
  onError: (error: unknown) => void;
}

/** The next message of a queue that is not given out yet. */
export interface TailPosition {
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

/** More would be as many requests that wait at the brokers. */
export const TAIL_QUEUES_MAX = 256;

const PULL_MESSAGES = 32;
/** How long a request waits at the broker. */
const SUSPEND_MILLIS = 5_000;
/** Between two pulls that bring something, so that a busy topic is followed with bounded work. */
const REST_MILLIS = 20;
/** After an answer that brings nothing and leads nowhere. */
const IDLE_MILLIS = 200;
const PARALLEL = 16;

export class Tail implements Disposable {
  readonly #admin: AdminClient;
  readonly #options: TailOptions;
  readonly #queues: { queue: QueueAddress; queueOffset: number }[];
  #isEnded = false;

  private constructor(
    admin: AdminClient,
    options: TailOptions,
    queues: { queue: QueueAddress; queueOffset: number }[],
  ) {
    this.#admin = admin;
    this.#options = options;
    this.#queues = queues;
  }

  /**
   * Begins.
   * @throws {RemotingError} TOPIC_NOT_EXIST.
   * @throws {RangeError} when the topic has more queues than can be followed.
   */
  static async start(admin: AdminClient, options: TailOptions): Promise<Tail> {
    const queues = await readQueues(admin, options.topic);
    if (queues.length > TAIL_QUEUES_MAX) {
      throw new RangeError(
        `The topic ${options.topic} has ${queues.length} queues; at most ${TAIL_QUEUES_MAX} can be followed`,
      );
    }
    const offsets = await mapLimited(queues, PARALLEL, (queue) => startOf(admin, queue, options));
    const places = queues.map((queue, index) => ({ queue, queueOffset: offsets[index]! }));
    const tail = new Tail(admin, options, places);
    for (const place of places) tail.#follow(place);
    return tail;
  }

  /** Where it is, for another tail that goes on. */
  get positions(): TailPosition[] {
    return this.#queues.map(({ queue: { brokerName, queueId }, queueOffset }) => ({
      brokerName,
      queueId,
      queueOffset,
    }));
  }

  async #follow(place: { queue: QueueAddress; queueOffset: number }): Promise<void> {
    try {
      const pulls = new FilteredPull(this.#admin, place.queue, this.#options.filter);
      while (!this.#isEnded) await this.#pullOnce(place, pulls);
    } catch (error) {
      if (this.#isEnded) return;
      this.#isEnded = true;
      this.#options.onError(error);
    }
  }

  async #pullOnce(
    place: { queue: QueueAddress; queueOffset: number },
    pulls: FilteredPull,
  ): Promise<void> {
    const { behindMax = Infinity, onSkipped, onMessage, bodyLimit } = this.#options;
    const { queueOffset } = place;
    const pulled = await pulls.pull({
      queueOffset,
      maxMsgNums: PULL_MESSAGES,
      suspendTimeoutMillis: SUSPEND_MILLIS,
    });
    const { body, nextBeginOffset } = pulled;
    for (const record of recordsOf(body)) {
      if (this.#isEnded) return;
      if (!pulls.wants(body, record)) continue;
      await onMessage(messageOf(body, record, place.queue.brokerName, bodyLimit), () => {
        place.queueOffset = record.queueOffset + 1;
        return this.positions;
      });
      if (this.#isEnded) return;
      place.queueOffset = record.queueOffset + 1;
    }
    place.queueOffset = Math.max(nextBeginOffset, place.queueOffset);
    const behind = pulled.maxOffset - place.queueOffset;
    if (behind > behindMax) {
      onSkipped?.(behind);
      place.queueOffset = pulled.maxOffset;
    }
    if (place.queueOffset > queueOffset) await sleep(REST_MILLIS);
    else if (!pulled.isAtEnd) await sleep(IDLE_MILLIS);
  }

  /** Nothing is given out after this. */
  [Symbol.dispose](): void {
    this.#isEnded = true;
  }
}

async function startOf(
  admin: AdminClient,
  queue: QueueAddress,
  { from }: TailOptions,
): Promise<number> {
  if (from === "earliest") return await minOffset(admin, queue);
  if (from === "latest") return await maxOffset(admin, queue);
  if (typeof from === "number") return await offsetByTime(admin, queue, from);
  const known = from.find(({ brokerName, queueId }) =>
    brokerName === queue.brokerName && queueId === queue.queueId
  );
  return known?.queueOffset ?? await minOffset(admin, queue);
}

function sleep(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
