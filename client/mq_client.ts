/**
 * What all producers and consumers of one connection to a cluster share: routes, connections, heartbeats, and what
 * brokers ask of them.
 */

import { AdminClient, type Answer, type InvokeOptions } from "./admin/admin_client.ts";
import { encodeUtf8 } from "./protocol/bytes.ts";
import { HEART_BEAT, UNREGISTER_CLIENT } from "./protocol/commands/client.ts";
import { createResponse, isOneway, type RemotingCommand } from "./protocol/frame.ts";
import type { Command, Fields, HeaderInput } from "./protocol/header_schema.ts";
import type { ConsumerData } from "./protocol/heartbeat.ts";
import { RemotingError, ResponseCode } from "./protocol/response_code.ts";
import { uniqueKeys } from "./protocol/unique_key.ts";
import type { Connection } from "./remoting/connection.ts";
import { RouteCache } from "./route_cache.ts";

export interface MqClientOptions {
  /** "host:port", or several. */
  nameServers: string | readonly string[];
  /** Tells the clients of a group apart; made up without it. */
  clientId?: string;
  /** How long to wait for a broker's answer; 3 s without it. */
  timeoutMillis?: number;
  /** Told of what goes wrong in the background; a line on stderr without it. */
  onError?: (message: string, error: unknown) => void;
}

/** Answers one request of a broker; undefined answers SUCCESS. */
export type BrokerRequestHandler = (
  request: RemotingCommand,
  connection: Connection,
) => Promise<Uint8Array | undefined> | Uint8Array | undefined;

const TIMEOUT_MILLIS = 3_000;
/** As in Java's clients (heartbeatBrokerInterval). */
const HEARTBEAT_MILLIS = 30_000;

export class MqClient implements AsyncDisposable {
  readonly clientId: string;
  readonly routes: RouteCache;
  /** Makes the next unique key. */
  readonly createUniqueKey: () => string;
  readonly #admin: AdminClient;
  readonly #onError: (message: string, error: unknown) => void;
  readonly #producerGroups = new Set<string>();
  readonly #consumers = new Map<string, () => ConsumerData>();
  readonly #handlers = new Map<number, Set<BrokerRequestHandler>>();
  readonly #heartbeats: ReturnType<typeof setInterval>;

  constructor(options: MqClientOptions) {
    const { nameServers, timeoutMillis = TIMEOUT_MILLIS } = options;
    const maker = crypto.getRandomValues(new Uint32Array(1))[0]!;
    const address = ownAddress();
    this.clientId = options.clientId ?? `${address}@${Deno.pid}#${maker}`;
    this.#onError = options.onError ?? writeError;
    const list = typeof nameServers === "string" ? nameServers.split(/[;,]/) : [...nameServers];
    this.#admin = new AdminClient({
      nameServers: list,
      timeoutMillis,
      onRequest: (request, connection) => void this.#answer(copied(request), connection),
    });
    this.routes = new RouteCache(this.#admin, Date.now, () => this.heartbeat());
    const bytes = Uint8Array.from(address.split("."), Number);
    const next = uniqueKeys({ address: bytes, pid: Deno.pid, maker });
    this.createUniqueKey = () => next(Date.now());
    this.#heartbeats = setInterval(() => this.heartbeat(), HEARTBEAT_MILLIS);
    Deno.unrefTimer(this.#heartbeats);
  }

  /** Sends a command to the broker of this name. @throws as `AdminClient.invoke`, and when nobody knows the broker. */
  async invoke<Q extends Fields, R extends Fields>(
    brokerName: string,
    command: Command<Q, R>,
    header: HeaderInput<Q>,
    options: InvokeOptions & { brokerId?: number } = {},
  ): Promise<Answer<R>> {
    const address = this.#addressOf(brokerName, options.brokerId);
    return await this.#admin.invoke(address, command, header, options);
  }

  /** Sends a command that is not answered to the broker of this name. */
  async invokeOneway<Q extends Fields, R extends Fields>(
    brokerName: string,
    command: Command<Q, R>,
    header: HeaderInput<Q>,
    body?: Uint8Array,
  ): Promise<void> {
    await this.#admin.invokeOneway(this.#addressOf(brokerName), command, header, body);
  }

  #addressOf(brokerName: string, brokerId?: number): string {
    const address = this.routes.addressOf(brokerName, brokerId);
    if (address !== undefined) return address;
    throw new RemotingError(
      ResponseCode.BROKER_NOT_EXIST,
      `No broker ${brokerName} is known; is it registered at the name server?`,
    );
  }

  /** Handles what brokers ask with this command; several handlers are asked one after the other until one answers. */
  handle(command: Command, handler: BrokerRequestHandler): Disposable {
    let handlers = this.#handlers.get(command.code);
    if (handlers === undefined) this.#handlers.set(command.code, handlers = new Set());
    handlers.add(handler);
    return { [Symbol.dispose]: () => void handlers.delete(handler) };
  }

  async #answer(request: RemotingCommand, connection: Connection): Promise<void> {
    let code: number = ResponseCode.SUCCESS;
    let remark: string | undefined;
    let body: Uint8Array | undefined;
    try {
      const handlers = this.#handlers.get(request.code) ?? [];
      for (const handler of handlers) body ??= await handler(request, connection);
    } catch (error) {
      [code, remark] = [ResponseCode.SYSTEM_ERROR, String(error)];
      this.reportError(`cannot do what a broker asks (${request.code})`, error);
    }
    if (isOneway(request)) return;
    connection.send(createResponse(request, code, remark, new Map(), body));
  }

  /** Tells brokers of a producer group from now on, which then may be asked about its transactions. */
  async addProducer(group: string): Promise<void> {
    this.#producerGroups.add(group);
    await this.heartbeat();
  }

  /** Tells brokers of a consumer from now on. */
  async addConsumer(group: string, data: () => ConsumerData): Promise<void> {
    if (this.#consumers.has(group)) {
      throw new TypeError(`The group ${group} has a consumer in this client already`);
    }
    this.#consumers.set(group, data);
    await this.heartbeat();
  }

  /** Tells brokers that a group's consumer is gone. */
  async removeConsumer(consumerGroup: string): Promise<void> {
    this.#consumers.delete(consumerGroup);
    await this.#tellAll((brokerName) =>
      this.invoke(brokerName, UNREGISTER_CLIENT, { clientID: this.clientId, consumerGroup })
    );
  }

  /** Tells every broker that is known who is here. Never rejects. */
  async heartbeat(): Promise<void> {
    if (this.#producerGroups.size + this.#consumers.size === 0) return;
    const data = {
      clientID: this.clientId,
      producerDataSet: [...this.#producerGroups].map((groupName) => ({ groupName })),
      consumerDataSet: [...this.#consumers.values()].map((consumer) => consumerJson(consumer())),
    };
    const body = encodeUtf8(JSON.stringify(data));
    await this.#tellAll((brokerName) => this.invoke(brokerName, HEART_BEAT, {}, { body }));
  }

  async #tellAll(tell: (brokerName: string) => Promise<unknown>): Promise<void> {
    const names = [...this.routes.brokers].map(({ brokerName }) => brokerName);
    const outcomes = await Promise.allSettled(names.map(tell));
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === "fulfilled") continue;
      this.reportError(`cannot tell broker ${names[index]} who is here`, outcome.reason);
    }
  }

  /** Tells the program of what went wrong in the background. */
  reportError(message: string, error: unknown): void {
    this.#onError(message, error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heartbeats);
    for (const producerGroup of this.#producerGroups) {
      await this.#tellAll((brokerName) =>
        this.invoke(brokerName, UNREGISTER_CLIENT, { clientID: this.clientId, producerGroup })
      );
    }
    await this.#admin[Symbol.asyncDispose]();
  }
}

/** The sets of a subscription are lists in JSON. */
function consumerJson(data: ConsumerData) {
  const subscriptionDataSet = data.subscriptionDataSet.map((subscription) => ({
    ...subscription,
    tagsSet: [...subscription.tagsSet],
    codeSet: [...subscription.codeSet],
  }));
  return { ...data, subscriptionDataSet };
}

function writeError(message: string, error: unknown): void {
  Deno.stderr.writeSync(encodeUtf8(`rocketmq client: ${message}: ${error}\n`));
}

/** Handlers take their time, which a view of the receive buffer does not have. */
function copied(request: RemotingCommand): RemotingCommand {
  return { ...request, body: request.body.slice() };
}

/** An IPv4 address of this machine that is not loopback, if there is one. */
function ownAddress(): string {
  const found = Deno.networkInterfaces().find(({ family, address }) =>
    family === "IPv4" && !address.startsWith("127.")
  );
  return found?.address ?? "127.0.0.1";
}
