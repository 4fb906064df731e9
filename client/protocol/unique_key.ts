/**
 * The unique key (UNIQ_KEY) that a producer gives each message: who made it, and a number that grows.
 *
 * ```
 *  0        4        6          10         14      16
 *  +--------+--------+----------+----------+-------+   in hexadecimal: 32 characters
 *  | IPv4   | pid 16 | maker 32 | millis   | count |   millis since the beginning of the month
 *  +--------+--------+----------+----------+-------+
 * ```
 * Source: MessageClientIDSetter.java of Apache RocketMQ 5.3.3, whose tools read the time out of it.
 */

import { toHex, viewOf } from "./bytes.ts";

export interface UniqueKeyMaker {
  /** The four bytes of an IPv4 address. */
  address: Uint8Array;
  pid: number;
  /** Tells makers of one process apart: any 32 bits. */
  maker: number;
}

/** A function that makes the next key, given the time in milliseconds since the epoch. */
export function uniqueKeys({ address, pid, maker }: UniqueKeyMaker): (now: number) => string {
  const bytes = new Uint8Array(16);
  const view = viewOf(bytes);
  bytes.set(address.subarray(0, 4));
  view.setUint16(4, pid & 0xffff);
  view.setInt32(6, maker | 0);
  let count = 0;
  return (now) => {
    view.setInt32(10, (now - startOfMonth(now)) | 0);
    view.setUint16(14, count++ & 0xffff);
    return toHex(bytes).toUpperCase();
  };
}

function startOfMonth(now: number): number {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth(), 1).getTime();
}
