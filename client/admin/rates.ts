/** Traffic and lag from one look to the next, out of counters that Apache's brokers have as well. */

import { GET_CONSUME_STATS } from "../protocol/commands/admin_consumer.ts";
import { GET_TOPIC_STATS_INFO } from "../protocol/commands/admin_topic.ts";
import { ResponseCode } from "../protocol/response_code.ts";
import { type AdminClient, type BrokerAddress, parseJson } from "./admin_client.ts";
import { brokerRuntimeInfo } from "./cluster.ts";
import { fanOut } from "./fan_out.ts";
import { numberOf, queueEntries } from "./message_queue.ts";
import { diffTotal, parseConsumeStats, type QueueProgress } from "./stats.ts";

/** Messages per second since the last look. */
export interface Traffic {
  readonly inTps: number;
  readonly outTps: number;
  readonly inBytesPerSecond: number;
}

export interface BrokerSample extends Traffic {
  readonly brokerName: string;
  /** Of sends, by what the broker measures; milliseconds. */
  readonly putLatency99Millis?: number;
  /** How full the disk of the commit log is, 0 to 1. */
  readonly diskRatio: number;
  /** What is in the log and not in the queues yet. */
  readonly dispatchBehindBytes: number;
}

/** The cluster at one moment. */
export interface ClusterSample extends Traffic {
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly brokers: readonly BrokerSample[];
}

interface Counters {
  timestamp: number;
  put: number;
  get: number;
  putBytes: number;
}

/** Looks at all masters again and again; the first look tells how busy they have been in the last ten seconds. */
export class ClusterMeter {
  readonly #admin: AdminClient;
  readonly #now: () => number;
  #last = new Map<string, Counters>();

  constructor(admin: AdminClient, now: () => number) {
    this.#admin = admin;
    this.#now = now;
  }

  /** @throws {UnreachableError | RemotingError} when nobody answers. */
  async sample(): Promise<ClusterSample> {
    const masters = await this.#admin.masters();
    const { answers } = await fanOut(masters, ({ brokerAddr }) => {
      return brokerRuntimeInfo(this.#admin, brokerAddr);
    });
    const timestamp = this.#now();
    const last = this.#last;
    this.#last = new Map();
    const brokers = answers.map(({ broker: { brokerName }, value }) => {
      const counters = countersOf(value, timestamp);
      this.#last.set(brokerName, counters);
      return brokerSample(brokerName, value, counters, last.get(brokerName));
    });
    const sum = (of: (broker: BrokerSample) => number) =>
      brokers.reduce((total, broker) => total + of(broker), 0);
    return {
      timestamp,
      inTps: sum(({ inTps }) => inTps),
      outTps: sum(({ outTps }) => outTps),
      inBytesPerSecond: sum(({ inBytesPerSecond }) => inBytesPerSecond),
      brokers,
    };
  }
}

type RuntimeInfo = Readonly<Record<string, string>>;

function countersOf(info: RuntimeInfo, timestamp: number): Counters {
  return {
    timestamp,
    put: figure(info, "msgPutTotalTodayNow"),
    get: figure(info, "msgGetTotalTodayNow"),
    putBytes: figure(info, "putMessageSizeTotal"),
  };
}

function brokerSample(
  brokerName: string,
  info: RuntimeInfo,
  now: Counters,
  last: Counters | undefined,
): BrokerSample {
  const latency = info["putLatency99"];
  return {
    brokerName,
    ...traffic(info, now, last),
    ...(latency === undefined ? {} : { putLatency99Millis: figure(info, "putLatency99") }),
    diskRatio: figure(info, "commitLogDiskRatio"),
    dispatchBehindBytes: figure(info, "dispatchBehindBytes"),
  };
}

function traffic(info: RuntimeInfo, now: Counters, last: Counters | undefined): Traffic {
  // A broker that was started anew counts from zero.
  if (last === undefined || now.put < last.put || now.get < last.get) {
    const ofTenSeconds = (name: string) =>
      figure({ [name]: info[name]?.split(" ")[0] ?? "" }, name);
    return {
      inTps: ofTenSeconds("putTps"),
      outTps: ofTenSeconds("getTransferredTps"),
      inBytesPerSecond: 0,
    };
  }
  const seconds = Math.max(0.001, (now.timestamp - last.timestamp) / 1000);
  return {
    inTps: (now.put - last.put) / seconds,
    outTps: (now.get - last.get) / seconds,
    inBytesPerSecond: Math.max(0, now.putBytes - last.putBytes) / seconds,
  };
}

/** Apache's brokers write some figures with words around them. */
function figure(info: RuntimeInfo, name: string): number {
  const number = Number.parseFloat(info[name] ?? "");
  return Number.isFinite(number) ? number : 0;
}

/** A topic at one moment. */
export interface TopicSample {
  readonly timestamp: number;
  readonly topic: string;
  /** Messages per second since the last look; 0 at the first. */
  readonly inTps: number;
  /** Messages that are there, in all queues. */
  readonly messageCount: number;
  /** The sum of the ends of its queues. */
  readonly maxOffsetTotal: number;
}

/** Looks at one topic again and again. */
export class TopicMeter {
  readonly #admin: AdminClient;
  readonly #topic: string;
  readonly #now: () => number;
  #last: { timestamp: number; total: number } | undefined;

  constructor(admin: AdminClient, topic: string, now: () => number) {
    this.#admin = admin;
    this.#topic = topic;
    this.#now = now;
  }

  /** @throws {RemotingError} TOPIC_NOT_EXIST. */
  async sample(): Promise<TopicSample> {
    const topic = this.#topic;
    const { answers } = await fanOut(
      await this.#admin.mastersOf(topic),
      async ({ brokerAddr }) => {
        const { body } = await this.#admin.invoke(brokerAddr, GET_TOPIC_STATS_INFO, { topic });
        const { offsetTable } = (parseJson(body) ?? {}) as Record<string, unknown>;
        return queueEntries(offsetTable).map(({ value }) => value);
      },
    );
    const queues = answers.flatMap(({ value }) => value);
    const total = queues.reduce((sum, queue) => sum + numberOf(queue["maxOffset"]), 0);
    const first = queues.reduce((sum, queue) => sum + numberOf(queue["minOffset"]), 0);
    const timestamp = this.#now();
    const last = this.#last;
    this.#last = { timestamp, total };
    const seconds = last === undefined ? 0 : (timestamp - last.timestamp) / 1000;
    return {
      timestamp,
      topic,
      inTps: last === undefined || seconds <= 0 ? 0 : Math.max(0, total - last.total) / seconds,
      messageCount: total - first,
      maxOffsetTotal: total,
    };
  }
}

/** A group at one moment. */
export interface GroupSample {
  readonly timestamp: number;
  readonly group: string;
  /** Messages before it. */
  readonly diffTotal: number;
  readonly consumeTps: number;
  readonly topics: readonly { readonly topic: string; readonly diffTotal: number }[];
}

/** How far a group is: one request to each master, and nothing for those that do not know the group. */
export async function groupSample(
  admin: AdminClient,
  group: string,
  now: () => number,
): Promise<GroupSample> {
  const accept = [ResponseCode.SYSTEM_ERROR, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST];
  const { answers } = await fanOut(await admin.masters(), async ({ brokerAddr }: BrokerAddress) => {
    const header = { consumerGroup: group };
    const { code, body } = await admin.invoke(brokerAddr, GET_CONSUME_STATS, header, { accept });
    return parseConsumeStats(code === ResponseCode.SUCCESS ? parseJson(body) : undefined);
  });
  const byTopic = new Map<string, QueueProgress[]>();
  for (const queue of answers.flatMap(({ value }) => value.queues)) {
    const known = byTopic.get(queue.topic);
    if (known === undefined) byTopic.set(queue.topic, [queue]);
    else known.push(queue);
  }
  const topics = [...byTopic].map(([topic, queues]) => ({ topic, diffTotal: diffTotal(queues) }));
  return {
    timestamp: now(),
    group,
    diffTotal: topics.reduce((sum, topic) => sum + topic.diffTotal, 0),
    consumeTps: answers.reduce((sum, { value }) => sum + value.consumeTps, 0),
    topics,
  };
}
