/** Everything about popping, put together. */

import type { HostBytes } from "../../../client/protocol/message.ts";
import type { RemotingClient } from "../../../client/remoting/remoting_client.ts";
import type { DispatchEntry } from "../../../store/dispatch.ts";
import type { FileSystem } from "../../../store/file_system.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { Config } from "../../config.ts";
import type { Route } from "../../dispatcher.ts";
import type { Log } from "../../log.ts";
import type { ConsumerTable } from "../client_table.ts";
import type { SqlFilterCache } from "../filter/sql_filter.ts";
import type { GroupTable } from "../group_table.ts";
import type { HeldReplies } from "../held_replies.ts";
import type { OffsetTable } from "../offset_table.ts";
import type { TopicTable } from "../topic_table.ts";
import { AckGroup } from "./ack_group.ts";
import { ackRoutes } from "./ack_routes.ts";
import { assignmentRoutes } from "./assignment_routes.ts";
import type { Clock } from "./due_timer.ts";
import { invisibleRoutes } from "./invisible_routes.ts";
import { notificationRoutes } from "./notification_routes.ts";
import { OrderFile } from "./order_file.ts";
import { OrderLocks } from "./order_locks.ts";
import { peekRoutes } from "./peek_routes.ts";
import { forgetRemoved, recordReset } from "./pop_admin.ts";
import { PopPolling } from "./pop_polling.ts";
import { popRoutes } from "./pop_routes.ts";
import { PopTable } from "./pop_table.ts";
import { Replay } from "./replay.ts";
import { RequestModeTable } from "./request_mode_table.ts";
import { ReviveLog } from "./revive_log.ts";
import { RevivedCopies } from "./revived_copy.ts";
import { Reviver } from "./reviver.ts";
import { SubscribedQueues } from "./subscribed_queues.ts";

export interface PopOptions {
  config: Config;
  store: MessageStore;
  topics: TopicTable;
  groups: GroupTable;
  offsets: OffsetTable;
  consumers: ConsumerTable;
  filterCache: SqlFilterCache;
  held: HeldReplies;
  remotingClient: Pick<RemotingClient, "invoke">;
  /** "host:port" of each name server; none before the broker registers. */
  nameServers: () => readonly string[];
  storeHost: () => HostBytes;
  /** The folder of `consumerOrderInfo.json` and `messageRequestMode.json`. */
  folder: string;
  fileSystem: FileSystem;
  clock: Clock;
  /** A whole number from 0 to below its argument. */
  random: (below: number) => number;
  /** A group was given messages: views, valid during the call. See PopAttempt. */
  onPopped?: (topic: string, from: string, group: string, records: readonly Uint8Array[]) => void;
  /** See ReviveLog. */
  onRecorded?: (group: string, topic: string, tag: string) => void;
  /** A message that a group popped of a topic was not acknowledged in time and comes again. */
  onRevived?: (group: string, topic: string) => void;
  log: Log;
}

/** Popping in a broker. */
export interface Pop extends AsyncDisposable {
  routes: Route[];
  /** Learns from the log what is in flight. To be awaited before the first request. */
  start(): Promise<void>;
  /** A message has become visible; from the first one on. */
  arrived(entry: DispatchEntry): void;
  /** An admin has sent a group elsewhere. Resolves when that is on record; undefined when it need not be. */
  wasReset(
    group: string,
    topic: string,
    queueId: number,
    queueOffset: number,
  ): Promise<void> | undefined;
  /** A group or a topic is gone. */
  wasRemoved(gone: { group: string } | { topic: string }): void;
  /** To be called when a chunk of requests has been handled, before the store commits. */
  flush(): void;
  /** What is in flight, to look at. */
  readonly table: Pick<PopTable, "find" | "queues" | "count">;
  /** How many pops and notifications wait for a message. */
  readonly waitingCount: number;
  /** Answers everybody who waits, and lets nobody wait from then on. */
  answerAll(): void;
}

/**
 * Puts it together.
 * @throws {CorruptStoreError} when a file cannot be read.
 */
export function createPop(options: PopOptions): Pop {
  const stack = new AsyncDisposableStack();
  const { config, store, topics, clock, onRevived, log } = options;
  const { brokerClusterName: clusterName, brokerName, reviveQueueNum } = config;
  // Checkpoints may be due while the records that end them have not been read yet.
  const started: { reviver?: Reviver } = {};
  const onDue = () => started.reviver?.run();
  const table = stack.use(new PopTable({ clock, reviveQueueNum, onDue }));
  const reviveLog = stack.use(
    new ReviveLog({ ...options, clusterName, brokerName, reviveQueueNum }),
  );
  // The last offsets are those of what is in the log on the disk.
  stack.defer(() => store.checkpoint());
  const orderFile = stack.use(new OrderFile({ ...options, settings: config, table }));
  const requestModes = stack.use(new RequestModeTable(options));
  const polling = stack.use(new PopPolling(config, clock));
  const notifications = stack.use(new PopPolling(config, clock));
  const wake = (topic: string, group: string, queueId: number) => {
    polling.wake(topic, group, queueId);
    notifications.wake(topic, group, queueId);
  };
  const orderLocks = stack.use(
    new OrderLocks({
      clock,
      onChange: () => orderFile.markDirty(),
      onFree: ({ topic, group, queueId }) => wake(topic, group, queueId),
    }),
  );
  const replay = new Replay({ ...options, table, reviveLog, orderLocks });
  const copies = new RevivedCopies(options);
  const reviver = stack.use(
    new Reviver({ store, topics, table, reviveLog, copies, clock, onRevived, log }),
  );
  const acks = new AckGroup({ store, table, reviveLog, polling: { wake } });
  const subscribedQueues = new SubscribedQueues({ ...options, settings: config });
  const deps = { ...options, table, reviveLog, orderLocks, polling, notifications, acks };
  const ackDeps = { ...deps, polling: { wake } };
  // Records of the revive log are read one after the other, in their order.
  let reading: Promise<void> = Promise.resolve();
  stack.defer(() => reading);
  const readForeign = ({ queueId, queueOffset, physicalOffset, size }: DispatchEntry) => {
    const place = { reviveQid: queueId, reviveOffset: -1 };
    reviveLog.openEntry(queueOffset, place);
    reading = reading.then(() => replay.readOne(place, physicalOffset + size)).catch((error) =>
      log.error("cannot read a record of the revive log", { queueId, queueOffset, error })
    );
  };
  return {
    routes: [
      ...popRoutes(deps),
      ...ackRoutes(ackDeps),
      ...invisibleRoutes(ackDeps),
      ...notificationRoutes(deps),
      ...peekRoutes(deps),
      ...assignmentRoutes({ ...options, requestModes, subscribedQueues }),
    ],
    async start() {
      const queueNums = topics.get(reviveLog.topic)?.readQueueNums ?? 0;
      const replaying = replay.run(Math.max(reviveQueueNum, queueNums));
      reading = replaying.catch(() => {});
      await replaying;
      started.reviver = reviver;
      reviver.run();
    },
    arrived(entry) {
      if (entry.topic !== reviveLog.topic) {
        polling.arrived(entry);
        notifications.arrived(entry);
      } else if (!reviveLog.isOwn(entry.physicalOffset)) {
        readForeign(entry);
      }
    },
    wasReset(group, topic, queueId, queueOffset) {
      const queue = table.find(topic, group, queueId);
      if (queue === undefined) return undefined;
      const recorded = recordReset(deps, queue, queueOffset);
      orderLocks.changed(queue);
      return recorded;
    },
    wasRemoved(gone) {
      forgetRemoved(deps, gone);
      orderFile.markDirty();
    },
    flush: () => acks.flush(),
    table,
    get waitingCount() {
      return polling.count + notifications.count;
    },
    answerAll() {
      polling[Symbol.dispose]();
      notifications[Symbol.dispose]();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
