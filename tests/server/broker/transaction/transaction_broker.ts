/** What transactions need of a broker, over a disk in memory that can fail, with a clock of its own and no sockets. */

import { decodeUtf8, encodeUtf8 } from "../../../../client/protocol/bytes.ts";
import { SEND_MESSAGE_V2 } from "../../../../client/protocol/commands/send.ts";
import {
  CHECK_TRANSACTION_STATE,
  END_TRANSACTION,
  RESUME_CHECK_HALF_MESSAGE,
} from "../../../../client/protocol/commands/transaction.ts";
import { createRequest, type RemotingCommand } from "../../../../client/protocol/frame.ts";
import {
  type Command,
  decodeHeader,
  encodeHeader,
  type Fields,
  type HeaderInput,
  type HeaderOf,
} from "../../../../client/protocol/header_schema.ts";
import {
  hostBytes,
  MessageSysFlag,
  parseMessageId,
  printProperties,
} from "../../../../client/protocol/message.ts";
import { decodeMessages, type StoredMessage } from "../../../../client/protocol/message_record.ts";
import { ResponseCode } from "../../../../client/protocol/response_code.ts";
import { Connection, ConnectionClosedError } from "../../../../client/remoting/connection.ts";
import { ProducerTable } from "../../../../server/broker/client_table.ts";
import { GroupTable } from "../../../../server/broker/group_table.ts";
import { HeldReplies } from "../../../../server/broker/held_replies.ts";
import { OffsetTable } from "../../../../server/broker/offset_table.ts";
import { sendRoutes } from "../../../../server/broker/send_routes.ts";
import { delayed } from "../../../../server/broker/timer/delayed.ts";
import { Timers } from "../../../../server/broker/timer/timers.ts";
import { TopicTable } from "../../../../server/broker/topic_table.ts";
import { SystemTopic } from "../../../../server/broker/topic_name.ts";
import {
  createTransactions,
  type Transactions,
} from "../../../../server/broker/transaction/transaction.ts";
import { type Config, defaultConfig } from "../../../../server/config.ts";
import { Dispatcher } from "../../../../server/dispatcher.ts";
import type { MessageStore } from "../../../../store/message_store.ts";
import { memoryLog, streamPair } from "../../../helpers/fake_connection.ts";
import { Disk } from "../../../helpers/fault_disk.ts";
import { Crash, FaultFileSystem, type FaultOptions } from "../../../helpers/fault_file_system.ts";
import { quietRandom } from "../../../helpers/random.ts";
import { openStore } from "../../../helpers/store.ts";
import { TestClock, turn } from "./steady_clock.ts";

const FOLDER = "/data/store";
const HOST = hostBytes("10.0.0.1", 10911);
const INVOKE_TIMEOUT_MILLIS = 10_000;
export const STARTED_AT = 1_700_000_000_000;
export const COMMIT = MessageSysFlag.TRANSACTION_COMMIT;
export const ROLLBACK = MessageSysFlag.TRANSACTION_ROLLBACK;
export const UNKNOWN = 0;

export interface BrokerOptions {
  disk?: Disk;
  clock?: TestClock;
  config?: Partial<Config>;
  faults?: Partial<FaultOptions>;
}

/** A half message as its sender knows it. */
export interface SentHalf {
  queueOffset: number;
  physicalOffset: number;
  msgId: string;
}

/** A question that a producer got. */
export interface Check {
  header: HeaderOf<typeof CHECK_TRANSACTION_STATE.request.fields>;
  message: StoredMessage;
  text: string;
}

type SendFields = Partial<HeaderInput<typeof SEND_MESSAGE_V2.request.fields>>;
type EndFields = Partial<HeaderInput<typeof END_TRANSACTION.request.fields>>;

export class TransactionBroker implements AsyncDisposable {
  readonly clock: TestClock;
  readonly config: Config;
  readonly fileSystem: FaultFileSystem;
  readonly store: MessageStore;
  readonly topics: TopicTable;
  readonly offsets: OffsetTable;
  readonly producers: ProducerTable;
  readonly transactions: Transactions;
  readonly lines: string[];
  /** Resolves when the machine has stopped. */
  readonly stopped: Promise<undefined>;
  readonly #dispatcher: Dispatcher;
  readonly #held: HeldReplies;
  readonly #parts: AsyncDisposableStack;
  readonly #client: Connection;

  /** Starts a broker over a disk. @throws {Crash} when the machine stops meanwhile. */
  static async start(options: BrokerOptions = {}): Promise<TransactionBroker> {
    const parts = new AsyncDisposableStack();
    const held = new HeldReplies();
    try {
      const broker = new TransactionBroker(options, parts, held);
      await broker.transactions.start();
      return broker;
    } catch (error) {
      held.failed(-1, new Crash());
      await disposeAfterCrash(parts);
      throw error;
    }
  }

  private constructor(options: BrokerOptions, stack: AsyncDisposableStack, held: HeldReplies) {
    this.#parts = stack;
    this.#held = held;
    this.clock = options.clock ?? new TestClock(STARTED_AT);
    const config = this.config = { ...testConfig(), ...options.config };
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.stopped = promise;
    const fileSystem = this.fileSystem = new FaultFileSystem(options.disk ?? new Disk(), {
      random: quietRandom(1),
      ...options.faults,
      onCrash: () => resolve(undefined),
    });
    const { log, lines } = memoryLog();
    this.lines = lines;
    const now = this.clock.timeOfDay;
    const unlessStopped = (error: Error) => {
      if (!fileSystem.crashed) throw error;
    };
    this.store = stack.use(openStore(FOLDER, config, {
      fileSystem,
      now,
      onPromised: (offset) => held.promised(offset),
      onWriteFailed: (offset, error) => held.failed(offset, error),
      onUpkeepFailed: unlessStopped,
      onDamage: (report) => log.error("damage", { ...report }),
      onFatal: unlessStopped,
    }));
    const common = { folder: `${FOLDER}/config`, fileSystem, settings: config, now, log };
    this.topics = stack.use(new TopicTable({ ...common, onChange: () => Promise.resolve() }));
    const groups = stack.use(new GroupTable(common));
    this.offsets = stack.use(new OffsetTable(common));
    this.offsets.clamp((topic, queueId) => this.store.getMaxOffsetInQueue(topic, queueId));
    const transaction: { current?: Transactions } = {};
    this.producers = new ProducerTable({
      channelExpiredTimeout: 120_000,
      now,
      log,
      onProducer: (group) => transaction.current?.producerIsThere(group),
    });
    const levelCount = 18;
    const deps = { config, store: this.store, topics: this.topics, held, storeHost: () => HOST };
    const clock = {
      now,
      after: (millis: number, run: () => void) => this.clock.after(millis, run),
    };
    const timers = stack.use(new Timers({ ...deps, fileSystem, clock, log }));
    this.transactions = transaction.current = stack.use(createTransactions({
      ...deps,
      offsets: this.offsets,
      producers: this.producers,
      delayed: (message) => delayed(message, { levelCount, timers }),
      now,
      steady: this.clock,
      log,
    }));
    const { transactions } = this;
    const queueLocks = { isLockAllExpired: () => true };
    const sending = sendRoutes({ ...deps, groups, queueLocks, transactions, timers, levelCount });
    this.#dispatcher = new Dispatcher([...sending, ...transactions.routes], log, String);
    this.#client = this.connect(() => {});
    stack.defer(() => this.#client.close());
  }

  /** A new client's end of a connection. */
  connect(onRequest: (request: RemotingCommand) => void): Connection {
    const [near, far] = streamPair();
    const address = { hostname: "127.0.0.1", port: 1 };
    const server = new Connection({
      stream: near,
      local: address,
      remote: address,
      onRequest: (request, connection) => this.#dispatcher.dispatch(request, connection),
      onChunk: () => this.fileSystem.crashed || this.store.commit(),
      onClose: (connection) => this.producers.forget(connection),
    });
    const client = new Connection({ stream: far, local: address, remote: address, onRequest });
    server.run();
    client.run();
    this.#servers.set(client, server);
    return client;
  }

  readonly #servers = new Map<Connection, Connection>();

  /** A producer of a group that is asked about transactions. */
  producer(group: string, onCheck: (check: Check) => void = () => {}): TestProducer {
    const checks: Check[] = [];
    const client = this.connect((request) => {
      const header = decodeHeader(CHECK_TRANSACTION_STATE.request, request.extFields);
      const [message] = decodeMessages(request.body);
      const text = decodeUtf8(message!.body, 0, message!.body.length);
      const check = { header, message: message!, text };
      checks.push(check);
      onCheck(check);
    });
    const connection = this.#servers.get(client)!;
    this.producers.register(group, { clientId: "c", language: "JAVA", version: 1, connection });
    return { client, checks };
  }

  /** undefined when the machine or the broker stops before the answer. */
  async ask<Q extends Fields, R extends Fields>(
    command: Command<Q, R>,
    header: HeaderInput<Q>,
    body?: Uint8Array,
  ): Promise<RemotingCommand | undefined> {
    const request = createRequest(command.code, encodeHeader(command.request, header), body);
    const answer = this.#client.invoke(request, INVOKE_TIMEOUT_MILLIS).catch((error) => {
      if (error instanceof ConnectionClosedError) return undefined;
      throw error;
    });
    const first = await Promise.race([answer, this.stopped]);
    return this.fileSystem.crashed ? undefined : first;
  }

  /** Sends a message that begins a transaction. */
  async sendHalf(
    text: string,
    properties: [string, string][] = [],
    fields: SendFields = {},
  ): Promise<SentHalf | undefined> {
    const answer = await this.send(text, properties, fields);
    if (answer === undefined) return undefined;
    if (answer.code !== ResponseCode.SUCCESS) throw new Error(answer.remark);
    const { extFields } = answer;
    const { physicalOffset } = parseMessageId(extFields.get("msgId")!);
    const queueOffset = Number(extFields.get("queueOffset"));
    return { queueOffset, physicalOffset, msgId: extFields.get("transactionId")! };
  }

  send(
    text: string,
    properties: [string, string][] = [],
    fields: SendFields = {},
  ): Promise<RemotingCommand | undefined> {
    const all = [
      ["UNIQ_KEY", `key-${text}`],
      ["TRAN_MSG", "true"],
      ["PGROUP", "p"],
      ...properties,
    ] as const;
    return this.ask(SEND_MESSAGE_V2, {
      producerGroup: "p",
      topic: "T",
      defaultTopic: "TBW102",
      defaultTopicQueueNums: 1,
      queueId: 0,
      sysFlag: MessageSysFlag.TRANSACTION_PREPARED,
      bornTimestamp: this.clock.timeOfDay(),
      flag: 3,
      properties: printProperties(new Map(all)),
      ...fields,
    }, encodeUtf8(text));
  }

  end(
    half: Omit<SentHalf, "msgId">,
    commitOrRollback: number,
    fields: EndFields = {},
  ): Promise<RemotingCommand | undefined> {
    return this.ask(END_TRANSACTION, {
      producerGroup: "p",
      tranStateTableOffset: half.queueOffset,
      commitLogOffset: half.physicalOffset,
      commitOrRollback,
      msgId: "x",
      ...fields,
    });
  }

  resume(msgId: string): Promise<RemotingCommand | undefined> {
    return this.ask(RESUME_CHECK_HALF_MESSAGE, { msgId });
  }

  /** All messages of a queue that can be read. */
  async messages(topic: string, queueId = 0): Promise<StoredMessage[]> {
    const found: StoredMessage[] = [];
    const end = this.store.getMaxOffsetInQueue(topic, queueId);
    for (let queueOffset = this.store.getMinOffsetInQueue(topic, queueId); queueOffset < end;) {
      const options = { queueOffset, maxMsgNums: 1_000, maxMsgBytes: 1 << 20, filter: undefined };
      const result = await this.store.getMessage(topic, queueId, options);
      for (const part of result.parts) found.push(...decodeMessages(part));
      queueOffset = Math.max(queueOffset + 1, result.nextBeginOffset);
    }
    return found;
  }

  async texts(topic: string): Promise<string[]> {
    const messages = await this.messages(topic);
    return messages.map(({ body }) => decodeUtf8(body, 0, body.length));
  }

  /** The offsets from which a start reads. */
  get committed(): { half: number; op: number } {
    const of = (topic: string) => this.offsets.queryOffset("CID_RMQ_SYS_TRANS", topic, 0);
    return { half: of(SystemTopic.TRANS_HALF), op: of(SystemTopic.TRANS_OP_HALF) };
  }

  /** Lets time pass, and what it brings. */
  async pass(millis: number): Promise<void> {
    await this.clock.pass(millis);
    await this.settle();
  }

  /** Lets what is under way come to an end. */
  async settle(): Promise<void> {
    for (let count = 0; count < 8; count++) await turn();
  }

  /** Stops the machine; gives what the next start finds. */
  async stop(powerLoss = false): Promise<Disk> {
    await this.#die();
    const { disk, options } = this.fileSystem;
    return powerLoss ? disk.survivor(options.random) : disk.copy();
  }

  /** Ends the broker in order; gives its disk. */
  async close(): Promise<Disk> {
    await this.#parts.disposeAsync();
    this.clock.forgetTimers();
    this.fileSystem.crash();
    return this.fileSystem.disk.copy();
  }

  async #die(): Promise<void> {
    this.fileSystem.crash();
    // Nobody hears of what is said now, and whoever waits for it must not wait for ever.
    this.#held.failed(-1, new Crash());
    await disposeAfterCrash(this.#parts);
    this.clock.forgetTimers();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#die();
  }
}

export interface TestProducer {
  client: Connection;
  /** What it was asked. */
  checks: Check[];
}

/** What was alive comes to its end; nothing of it reaches the disk. */
async function disposeAfterCrash(parts: AsyncDisposableStack): Promise<void> {
  try {
    await parts.disposeAsync();
  } catch (error) {
    if (!comesFromCrash(error)) throw error;
  }
}

/** Whether an error is the end of a machine. */
export function comesFromCrash(error: unknown): boolean {
  if (error instanceof Crash) return true;
  if (error instanceof SuppressedError) {
    return comesFromCrash(error.error) && comesFromCrash(error.suppressed);
  }
  return error instanceof Error && error.cause !== undefined && comesFromCrash(error.cause);
}

function testConfig(): Config {
  return {
    ...defaultConfig(),
    mappedFileSizeCommitLog: 16 * 1024,
    mappedFileSizeConsumeQueue: 20 * 100,
    maxHashSlotNum: 50,
    maxIndexNum: 400,
    flushConsumerOffsetInterval: 60_000,
    diskMinFreeBytes: 1,
    timerWheelEnable: false,
    storePathRootDir: FOLDER,
    storePathCommitLog: "",
  };
}
