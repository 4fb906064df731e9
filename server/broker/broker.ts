/** The broker, put together: built in reading order, taken apart in reverse. */

import { isIP } from "node:net";
import { hostBytes } from "../../client/protocol/message.ts";
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
import { RemotingServer } from "../remoting_server.ts";
import { clientRoutes, consumerIdsNotifier } from "./client_routes.ts";
import { ConsumerTable, ProducerTable } from "./client_table.ts";
import { groupRoutes } from "./group_routes.ts";
import { GroupTable } from "./group_table.ts";
import { HeldReplies } from "./held_replies.ts";
import { LongPolling } from "./long_polling.ts";
import { offsetRoutes } from "./offset_routes.ts";
import { OffsetTable } from "./offset_table.ts";
import { pullRoutes } from "./pull_routes.ts";
import { QueueLockTable } from "./queue_lock_table.ts";
import { queryRoutes } from "./query_routes.ts";
import { createRegistration, type Registration } from "./registration.ts";
import { parseDelayLevels, Schedule } from "./schedule.ts";
import { sendBackRoutes } from "./send_back_routes.ts";
import { sendRoutes } from "./send_routes.ts";
import { storeReports } from "./store_reports.ts";
import { topicRoutes } from "./topic_routes.ts";
import { TopicTable } from "./topic_table.ts";

/** How often clients are looked for that have gone silent. */
const EXPIRY_SCAN_MILLIS = 10_000;

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
  const longPolling = new LongPolling();
  const delayLevels = parseDelayLevels(config.messageDelayLevel);
  // The store tells of arrivals before there is a schedule, and the schedule needs the store.
  const schedule: { current?: Schedule } = {};
  const writeWarnings = new RateLimit(1_000);
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
      onArrival({ topic, queueId, queueOffset }) {
        if (topic === SCHEDULE_TOPIC) schedule.current?.wake(queueId + 1);
        longPolling.arrived(topic, queueId, queueOffset);
      },
      onPromised: (offset) => held.promised(offset),
      onWriteFailed(offset, error) {
        held.failed(offset, error);
        if (writeWarnings.allow(Date.now()) !== undefined) log.error("cannot write", { error });
      },
      onFatal(error) {
        log.error("the disk failed; nothing more is written or acknowledged", { error });
        held.failed(store.stats.durableOffset, error);
        Deno.exit(1);
      },
    }),
  );
  if (!store.recovery.clean) log.info("recovered after a crash", { ...store.recovery });
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
  const groups = stack.use(new GroupTable(persisted));
  const offsets = offsetTable.current = stack.use(new OffsetTable(persisted));
  const clamped = offsets.clamp((topic, queueId) => store.getMaxOffsetInQueue(topic, queueId));
  if (clamped.length > 0) log.warn("consumer offsets lay beyond their queues", { clamped });
  const clientOptions = { channelExpiredTimeout: config.channelExpiredTimeout, now: Date.now, log };
  const producers = new ProducerTable(clientOptions);
  const consumers = new ConsumerTable({
    ...clientOptions,
    onConsumerIdsChanged: consumerIdsNotifier(config),
  });
  const expiring = setInterval(() => {
    producers.expire();
    consumers.expire();
  }, EXPIRY_SCAN_MILLIS);
  stack.defer(() => clearInterval(expiring));
  const queueLocks = new QueueLockTable({
    rebalanceLockMaxLiveTime: config.rebalanceLockMaxLiveTime,
    now: Date.now,
  });
  let storeHost = hostBytes("127.0.0.1", config.listenPort);
  const dispatcher = new Dispatcher(
    [
      ...sendRoutes({
        config,
        store,
        topics,
        groups,
        queueLocks,
        held,
        levelCount,
        storeHost: () => storeHost,
      }),
      ...sendBackRoutes({
        store,
        topics,
        groups,
        held,
        levelCount,
        brokerPermission: () => config.brokerPermission,
      }),
      ...pullRoutes({ config, store, topics, groups, consumers, offsets, longPolling }),
      ...offsetRoutes({ store, offsets, topics, groups }),
      ...queryRoutes({ config, store }),
      ...clientRoutes({
        consumers,
        producers,
        topics,
        groups,
        queueLocks,
        settings: config,
        log,
      }),
      ...topicRoutes({ topics }),
      ...groupRoutes({ groups }),
    ],
    log,
    (code) => unservedRemark(code, "broker"),
  );
  const listen = (port: number) =>
    stack.use(
      new RemotingServer({
        hostname: config.bindAddress,
        port,
        onRequest: (request, connection) => dispatcher.dispatch(request, connection),
        onChunk: () => store.commit(),
        onClose(connection) {
          producers.forget(connection);
          consumers.forget(connection);
        },
        frameLengthMax: config.frameMaxLength,
        idleMillisMax: config.serverChannelMaxIdleTimeSeconds * 1_000,
        log,
      }),
    );
  const main = listen(config.listenPort);
  // A free port has no neighbour that is known to be free.
  const second = fastPort(config, main.port);
  const hasSecond = second > 0 && (config.listenPort !== 0 || config.fastListenPort !== 0);
  const fast = hasSecond ? listen(second) : undefined;
  stack.use(longPolling);
  const remotingClient = stack.use(new RemotingClient());
  const parts = stack.move();
  return {
    port: main.port,
    fastPort: fast?.port,
    async register({ nameServers, brokerAddr, haServerAddr, storeHost: found }) {
      const address = parseAddress(brokerAddr);
      const { hostname, port } = isIP(address.hostname) ? address : found;
      storeHost = hostBytes(hostname, port);
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
