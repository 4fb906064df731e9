/** A message as the HTTP API gives it, and what can be made of it. */

import { shellQuote } from "./format.ts";

export interface Message {
  brokerName: string;
  topic: string;
  queueId: number;
  queueOffset: number;
  physicalOffset: number;
  msgId: string;
  offsetMsgId: string;
  tags?: string | undefined;
  keys: string[];
  properties: Record<string, string>;
  bornTimestamp: number;
  bornHost: string;
  storeTimestamp: number;
  storeHost: string;
  reconsumeTimes: number;
  storeSize: number;
  body?: unknown;
  bodyEncoding: string;
  bodyLength: number;
  bodyTruncated: boolean;
  compression?: string | undefined;
  bodyProblem?: string | undefined;
}

/** Properties that clients and brokers set for themselves; a message that is sent again gets its own. */
const OWN_PROPERTIES = new Set([
  "KEYS",
  "TAGS",
  "UNIQ_KEY",
  "CLUSTER",
  "WAIT",
  "DELAY",
  "MIN_OFFSET",
  "MAX_OFFSET",
  "TRACE_ON",
  "MSG_REGION",
  "__CRC32#",
  "__SHARDINGKEY",
  "INSTANCE_ID",
  "PGROUP",
  "TRAN_MSG",
  "RETRY_TOPIC",
  "ORIGIN_MESSAGE_ID",
  "REAL_TOPIC",
  "REAL_QID",
  "CONSUME_START_TIME",
]);

/** The properties that whoever sent the message has set. */
export function userProperties(properties: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(properties).filter(([name]) =>
      !OWN_PROPERTIES.has(name) && !name.startsWith("TIMER_") && !name.startsWith("DLQ_")
    ),
  );
}

/** The topic that a message was sent to at first; a retried or dead one lies elsewhere. */
export function originTopic({ topic, properties }: Pick<Message, "topic" | "properties">): string {
  return properties["DLQ_ORIGIN_TOPIC"] ?? properties["RETRY_TOPIC"] ?? topic;
}

/** The bytes that a body in base64 stands for. */
export function bodyBytes({ body }: Pick<Message, "body">): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(String(body ?? "")), (character) => character.charCodeAt(0));
}

/** The text that bytes are; undefined when they are none. */
export function bodyText(bytes: Uint8Array<ArrayBuffer>, isCut: boolean): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: isCut });
    // deno-lint-ignore no-control-regex -- no text has them
    return /[\x00-\x08\x0b\x0c\x0e-\x1f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** A command that sends such a message again. */
export function curlOf(origin: string, message: Message, bytes: Uint8Array<ArrayBuffer>): string {
  const { topic, tags, keys, properties } = message;
  const text = bodyText(bytes, false);
  const own = userProperties(properties);
  const shardingKey = properties["__SHARDINGKEY"];
  const json = {
    topic,
    ...(tags === undefined ? {} : { tag: tags }),
    ...(keys.length === 0 ? {} : { keys }),
    ...(shardingKey === undefined ? {} : { shardingKey }),
    ...(Object.keys(own).length === 0 ? {} : { properties: own }),
    ...(text === undefined
      ? { body: btoa(String.fromCharCode(...bytes)), bodyEncoding: "base64" }
      : { body: text }),
  };
  return [
    `curl ${origin}/api/messages \\`,
    "  -H 'content-type: application/json' \\",
    `  -d ${shellQuote(JSON.stringify(json))}`,
  ].join("\n");
}

/** The beginning of a body in one line. */
export function preview({ body, bodyEncoding, bodyLength }: Message): string {
  if (bodyEncoding === "base64") return `${bodyLength} bytes, no text`;
  return String(body ?? "").replace(/… \[cut: \d+ of \d+ bytes\]$/, "…").replace(/\s+/g, " ");
}
