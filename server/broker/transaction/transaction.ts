/** Everything about transactions, put together. */

import type { HostBytes } from "../../../client/protocol/message.ts";
import type { MessageToStore } from "../../../client/protocol/message_record.ts";
import {
  refuse,
  type RemotingError,
  ResponseCode,
} from "../../../client/protocol/response_code.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { Config } from "../../config.ts";
import type { Route } from "../../dispatcher.ts";
import type { Log } from "../../log.ts";
import type { ProducerTable } from "../client_table.ts";
import type { HeldReplies } from "../held_replies.ts";
import type { OffsetTable } from "../offset_table.ts";
import { type Clock, systemClock } from "../pop/due_timer.ts";
import type { TopicTable } from "../topic_table.ts";
import { Changes, type Put } from "./changes.ts";
import { CheckTimes } from "./check_times.ts";
import { Checker } from "./checker.ts";
import { endRoutes } from "./end_routes.ts";
import { halfFacts, halfMessage } from "./half_message.ts";
import { HalfReader } from "./half_reader.ts";
import { listOpen, type OpenRow } from "./listing.ts";
import { Loader } from "./loader.ts";
import { OpenTable } from "./open_table.ts";
import { Progress } from "./progress.ts";
import { Renewal } from "./renewal.ts";
import { resumeRoutes } from "./resume_routes.ts";

export interface TransactionOptions {
  config: Config;
  store: MessageStore;
  topics: TopicTable;
  offsets: OffsetTable;
  producers: ProducerTable;
  held: HeldReplies;
  storeHost: () => HostBytes;
  /** What becomes of a message that is to be delivered: one with a delay waits in another topic first. */
  delayed: (message: MessageToStore) => MessageToStore;
  /** The time of day, in milliseconds since the epoch. */
  now: () => number;
  /** A clock that nobody sets. */
  steady: Clock;
  /** A producer has ended a transaction for a topic, so long after its message was born. */
  onEnded?: (topic: string, isCommit: boolean, ageMillis: number) => void;
  log: Log;
}

/** Time as it goes on, whatever is done to the time of day. */
export const steadyClock: Clock = {
  now: () => Math.round(performance.now()),
  after: systemClock.after,
};

/** Transactions in a broker. */
export interface Transactions extends AsyncDisposable {
  routes: Route[];
  /** Learns from the log which transactions are open. To be awaited before the first request. */
  start(): Promise<void>;
  /**
   * What to store of a message that begins a transaction.
   * @throws {RemotingError} when it may not begin.
   */
  halfMessage(message: MessageToStore, producerGroup: string): MessageToStore;
  /** The half message is safe in the log: the transaction is open. */
  opened(half: MessageToStore, put: Put): void;
  /** A producer of a group is there, who can be asked. */
  producerIsThere(producerGroup: string): void;
  /** How many are open for each topic, by the groups that began them. */
  readonly openCounts: Iterable<{ topic: string; openCount: number }>;
  /** Open transactions for people, oldest record first: at most `count` after the one at `afterQueueOffset`. */
  list(afterQueueOffset: number, count: number): Promise<OpenRow[]>;
}

/** Puts it together. */
export function createTransactions(options: TransactionOptions): Transactions {
  const stack = new AsyncDisposableStack();
  const { config: settings, store, producers, now, steady } = options;
  // Checks may be due and offsets be stuck before there is somebody to see to it.
  const started: { checker?: Checker; renewal?: Renewal } = {};
  const table = stack.use(new OpenTable(steady, () => started.checker?.run()));
  const onStuck = () => started.renewal?.run();
  const progress = stack.use(new Progress({ ...options, table, clock: steady, onStuck }));
  // The last offsets are those of what is in the log on the disk.
  stack.defer(() => store.checkpoint());
  const times = new CheckTimes({ settings, now, steady });
  const reader = new HalfReader({ store, settings });
  const changes = new Changes({ ...options, table, progress });
  const deps = { ...options, settings, producers, table, progress, times, reader, changes };
  const renewal = stack.use(new Renewal(deps));
  const checker = stack.use(new Checker(deps));
  const open = (half: MessageToStore, put: Put, isResumed: boolean) => {
    const facts = halfFacts(half.properties)!;
    const { queueOffset, physicalOffset, endOffset } = put;
    const startTimestamp = times.startTimestamp(facts, half.bornTimestamp, now());
    progress.halfIsAt(queueOffset, endOffset);
    table.add({
      place: { queueOffset, physicalOffset, size: endOffset - physicalOffset },
      facts,
      startTimestamp,
      dueAt: isResumed ? steady.now() : times.first(facts, startTimestamp),
      // What was given up may have been taken up before.
      isSuspect: isResumed,
    });
  };
  return {
    routes: [
      ...endRoutes(deps),
      ...resumeRoutes({ ...deps, onResumed: (message, put) => open(message, put, true) }),
    ],
    async start() {
      await new Loader(deps).run();
      Object.assign(started, { checker, renewal });
      checker.run();
    },
    halfMessage(message, producerGroup) {
      if (table.size >= settings.transactionOpenMax) throw tooMany(table.size);
      return halfMessage(message, producerGroup, createUniqKey);
    },
    opened: (half, put) => open(half, put, false),
    producerIsThere: (producerGroup) => table.endWaiting(producerGroup),
    get openCounts() {
      return table.kinds;
    },
    list: (after, count) => listOpen({ table, reader, now }, after, count),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function tooMany(count: number): RemotingError {
  return refuse(
    ResponseCode.SYSTEM_BUSY,
    `${count} transactions are open, more are not taken (transactionOpenMax)`,
  );
}

/** As long as those that clients make. */
function createUniqKey(): string {
  return crypto.randomUUID().replaceAll("-", "").toUpperCase();
}
