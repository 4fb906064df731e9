/** A consumer over the remoting protocol, as a client library has it: joins, pulls, commits, sends back what failed. */

import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { GET_CONSUMER_RUNNING_INFO } from "../../client/protocol/commands/admin_consumer.ts";
import { HEART_BEAT } from "../../client/protocol/commands/client.ts";
import { UPDATE_CONSUMER_OFFSET } from "../../client/protocol/commands/offset.ts";
import { PULL_MESSAGE, PullSysFlag } from "../../client/protocol/commands/pull.ts";
import { CONSUMER_SEND_MSG_BACK } from "../../client/protocol/commands/send.ts";
import {
  createRequest,
  createResponse,
  type RemotingCommand,
} from "../../client/protocol/frame.ts";
import {
  type Command,
  encodeHeader,
  type Fields,
  type HeaderInput,
} from "../../client/protocol/header_schema.ts";
import { decodeMessages, type StoredMessage } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { RemotingClient } from "../../client/remoting/remoting_client.ts";

export interface ConsumerOptions {
  brokerPort: number;
  group: string;
  /** Topics with their numbers of queues. */
  topics: Readonly<Record<string, number>>;
  clientId?: string;
  tags?: string;
  /** Whether a message was consumed; else it comes again. */
  consume: (message: StoredMessage) => boolean | Promise<boolean>;
  /** How often a message may come again before it is a dead letter. */
  maxReconsumeTimes?: number;
}

const TIMEOUT_MILLIS = 20_000;
const SUSPEND_MILLIS = 500;
const HEARTBEAT_MILLIS = 5_000;

/** Consumes from its start until it is disposed of, all queues of its topics. */
export class Consumer implements AsyncDisposable {
  readonly #options: ConsumerOptions;
  readonly #client = new RemotingClient({
    onRequest: (request, connection) => {
      if (request.code !== GET_CONSUMER_RUNNING_INFO.code) return;
      const body = encodeUtf8(this.#runningInfo());
      connection.send(createResponse(request, ResponseCode.SUCCESS, undefined, new Map(), body));
    },
  });
  /** Where it is in each queue, by the queue in JSON. */
  readonly #queues = new Map<string, number>();
  readonly #loops: Promise<void>[] = [];
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #isStopped = false;

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  /** Joins the group, and begins. */
  async start(): Promise<void> {
    await this.#join();
    this.#heartbeat = setInterval(() => this.#join().catch(() => {}), HEARTBEAT_MILLIS);
    const { group, topics } = this.#options;
    for (const [topic, queueNums] of Object.entries({ ...topics, [`%RETRY%${group}`]: 1 })) {
      for (let queueId = 0; queueId < queueNums; queueId++) {
        this.#loops.push(this.#consumeQueue(topic, queueId));
      }
    }
  }

  /** A ConsumerRunningInfo; Java writes the keys of its table as objects. */
  #runningInfo(): string {
    const now = Date.now();
    const queues = [...this.#queues].map(([queue, commitOffset]) => {
      const state = { commitOffset, lastPullTimestamp: now, lastConsumeTimestamp: now };
      return `${queue}:${JSON.stringify(state)}`;
    });
    return `{"properties":{},"statusTable":{},"mqTable":{${queues.join(",")}}}`;
  }

  async #join(): Promise<void> {
    const { group, topics, clientId = `127.0.0.1@${Deno.pid}`, tags = "*" } = this.#options;
    const subscription = (topic: string, subString: string) => ({
      topic,
      subString,
      tagsSet: [],
      codeSet: [],
      subVersion: 1,
      expressionType: "TAG",
    });
    const heartbeat = {
      clientID: clientId,
      producerDataSet: [],
      consumerDataSet: [{
        groupName: group,
        consumeType: "CONSUME_PASSIVELY",
        messageModel: "CLUSTERING",
        consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
        subscriptionDataSet: [
          ...Object.keys(topics).map((topic) => subscription(topic, tags)),
          subscription(`%RETRY%${group}`, "*"),
        ],
        unitMode: false,
      }],
    };
    await this.#invoke(HEART_BEAT, {}, encodeUtf8(JSON.stringify(heartbeat)));
  }

  async #consumeQueue(topic: string, queueId: number): Promise<void> {
    let queueOffset = 0;
    while (!this.#isStopped) {
      try {
        queueOffset = await this.#pullOnce(topic, queueId, queueOffset);
      } catch {
        if (this.#isStopped) return;
        // The broker is away, or its retry topic is not there yet.
        await new Promise((resolve) => setTimeout(resolve, SUSPEND_MILLIS));
      }
    }
  }

  /** Returns where to go on, which the broker may say to be elsewhere. */
  async #pullOnce(topic: string, queueId: number, queueOffset: number): Promise<number> {
    const consumerGroup = this.#options.group;
    const { code, body, extFields } = await this.#invoke(PULL_MESSAGE, {
      consumerGroup,
      topic,
      queueId,
      queueOffset,
      maxMsgNums: 32,
      sysFlag: PullSysFlag.SUSPEND,
      commitOffset: 0,
      suspendTimeoutMillis: SUSPEND_MILLIS,
      subVersion: 1,
    });
    if (code !== ResponseCode.SUCCESS) {
      const next = extFields.get("nextBeginOffset");
      if (next === undefined) throw new Error(`A pull was answered ${code}`);
      return Number(next);
    }
    for (const message of decodeMessages(body)) {
      if (!await this.#options.consume(message)) await this.#sendBack(message);
    }
    const commitOffset = Number(extFields.get("nextBeginOffset"));
    this.#queues.set(JSON.stringify({ brokerName: "broker-a", queueId, topic }), commitOffset);
    await this.#invoke(UPDATE_CONSUMER_OFFSET, { consumerGroup, topic, queueId, commitOffset });
    return commitOffset;
  }

  async #sendBack({ physicalOffset, topic }: StoredMessage): Promise<void> {
    await this.#invoke(CONSUMER_SEND_MSG_BACK, {
      offset: physicalOffset,
      group: this.#options.group,
      delayLevel: 1,
      originTopic: topic,
      maxReconsumeTimes: this.#options.maxReconsumeTimes ?? 16,
    });
  }

  #invoke<Q extends Fields, R extends Fields>(
    command: Command<Q, R>,
    header: HeaderInput<Q>,
    body?: Uint8Array,
  ): Promise<RemotingCommand> {
    const request = createRequest(command.code, encodeHeader(command.request, header), body);
    return this.#client.invoke(
      `127.0.0.1:${this.#options.brokerPort}`,
      request,
      TIMEOUT_MILLIS,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#heartbeat);
    await this.#client[Symbol.asyncDispose]();
    await Promise.all(this.#loops);
  }
}
