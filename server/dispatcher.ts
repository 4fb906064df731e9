/** From a request to its handler and back: the one path that every request takes. */

import type { Connection } from "../client/remoting/connection.ts";
import {
  type Command,
  decodeHeader,
  encodeHeader,
  type Fields,
  type HeaderInput,
  type HeaderOf,
} from "../client/protocol/header_schema.ts";
import { createResponse, EMPTY, isOneway, type RemotingCommand } from "../client/protocol/frame.ts";
import { RemotingError, ResponseCode } from "../client/protocol/response_code.ts";
import { requestCodeName } from "../client/protocol/request_code.ts";
import { describeError, type Log } from "./log.ts";
import { countedRequestCode, RpcFlag, RpcLatency } from "./metrics/rpc_latency.ts";

/** What a handler answers. Without a code it is SUCCESS. */
export interface Reply<R extends Fields = Fields> {
  code?: number;
  remark?: string;
  header?: HeaderInput<R>;
  body?: Uint8Array;
  /** The body in pieces, in place of `body`. They are copied before the handler's caller goes on. */
  bodyParts?: readonly Uint8Array[];
}

/** A handler returns this when it answers later, through `respond`. */
export const PARKED: unique symbol = Symbol("parked");

/** One request, decoded. */
export interface RequestContext<Q extends Fields, R extends Fields> {
  header: HeaderOf<Q>;
  /** A view: valid until the next await. */
  body: Uint8Array;
  request: RemotingCommand;
  connection: Connection;
  /** Answers a request whose handler returned PARKED. */
  respond: (reply: Reply<R>) => void;
  /** Set by a handler: the request waits for a message. */
  isLongPolling: boolean;
}

export type HandlerResult<R extends Fields> = Reply<R> | Promise<Reply<R>> | typeof PARKED;

/** A command and its handler. */
export interface Route {
  command: Command;
  handle: (context: RequestContext<Fields, Fields>) => HandlerResult<Fields>;
}

/** Declares who handles a command; the handler's types follow from the command's row. */
export function route<Q extends Fields, R extends Fields>(
  command: Command<Q, R>,
  handle: (context: RequestContext<Q, R>) => HandlerResult<R>,
): Route {
  return { command, handle } as unknown as Route;
}

/** Answers requests by a table of routes. */
export class Dispatcher {
  readonly #routes: Map<number, Route>;
  readonly #log: Log;
  readonly #rpc: RpcLatency;
  /** The remark for a code that no route serves. */
  readonly #unservedRemark: (code: number) => string;

  /** @param rpc counts the requests. */
  constructor(
    routes: Route[],
    log: Log,
    unservedRemark: (code: number) => string,
    rpc: RpcLatency = new RpcLatency(),
  ) {
    this.#routes = new Map(routes.map((route) => [route.command.code, route]));
    this.#log = log;
    this.#rpc = rpc;
    this.#unservedRemark = unservedRemark;
  }

  /** Handles one request: route, decode, handle, answer. Never throws. */
  dispatch(request: RemotingCommand, connection: Connection): void {
    const started = Date.now();
    const route = this.#routes.get(request.code);
    if (route === undefined) {
      const { REQUEST_CODE_NOT_SUPPORTED } = ResponseCode;
      this.#rpc.record(countedRequestCode(request.code), REQUEST_CODE_NOT_SUPPORTED, 0, 0);
      answer(request, connection, undefined, {
        code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
        remark: this.#unservedRemark(request.code),
      });
      return;
    }
    let context: RequestContext<Fields, Fields> | undefined;
    const respond = (reply: Reply) => {
      answer(request, connection, route, reply);
      const flags = (context?.isLongPolling ? RpcFlag.LONG_POLLING : 0) |
        (isOneway(request) ? RpcFlag.ONEWAY : 0);
      const code = reply.code ?? ResponseCode.SUCCESS;
      this.#rpc.record(request.code, code, flags, Date.now() - started);
    };
    try {
      const header = decodeHeader(route.command.request, request.extFields);
      const { body } = request;
      context = { header, body, request, connection, respond, isLongPolling: false };
      const result = route.handle(context);
      if (result === PARKED) return;
      if (result instanceof Promise) {
        result.then(respond, (error) => respond(this.#refusal(error, request)));
      } else {
        respond(result);
      }
    } catch (error) {
      respond(this.#refusal(error, request));
    }
  }

  #refusal(error: unknown, request: RemotingCommand): Reply {
    if (error instanceof RemotingError) return { code: error.code, remark: error.message };
    this.#log.error("request failed", { code: requestCodeName(request.code), error });
    return { code: ResponseCode.SYSTEM_ERROR, remark: describeError(error) };
  }
}

const NO_EXT_FIELDS = new Map<string, string>();

function answer(
  request: RemotingCommand,
  connection: Connection,
  route: Route | undefined,
  reply: Reply,
): void {
  if (isOneway(request)) return;
  const extFields = route !== undefined && reply.header !== undefined
    ? encodeHeader(route.command.response, reply.header)
    : NO_EXT_FIELDS;
  const code = reply.code ?? ResponseCode.SUCCESS;
  const response = createResponse(request, code, reply.remark, extFields, reply.body ?? EMPTY);
  connection.send(response, reply.bodyParts);
}
