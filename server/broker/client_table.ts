/**
 * The clients that are there: producers and consumers by group and connection, as their heartbeats tell. Nothing of
 * it outlives the process; clients tell again.
 */

import type {
  ConsumerData,
  ConsumeType,
  MessageModel,
  SubscriptionData,
} from "../../client/protocol/heartbeat.ts";
import type { Language } from "../../client/protocol/frame.ts";
import type { Connection } from "../../client/remoting/connection.ts";
import type { Log } from "../log.ts";
import type { ConsumerFilterTable } from "./consumer_filter_table.ts";

/** One client in one group. */
export interface ClientInfo {
  readonly clientId: string;
  readonly language: Language;
  readonly version: number;
  readonly connection: Connection;
  /** The last heartbeat, in milliseconds since the epoch. */
  lastUpdateTimestamp: number;
}

/** A group of consumers of which at least one is there. */
export interface ConsumerGroupInfo {
  readonly groupName: string;
  readonly clients: Map<Connection, ClientInfo>;
  /** What the group subscribes to, by topic. */
  readonly subscriptions: Map<string, SubscriptionData>;
  consumeType: ConsumeType;
  messageModel: MessageModel;
  consumeFromWhere: string;
  /** Whether its members are told when it changes. */
  notifyConsumerIdsChangedEnable: boolean;
  /** Of the last heartbeat; 0 when that was of the first kind. */
  heartbeatFingerprint: number;
  lastUpdateTimestamp: number;
}

export interface ClientTableOptions {
  /** channelExpiredTimeout: a client without a heartbeat for so long is forgotten. */
  channelExpiredTimeout: number;
  now: () => number;
  log: Log;
}

export interface ConsumerTableOptions extends ClientTableOptions {
  /** A group has other members or subscriptions than before: those who are there should share the queues anew. */
  onConsumerIdsChanged: (group: string, connections: readonly Connection[]) => void;
  /** Where the filters of the groups' subscriptions are kept. */
  filters: Pick<ConsumerFilterTable, "register" | "unregister">;
}

export interface ProducerTableOptions extends ClientTableOptions {
  /** A client is in a group that was not. */
  onProducer?: (group: string) => void;
}

/** What a consumer's heartbeat says, and how to take it. */
export interface ConsumerRegistration {
  consumer: ConsumerData;
  client: Omit<ClientInfo, "lastUpdateTimestamp">;
  heartbeatFingerprint: number;
  /** The heartbeat has no subscriptions, because the broker has them already. */
  withoutSub: boolean;
  notifyConsumerIdsChangedEnable: boolean;
}

/** The consumers. */
export class ConsumerTable {
  readonly #options: ConsumerTableOptions;
  readonly #groups = new Map<string, ConsumerGroupInfo>();

  constructor(options: ConsumerTableOptions) {
    this.#options = options;
  }

  /** The groups of which somebody is there. */
  get groups(): ReadonlyMap<string, Readonly<ConsumerGroupInfo>> {
    return this.#groups;
  }

  /** Takes a heartbeat. Returns whether the group has changed by it. */
  register(registration: ConsumerRegistration): boolean {
    const { consumer, client, withoutSub } = registration;
    const group = this.#groupOf(consumer);
    const now = this.#options.now();
    group.consumeType = consumer.consumeType;
    group.messageModel = consumer.messageModel;
    group.consumeFromWhere = consumer.consumeFromWhere;
    group.notifyConsumerIdsChangedEnable = registration.notifyConsumerIdsChangedEnable;
    group.heartbeatFingerprint = registration.heartbeatFingerprint;
    group.lastUpdateTimestamp = now;
    const isNew = putClient(group.clients, client, now);
    if (isNew) this.#log("a consumer is there", consumer.groupName, client);
    const isOther = !withoutSub && updateSubscriptions(group, consumer.subscriptionDataSet);
    if (!withoutSub) {
      this.#options.filters.register(consumer.groupName, consumer.subscriptionDataSet);
    }
    if (isNew || isOther) this.#announce(group);
    return isNew || isOther;
  }

  /** A client leaves a group. */
  unregister(group: string, connection: Connection): void {
    const info = this.#groups.get(group);
    if (info !== undefined) this.#remove(info, connection, "a consumer has left");
  }

  /** A connection has ended: its client is in no group any more. */
  forget(connection: Connection): void {
    for (const group of this.#groups.values()) {
      this.#remove(group, connection, "a consumer's connection has ended");
    }
  }

  /** Forgets clients that went silent, and closes their connections. To be called every so often. */
  expire(): void {
    for (const group of this.#groups.values()) {
      for (const client of expiredClients(group.clients, this.#options)) {
        this.#remove(group, client.connection, "a consumer went silent");
        client.connection.close();
      }
    }
  }

  /** What a group subscribes to of a topic. */
  findSubscription(group: string, topic: string): SubscriptionData | undefined {
    return this.#groups.get(group)?.subscriptions.get(topic);
  }

  /** The groups that subscribe to a topic. */
  groupsOf(topic: string): string[] {
    return [...this.#groups.values()].filter(({ subscriptions }) => subscriptions.has(topic))
      .map(({ groupName }) => groupName);
  }

  #groupOf(consumer: ConsumerData): ConsumerGroupInfo {
    const existing = this.#groups.get(consumer.groupName);
    if (existing !== undefined) return existing;
    const created: ConsumerGroupInfo = {
      groupName: consumer.groupName,
      clients: new Map(),
      subscriptions: new Map(),
      consumeType: consumer.consumeType,
      messageModel: consumer.messageModel,
      consumeFromWhere: consumer.consumeFromWhere,
      notifyConsumerIdsChangedEnable: true,
      heartbeatFingerprint: 0,
      lastUpdateTimestamp: 0,
    };
    this.#groups.set(consumer.groupName, created);
    return created;
  }

  #remove(group: ConsumerGroupInfo, connection: Connection, message: string): void {
    const client = group.clients.get(connection);
    if (client === undefined) return;
    group.clients.delete(connection);
    this.#log(message, group.groupName, client);
    if (group.clients.size > 0) return this.#announce(group);
    this.#groups.delete(group.groupName);
    this.#options.filters.unregister(group.groupName);
  }

  #announce(group: ConsumerGroupInfo): void {
    if (!group.notifyConsumerIdsChangedEnable || group.messageModel === "BROADCASTING") return;
    this.#options.onConsumerIdsChanged(group.groupName, [...group.clients.keys()]);
  }

  #log(message: string, group: string, client: Omit<ClientInfo, "lastUpdateTimestamp">): void {
    this.#options.log.info(message, { group, ...describeClient(client) });
  }
}

/**
 * The ids of a group's clients, each once: a client that comes back before its old connection is known to be dead must
 * not count twice, or nobody would consume the queues of its shadow.
 */
export function clientIdsOf(group: Pick<ConsumerGroupInfo, "clients">): string[] {
  return [...new Set([...group.clients.values()].map(({ clientId }) => clientId))];
}

/** The producers. */
export class ProducerTable {
  readonly #options: ProducerTableOptions;
  readonly #groups = new Map<string, Map<Connection, ClientInfo>>();
  #picked = 0;

  constructor(options: ProducerTableOptions) {
    this.#options = options;
  }

  /** The clients of each group. */
  get groups(): ReadonlyMap<string, ReadonlyMap<Connection, Readonly<ClientInfo>>> {
    return this.#groups;
  }

  /** Takes a heartbeat. */
  register(group: string, client: Omit<ClientInfo, "lastUpdateTimestamp">): void {
    let clients = this.#groups.get(group);
    if (clients === undefined) this.#groups.set(group, clients = new Map());
    if (!putClient(clients, client, this.#options.now())) return;
    this.#options.log.info("a producer is there", { group, ...describeClient(client) });
    this.#options.onProducer?.(group);
  }

  /** A client leaves a group. */
  unregister(group: string, connection: Connection): void {
    this.#remove(group, connection, "a producer has left");
  }

  /** A connection has ended: its client is in no group any more. */
  forget(connection: Connection): void {
    for (const group of this.#groups.keys()) {
      this.#remove(group, connection, "a producer's connection has ended");
    }
  }

  /** Forgets clients that went silent, and closes their connections. To be called every so often. */
  expire(): void {
    for (const [group, clients] of this.#groups) {
      for (const client of expiredClients(clients, this.#options)) {
        this.#remove(group, client.connection, "a producer went silent");
        client.connection.close();
      }
    }
  }

  /** The connection of the producer with this id. */
  findByClientId(clientId: string): Connection | undefined {
    for (const clients of this.#groups.values()) {
      for (const client of clients.values()) {
        if (client.clientId === clientId && !client.connection.closed) return client.connection;
      }
    }
    return undefined;
  }

  /** Some member of a group to ask something; each in turn, one that is behind in reading only when all are. */
  pick(group: string): Connection | undefined {
    const connections = [...this.#groups.get(group)?.keys() ?? []].filter(({ closed }) => !closed);
    const ready = connections.filter(({ congested }) => !congested);
    const candidates = ready.length > 0 ? ready : connections;
    return candidates[this.#picked++ % Math.max(1, candidates.length)];
  }

  #remove(group: string, connection: Connection, message: string): void {
    const clients = this.#groups.get(group);
    const client = clients?.get(connection);
    if (client === undefined) return;
    clients!.delete(connection);
    this.#options.log.info(message, { group, ...describeClient(client) });
    if (clients!.size === 0) this.#groups.delete(group);
  }
}

/** Adds a client or renews it. Returns whether it was not there. */
function putClient(
  clients: Map<Connection, ClientInfo>,
  client: Omit<ClientInfo, "lastUpdateTimestamp">,
  now: number,
): boolean {
  const existing = clients.get(client.connection);
  if (existing?.clientId === client.clientId) {
    existing.lastUpdateTimestamp = now;
    return false;
  }
  clients.set(client.connection, { ...client, lastUpdateTimestamp: now });
  return true;
}

/** Replaces older subscriptions, drops those that are not named. Returns whether the set of topics has changed. */
function updateSubscriptions(
  { subscriptions }: ConsumerGroupInfo,
  named: readonly SubscriptionData[],
): boolean {
  let isOther = false;
  for (const subscription of named) {
    const existing = subscriptions.get(subscription.topic);
    if (existing === undefined) isOther = true;
    // Clients that send no version, which reads as 0, mean what they said last.
    else if (subscription.subVersion <= existing.subVersion && subscription.subVersion > 0) {
      continue;
    }
    subscriptions.set(subscription.topic, subscription);
  }
  const topics = new Set(named.map(({ topic }) => topic));
  for (const topic of subscriptions.keys()) {
    if (topics.has(topic)) continue;
    subscriptions.delete(topic);
    isOther = true;
  }
  return isOther;
}

function expiredClients(
  clients: ReadonlyMap<Connection, ClientInfo>,
  { now, channelExpiredTimeout }: ClientTableOptions,
): ClientInfo[] {
  const oldest = now() - channelExpiredTimeout;
  return [...clients.values()].filter((client) => client.lastUpdateTimestamp < oldest);
}

function describeClient({ clientId, connection }: Pick<ClientInfo, "clientId" | "connection">) {
  return { clientId, remote: `${connection.remote.hostname}:${connection.remote.port}` };
}
