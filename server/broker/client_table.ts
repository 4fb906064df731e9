/** Who is connected: consumers by group, from their heartbeats. */

import type { Connection } from "../../client/remoting/connection.ts";

/** What a group's members say they read of a topic. */
export interface SubscriptionData {
  topic: string;
  subString: string;
  subVersion: number;
  expressionType: string;
}

export interface ConsumerData {
  groupName: string;
  subscriptionDataSet: SubscriptionData[];
}

interface Member {
  clientId: string;
  lastHeartbeat: number;
}

export class ClientTable {
  readonly #groups = new Map<string, Map<Connection, Member>>();
  readonly #subscriptions = new Map<string, Map<string, SubscriptionData>>();
  /** Called when a group gets or loses a member, or reads other topics. */
  onConsumerIdsChanged: (group: string, members: Connection[]) => void = () => {};

  /** A heartbeat of one consumer. */
  register(connection: Connection, clientId: string, consumer: ConsumerData, now: number): void {
    const group = consumer.groupName;
    const members = entry(this.#groups, group);
    const isNew = members.get(connection)?.clientId !== clientId;
    members.set(connection, { clientId, lastHeartbeat: now });
    const subscriptions = entry(this.#subscriptions, group);
    let changed = isNew;
    for (const data of consumer.subscriptionDataSet) {
      const known = subscriptions.get(data.topic);
      if (known !== undefined && known.subVersion >= data.subVersion) continue;
      if (known === undefined) changed = true;
      subscriptions.set(data.topic, data);
    }
    if (changed) this.#notify(group);
  }

  unregister(connection: Connection, group: string): void {
    const members = this.#groups.get(group);
    if (members?.delete(connection) !== true) return;
    if (members.size === 0) this.#groups.delete(group);
    this.#notify(group);
  }

  /** A connection has ended: its clients are gone. */
  forget(connection: Connection): void {
    for (const [group, members] of [...this.#groups]) {
      if (members.has(connection)) this.unregister(connection, group);
    }
  }

  /** Forgets members that have been silent for so long. */
  expire(now: number, expiryMillis: number): void {
    for (const [group, members] of [...this.#groups]) {
      for (const [connection, member] of [...members]) {
        if (now - member.lastHeartbeat > expiryMillis) this.unregister(connection, group);
      }
    }
  }

  clientIds(group: string): string[] {
    const ids = [...this.#groups.get(group)?.values() ?? []].map((member) => member.clientId);
    return [...new Set(ids)];
  }

  subscription(group: string, topic: string): SubscriptionData | undefined {
    return this.#subscriptions.get(group)?.get(topic);
  }

  has(group: string): boolean {
    return this.#groups.has(group);
  }

  #notify(group: string): void {
    this.onConsumerIdsChanged(group, [...this.#groups.get(group)?.keys() ?? []]);
  }
}

function entry<K, L, V>(table: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let inner = table.get(key);
  if (inner === undefined) table.set(key, inner = new Map());
  return inner;
}
