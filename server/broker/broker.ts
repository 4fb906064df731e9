/** The broker, put together: built in reading order, taken apart in reverse. */

import { isIP } from "node:net";
import { hostBytes } from "../../client/protocol/message.ts";
import type { MessageToStore } from "../../client/protocol/message_record.ts";
import { unservedRemark } from "../../client/protocol/request_state.ts";
import type { Address } from "../../client/remoting/connection.ts";
import { parseAddress, RemotingClient } from "../../client/remoting/remoting_client.ts";
import { SCHEDULE_TOPIC } from "../../store/dispatch.ts";
import { denoFileSystem } from "../../store/file_system.ts";
import { MessageStore } from "../../store/message_store.ts";
import type { Config } from "../config.ts";
import { fastPort, storePaths } from "../config_derived.ts";
import { Dispatcher } from "../dispatcher.ts";
import { type Log, RateLimit } from "../log.ts";
import type { BrokerSource } from "../metrics/broker_source.ts";
import { ConsumerLag } from "../metrics/consumer_lag.ts";
import { timeCreations } from "../metrics/creation_times.ts";
import { Histogram } from "../metrics/histogram.ts";
import { RpcLatency } from "../metrics/rpc_latency.ts";
import { RemotingServer } from "../remoting_server.ts";
import { adminRoutes } from "./admin_routes.ts";
import { ChangedSettings } from "./changed_settings.ts";
import { clientRoutes, consumerIdsNotifier } from "./client_routes.ts";
import { ConsumerTable, ProducerTable } from "./client_table.ts";
import { ConsumerFilterTable } from "./consumer_filter_table.ts";
import { SqlFilterCache } from "./filter/sql_filter.ts";
import { groupRoutes } from "./group_routes.ts";
import { GroupTable } from "./group_table.ts";
import { HeldReplies } from "./held_replies.ts";
import { LongPolling } from "./long_polling.ts";
import { offsetRoutes } from "./offset_routes.ts";
import { OffsetTable } from "./offset_table.ts";
import { systemClock } from "./pop/due_timer.ts";
import { createPop, type Pop } from "./pop/pop.ts";
import { pullRoutes } from "./pull_routes.ts";
import { QueueLockTable } from "./queue_lock_table.ts";
import { queryRoutes } from "./query_routes.ts";
import { createRegistration, type Registration } from "./registration.ts";
import { replyRoutes } from "./reply_routes.ts";
import { parseDelayLevels, Schedule } from "./schedule.ts";
import { sendBackRoutes } from "./send_back_routes.ts";
import { sendRoutes } from "./send_routes.ts";
import { startCompaction } from "./compaction.ts";
import { BrokerStats } from "./stats/broker_stats.ts";
import { messageKindOf } from "./stats/message_counters.ts";
import { storeReports } from "./store_reports.ts";
import { delayed } from "./timer/delayed.ts";
import { Timers } from "./timer/timers.ts";
import { topicRoutes } from "./topic_routes.ts";
import { TopicTable } from "./topic_table.ts";
import { createTransactions, steadyClock, type Transactions } from "./transaction/transaction.ts";

/** How often clients are looked for that have gone silent. */
const EXPIRY_SCAN_MILLIS = 10_000;
/** For how long an fdatasync may take. */
const SYNC_BOUNDS_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1];
/** What Apache has consume delayed messages (MixAll.java). */
const SCHEDULE_CONSUMER_GROUP = "SCHEDULE_CONSUMER";

/** Where and as what the broker registers. */
export interface BrokerAddresses {
  nameServers: string[];
  brokerAddr: string;
  haServerAddr: string;
  /** An IP address of this machine, for records and offsetMsgIds when brokerAddr has a name. */
  storeHost: Address;
}

export interface Broker extends AsyncDisposable {
  port: number;
  /** The second port, for clients with vipChannelEnabled; undefined when there is none. */
  fastPort: number | undefined;
  /** What its metrics are read from. */
  readonly metrics: BrokerSource;
  /** Registers at the name servers, now and from then on. */
  register(addresses: BrokerAddresses): Promise<void>;
}

/**
 * Opens the store and listens.
 * @throws when the data folder cannot be used, what is in it is damaged, or a port is taken.
 */
export async function createBroker(config: Config, { log }: { log: Log }): Promise<Broker> {
  await using stack = new AsyncDisposableStack();
  const held = new HeldReplies();
  const servers: RemotingServer[] = [];
  const longPolling = new LongPolling();
  const delayLevels = parseDelayLevels(config.messageDelayLevel);
  // The store tells of arrivals before there is a schedule, and the schedule needs the store.
  const schedule: { current?: Schedule } = {};
  const timer: { current?: Timers } = {};
  const pop: { current?: Pop } = {};
  const writeWarnings = new RateLimit(1_000);
  const stats = stack.use(
    new BrokerStats({
      now: Date.now,
      // Messages come when there are topics.
      isSystemTopic: (topic) => topics.isSystemTopic(topic),
      seriesMax: config.metricsOtelCardinalityLimit,
    }),
  );
  const syncs = new Histogram(SYNC_BOUNDS_SECONDS);
  // The store opens before the offsets are loaded, and may report at once.
  const offsetTable: { current?: OffsetTable } = {};
  const store: MessageStore = stack.use(
    new MessageStore({
      ...storeReports({
        log,
        minOffsetOf: (topic, queueId) => store.getMinOffsetInQueue(topic, queueId),
        committed: () => offsetTable.current?.committed ?? [],
      }),
      settings: config,
      fileSystem: denoFileSystem,
      now: Date.now,
      delayLevels,
      onArrival(arrival) {
        stats.arrived(arrival.topic, arrival.size, arrival.storeTimestamp);
        if (arrival.topic === SCHEDULE_TOPIC) schedule.current?.wake(arrival.queueId + 1);
        timer.current?.arrived(arrival);
        for (const entry of arrival.multiDispatch ?? []) {
          longPolling.arrived(entry);
          pop.current?.arrived(entry);
        }
        longPolling.arrived(arrival);
        pop.current?.arrived(arrival);
      },
      onPromised: (offset) => held.promised(offset),
      onSynced: (millis) => syncs.record(millis / 1_000),
      onWriteFailed(offset, error) {
        held.failed(offset, error);
        if (writeWarnings.allow(Date.now()) !== undefined) log.error("cannot write", { error });
      },
      onFatal(error) {
        log.error("the disk failed; nothing more is written or acknowledged", { error });
        held.failed(store.stats.durableOffset, error);
        // Whoever waits for an answer gets it; the servers give them a second for that.
        Promise.all(servers.map((server) => server[Symbol.asyncDispose]())).finally(() =>
          Deno.exit(1)
        );
      },
      neededFrom: () => timer.current?.neededFrom() ?? 0,
    }),
  );
  if (!store.recovery.clean) log.info("recovered after a crash", { ...store.recovery });
  if (store.recovery.madeAnewFrom !== undefined) {
    log.warn("damaged queues or index were made anew from the log", { ...store.recovery });
  }
  const levelCount = delayLevels.length;
  const persisted = {
    folder: storePaths(config).config,
    fileSystem: denoFileSystem,
    settings: config,
    now: Date.now,
    log,
  };
  schedule.current = stack.use(
    new Schedule({
      ...persisted,
      store,
      held,
      levelCount,
      onDelivered(topic, bytes) {
        const given = { count: 1, bytes };
        stats.messages.given(SCHEDULE_TOPIC, SCHEDULE_CONSUMER_GROUP, "pull", given);
        stats.messages.received(topic, "delay", 1, bytes);
      },
    }),
  );
  // Topics change before the broker has registered, and the registration needs the topics.
  const registered: { current?: Registration } = {};
  const topics = stack.use(
    new TopicTable({
      ...persisted,
      onChange: () => registered.current?.topicsChanged() ?? Promise.resolve(),
    }),
  );
  if (config.enableCompaction) startCompaction(store, topics, { config, log });
  const changedSettings = stack.use(new ChangedSettings({ ...persisted, config }));
  const groups = stack.use(new GroupTable(persisted));
  const offsets = offsetTable.current = stack.use(
    new OffsetTable({
      ...persisted,
      onReset: (group, topic, queueId, queueOffset) => {
        const recorded = pop.current?.wasReset(group, topic, queueId, queueOffset);
        longPolling.wasReset(topic, queueId);
        return recorded;
      },
      onRemove: (gone) => pop.current?.wasRemoved(gone),
    }),
  );
  const clamped = offsets.clamp((topic, queueId) => store.getMaxOffsetInQueue(topic, queueId));
  if (clamped.length > 0) {
    log.warn("consumer offsets lay beyond their queues", { clamped });
    // Before messages take the places that those offsets count as consumed.
    await offsets.flush();
  }
  const clientOptions = { channelExpiredTimeout: config.channelExpiredTimeout, now: Date.now, log };
  const filterCache = new SqlFilterCache();
  const filters = stack.use(new ConsumerFilterTable({ ...persisted, filterCache }));
  // Transactions ask producers, and are told of them.
  const transaction: { current?: Transactions } = {};
  const producers = new ProducerTable({
    ...clientOptions,
    onProducer: (group) => transaction.current?.producerIsThere(group),
  });
  const consumers = new ConsumerTable({
    ...clientOptions,
    onConsumerIdsChanged: consumerIdsNotifier(config),
    filters,
  });
  const expiring = setInterval(() => {
    producers.expire();
    consumers.expire();
    filters.expire();
  }, EXPIRY_SCAN_MILLIS);
  stack.defer(() => clearInterval(expiring));
  const queueLocks = stack.use(
    new QueueLockTable({
      ...persisted,
      rebalanceLockMaxLiveTime: config.rebalanceLockMaxLiveTime,
    }),
  );
  let storeHost = hostBytes("127.0.0.1", config.listenPort);
  const remotingClient = stack.use(new RemotingClient());
  let nameServerAddresses: readonly string[] = [];
  let registeredAddr: string | undefined;
  const timers = timer.current = stack.use(
    new Timers({
      config,
      store,
      topics,
      held,
      storeHost: () => storeHost,
      fileSystem: denoFileSystem,
      clock: systemClock,
      onEnqueued: (topic, delayMillis) => stats.events.timerEnqueued(topic, delayMillis),
      onDequeued: (topic) => stats.events.timersDequeued.add(topic),
      log,
    }),
  );
  await timers.start();
  const popping = pop.current = stack.use(
    createPop({
      ...persisted,
      config,
      store,
      topics,
      groups,
      offsets,
      consumers,
      filterCache,
      held,
      remotingClient,
      nameServers: () => nameServerAddresses,
      storeHost: () => storeHost,
      clock: systemClock,
      random: (below) => Math.floor(Math.random() * below),
      onPopped: (...popped) => stats.popped(...popped),
      onRecorded: (group, topic, tag) => stats.events.reviveRecords.add(group, topic, tag),
      onRevived: (group, topic) => stats.events.revived.add(group, topic),
    }),
  );
  await popping.start();
  const transactions = transaction.current = stack.use(
    createTransactions({
      config,
      store,
      topics,
      offsets,
      producers,
      held,
      storeHost: () => storeHost,
      delayed: (message) => delayed(message, { levelCount, timers }),
      now: Date.now,
      steady: steadyClock,
      onEnded: (...ended) => stats.events.transactionEnded(...ended),
      log,
    }),
  );
  await transactions.start();
  const rpc = new RpcLatency();
  const onReceived = (first: MessageToStore, count: number, bytes: number) =>
    stats.messages.received(first.topic, messageKindOf(first), count, bytes);
  const dispatcher = new Dispatcher(
    timeCreations(
      [
        ...sendRoutes({
          config,
          store,
          topics,
          groups,
          queueLocks,
          transactions,
          timers,
          held,
          levelCount,
          storeHost: () => storeHost,
          onReceived,
          onDead: ({ topic, producerGroup }) => stats.deadLettered(topic, producerGroup),
        }),
        ...sendBackRoutes({
          store,
          topics,
          groups,
          held,
          levelCount,
          brokerPermission: () => config.brokerPermission,
          config,
          timers,
          stats,
        }),
        ...replyRoutes({
          config,
          store,
          topics,
          producers,
          storeHost: () => storeHost,
          onReceived,
          log,
        }),
        ...pullRoutes({
          config,
          store,
          topics,
          groups,
          consumers,
          filters,
          filterCache,
          offsets,
          longPolling,
          stats,
        }),
        ...offsetRoutes({ store, offsets, topics, groups }),
        ...queryRoutes({ config, store }),
        ...clientRoutes({
          consumers,
          producers,
          topics,
          groups,
          queueLocks,
          filterCache,
          settings: config,
          log,
        }),
        ...timers.routes,
        ...popping.routes,
        ...transactions.routes,
        ...adminRoutes({
          config,
          changedSettings,
          store,
          schedule: schedule.current,
          topics,
          groups,
          offsets,
          consumers,
          producers,
          filters,
          stats,
          brokerAddr: () => registeredAddr,
          log,
        }),
        ...topicRoutes({ config, topics }),
        ...groupRoutes({ groups }),
      ],
      stats,
      (topic) => topics.isSystemTopic(topic),
    ),
    log,
    (code) => unservedRemark(code, "broker"),
    rpc,
  );
  const listen = (port: number) => {
    const server = new RemotingServer({
      hostname: config.bindAddress,
      port,
      onRequest: (request, connection) => dispatcher.dispatch(request, connection),
      onChunk() {
        popping.flush();
        store.commit();
      },
      onClose(connection) {
        producers.forget(connection);
        consumers.forget(connection);
      },
      frameLengthMax: config.frameMaxLength,
      idleMillisMax: config.serverChannelMaxIdleTimeSeconds * 1_000,
      log,
    });
    servers.push(server);
    return stack.use(server);
  };
  const main = listen(config.listenPort);
  // A free port has no neighbour that is known to be free.
  const second = fastPort(config, main.port);
  const hasSecond = second > 0 && (config.listenPort !== 0 || config.fastListenPort !== 0);
  const fast = hasSecond ? listen(second) : undefined;
  stack.use(longPolling);
  stack.defer(() => popping.answerAll());
  const lag = new ConsumerLag({
    config,
    store,
    topics,
    groups,
    consumers,
    offsets,
    popped: (...queue) => popping.table.find(...queue),
    now: Date.now,
  });
  const parts = stack.move();
  return {
    metrics: {
      config,
      store,
      stats,
      rpc,
      syncs,
      lag,
      topics,
      groups,
      offsets,
      consumers,
      producers,
      timers,
      popping,
      transactions,
      longPolling,
      connectionCount: () => servers.reduce((sum, { connections }) => sum + connections.size, 0),
      diskSpace: () => denoFileSystem.diskSpaceSync(storePaths(config).root),
      now: Date.now,
    },
    port: main.port,
    fastPort: fast?.port,
    async register({ nameServers, brokerAddr, haServerAddr, storeHost: found }) {
      const address = parseAddress(brokerAddr);
      const { hostname, port } = isIP(address.hostname) ? address : found;
      storeHost = hostBytes(hostname, port);
      nameServerAddresses = nameServers;
      registeredAddr = brokerAddr;
      const registration = parts.use(createRegistration({
        nameServers,
        identity: () => ({
          clusterName: config.brokerClusterName,
          brokerName: config.brokerName,
          brokerId: config.brokerId,
          brokerAddr,
          haServerAddr,
        }),
        topicConfigs: () => ({ dataVersion: topics.dataVersion, table: topics.topics }),
        remotingClient,
        log,
        periodMillis: config.registerNameServerPeriod,
        timeoutMillis: config.registerBrokerTimeoutMills,
      }));
      registered.current = registration;
      await registration.start();
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
