/** Which queues topics have, as the name server says; asked anew after a while, and when something went wrong. */

import { SystemTopic } from "./protocol/names.ts";
import type { AdminClient } from "./admin/admin_client.ts";
import type { MessageQueue } from "./protocol/message_queue.ts";
import { RemotingError, ResponseCode } from "./protocol/response_code.ts";
import type { BrokerData, TopicRouteData } from "./protocol/route_data.ts";
import { isReadable, isWriteable } from "./protocol/topic_config.ts";

/** How long a route is believed, as in Java's clients (pollNameServerInterval). */
const ROUTE_MILLIS = 30_000;
/** From which a broker makes topics when they are first sent to. */
const DEFAULT_TOPIC = SystemTopic.AUTO_CREATE_TOPIC_KEY;
export const DEFAULT_TOPIC_QUEUE_NUMS = 4;
const MASTER_ID = 0;

export interface TopicRoute {
  readonly route: TopicRouteData;
  /** Where messages can be sent to. */
  readonly writeQueues: readonly MessageQueue[];
  readonly readQueues: readonly MessageQueue[];
}

export class RouteCache {
  readonly #admin: AdminClient;
  readonly #now: () => number;
  readonly #onNewBroker: () => void;
  readonly #routes = new Map<string, { found: Promise<TopicRoute>; until: number }>();
  readonly #brokers = new Map<string, BrokerData>();

  /** @param onNewBroker told when a route names a broker for the first time. */
  constructor(admin: AdminClient, now: () => number, onNewBroker: () => void) {
    this.#admin = admin;
    this.#now = now;
    this.#onNewBroker = onNewBroker;
  }

  /** Every broker of the routes that were asked for. */
  get brokers(): Iterable<BrokerData> {
    return this.#brokers.values();
  }

  /** @throws {RemotingError} TOPIC_NOT_EXIST. */
  find(topic: string): Promise<TopicRoute> {
    const known = this.#routes.get(topic);
    if (known !== undefined && this.#now() < known.until) return known.found;
    const found = this.#admin.route(topic).then((route) => this.#take(topic, route));
    this.#routes.set(topic, { found, until: this.#now() + ROUTE_MILLIS });
    found.catch(() => this.forget(topic));
    return found;
  }

  /** Where a message of this topic can go, also when it is the first. */
  async findToSend(topic: string): Promise<TopicRoute> {
    try {
      return await this.find(topic);
    } catch (error) {
      if (!(error instanceof RemotingError) || error.code !== ResponseCode.TOPIC_NOT_EXIST) {
        throw error;
      }
      return await this.#asDefault(topic, error);
    }
  }

  async #asDefault(topic: string, refusal: RemotingError): Promise<TopicRoute> {
    const { route } = await this.find(DEFAULT_TOPIC).catch(() => {
      throw refusal;
    });
    const queueDatas = route.queueDatas.map((queues) => ({
      ...queues,
      writeQueueNums: Math.min(queues.writeQueueNums, DEFAULT_TOPIC_QUEUE_NUMS),
    }));
    return topicRoute(topic, { ...route, queueDatas });
  }

  #take(topic: string, route: TopicRouteData): TopicRoute {
    const known = this.#brokers.size;
    for (const broker of route.brokerDatas) this.#brokers.set(broker.brokerName, broker);
    if (this.#brokers.size > known) this.#onNewBroker();
    return topicRoute(topic, route);
  }

  /** Asks again next time. */
  forget(topic: string): void {
    this.#routes.delete(topic);
  }

  /** The address of a broker's master, or of the broker with this id. */
  addressOf(brokerName: string, brokerId = MASTER_ID): string | undefined {
    const addresses = this.#brokers.get(brokerName)?.brokerAddrs;
    return addresses?.[brokerId] ?? addresses?.[MASTER_ID];
  }
}

function topicRoute(topic: string, route: TopicRouteData): TopicRoute {
  const masters = new Set(
    route.brokerDatas.filter(({ brokerAddrs }) => MASTER_ID in brokerAddrs)
      .map(({ brokerName }) => brokerName),
  );
  const queues = (brokerName: string, count: number) =>
    Array.from({ length: count }, (_, queueId) => ({ topic, brokerName, queueId }));
  const datas = [...route.queueDatas].sort((a, b) => a.brokerName.localeCompare(b.brokerName));
  return {
    route,
    writeQueues: datas
      .filter(({ perm, brokerName }) => isWriteable(perm) && masters.has(brokerName))
      .flatMap(({ brokerName, writeQueueNums }) => queues(brokerName, writeQueueNums)),
    readQueues: datas
      .filter(({ perm }) => isReadable(perm))
      .flatMap(({ brokerName, readQueueNums }) => queues(brokerName, readQueueNums)),
  };
}
