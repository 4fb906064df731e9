/**
 * The queues of a topic that consumers read, over all brokers: this broker's as it knows them, the others' as name servers
 * say. Kept for a while, since every consumer asks every 20 seconds.
 */

import { decodeUtf8 } from "../../../client/protocol/bytes.ts";
import { GET_ROUTEINFO_BY_TOPIC } from "../../../client/protocol/commands/namesrv.ts";
import { parseFastjson } from "../../../client/protocol/fastjson.ts";
import { createRequest } from "../../../client/protocol/frame.ts";
import { encodeHeader } from "../../../client/protocol/header_schema.ts";
import { ResponseCode } from "../../../client/protocol/response_code.ts";
import { parseQueueData, type QueueData } from "../../../client/protocol/route_data.ts";
import { isReadable } from "../../../client/protocol/topic_config.ts";
import type { RemotingClient } from "../../../client/remoting/remoting_client.ts";
import type { MessageQueue } from "../../../client/protocol/message_queue.ts";
import type { TopicTable } from "../topic_table.ts";
import type { Clock } from "./due_timer.ts";

export interface SubscribedQueuesOptions {
  /** "host:port" of each name server; none before the broker registers. */
  nameServers: () => readonly string[];
  remotingClient: Pick<RemotingClient, "invoke">;
  topics: Pick<TopicTable, "get">;
  settings: Readonly<{ brokerName: string; loadBalancePollNameServerInterval: number }>;
  clock: Clock;
}

interface Kept {
  queueDatas: readonly QueueData[];
  until: number;
}

const TIMEOUT_MILLIS = 3_000;
/** The oldest are forgotten beyond that. */
const KEPT_MAX = 10_000;

export class SubscribedQueues {
  readonly #options: SubscribedQueuesOptions;
  readonly #kept = new Map<string, Promise<Kept>>();

  constructor(options: SubscribedQueuesOptions) {
    this.#options = options;
  }

  /** The queues; undefined when nobody has the topic. */
  async find(topic: string): Promise<MessageQueue[] | undefined> {
    const { topics, settings } = this.#options;
    const own = topics.get(topic);
    const others = (await this.#queueDatasOf(topic))
      .filter(({ brokerName }) => brokerName !== settings.brokerName);
    const { brokerName } = settings;
    const all = own === undefined ? others : [...others, { ...own, brokerName }];
    if (all.length === 0) return undefined;
    return all.filter(({ perm }) => isReadable(perm)).flatMap(({ brokerName, readQueueNums }) =>
      Array.from({ length: readQueueNums }, (_, queueId) => ({ topic, brokerName, queueId }))
    );
  }

  async #queueDatasOf(topic: string): Promise<readonly QueueData[]> {
    const { clock } = this.#options;
    const existing = await this.#kept.get(topic);
    if (existing !== undefined && clock.now() < existing.until) return existing.queueDatas;
    this.#kept.delete(topic);
    const asking = this.#ask(topic);
    this.#kept.set(topic, asking);
    if (this.#kept.size > KEPT_MAX) this.#kept.delete(this.#kept.keys().next().value!);
    return (await asking).queueDatas;
  }

  /** Asks one name server after the other. Never rejects: without an answer there is this broker alone. */
  async #ask(topic: string): Promise<Kept> {
    const { nameServers, remotingClient, settings, clock } = this.#options;
    let queueDatas: QueueData[] = [];
    for (const address of nameServers()) {
      const header = encodeHeader(GET_ROUTEINFO_BY_TOPIC.request, {
        topic,
        acceptStandardJsonOnly: true,
      });
      const request = createRequest(GET_ROUTEINFO_BY_TOPIC.code, header);
      try {
        const answer = await remotingClient.invoke(address, request, TIMEOUT_MILLIS);
        if (answer.code === ResponseCode.SUCCESS) queueDatas = parseQueueDatas(answer.body);
        break;
      } catch {
        // The next one may be reachable; the registration logs those that are not.
      }
    }
    return { queueDatas, until: clock.now() + settings.loadBalancePollNameServerInterval };
  }
}

function parseQueueDatas(body: Uint8Array): QueueData[] {
  const json = parseFastjson(decodeUtf8(body, 0, body.length)) as Record<string, unknown>;
  const { queueDatas } = json;
  return Array.isArray(queueDatas) ? queueDatas.map(parseQueueData) : [];
}
