/** The load itself: senders that each wait for their answer, then one puller for each queue. */

import { SystemTopic } from "../../../client/protocol/names.ts";
import { DEFAULT_TOPIC_QUEUE_NUMS } from "../../../client/route_cache.ts";
import { MASTER_ID } from "../../../client/admin/admin_client.ts";
import { PULL_MESSAGE, PullSysFlag } from "../../../client/protocol/commands/pull.ts";
import { SEND_MESSAGE_V2 } from "../../../client/protocol/commands/send.ts";
import { createRequest } from "../../../client/protocol/frame.ts";
import { decodeHeader, encodeHeader } from "../../../client/protocol/header_schema.ts";
import { ResponseCode } from "../../../client/protocol/response_code.ts";
import type { TopicRouteData } from "../../../client/protocol/route_data.ts";
import { RemotingClient } from "../../../client/remoting/remoting_client.ts";
import { Latencies, type PhaseResult, phaseResult } from "./measure.ts";

export interface LoadOptions {
  readonly topic: string;
  readonly group: string;
  readonly queues: readonly LoadQueue[];
  readonly messages: number;
  /** The body of each message. */
  readonly body: Uint8Array;
  /** How many send at the same time. */
  readonly senders: number;
  /** How many connections they share, to each broker. */
  readonly connections: number;
}

/** A queue that takes messages. */
export interface LoadQueue {
  readonly brokerAddr: string;
  readonly brokerName: string;
  readonly queueId: number;
}

const ANSWER_MILLIS = 15_000;
const PULL_COUNT = 32;
/** Of a topic's permission (PermName.java). */
const PERM_WRITE = 2;

/** The queues of a topic that can be written, in an order that goes round the brokers. */
export function loadQueues({ brokerDatas, queueDatas }: TopicRouteData): LoadQueue[] {
  const addresses = new Map(
    brokerDatas.map(({ brokerName, brokerAddrs }) => [brokerName, brokerAddrs[MASTER_ID]]),
  );
  return queueDatas.filter(({ perm }) => (perm & PERM_WRITE) !== 0)
    .flatMap(({ brokerName, writeQueueNums, readQueueNums }) => {
      const brokerAddr = addresses.get(brokerName);
      if (brokerAddr === undefined) return [];
      const count = Math.min(writeQueueNums, readQueueNums);
      return Array.from({ length: count }, (_, queueId) => ({ brokerAddr, brokerName, queueId }));
    }).sort((a, b) => a.queueId - b.queueId);
}

/** Where the first message of a load lies in each queue, for `pullAll`. */
export type FirstOffsets = Map<LoadQueue, { first: number; count: number }>;

/** Sends all messages; tells where they are. */
export async function sendAll(
  options: LoadOptions,
): Promise<{ result: PhaseResult; sent: FirstOffsets }> {
  const { messages, senders, queues } = options;
  await using clients = openClients(options.connections);
  const latencies = new Latencies(messages);
  const sent: FirstOffsets = new Map();
  const failures = new Failures();
  let next = 0;
  const sender = async (index: number) => {
    const client = clients.at(index);
    for (let number = next++; number < messages; number = next++) {
      const queue = queues[number % queues.length]!;
      try {
        const started = performance.now();
        const queueOffset = await send(client, queue, options);
        latencies.add(performance.now() - started);
        noteOffset(sent, queue, queueOffset);
      } catch (error) {
        failures.add(error);
      }
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: senders }, (_, index) => sender(index)));
  const seconds = (performance.now() - started) / 1000;
  const bytes = latencies.count * options.body.length;
  const counts = { messages: latencies.count, bytes, ...failures.counts() };
  return { result: phaseResult(counts, seconds, latencies), sent };
}

function noteOffset(sent: FirstOffsets, queue: LoadQueue, queueOffset: number): void {
  const known = sent.get(queue);
  if (known === undefined) sent.set(queue, { first: queueOffset, count: 1 });
  else {
    known.first = Math.min(known.first, queueOffset);
    known.count++;
  }
}

/** Gives the message's queueOffset. */
async function send(
  client: RemotingClient,
  { brokerAddr, brokerName, queueId }: LoadQueue,
  options: LoadOptions,
): Promise<number> {
  const header = {
    producerGroup: options.group,
    topic: options.topic,
    defaultTopic: SystemTopic.AUTO_CREATE_TOPIC_KEY,
    defaultTopicQueueNums: DEFAULT_TOPIC_QUEUE_NUMS,
    queueId,
    sysFlag: 0,
    bornTimestamp: Date.now(),
    flag: 0,
    brokerName,
  };
  const fields = encodeHeader(SEND_MESSAGE_V2.request, header);
  const request = createRequest(SEND_MESSAGE_V2.code, fields, options.body);
  const { code, remark, extFields } = await client.invoke(brokerAddr, request, ANSWER_MILLIS);
  if (code !== ResponseCode.SUCCESS) throw new Error(remark ?? `answered with code ${code}`);
  return decodeHeader(SEND_MESSAGE_V2.response, extFields).queueOffset;
}

/** Pulls what `sendAll` has sent, all queues at the same time. Its latencies are those of pulls of up to 32 messages. */
export async function pullAll(options: LoadOptions, sent: FirstOffsets): Promise<PhaseResult> {
  await using clients = openClients(options.connections);
  const latencies = new Latencies(options.messages / PULL_COUNT);
  const failures = new Failures();
  let messages = 0;
  let bytes = 0;
  const started = performance.now();
  await Promise.all([...sent].map(async ([queue, { first, count }], index) => {
    const client = clients.at(index);
    try {
      for (let offset = first; offset < first + count;) {
        const asked = performance.now();
        const pulled = await pull(client, queue, offset, options);
        latencies.add(performance.now() - asked);
        messages += pulled.next - offset;
        bytes += pulled.bytes;
        offset = pulled.next;
      }
    } catch (error) {
      failures.add(error);
    }
  }));
  const seconds = (performance.now() - started) / 1000;
  return phaseResult({ messages, bytes, ...failures.counts() }, seconds, latencies);
}

async function pull(
  client: RemotingClient,
  { brokerAddr, queueId }: LoadQueue,
  queueOffset: number,
  { topic, group }: LoadOptions,
): Promise<{ next: number; bytes: number }> {
  const header = {
    consumerGroup: group,
    topic,
    queueId,
    queueOffset,
    maxMsgNums: PULL_COUNT,
    sysFlag: PullSysFlag.SUBSCRIPTION | PullSysFlag.SUSPEND,
    commitOffset: 0,
    suspendTimeoutMillis: ANSWER_MILLIS / 2,
    subscription: "*",
    subVersion: 0,
    expressionType: "TAG",
  };
  const fields = encodeHeader(PULL_MESSAGE.request, header);
  const request = createRequest(PULL_MESSAGE.code, fields);
  const answer = await client.invoke(brokerAddr, request, ANSWER_MILLIS);
  if (answer.code !== ResponseCode.SUCCESS) {
    throw new Error(answer.remark ?? `a pull at offset ${queueOffset} was answered ${answer.code}`);
  }
  const next = decodeHeader(PULL_MESSAGE.response, answer.extFields).nextBeginOffset;
  return { next, bytes: answer.body.length };
}

function openClients(count: number) {
  const clients = Array.from({ length: count }, () => new RemotingClient());
  return {
    at: (index: number): RemotingClient => clients[index % count]!,
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client[Symbol.asyncDispose]();
    },
  };
}

/** Counts failures and keeps the first reason. */
class Failures {
  #count = 0;
  #first: string | undefined;

  add(error: unknown): void {
    this.#count++;
    this.#first ??= error instanceof Error ? error.message : String(error);
  }

  counts(): { failed: number; failure: string | undefined } {
    return { failed: this.#count, failure: this.#first };
  }
}
