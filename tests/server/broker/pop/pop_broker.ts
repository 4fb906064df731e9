/** What pops need of a broker, over real files, with a clock of its own and without sockets. */

import { decodeUtf8, encodeUtf8 } from "../../../../client/protocol/bytes.ts";
import {
  ACK_MESSAGE,
  BATCH_ACK_MESSAGE,
  CHANGE_MESSAGE_INVISIBLETIME,
  POP_MESSAGE,
} from "../../../../client/protocol/commands/pop.ts";
import { createRequest, type RemotingCommand } from "../../../../client/protocol/frame.ts";
import {
  type Command,
  encodeHeader,
  type Fields,
  type HeaderInput,
} from "../../../../client/protocol/header_schema.ts";
import { findProperty, hostBytes } from "../../../../client/protocol/message.ts";
import { decodeMessages, type StoredMessage } from "../../../../client/protocol/message_record.ts";
import { createTopicConfig } from "../../../../client/protocol/topic_config.ts";
import { Connection } from "../../../../client/remoting/connection.ts";
import { ConsumerTable } from "../../../../server/broker/client_table.ts";
import { SqlFilterCache } from "../../../../server/broker/filter/sql_filter.ts";
import { ConsumerFilterTable } from "../../../../server/broker/consumer_filter_table.ts";
import { GroupTable } from "../../../../server/broker/group_table.ts";
import { HeldReplies } from "../../../../server/broker/held_replies.ts";
import { OffsetTable } from "../../../../server/broker/offset_table.ts";
import { createPop, type Pop } from "../../../../server/broker/pop/pop.ts";
import { TopicTable } from "../../../../server/broker/topic_table.ts";
import { type Config, defaultConfig } from "../../../../server/config.ts";
import { Dispatcher } from "../../../../server/dispatcher.ts";
import { denoFileSystem, type FileSystem } from "../../../../store/file_system.ts";
import type { MessageStore } from "../../../../store/message_store.ts";
import { FaultFileSystem } from "../../../helpers/fault_file_system.ts";
import { memoryLog, streamPair } from "../../../helpers/fake_connection.ts";
import { openStore } from "../../../helpers/store.ts";
import { ManualClock, turn } from "./manual_clock.ts";

export const STARTED_AT = 1_700_000_000_000;
const INVOKE_TIMEOUT_MILLIS = 10_000;
const HOST = hostBytes("10.0.0.1", 10911);

/** A disk that can be full, and slow. */
export interface UnreliableFileSystem extends FileSystem {
  /** The commit log cannot be written. */
  isFull: boolean;
  /** The commit log is not brought to disk before this. */
  syncsAfter: Promise<void> | undefined;
}

export function unreliableFileSystem(): UnreliableFileSystem {
  const fileSystem = Object.create(denoFileSystem) as UnreliableFileSystem;
  fileSystem.isFull = false;
  fileSystem.openSync = (path, options) => {
    const file = denoFileSystem.openSync(path, options);
    const write = file.writeSync.bind(file);
    file.writeSync = (bytes, position) => {
      if (fileSystem.isFull && path.includes("/commitlog/")) throw new Error("no space left");
      write(bytes, position);
    };
    const sync = file.syncData.bind(file);
    file.syncData = async () => {
      if (path.includes("/commitlog/")) await fileSystem.syncsAfter;
      await sync();
    };
    return file;
  };
  return fileSystem;
}

export interface PopBrokerOptions {
  folder?: string;
  clock?: ManualClock;
  config?: Partial<Config>;
  fileSystem?: FileSystem;
}

/** A message as a client sees it. */
export interface Popped {
  /** The topic that the answer names. */
  topic: string;
  queueId: number;
  queueOffset: number;
  reconsumeTimes: number;
  text: string;
  /** For ACK_MESSAGE. */
  handle: string;
  /** The topic that the handle means. */
  realTopic: string;
}

export interface PopAnswer {
  code: number;
  remark: string | undefined;
  fields: Map<string, string>;
  messages: Popped[];
}

type PopFields = Partial<HeaderInput<typeof POP_MESSAGE.request.fields>>;

export class PopBroker implements AsyncDisposable {
  readonly folder: string;
  readonly fileSystem: FileSystem;
  readonly clock: ManualClock;
  readonly config: Config;
  readonly store: MessageStore;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly offsets: OffsetTable;
  readonly consumers: ConsumerTable;
  readonly pop: Pop;
  readonly lines: string[];
  readonly #options: PopBrokerOptions;
  readonly #dispatcher: Dispatcher;
  readonly #parts: AsyncDisposableStack;
  readonly #client: Connection;
  #hasSuccessor = false;

  /** Starts a broker, over the folder of another if one is given. */
  static async start(options: PopBrokerOptions = {}): Promise<PopBroker> {
    const broker = new PopBroker(options);
    await broker.offsets.flush();
    await broker.pop.start();
    return broker;
  }

  private constructor(options: PopBrokerOptions) {
    this.#options = options;
    const stack = this.#parts = new AsyncDisposableStack();
    this.folder = options.folder ?? newFolder(options);
    this.clock = options.clock ?? new ManualClock(STARTED_AT);
    const config = this.config = { ...testConfig(), ...options.config };
    config.storePathRootDir = this.folder;
    const { log, lines } = memoryLog();
    this.lines = lines;
    const held = new HeldReplies();
    const { now } = this.clock;
    const popRef: { current?: Pop } = {};
    const fileSystem = this.fileSystem = options.fileSystem ?? denoFileSystem;
    this.store = stack.use(openStore(this.folder, config, {
      fileSystem,
      now,
      onArrival: (arrival) => popRef.current?.arrived(arrival),
      onPromised: (offset) => held.promised(offset),
      onWriteFailed: (offset, error) => held.failed(offset, error),
    }));
    const folder = `${this.folder}/config`;
    const common = { folder, fileSystem, settings: config, now, log };
    this.topics = stack.use(new TopicTable({ ...common, onChange: () => Promise.resolve() }));
    this.groups = stack.use(new GroupTable(common));
    this.offsets = stack.use(
      new OffsetTable({
        ...common,
        onReset: (...reset) => popRef.current?.wasReset(...reset),
        onRemove: (gone) => popRef.current?.wasRemoved(gone),
      }),
    );
    this.offsets.clamp((topic, queueId) => this.store.getMaxOffsetInQueue(topic, queueId));
    const filterCache = new SqlFilterCache();
    const filters = stack.use(new ConsumerFilterTable({ ...common, filterCache }));
    this.consumers = new ConsumerTable({
      channelExpiredTimeout: 120_000,
      now,
      log,
      onConsumerIdsChanged: () => {},
      filters,
    });
    let chance = 7;
    this.pop = popRef.current = stack.use(createPop({
      ...common,
      config,
      store: this.store,
      topics: this.topics,
      groups: this.groups,
      offsets: this.offsets,
      consumers: this.consumers,
      filterCache,
      held,
      remotingClient: { invoke: () => Promise.reject(new Error("there is no name server")) },
      nameServers: () => [],
      storeHost: () => HOST,
      clock: this.clock,
      random: (below) => (chance = (chance * 31 + 17) % 101) % below,
    }));
    this.#dispatcher = new Dispatcher(this.pop.routes, log, String);
    this.#client = this.connect();
    stack.defer(() => this.#client.close());
  }

  /** A new client's end of a connection. */
  connect(): Connection {
    const [near, far] = streamPair();
    const address = { hostname: "127.0.0.1", port: 1 };
    const server = new Connection({
      stream: near,
      local: address,
      remote: address,
      onRequest: (request, connection) => this.#dispatcher.dispatch(request, connection),
      onChunk: () => {
        this.pop.flush();
        this.store.commit();
      },
    });
    const client = new Connection({
      stream: far,
      local: address,
      remote: address,
      onRequest: () => {},
    });
    server.run();
    client.run();
    return client;
  }

  createTopic(topic: string, queueNums = 1): void {
    const queues = { readQueueNums: queueNums, writeQueueNums: queueNums };
    this.topics.update(createTopicConfig(topic, queues), new Map());
  }

  /** Waits until topics and groups are on disk. */
  async saved(): Promise<void> {
    await Promise.all([this.topics.published(), this.groups.flush()]);
  }

  /** Puts messages, each with its text as its body. */
  send(topic: string, texts: readonly string[], queueId = 0, properties = ""): void {
    if (this.topics.get(topic) === undefined) this.createTopic(topic, queueId + 1);
    for (const text of texts) {
      this.store.putMessage({
        topic,
        queueId,
        flag: 0,
        sysFlag: 0,
        bornTimestamp: this.clock.now(),
        bornHost: HOST,
        storeHost: HOST,
        reconsumeTimes: 0,
        preparedTransactionOffset: 0,
        body: encodeUtf8(text),
        properties,
      });
    }
    this.store.commit();
  }

  ask<Q extends Fields, R extends Fields>(
    command: Command<Q, R>,
    header: HeaderInput<Q>,
    body?: Uint8Array,
    client = this.#client,
  ): Promise<RemotingCommand> {
    const request = createRequest(command.code, encodeHeader(command.request, header), body);
    return client.invoke(request, INVOKE_TIMEOUT_MILLIS);
  }

  /** Pops for the group "g" from all queues, and does not wait. */
  async pop1(topic: string, fields: PopFields = {}, client?: Connection): Promise<PopAnswer> {
    const header = {
      consumerGroup: "g",
      topic,
      queueId: -1,
      maxMsgNums: 32,
      invisibleTime: 60_000,
      pollTime: 0,
      bornTime: this.clock.now(),
      initMode: 0,
      ...fields,
    };
    return answerOf(await this.ask(POP_MESSAGE, header, undefined, client), this.config.brokerName);
  }

  /** Acknowledges one message; gives the answer's code. */
  async ack(message: Popped, consumerGroup = "g"): Promise<number> {
    return (await this.ask(ACK_MESSAGE, {
      consumerGroup,
      topic: message.realTopic,
      queueId: message.queueId,
      extraInfo: message.handle,
      offset: message.queueOffset,
    })).code;
  }

  /** Acknowledges messages of one pop and queue in one request. */
  async batchAck(messages: readonly Popped[], consumerGroup = "g"): Promise<number> {
    const acks = messages.map((message) => {
      const [so, pt, it, rq, r, , q] = message.handle.split(" ");
      const distance = message.queueOffset - Number(so);
      const bytes = new Uint8Array((distance >> 3) + 1);
      bytes[distance >> 3]! |= 1 << (distance & 7);
      return {
        c: consumerGroup,
        t: message.topic,
        r,
        so: Number(so),
        q: Number(q),
        rq: Number(rq),
        pt: Number(pt),
        it: Number(it),
        b: btoa(String.fromCharCode(...bytes)),
      };
    });
    const body = encodeUtf8(JSON.stringify({ brokerName: this.config.brokerName, acks }));
    return (await this.ask(BATCH_ACK_MESSAGE, {}, body)).code;
  }

  /** Hides a message for another time; gives it with its new handle, or the code of a refusal. */
  async hide(message: Popped, invisibleTime: number, group = "g"): Promise<Popped | number> {
    const { code, extFields } = await this.ask(CHANGE_MESSAGE_INVISIBLETIME, {
      consumerGroup: group,
      topic: message.realTopic,
      queueId: message.queueId,
      extraInfo: message.handle,
      offset: message.queueOffset,
      invisibleTime,
    });
    if (code !== 0) return code;
    const parts = message.handle.split(" ");
    const [popTime, time, reviveQid] = ["popTime", "invisibleTime", "reviveQid"]
      .map((name) => extFields.get(name));
    const rest = [parts[4], parts[5], parts[6], message.queueOffset];
    const handle = [message.queueOffset, popTime, time, reviveQid, ...rest].join(" ");
    return { ...message, handle };
  }

  /** Lets time pass; what it brings begins, and ends at once unless files have to be read or written for it. */
  async pass(millis: number): Promise<void> {
    await this.clock.pass(millis);
  }

  /** Waits for something that files have to be read or written for. */
  async until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + INVOKE_TIMEOUT_MILLIS;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`waited in vain: ${condition}`);
      await turn();
    }
  }

  maxOffset(topic: string, queueId = 0): number {
    return this.store.getMaxOffsetInQueue(topic, queueId);
  }

  /** A broker over a copy of the folder as it is, as one that starts after SIGKILL; this one goes on by itself. */
  async afterKill(): Promise<PopBroker> {
    const { fileSystem } = this.#options;
    // A send that makes its topic is answered when the topic is on disk.
    await this.topics.published();
    if (fileSystem instanceof FaultFileSystem) {
      return await this.#over(new FaultFileSystem(fileSystem.disk.copy(), fileSystem.options));
    }
    const folder = newFolder(this.#options);
    copyFolder(this.folder, folder);
    return await PopBroker.start({ ...this.#options, folder, clock: this.clock });
  }

  /** The same after a power loss, for a disk in memory. */
  async afterPowerLoss(): Promise<PopBroker> {
    const { disk, options } = this.#options.fileSystem as FaultFileSystem;
    return await this.#over(new FaultFileSystem(disk.survivor(options.random), options));
  }

  #over(fileSystem: FileSystem): Promise<PopBroker> {
    const { folder, clock } = this;
    return PopBroker.start({ ...this.#options, fileSystem, folder, clock });
  }

  /** Stops in an orderly way, and starts again. */
  async restart(): Promise<PopBroker> {
    this.#hasSuccessor = true;
    await this.#parts.disposeAsync();
    return await PopBroker.start({ ...this.#options, folder: this.folder, clock: this.clock });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
    const isReal = !(this.#options.fileSystem instanceof FaultFileSystem);
    if (isReal && !this.#hasSuccessor) Deno.removeSync(this.folder, { recursive: true });
  }
}

function newFolder({ fileSystem }: PopBrokerOptions): string {
  return fileSystem instanceof FaultFileSystem ? "/data" : Deno.makeTempDirSync({ prefix: "pop-" });
}

function testConfig(): Config {
  return {
    ...defaultConfig(),
    flushDiskType: "ASYNC_FLUSH",
    flushIntervalCommitLog: 20,
    mappedFileSizeCommitLog: 1024 * 1024,
    mappedFileSizeConsumeQueue: 20_000,
    messageIndexEnable: false,
    flushConsumerOffsetInterval: 60_000,
    storePathCommitLog: "",
  };
}

/** What a Java client makes of an answer. */
export function answerOf(response: RemotingCommand, brokerName: string): PopAnswer {
  const { code, remark, extFields: fields, body } = response;
  const starts = infoOf(fields.get("startOffsetInfo"));
  const messages = body.length === 0 ? [] : decodeMessages(body);
  const [popTime, invisibleTime, reviveQid] = ["popTime", "invisibleTime", "reviveQid"]
    .map((name) => fields.get(name));
  return {
    code,
    remark,
    fields,
    messages: messages.map((message) => {
      const inside = findProperty(message.properties, "POP_CK");
      const flag = inside?.split(" ")[4] ?? retryFlag(message.topic);
      const start = starts.get(`${flag} ${message.queueId}`);
      const handle = inside ??
        [start, popTime, invisibleTime, reviveQid, flag, brokerName].join(" ") +
          ` ${message.queueId} ${message.queueOffset}`;
      return popped(message, handle, flag);
    }),
  };
}

function popped(message: StoredMessage, handle: string, flag: string): Popped {
  const { topic, queueId, queueOffset, reconsumeTimes, body } = message;
  const separators: Record<string, string> = { "1": "_", "2": "+" };
  const separator = separators[flag];
  const realTopic = separator === undefined || topic.startsWith("%RETRY%")
    ? topic
    : `%RETRY%g${separator}${topic}`;
  const text = decodeUtf8(body, 0, body.length);
  return { topic, queueId, queueOffset, reconsumeTimes, text, handle, realTopic };
}

function retryFlag(topic: string): string {
  if (!topic.startsWith("%RETRY%")) return "0";
  return topic.includes("+") ? "2" : "1";
}

function infoOf(text = ""): Map<string, string> {
  return new Map(
    text.split(";").filter((item) => item !== "").map((item) => {
      const [flag, queueId, value] = item.split(" ");
      return [`${flag} ${queueId}`, value!];
    }),
  );
}

function copyFolder(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const entry of Deno.readDirSync(from)) {
    const [source, target] = [`${from}/${entry.name}`, `${to}/${entry.name}`];
    if (entry.isDirectory) copyFolder(source, target);
    else Deno.copyFileSync(source, target);
  }
}
