/** How long requests take until they are answered, by what they ask and what they are answered. */

import { requestCodeName } from "../../client/protocol/request_code.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { Histogram } from "./histogram.ts";

/** In milliseconds (RemotingMetricsManager.java of Apache RocketMQ 5.3.3). */
const BOUNDS_MILLIS = [1, 3, 5, 7, 10, 100, 1_000, 2_000, 3_000];

/** What is special about a request: bits. */
export const RpcFlag = {
  /** It waited for a message. */
  LONG_POLLING: 1,
  /** It wanted no answer. */
  ONEWAY: 2,
} as const;

/** In place of the code of a request that no RocketMQ knows, of which there may be any number. */
export const UNKNOWN_REQUEST = -1;

/** Requests of one kind. */
export interface RpcSeries {
  readonly requestCode: number;
  readonly responseCode: number;
  readonly flags: number;
  readonly latency: Histogram;
}

const FLAGS_END = 4;

export class RpcLatency {
  /** By request code, then by response code and flags: small numbers, which maps find without text. */
  readonly #series = new Map<number, Map<number, RpcSeries>>();

  /** A request has been answered. */
  record(requestCode: number, responseCode: number, flags: number, millis: number): void {
    const found = this.#series.get(requestCode)?.get(responseCode * FLAGS_END + flags);
    (found ?? this.#create(requestCode, responseCode, flags)).latency.record(millis);
  }

  #create(requestCode: number, responseCode: number, flags: number): RpcSeries {
    const series = { requestCode, responseCode, flags, latency: new Histogram(BOUNDS_MILLIS) };
    let ofRequest = this.#series.get(requestCode);
    if (ofRequest === undefined) this.#series.set(requestCode, ofRequest = new Map());
    ofRequest.set(responseCode * FLAGS_END + flags, series);
    return series;
  }

  *[Symbol.iterator](): Generator<RpcSeries> {
    for (const ofRequest of this.#series.values()) yield* ofRequest.values();
  }
}

const RESPONSE_NAMES = new Map<number, string>(
  Object.entries(ResponseCode).map(([name, code]) => [code, name.toLowerCase()]),
);

/** The code of a request that nobody serves, as it is counted. */
export function countedRequestCode(code: number): number {
  return requestCodeName(code) === String(code) ? UNKNOWN_REQUEST : code;
}

/** As Apache's label has it. */
export function requestLabel(code: number): string {
  return code === UNKNOWN_REQUEST ? "unknown" : requestCodeName(code).toLowerCase();
}

/** As Apache's label has it: the number when it has no name. */
export function responseLabel(code: number): string {
  return RESPONSE_NAMES.get(code) ?? String(code);
}
