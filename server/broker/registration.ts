/**
 * Keeps a broker registered with its name servers: at the start, when topics change, and every so often. A name
 * server that is away is tried again by itself and keeps nobody waiting.
 */

import { type Connection, InvokeTimeoutError } from "../../client/remoting/connection.ts";
import type { RemotingClient } from "../../client/remoting/remoting_client.ts";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { REGISTER_BROKER, UNREGISTER_BROKER } from "../../client/protocol/commands/namesrv.ts";
import type { DataVersion } from "../../client/protocol/data_version.ts";
import { createRequest } from "../../client/protocol/frame.ts";
import { encodeHeader } from "../../client/protocol/header_schema.ts";
import { recordCrc } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import type { TopicConfig } from "../../client/protocol/topic_config.ts";
import { Coalesced } from "../coalesced.ts";
import type { Log } from "../log.ts";

/** What a broker says about itself. */
export interface RegisterBrokerInfo {
  readonly clusterName: string;
  readonly brokerName: string;
  readonly brokerId: number;
  readonly brokerAddr: string;
  readonly haServerAddr: string;
  readonly heartbeatTimeoutMillis?: number;
  readonly enableActingMaster?: boolean;
}

export interface RegistrationOptions {
  /** Addresses, "host:port". */
  nameServers: readonly string[];
  identity: () => RegisterBrokerInfo;
  topicConfigs: () => { dataVersion: DataVersion; table: ReadonlyMap<string, TopicConfig> };
  remotingClient: Pick<RemotingClient, "connect">;
  log: Log;
  /** registerNameServerPeriod: how often to register when nothing changes. */
  periodMillis: number;
  /** registerBrokerTimeoutMills: how long to wait for a name server's answer. */
  timeoutMillis?: number;
  now?: () => number;
}

const TIMEOUT_MILLIS = 3_000;
const UNREGISTER_TIMEOUT_MILLIS = 1_000;
/** How often connections that ended and registrations that are due are looked for; also the first wait after a failure. */
const TICK_MILLIS = 1_000;
/**
 * A registration tells all topics, which with ten thousand of them keeps the loop busy for 20 ms; so when many are
 * created one after the other, registrations take a fifth of the time at most. Short ones need no rest.
 */
const REST_FACTOR = 4;
const REST_MILLIS_MIN = 20;
const REST_MILLIS_MAX = 250;

export class Registration implements AsyncDisposable {
  readonly #links: NameServerLink[];
  readonly #tickMillis: number;
  #ticker: ReturnType<typeof setInterval> | undefined;

  constructor(options: RegistrationOptions) {
    this.#links = options.nameServers.map((address) => new NameServerLink(address, options));
    this.#tickMillis = Math.min(TICK_MILLIS, options.periodMillis);
  }

  /** Begins. Resolves when the first try at every name server has ended, well or not. */
  async start(): Promise<void> {
    this.#ticker = setInterval(() => this.#tick(), this.#tickMillis);
    await this.registerAll();
  }

  /** Registers with all name servers now. Resolves when all have answered or failed; never rejects. */
  async registerAll(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.register()));
  }

  /**
   * To be called after every change of a topic; any number of calls in one turn make one registration.
   * Resolves when those name servers know it that were reachable before; never rejects.
   */
  async topicsChanged(): Promise<void> {
    await Promise.all(
      this.#links.filter((link) => link.isRegistered).map((link) => link.register()),
    );
  }

  #tick(): void {
    for (const link of this.#links) if (link.isDue()) link.register();
  }

  /** Stops, and tells the name servers that know the broker that it is going. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#ticker);
    await Promise.all(this.#links.map((link) => link.unregister()));
  }
}

/** Makes a registration; `start()` begins. */
export function createRegistration(options: RegistrationOptions): Registration {
  return new Registration(options);
}

/** One name server. */
class NameServerLink {
  readonly #address: string;
  readonly #options: RegistrationOptions;
  readonly #now: () => number;
  readonly #runs = new Coalesced(() => this.#tryToRegister());
  /** Over which the broker is registered now. */
  #connection: Connection | undefined;
  #failureCount = 0;
  #dueAt = 0;
  /** No next registration before, by the clock of `performance.now`. */
  #restUntil = 0;
  #stopped = false;

  constructor(address: string, options: RegistrationOptions) {
    this.#address = address;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get isRegistered(): boolean {
    return this.#connection !== undefined;
  }

  /** Whether it is time to register, or the name server has forgotten the broker because the connection ended. */
  isDue(): boolean {
    return this.#now() >= this.#dueAt || this.#connection?.closed === true;
  }

  /** Registers with what is true when the request leaves. Never rejects. */
  register(): Promise<void> {
    return this.#runs.run();
  }

  async #tryToRegister(): Promise<void> {
    // No second try from the ticker while this one waits.
    this.#dueAt = Infinity;
    const restMillis = this.#restUntil - performance.now();
    if (restMillis > 0) await new Promise((resolve) => setTimeout(resolve, restMillis));
    if (this.#stopped) return;
    const startedAt = performance.now();
    try {
      const connection = await this.#options.remotingClient.connect(this.#address);
      await invoke(
        connection,
        registerRequest(this.#options.identity(), this.#options.topicConfigs()),
        this.#options.timeoutMillis ?? TIMEOUT_MILLIS,
      );
      this.#succeeded(connection);
    } catch (error) {
      this.#failed(error);
    }
    const endedAt = performance.now();
    const rest = (endedAt - startedAt) * REST_FACTOR;
    this.#restUntil = rest < REST_MILLIS_MIN ? 0 : endedAt + Math.min(rest, REST_MILLIS_MAX);
  }

  #succeeded(connection: Connection): void {
    if (this.#connection === undefined) {
      this.#options.log.info("registered with a name server", { nameServer: this.#address });
    }
    this.#connection = connection;
    this.#failureCount = 0;
    this.#dueAt = this.#now() + this.#options.periodMillis;
  }

  #failed(error: unknown): void {
    if (this.#failureCount === 0) {
      this.#options.log.warn("cannot register with a name server", {
        nameServer: this.#address,
        error,
      });
    }
    this.#connection = undefined;
    const wait = Math.min(TICK_MILLIS * 2 ** this.#failureCount, this.#options.periodMillis);
    this.#failureCount++;
    this.#dueAt = this.#now() + wait;
  }

  /** Ends the registration. Never rejects. */
  async unregister(): Promise<void> {
    this.#stopped = true;
    await this.#runs.idle();
    const connection = this.#connection;
    if (connection === undefined || connection.closed) return;
    this.#connection = undefined;
    try {
      await invoke(
        connection,
        unregisterRequest(this.#options.identity()),
        UNREGISTER_TIMEOUT_MILLIS,
      );
    } catch (error) {
      this.#options.log.warn("cannot unregister from a name server", {
        nameServer: this.#address,
        error,
      });
    }
  }
}

type Request = ReturnType<typeof createRequest>;

/** Sends a request. @throws when it fails or is answered with anything but SUCCESS. */
async function invoke(
  connection: Connection,
  request: Request,
  timeoutMillis: number,
): Promise<void> {
  let response: Awaited<ReturnType<Connection["invoke"]>>;
  try {
    response = await connection.invoke(request, timeoutMillis);
  } catch (error) {
    // A peer that lost its power leaves a connection that looks open: the next try shall make a new one.
    if (error instanceof InvokeTimeoutError) connection.close();
    throw error;
  }
  if (response.code === ResponseCode.SUCCESS) return;
  throw new Error(`The name server answered ${response.code}: ${response.remark ?? "no remark"}`);
}

function registerRequest(
  info: RegisterBrokerInfo,
  { dataVersion, table }: ReturnType<RegistrationOptions["topicConfigs"]>,
): Request {
  const body = encodeUtf8(JSON.stringify({
    filterServerList: [],
    topicConfigSerializeWrapper: {
      dataVersion,
      mappingDataVersion: { counter: 0, stateVersion: 0, timestamp: dataVersion.timestamp },
      topicConfigTable: Object.fromEntries(table),
      topicQueueMappingDetailMap: {},
      topicQueueMappingInfoMap: {},
    },
  }));
  const header = {
    enableActingMaster: false,
    ...info,
    compressed: false,
    bodyCrc32: recordCrc(body),
  };
  return createRequest(REGISTER_BROKER.code, encodeHeader(REGISTER_BROKER.request, header), body);
}

function unregisterRequest(info: RegisterBrokerInfo): Request {
  return createRequest(UNREGISTER_BROKER.code, encodeHeader(UNREGISTER_BROKER.request, info));
}
