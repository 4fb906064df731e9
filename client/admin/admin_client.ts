/**
 * The way of an administrator into a cluster, Comet's or Apache's: finds the brokers through the name servers and sends
 * them commands. What can be asked and changed is in the files beside this one, as functions over this client.
 */

import { decodeUtf8 } from "../protocol/bytes.ts";
import { GET_BROKER_CLUSTER_INFO, GET_ROUTEINFO_BY_TOPIC } from "../protocol/commands/namesrv.ts";
import { parseFastjson } from "../protocol/fastjson.ts";
import { createRequest, type RemotingCommand } from "../protocol/frame.ts";
import {
  type Command,
  decodeHeader,
  encodeHeader,
  type Fields,
  type HeaderInput,
  type HeaderOf,
} from "../protocol/header_schema.ts";
import { refuse, ResponseCode } from "../protocol/response_code.ts";
import type { ClusterInfo, TopicRouteData } from "../protocol/route_data.ts";
import { RemotingClient, type RemotingClientOptions } from "../remoting/remoting_client.ts";

export interface AdminClientOptions {
  /** Addresses of name servers, "host:port"; the first that answers is asked. */
  nameServers: readonly string[];
  /** How long to wait for an answer; 5 s without it. */
  timeoutMillis?: number;
  /** Handles what brokers ask; without it they are not answered. */
  onRequest?: RemotingClientOptions["onRequest"];
}

/** One broker of a cluster. */
export interface BrokerAddress {
  readonly clusterName: string;
  readonly brokerName: string;
  /** 0 for a master. */
  readonly brokerId: number;
  readonly brokerAddr: string;
}

/** What a command was answered, when it was not refused. */
export interface Answer<R extends Fields> {
  readonly code: number;
  readonly remark: string | undefined;
  readonly header: HeaderOf<R>;
  readonly body: Uint8Array;
}

export interface InvokeOptions {
  body?: Uint8Array;
  timeoutMillis?: number;
  /** Codes that are answers too, beside SUCCESS; their header is empty. */
  accept?: readonly number[];
  /** Codes that are answers too, with the header of a successful one. */
  acceptWithHeader?: readonly number[];
}

/** A broker or a name server that does not answer. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

const TIMEOUT_MILLIS = 5_000;
export const MASTER_ID = 0;

export class AdminClient implements AsyncDisposable {
  readonly nameServers: readonly string[];
  readonly #timeoutMillis: number;
  readonly #remoting: RemotingClient;

  constructor(options: AdminClientOptions) {
    const { onRequest } = options;
    this.#remoting = new RemotingClient(onRequest === undefined ? {} : { onRequest });
    this.nameServers = options.nameServers;
    this.#timeoutMillis = options.timeoutMillis ?? TIMEOUT_MILLIS;
  }

  /**
   * Sends a command to one server and reads the answer.
   * @throws {RemotingError} with the server's code and remark when it refuses.
   * @throws {UnreachableError} when it does not answer.
   */
  async invoke<Q extends Fields, R extends Fields>(
    address: string,
    command: Command<Q, R>,
    header: HeaderInput<Q>,
    options: InvokeOptions = {},
  ): Promise<Answer<R>> {
    const request = createRequest(
      command.code,
      encodeHeader(command.request, header),
      options.body,
    );
    const answer = await this.#send(address, request, options.timeoutMillis);
    const { code, remark, body, extFields } = answer;
    const isSuccess = code === ResponseCode.SUCCESS ||
      (options.acceptWithHeader?.includes(code) ?? false);
    if (!isSuccess && !options.accept?.includes(code)) {
      throw refuse(code, remark ?? `${command.name} was answered ${code} by ${address}`);
    }
    const read = isSuccess ? decodeHeader(command.response, extFields) : {} as HeaderOf<R>;
    return { code, remark, header: read, body };
  }

  /**
   * Sends a command that is not answered.
   * @throws {UnreachableError} when there is no connection.
   */
  async invokeOneway<Q extends Fields, R extends Fields>(
    address: string,
    command: Command<Q, R>,
    header: HeaderInput<Q>,
    body?: Uint8Array,
  ): Promise<void> {
    const request = createRequest(command.code, encodeHeader(command.request, header), body);
    try {
      (await this.#remoting.connect(address)).invokeOneway(request);
    } catch (cause) {
      throw new UnreachableError(`Cannot reach ${address}`, { cause });
    }
  }

  async #send(
    address: string,
    request: RemotingCommand,
    timeoutMillis = this.#timeoutMillis,
  ): Promise<RemotingCommand> {
    try {
      return await this.#remoting.invoke(address, request, timeoutMillis);
    } catch (cause) {
      throw new UnreachableError(`Cannot reach ${address}`, { cause });
    }
  }

  /** Asks the first name server that answers. @throws as `invoke` does. */
  async invokeNamesrv<Q extends Fields, R extends Fields>(
    command: Command<Q, R>,
    header: HeaderInput<Q>,
    options: InvokeOptions = {},
  ): Promise<Answer<R>> {
    let failure: unknown = new UnreachableError("No name server is known; say which");
    for (const address of this.nameServers) {
      try {
        return await this.invoke(address, command, header, options);
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  /** All brokers that the name server knows, by cluster. */
  async clusterInfo(): Promise<ClusterInfo> {
    const { body } = await this.invokeNamesrv(GET_BROKER_CLUSTER_INFO, {});
    return parseJson(body) as ClusterInfo;
  }

  /** Every broker, masters and slaves, by name and id. */
  async brokers(): Promise<BrokerAddress[]> {
    const { brokerAddrTable } = await this.clusterInfo();
    return Object.values(brokerAddrTable).flatMap(({ cluster, brokerName, brokerAddrs }) =>
      Object.entries(brokerAddrs).map(([id, brokerAddr]) => ({
        clusterName: cluster,
        brokerName,
        brokerId: Number(id),
        brokerAddr,
      }))
    ).sort((a, b) => a.brokerName.localeCompare(b.brokerName) || a.brokerId - b.brokerId);
  }

  /** The masters, which take changes; those of one cluster when it is named. */
  async masters(clusterName?: string): Promise<BrokerAddress[]> {
    return (await this.brokers()).filter((broker) =>
      broker.brokerId === MASTER_ID &&
      (clusterName === undefined || broker.clusterName === clusterName)
    );
  }

  /** The master of this name. @throws {RemotingError} BROKER_NOT_EXIST. */
  async master(brokerName: string): Promise<BrokerAddress> {
    const found = (await this.masters()).find((broker) => broker.brokerName === brokerName);
    if (found !== undefined) return found;
    throw refuse(ResponseCode.BROKER_NOT_EXIST, `No broker ${brokerName} is registered`);
  }

  /** Who serves a topic. @throws {RemotingError} TOPIC_NOT_EXIST. */
  async route(topic: string): Promise<TopicRouteData> {
    const { body } = await this.invokeNamesrv(GET_ROUTEINFO_BY_TOPIC, { topic });
    return parseJson(body) as TopicRouteData;
  }

  /** The masters that serve a topic. @throws {RemotingError} TOPIC_NOT_EXIST. */
  async mastersOf(topic: string): Promise<BrokerAddress[]> {
    const { brokerDatas } = await this.route(topic);
    return brokerDatas.flatMap(({ cluster, brokerName, brokerAddrs }) => {
      const brokerAddr = brokerAddrs[MASTER_ID];
      return brokerAddr === undefined
        ? []
        : [{ clusterName: cluster, brokerName, brokerId: MASTER_ID, brokerAddr }];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remoting[Symbol.asyncDispose]();
  }
}

/** Reads a body that is JSON, Java's dialect too; an empty one is undefined. */
export function parseJson(body: Uint8Array): unknown {
  return body.length === 0 ? undefined : parseFastjson(decodeUtf8(body, 0, body.length));
}
