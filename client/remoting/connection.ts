/**
 * One remoting connection, the same at both ends: either side may send requests and answers the other's.
 *
 * Work is done per chunk, not per message: one read brings many frames, their responses leave in one write. A peer
 * that does not drain what it asked for is not read from any further until it does, so its memory stays bounded.
 */

import { setImmediate } from "node:timers";
import { ByteWriter, viewOf } from "../protocol/bytes.ts";
import {
  decodeFrame,
  encodeFrame,
  FRAME_LENGTH_MAX,
  frameLength,
  isResponse,
  markOneway,
  type RemotingCommand,
} from "../protocol/frame.ts";

/** Whatever carries the bytes: a TCP or TLS socket, a stream in a test. `Deno.Conn` fits as it is. */
export interface ByteStream {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** One end of a connection. */
export interface Address {
  hostname: string;
  port: number;
}

export interface ConnectionOptions {
  stream: ByteStream;
  local: Address;
  remote: Address;
  /** Handles a request; its body is valid until the next await. Answers go through `send`, now or later. */
  onRequest: (request: RemotingCommand, connection: Connection) => void;
  /** All frames of one chunk have been handled. */
  onChunk?: () => void;
  /** Called once. `error` is undefined when either side ended the connection in an orderly way. */
  onClose?: (connection: Connection, error: Error | undefined) => void;
  frameLengthMax?: number;
}

/** The peer did not answer in time. */
export class InvokeTimeoutError extends Error {
  override readonly name = "InvokeTimeoutError";
}

/** The connection ended before the answer came. */
export class ConnectionClosedError extends Error {
  override readonly name = "ConnectionClosedError";
}

const RECEIVE_BUFFER_BYTES = 4 * 1024;
/** A buffer doubles up to here when reads fill it, and further only for a frame that is longer. */
const RECEIVE_BUFFER_BUSY_BYTES = 64 * 1024;
const OUTBOX_BYTES = 4 * 1024;
/** An outbox that grew past this is given back once it is empty. */
const OUTBOX_KEPT_BYTES = 1024 * 1024;
/** How long one connection may go on without letting others have a turn. */
const TURN_MILLIS_MAX = 2;
/** With this much unsent, nothing more is read from the peer. */
const OUTBOX_CONGESTED_BYTES = 2 * 1024 * 1024;

export class Connection {
  readonly local: Address;
  readonly remote: Address;
  /** When the peer was last heard or reached, in milliseconds since the epoch. */
  lastActiveTimestamp: number = Date.now();

  readonly #options: ConnectionOptions;
  readonly #stream: ByteStream;
  readonly #pending = new Map<number, PendingInvoke>();
  #nextOpaque = 0;
  #buffer: Uint8Array = new Uint8Array(RECEIVE_BUFFER_BYTES);
  #view: DataView = viewOf(this.#buffer);
  #filled = 0;
  /** What waits to be sent, and the buffer that is being sent; they change places. */
  #outbox = new ByteWriter(OUTBOX_BYTES);
  #sending = new ByteWriter(OUTBOX_BYTES);
  #flushing: Promise<void> | undefined;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#stream = options.stream;
    this.local = options.local;
    this.remote = options.remote;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether the peer is behind in reading. */
  get congested(): boolean {
    return this.#outbox.length > OUTBOX_CONGESTED_BYTES;
  }

  /** Reads and handles frames until the connection ends. Never rejects. */
  async run(): Promise<void> {
    try {
      let turnStarted = Date.now();
      while (!this.#closed) {
        const asked = Date.now();
        // A read that finds bytes at once ends in the same turn of the event loop; a sender that never pauses would
        // keep timers and all other connections waiting.
        if (asked - turnStarted > TURN_MILLIS_MAX) {
          await nextTurn();
          turnStarted = asked;
        }
        const count = await this.#stream.read(this.#buffer.subarray(this.#filled));
        if (count === null) break;
        this.#filled += count;
        this.lastActiveTimestamp = Date.now();
        // This one had to wait, so others had their turn.
        if (this.lastActiveTimestamp > asked) turnStarted = this.lastActiveTimestamp;
        await this.#handleChunk();
      }
      this.close();
    } catch (error) {
      this.close(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #handleChunk(): Promise<void> {
    let position = 0;
    let length = 0;
    while (!this.#closed) {
      length = frameLength(
        this.#view,
        position,
        this.#filled,
        this.#options.frameLengthMax ?? FRAME_LENGTH_MAX,
      );
      if (length === 0 || position + length > this.#filled) break;
      this.#handle(decodeFrame(this.#buffer, this.#view, position, position + length));
      position += length;
      if (this.congested) {
        this.#options.onChunk?.();
        await this.#drain();
      }
    }
    this.#options.onChunk?.();
    this.#makeRoom(position, length);
  }

  #handle(command: RemotingCommand): void {
    if (!isResponse(command)) {
      this.#options.onRequest(command, this);
      return;
    }
    const pending = this.#pending.get(command.opaque);
    if (pending === undefined) return;
    this.#pending.delete(command.opaque);
    clearTimeout(pending.timer);
    // The waiting code runs after this turn, when the receive buffer may hold something else already.
    pending.resolve({ ...command, body: command.body.slice() });
  }

  /** Moves what is left of the chunk to the front, and fits the buffer to the next frame. */
  #makeRoom(handled: number, nextFrameLength: number): void {
    const left = this.#filled - handled;
    let capacity = this.#buffer.length;
    if (
      this.#filled === capacity &&
      capacity < Math.max(RECEIVE_BUFFER_BUSY_BYTES, left > 0 ? nextFrameLength : 0)
    ) {
      // Doubling as bytes come in, so that a length alone reserves nothing.
      capacity *= 2;
    } else if (left === 0 && capacity > RECEIVE_BUFFER_BUSY_BYTES) {
      capacity = RECEIVE_BUFFER_BUSY_BYTES;
    }
    if (capacity !== this.#buffer.length) {
      const grown = new Uint8Array(capacity);
      grown.set(this.#buffer.subarray(handled, this.#filled));
      this.#buffer = grown;
      this.#view = viewOf(grown);
    } else if (handled > 0 && left > 0) {
      this.#buffer.copyWithin(0, handled, this.#filled);
    }
    this.#filled = left;
  }

  /** Puts a command into the outbox; all that a turn of the event loop puts there leaves in one write. */
  send(command: RemotingCommand, bodyParts?: readonly Uint8Array[]): void {
    if (this.#closed) return;
    encodeFrame(this.#outbox, command, bodyParts);
    this.#flushing ??= this.#flush();
  }

  async #flush(): Promise<void> {
    try {
      // The rest of this turn still adds to the outbox.
      await undefined;
      while (this.#outbox.length > 0 && !this.#closed) {
        [this.#outbox, this.#sending] = [this.#sending, this.#outbox];
        const bytes = this.#sending.written();
        for (let sent = 0; sent < bytes.length;) {
          sent += await this.#stream.write(sent === 0 ? bytes : bytes.subarray(sent));
        }
        this.#sending.reset(OUTBOX_KEPT_BYTES);
        this.lastActiveTimestamp = Date.now();
      }
    } catch (error) {
      this.close(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#flushing = undefined;
    }
  }

  /** Waits until everything in the outbox has been sent. */
  async #drain(): Promise<void> {
    while (this.#flushing !== undefined && !this.#closed) await this.#flushing;
  }

  /**
   * Sends a request and waits for the answer, whatever its code.
   * @throws {InvokeTimeoutError | ConnectionClosedError}
   */
  invoke(request: RemotingCommand, timeoutMillis: number): Promise<RemotingCommand> {
    if (this.#closed) return Promise.reject(this.#closedError());
    request.opaque = this.#nextOpaque++ & 0x7fffffff;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(request.opaque);
        reject(
          new InvokeTimeoutError(
            `No answer from ${this.remote.hostname}:${this.remote.port} to request ` +
              `${request.code} within ${timeoutMillis} ms`,
          ),
        );
      }, timeoutMillis);
      this.#pending.set(request.opaque, { resolve, reject, timer });
      this.send(request);
    });
  }

  /** Sends a request that wants no answer. */
  invokeOneway(request: RemotingCommand): void {
    request.opaque = this.#nextOpaque++ & 0x7fffffff;
    markOneway(request);
    this.send(request);
  }

  /** Sends what is in the outbox, for at most `timeoutMillis`, and closes. */
  async closeGracefully(timeoutMillis: number): Promise<void> {
    const timer = setTimeout(() => this.close(), timeoutMillis);
    await this.#drain();
    clearTimeout(timer);
    this.close();
  }

  /** Ends the connection now. Requests that wait for an answer fail. */
  close(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#stream.close();
    } catch {
      // The peer was faster: a socket that is closed already has nothing left to release.
    }
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(this.#closedError());
    }
    this.#pending.clear();
    this.#options.onClose?.(this, error);
  }

  #closedError(): ConnectionClosedError {
    return new ConnectionClosedError(
      `The connection to ${this.remote.hostname}:${this.remote.port} is closed`,
    );
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface PendingInvoke {
  resolve: (response: RemotingCommand) => void;
  reject: (error: Error) => void;
  timer: ReturnType<typeof setTimeout>;
}
