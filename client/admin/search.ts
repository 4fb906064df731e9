/**
 * Searching the queues of a topic in the order in which messages were stored, forwards or backwards. The queue that is
 * furthest behind is read next, so that all move through time together and little is kept.
 */

import type { AdminClient } from "./admin_client.ts";
import { mapLimited } from "./fan_out.ts";
import type { Message } from "./message.ts";
import {
  maxOffset,
  minOffset,
  offsetByTime,
  type QueueAddress,
  readQueues,
} from "./queue_reading.ts";
import { QueueScan } from "./queue_scan.ts";
import type { QueueRange, SearchCursor, SearchQuery } from "./search_types.ts";

/** Bodies that all queues together may keep, about; a message has more to it than its body. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024;
const MESSAGE_BYTES = 1024;
/** So many queues are asked at the same time. */
const PARALLEL = 16;

export class MessageSearch {
  readonly #scans: QueueScan[];
  readonly #order: SearchQuery["order"];

  private constructor(scans: QueueScan[], order: SearchQuery["order"]) {
    this.#scans = scans;
    this.#order = order;
  }

  /**
   * Finds out what has to be searched.
   * @throws {RemotingError} TOPIC_NOT_EXIST.
   */
  static async open(admin: AdminClient, query: SearchQuery): Promise<MessageSearch> {
    const queues = (await readQueues(admin, query.topic)).filter((queue) => isMeant(query, queue));
    const ranges = await mapLimited(queues, PARALLEL, (queue) => rangeOf(admin, queue, query));
    const keptMax = Math.floor(
      KEPT_BYTES_MAX / (Math.max(1, queues.length) * (query.bodyLimit + MESSAGE_BYTES)),
    );
    const scans = queues.map((queue, index) =>
      new QueueScan({
        admin,
        queue,
        order: query.order,
        ...ranges[index]!,
        beginTimestamp: query.begin ?? -Infinity,
        endTimestamp: query.end ?? Infinity,
        filter: query.filter ?? {},
        bodyLimit: query.bodyLimit,
        keptMax,
      })
    );
    return new MessageSearch(scans, query.order);
  }

  /** Messages that have been looked at so far. */
  get scanned(): number {
    return this.#scans.reduce((sum, scan) => sum + scan.scanned, 0);
  }

  /** When the messages were stored, about, that are looked at now. */
  get horizon(): number | undefined {
    return this.#next()?.horizon;
  }

  /** Whether there is nothing more. */
  get isDone(): boolean {
    return this.#next() === undefined;
  }

  /** Where to go on later; undefined when there is nothing more. */
  get cursor(): SearchCursor | undefined {
    const queues: QueueRange[] = [];
    for (const scan of this.#scans) {
      const { brokerName, queueId } = scan.queue;
      const { begin, end } = scan.rest;
      if (begin < end) queues.push({ brokerName, queueId, begin, end });
    }
    return queues.length === 0 ? undefined : { order: this.#order, queues };
  }

  /** The next message when it is known; else some more have to be looked at. */
  take(): Message | undefined {
    const scan = this.#next();
    return scan?.matches.shift();
  }

  /** Looks at some more messages. */
  async advance(): Promise<void> {
    const unread = this.#scans.filter((scan) => scan.horizon === undefined && !isOver(scan));
    if (unread.length > 0) {
      await Promise.all(unread.slice(0, PARALLEL).map((scan) => scan.advance()));
    } else {
      await this.#next()?.advance();
    }
  }

  /** The queue whose next message is the first of all, or might be. */
  #next(): QueueScan | undefined {
    let first: QueueScan | undefined;
    let firstTime = 0;
    for (const scan of this.#scans) {
      if (isOver(scan)) continue;
      const time = scan.matches[0]?.storeTimestamp ?? scan.horizon ??
        (this.#order === "asc" ? -Infinity : Infinity);
      const isBefore = this.#order === "asc" ? time < firstTime : time > firstTime;
      if (first === undefined || isBefore) [first, firstTime] = [scan, time];
    }
    return first;
  }
}

function isOver(scan: QueueScan): boolean {
  return scan.isDone && scan.matches.length === 0;
}

function isMeant(query: SearchQuery, { brokerName, queueId }: QueueAddress): boolean {
  return (query.brokerName === undefined || query.brokerName === brokerName) &&
    (query.queueId === undefined || query.queueId === queueId);
}

async function rangeOf(
  admin: AdminClient,
  queue: QueueAddress,
  query: SearchQuery,
): Promise<{ begin: number; end: number }> {
  const { brokerName, queueId } = queue;
  const left = query.cursor?.queues.find((range) =>
    range.brokerName === brokerName && range.queueId === queueId
  );
  if (query.cursor !== undefined && left === undefined) return { begin: 0, end: 0 };
  const [first, last, begin, end] = await Promise.all([
    minOffset(admin, queue),
    maxOffset(admin, queue),
    query.begin === undefined || left ? 0 : offsetByTime(admin, queue, query.begin),
    query.end === undefined || left ? Infinity : offsetByTime(admin, queue, query.end + 1),
  ]);
  return {
    begin: Math.max(first, begin, query.beginOffset ?? 0, left?.begin ?? 0),
    end: Math.min(last, end, query.endOffset ?? Infinity, left?.end ?? Infinity),
  };
}
