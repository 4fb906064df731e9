/**
 * Who serves which topic: brokers by name, by cluster and by address, and their topics. In memory; no sockets, no
 * timers, the clock is passed in. The rules are those of Java's RouteInfoManager, because brokers rely on them.
 */

import { type DataVersion, equalVersions } from "../../client/protocol/data_version.ts";
import {
  type BrokerData,
  type BrokerMemberGroup,
  type ClusterInfo,
  type QueueData,
  queueDataOf,
  type TopicList,
  type TopicRouteData,
} from "../../client/protocol/route_data.ts";
import { isWriteable, PermName, type TopicConfig } from "../../client/protocol/topic_config.ts";
import { TopicQueueTable } from "./topic_queue_table.ts";

/** The brokerId of a master. */
export const MASTER_ID = 0;
/** A broker that gives no heartbeatTimeoutMillis and is silent for so long is gone. */
export const BROKER_EXPIRY_MILLIS = 120_000;
/** The route of these topics shows the real brokerIds, whoever acts as master. */
const MEMBER_TOPIC_PREFIX = "rmq_sys_SYNC_BROKER_MEMBER_";

/** One broker process as it names itself. */
export interface BrokerIdentity {
  readonly clusterName: string;
  readonly brokerName: string;
  readonly brokerId: number;
  readonly brokerAddr: string;
}

/** What a broker tells when it registers. */
export interface BrokerRegistration extends BrokerIdentity {
  readonly haServerAddr: string;
  readonly zoneName?: string | undefined;
  readonly heartbeatTimeoutMillis?: number | undefined;
  /** Undefined for brokers older than 5.0. */
  readonly enableActingMaster?: boolean | undefined;
  readonly dataVersion: DataVersion;
  readonly topicConfigs: readonly TopicConfig[];
  /** TopicQueueMappingInfo by topic, for static topics; passed through. */
  readonly topicQueueMappingInfoMap: Readonly<Record<string, unknown>>;
  /** Undefined leaves what was told earlier. */
  readonly filterServerList?: readonly string[] | undefined;
}

export type RegisterBrokerResult =
  | {
    status: "REGISTERED";
    /** The broker was not known before. */
    isNew: boolean;
    /** The master of a slave. */
    masterAddr?: string | undefined;
    haServerAddr?: string | undefined;
  }
  /** Another address has this brokerId with a newer stateVersion. */
  | { status: "CONFLICT" }
  /** A single topic before the first full registration. */
  | { status: "NOT_REGISTERED_YET" };

export interface RouteTableOptions {
  now: () => number;
  /** Whether a registration deletes the broker's topics that are not in it. */
  deleteTopicWithBrokerRegistration: boolean;
  /** Whether routes show the slave with the least brokerId as master while there is none. */
  supportActingMaster: boolean;
}

/** The brokers of one name. */
interface BrokerGroup {
  readonly cluster: string;
  readonly brokerName: string;
  readonly brokerAddrs: Map<number, string>;
  enableActingMaster: boolean;
  zoneName: string | undefined;
}

/** A broker that registered and has been heard since. */
interface LiveBroker extends BrokerIdentity {
  lastUpdateTimestamp: number;
  readonly heartbeatTimeoutMillis: number;
  readonly dataVersion: DataVersion;
  readonly haServerAddr: string;
  readonly filterServerList: readonly string[];
  /** Over which it registered: compared by identity only. */
  readonly connection: object;
}

export class RouteTable {
  readonly topics = new TopicQueueTable();
  readonly #options: RouteTableOptions;
  readonly #groups = new Map<string, BrokerGroup>();
  /** Broker names by cluster. */
  readonly #clusters = new Map<string, Set<string>>();
  readonly #live = new Map<string, LiveBroker>();
  /** TopicQueueMappingInfo by brokerName by topic. */
  readonly #queueMappings = new Map<string, Map<string, unknown>>();

  constructor(options: RouteTableOptions) {
    this.#options = options;
  }

  /** Takes a broker's registration; `connection` is the one it came over. */
  registerBroker(broker: BrokerRegistration, connection: object): RegisterBrokerResult {
    const { brokerName, brokerId, brokerAddr, clusterName } = broker;
    const known = this.#groups.get(brokerName);
    const oldAddr = known?.brokerAddrs.get(brokerId);
    if (oldAddr !== undefined && oldAddr !== brokerAddr && this.#isOutdated(broker, oldAddr)) {
      this.#live.delete(liveKey(clusterName, brokerAddr));
      return { status: "CONFLICT" };
    }
    if (oldAddr === undefined && broker.topicConfigs.length === 1) {
      return { status: "NOT_REGISTERED_YET" };
    }

    const group = known ?? this.#createGroup(clusterName, brokerName);
    const names = this.#clusters.get(clusterName);
    if (names === undefined) this.#clusters.set(clusterName, new Set([brokerName]));
    else names.add(brokerName);
    group.enableActingMaster = broker.enableActingMaster ?? false;
    group.zoneName = broker.zoneName;
    // A slave that became master comes under another id: an address has one id only.
    for (const [id, address] of group.brokerAddrs) {
      if (address === brokerAddr && id !== brokerId) group.brokerAddrs.delete(id);
    }
    group.brokerAddrs.set(brokerId, brokerAddr);

    const previous = this.#live.get(liveKey(clusterName, brokerAddr));
    this.#takeTopics(broker, group, oldAddr === undefined, previous?.dataVersion);
    this.#live.set(liveKey(clusterName, brokerAddr), {
      clusterName,
      brokerName,
      brokerId,
      brokerAddr,
      lastUpdateTimestamp: this.#options.now(),
      heartbeatTimeoutMillis: broker.heartbeatTimeoutMillis ?? BROKER_EXPIRY_MILLIS,
      dataVersion: broker.dataVersion,
      haServerAddr: broker.haServerAddr,
      filterServerList: broker.filterServerList ?? previous?.filterServerList ?? [],
      connection,
    });
    return {
      status: "REGISTERED",
      isNew: previous === undefined,
      ...this.#masterFor(brokerId, group, clusterName),
    };
  }

  #isOutdated(broker: BrokerRegistration, registeredAddr: string): boolean {
    const registered = this.#live.get(liveKey(broker.clusterName, registeredAddr));
    return registered !== undefined &&
      registered.dataVersion.stateVersion > broker.dataVersion.stateVersion;
  }

  #createGroup(cluster: string, brokerName: string): BrokerGroup {
    const group: BrokerGroup = {
      cluster,
      brokerName,
      brokerAddrs: new Map(),
      enableActingMaster: false,
      zoneName: undefined,
    };
    this.#groups.set(brokerName, group);
    return group;
  }

  #takeTopics(
    broker: BrokerRegistration,
    group: BrokerGroup,
    isFirst: boolean,
    previousVersion: DataVersion | undefined,
  ): void {
    const { brokerName, brokerId, topicConfigs } = broker;
    const isPrimeSlave = broker.enableActingMaster !== undefined && brokerId !== MASTER_ID &&
      brokerId === leastId(group);
    if (brokerId !== MASTER_ID && !isPrimeSlave) return;

    const mappings = Object.entries(broker.topicQueueMappingInfoMap);
    // Brokers of 5.x announce a new topic with a registration that holds nothing else, which must not end the others.
    if (
      this.#options.deleteTopicWithBrokerRegistration && mappings.length === 0 &&
      topicConfigs.length !== 1
    ) {
      const registered = new Set(topicConfigs.map((topic) => topic.topicName));
      this.topics.deleteBroker(brokerName, (topic) => !registered.has(topic));
    }

    const isChanged = isFirst || previousVersion === undefined ||
      !equalVersions(previousVersion, broker.dataVersion);
    const isReadOnly = isPrimeSlave && group.enableActingMaster;
    for (const topic of topicConfigs) {
      if (!isChanged && this.topics.queuesOf(topic.topicName)?.has(brokerName)) continue;
      const queueData = queueDataOf(brokerName, topic);
      this.topics.put(topic.topicName, isReadOnly ? withoutWrite(queueData) : queueData);
    }
    if (isChanged) {
      for (const [topic, info] of mappings) this.#takeQueueMapping(topic, brokerName, info);
    }
  }

  #takeQueueMapping(topic: string, registeringBroker: string, info: unknown): void {
    const mappedBroker = (info as { bname?: unknown } | null)?.bname;
    const brokerName = typeof mappedBroker === "string" ? mappedBroker : registeringBroker;
    let byBroker = this.#queueMappings.get(topic);
    if (byBroker === undefined) this.#queueMappings.set(topic, byBroker = new Map());
    byBroker.set(brokerName, info);
  }

  #masterFor(brokerId: number, group: BrokerGroup, clusterName: string) {
    const masterAddr = group.brokerAddrs.get(MASTER_ID);
    if (brokerId === MASTER_ID || masterAddr === undefined) return {};
    const master = this.#live.get(liveKey(clusterName, masterAddr));
    return master === undefined ? {} : { masterAddr, haServerAddr: master.haServerAddr };
  }

  /** Notes that a broker is alive. */
  heartbeat(clusterName: string, brokerAddr: string): void {
    const broker = this.#live.get(liveKey(clusterName, brokerAddr));
    if (broker !== undefined) broker.lastUpdateTimestamp = this.#options.now();
  }

  /** The version of the topics with which a broker registered last. */
  dataVersionOf(clusterName: string, brokerAddr: string): DataVersion | undefined {
    return this.#live.get(liveKey(clusterName, brokerAddr))?.dataVersion;
  }

  /** Forgets a broker, and the topics that nobody else of its name serves. */
  unregisterBroker({ clusterName, brokerName, brokerAddr }: BrokerIdentity): void {
    this.#live.delete(liveKey(clusterName, brokerAddr));
    const group = this.#groups.get(brokerName);
    if (group === undefined) return;
    for (const [id, address] of group.brokerAddrs) {
      if (address === brokerAddr) group.brokerAddrs.delete(id);
    }
    if (group.brokerAddrs.size === 0) {
      this.#deleteGroup(group);
    } else if (group.enableActingMaster && !group.brokerAddrs.has(MASTER_ID)) {
      this.topics.changePerm(brokerName, (perm) => perm & ~PermName.WRITE);
    }
  }

  #deleteGroup({ brokerName }: BrokerGroup): void {
    this.#groups.delete(brokerName);
    this.topics.deleteBroker(brokerName);
    for (const [cluster, brokerNames] of this.#clusters) {
      brokerNames.delete(brokerName);
      if (brokerNames.size === 0) this.#clusters.delete(cluster);
    }
    for (const [topic, byBroker] of this.#queueMappings) {
      byBroker.delete(brokerName);
      if (byBroker.size === 0) this.#queueMappings.delete(topic);
    }
  }

  /** Forgets the brokers that registered last over `connection`, which has ended. Returns them. */
  unregisterConnection(connection: object): BrokerIdentity[] {
    return this.#unregisterWhere((broker) => broker.connection === connection);
  }

  /** Forgets the brokers that have been silent for too long. Returns them. */
  expireBrokers(): BrokerIdentity[] {
    const now = this.#options.now();
    return this.#unregisterWhere((broker) =>
      broker.lastUpdateTimestamp + broker.heartbeatTimeoutMillis < now
    );
  }

  #unregisterWhere(isGone: (broker: LiveBroker) => boolean): BrokerIdentity[] {
    const gone = [...this.#live.values()].filter(isGone);
    for (const broker of gone) this.unregisterBroker(broker);
    return gone;
  }

  /** The route of a topic, or undefined when no broker that is known serves it. */
  pickupTopicRouteData(topic: string): TopicRouteData | undefined {
    const queues = this.topics.queuesOf(topic);
    if (queues === undefined) return undefined;
    const groups = [...queues.keys()].flatMap((brokerName) => this.#groups.get(brokerName) ?? []);
    if (groups.length === 0) return undefined;
    const mayActAsMaster = this.#options.supportActingMaster &&
      !topic.startsWith(MEMBER_TOPIC_PREFIX);
    const mappings = this.#queueMappings.get(topic);
    return {
      brokerDatas: groups.map((group) =>
        mayActAsMaster ? actingMasterData(group, queues) : brokerData(group)
      ),
      filterServerTable: this.#filterServers(groups),
      queueDatas: [...queues.values()],
      ...(mappings === undefined
        ? {}
        : { topicQueueMappingByBroker: Object.fromEntries(mappings) }),
    };
  }

  #filterServers(groups: BrokerGroup[]): Record<string, readonly string[]> {
    const rows: [string, readonly string[]][] = [];
    for (const { cluster, brokerAddrs } of groups) {
      for (const address of brokerAddrs.values()) {
        const servers = this.#live.get(liveKey(cluster, address))?.filterServerList ?? [];
        if (servers.length > 0) rows.push([address, servers]);
      }
    }
    return Object.fromEntries(rows);
  }

  /** How much there is of what. */
  get counts(): { topics: number; brokers: number } {
    return { topics: this.topics.size, brokers: this.#live.size };
  }

  /** All brokers and clusters. */
  clusterInfo(): ClusterInfo {
    const groups = [...this.#groups].map(([name, group]) => [name, brokerData(group)] as const);
    const clusters = [...this.#clusters].map(([name, brokers]) => [name, [...brokers]] as const);
    return {
      brokerAddrTable: Object.fromEntries(groups),
      clusterAddrTable: Object.fromEntries(clusters),
    };
  }

  /** The brokers of one name; none when the name is not known. */
  brokerMemberGroup(cluster: string, brokerName: string): BrokerMemberGroup {
    const brokerAddrs = this.#groups.get(brokerName)?.brokerAddrs ?? new Map<number, string>();
    return { brokerAddrs: Object.fromEntries(brokerAddrs), brokerName, cluster };
  }

  /** Takes the queues of a topic as somebody else than its broker tells them. False when one of the brokers is not known. */
  registerTopic(topic: string, queueDatas: readonly QueueData[]): boolean {
    if (queueDatas.some(({ brokerName }) => !this.#groups.has(brokerName))) return false;
    for (const queueData of queueDatas) this.topics.put(topic, queueData);
    return true;
  }

  /** Forgets a topic on all brokers of a cluster. */
  deleteTopicOfCluster(topic: string, cluster: string): void {
    this.topics.delete(topic, this.#clusters.get(cluster) ?? []);
  }

  /** The topics of a cluster. */
  topicsOfCluster(cluster: string): string[] {
    const brokerNames = this.#clusters.get(cluster) ?? new Set();
    return this.topics.topics(({ brokerName }) => brokerNames.has(brokerName));
  }

  /** Topics that brokers create for themselves (they are named as clusters and brokers), and some broker's address. */
  systemTopicList(): TopicList {
    const topicList = [...this.#clusters].flatMap(([cluster, brokers]) => [cluster, ...brokers]);
    const first = this.#groups.values().next().value;
    if (first === undefined) return { topicList };
    return { brokerAddr: first.brokerAddrs.get(leastId(first))!, topicList };
  }
}

function liveKey(clusterName: string, brokerAddr: string): string {
  return `${clusterName}\n${brokerAddr}`;
}

function leastId(group: BrokerGroup): number {
  return Math.min(...group.brokerAddrs.keys());
}

function withoutWrite(queueData: QueueData): QueueData {
  return { ...queueData, perm: queueData.perm & ~PermName.WRITE };
}

function brokerData(group: BrokerGroup): BrokerData {
  return {
    brokerAddrs: Object.fromEntries(group.brokerAddrs),
    brokerName: group.brokerName,
    cluster: group.cluster,
    enableActingMaster: group.enableActingMaster,
    ...(group.zoneName === undefined ? {} : { zoneName: group.zoneName }),
  };
}

/** A group without a master shows its prime slave as master, for reading, once the topic is no longer writeable. */
function actingMasterData(
  group: BrokerGroup,
  queues: ReadonlyMap<string, QueueData>,
): BrokerData {
  const data = brokerData(group);
  const hasMaster = group.brokerAddrs.has(MASTER_ID);
  if (hasMaster || !group.enableActingMaster || isWriteable(queues.get(group.brokerName)!.perm)) {
    return data;
  }
  const prime = leastId(group);
  const { [prime]: primeAddr, ...others } = data.brokerAddrs;
  return { ...data, brokerAddrs: { [MASTER_ID]: primeAddr!, ...others } };
}
