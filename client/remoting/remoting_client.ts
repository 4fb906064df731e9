/** Outgoing connections by address: made when first needed, shared, forgotten when they end. */

import type { RemotingCommand } from "../protocol/frame.ts";
import { type Address, Connection, type ConnectionOptions } from "./connection.ts";

export interface RemotingClientOptions {
  /** Handles requests of the other side; without it they are ignored. */
  onRequest?: ConnectionOptions["onRequest"];
  connectTimeoutMillis?: number;
}

export class RemotingClient implements AsyncDisposable {
  readonly #options: RemotingClientOptions;
  readonly #connections = new Map<string, Promise<Connection>>();

  constructor(options: RemotingClientOptions = {}) {
    this.#options = options;
  }

  /**
   * Sends a request to `address` ("host:port") and waits for the answer.
   * @throws when the address cannot be reached, the answer does not come in time, or the connection ends.
   */
  async invoke(
    address: string,
    request: RemotingCommand,
    timeoutMillis: number,
  ): Promise<RemotingCommand> {
    const connection = await this.connect(address);
    return await connection.invoke(request, timeoutMillis);
  }

  /** The connection to `address`, made if there is none. */
  connect(address: string): Promise<Connection> {
    let connection = this.#connections.get(address);
    if (connection === undefined) {
      connection = this.#open(address);
      this.#connections.set(address, connection);
      connection.catch(() => this.#connections.delete(address));
    }
    return connection;
  }

  async #open(address: string): Promise<Connection> {
    const { hostname, port } = parseAddress(address);
    const signal = AbortSignal.timeout(this.#options.connectTimeoutMillis ?? 3_000);
    const stream = await Deno.connect({ hostname, port, signal });
    stream.setNoDelay(true);
    const connection = new Connection({
      stream,
      local: stream.localAddr as Deno.NetAddr,
      remote: { hostname, port },
      onRequest: this.#options.onRequest ?? (() => {}),
      onClose: () => this.#connections.delete(address),
    });
    connection.run();
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = [...this.#connections.values()];
    this.#connections.clear();
    for (const connection of await Promise.allSettled(open)) {
      if (connection.status === "fulfilled") connection.value.close();
    }
  }
}

/**
 * Reads "host:port" or "[v6]:port".
 * @throws {TypeError} when the text is no such address.
 */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^\s:]+)):(\d{1,5})$/.exec(text.trim());
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65535) {
    throw new TypeError(`"${text}" is no address: expected host:port`);
  }
  return { hostname: match[1] ?? match[2]!, port };
}
