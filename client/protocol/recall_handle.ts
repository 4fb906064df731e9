/**
 * The handle with which a producer takes a timer message back: `v1 topic brokerName timestamp uniqKey`, in Base64 for
 * URLs; the timestamp is when the message is due, in milliseconds. Source: RecallMessageHandle.java of Apache RocketMQ
 * 5.3.3.
 */

import { decodeUtf8, encodeUtf8 } from "./bytes.ts";

export interface RecallHandle {
  topic: string;
  brokerName: string;
  /** Milliseconds since the epoch; NaN when the handle has no number there. */
  timestamp: number;
  uniqKey: string;
}

const VERSION = "v1";

/** Writes a handle. */
export function printRecallHandle(handle: RecallHandle): string {
  const { topic, brokerName, timestamp, uniqKey } = handle;
  const text = [VERSION, topic, brokerName, timestamp, uniqKey].join(" ");
  return btoa(String.fromCharCode(...encodeUtf8(text))).replaceAll("+", "-").replaceAll("/", "_");
}

/** Reads a handle; undefined when the text is none. */
export function parseRecallHandle(text: string): RecallHandle | undefined {
  if (!/^[A-Za-z0-9_-]+={0,2}$/.test(text)) return undefined;
  let raw: string;
  try {
    raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return undefined;
  }
  const bytes = Uint8Array.from(raw, (character) => character.charCodeAt(0));
  const parts = decodeUtf8(bytes, 0, bytes.length).split(" ");
  const [version, topic, brokerName, timestamp] = parts;
  const uniqKey = parts.slice(4).join(" ");
  if (version !== VERSION || uniqKey === "") return undefined;
  const number = /^-?\d+$/.test(timestamp!) ? Number(timestamp) : NaN;
  return { topic: topic!, brokerName: brokerName!, timestamp: number, uniqKey };
}
