/** Listens for remoting connections and keeps them until they end. */

import { type Address, Connection } from "../client/remoting/connection.ts";
import type { RemotingCommand } from "../client/protocol/frame.ts";
import { FrameError } from "../client/protocol/frame.ts";
import { takePort } from "./listen.ts";
import { describeError, type Log, RateLimit } from "./log.ts";

export interface RemotingServerOptions {
  hostname: string;
  /** 0 takes a free port. */
  port: number;
  onRequest: (request: RemotingCommand, connection: Connection) => void;
  onChunk?: () => void;
  onClose?: (connection: Connection) => void;
  frameLengthMax: number;
  /** A connection on which nothing happened for so long is closed. */
  idleMillisMax: number;
  log: Log;
}

const IDLE_SCAN_MILLIS = 10_000;
const CLOSE_GRACE_MILLIS = 1_000;

export class RemotingServer implements AsyncDisposable {
  readonly #options: RemotingServerOptions;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Connection>();
  readonly #idleScan: ReturnType<typeof setInterval>;
  readonly #acceptWarnings = new RateLimit(1_000);
  #stopped = false;

  /** Starts to listen. @throws when the port is taken or not allowed. */
  constructor(options: RemotingServerOptions) {
    this.#options = options;
    const { hostname, port } = options;
    this.#listener = takePort(
      hostname,
      port,
      "--namesrv-port or --broker-port",
      () => Deno.listen({ hostname, port }),
    );
    this.#idleScan = setInterval(() => this.#closeIdle(Date.now()), IDLE_SCAN_MILLIS);
    this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  async #accept(): Promise<void> {
    while (!this.#stopped) {
      try {
        this.#serve(await this.#listener.accept());
      } catch (error) {
        if (this.#stopped) return;
        // Out of file handles, or a peer that was gone before it was accepted: the others must still be served.
        if (this.#acceptWarnings.allow(Date.now()) !== undefined) {
          this.#options.log.warn("cannot accept a connection", { error });
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  #serve(stream: Deno.TcpConn): void {
    stream.setNoDelay(true);
    const connection = new Connection({
      stream,
      local: netAddress(stream.localAddr),
      remote: netAddress(stream.remoteAddr),
      onRequest: this.#options.onRequest,
      onClose: (connection, error) => this.#forget(connection, error),
      frameLengthMax: this.#options.frameLengthMax,
      ...(this.#options.onChunk === undefined ? {} : { onChunk: this.#options.onChunk }),
    });
    this.#connections.add(connection);
    connection.run();
  }

  #forget(connection: Connection, error: Error | undefined): void {
    this.#connections.delete(connection);
    // A peer that just goes away is everyday life; one that speaks another protocol is worth a line.
    if (error instanceof FrameError) {
      this.#options.log.warn("closed a connection that sent no RocketMQ frame", {
        remote: `${connection.remote.hostname}:${connection.remote.port}`,
        reason: describeError(error),
      });
    }
    this.#options.onClose?.(connection);
  }

  #closeIdle(now: number): void {
    for (const connection of this.#connections) {
      const idleMillis = now - connection.lastActiveTimestamp;
      if (idleMillis <= this.#options.idleMillisMax) continue;
      this.#options.log.info("closed an idle connection", {
        remote: `${connection.remote.hostname}:${connection.remote.port}`,
        idleMillis,
      });
      connection.close();
    }
  }

  /** Stops listening, sends what is still to be sent, closes every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#idleScan);
    this.#listener.close();
    await Promise.all(
      [...this.#connections].map((connection) => connection.closeGracefully(CLOSE_GRACE_MILLIS)),
    );
  }
}

function netAddress(address: Deno.Addr): Address {
  const { hostname, port } = address as Deno.NetAddr;
  return { hostname: hostname.replace(/^::ffff:/i, ""), port };
}
