/** What a message consists of: property names, flag bits, the properties string, ids. */

import { fromHex, getInt64, HEX, toHex, viewOf } from "./bytes.ts";

/** Property names that the broker reads or writes (MessageConst.java). */
export const MessageProperty = {
  KEYS: "KEYS",
  TAGS: "TAGS",
  WAIT: "WAIT",
  DELAY: "DELAY",
  RETRY_TOPIC: "RETRY_TOPIC",
  REAL_TOPIC: "REAL_TOPIC",
  REAL_QID: "REAL_QID",
  TRAN_MSG: "TRAN_MSG",
  PGROUP: "PGROUP",
  TRANSACTION_ID: "__transactionId__",
  /** How often a producer was asked about the transaction. */
  TRANSACTION_CHECK_TIMES: "TRANSACTION_CHECK_TIMES",
  /** queueOffset of the half message's first record, in those that follow it. */
  TRAN_PREPARED_QUEUE_OFFSET: "TRAN_PREPARED_QUEUE_OFFSET",
  /** How long a producer wants to be left alone before it is asked. */
  CHECK_IMMUNITY_TIME_IN_SECONDS: "CHECK_IMMUNITY_TIME_IN_SECONDS",
  ORIGIN_MESSAGE_ID: "ORIGIN_MESSAGE_ID",
  RECONSUME_TIME: "RECONSUME_TIME",
  MAX_RECONSUME_TIMES: "MAX_RECONSUME_TIMES",
  UNIQ_KEY: "UNIQ_KEY",
  MSG_REGION: "MSG_REGION",
  TRACE_ON: "TRACE_ON",
  CLUSTER: "CLUSTER",
  INNER_NUM: "INNER_NUM",
  /** The light queues that a message goes to as well, and its offsets there. */
  INNER_MULTI_DISPATCH: "INNER_MULTI_DISPATCH",
  INNER_MULTI_QUEUE_OFFSET: "INNER_MULTI_QUEUE_OFFSET",
  BORN_HOST: "__BORNHOST",
  CRC32: "__CRC32#",
  DLQ_ORIGIN_TOPIC: "DLQ_ORIGIN_TOPIC",
  DLQ_ORIGIN_MESSAGE_ID: "DLQ_ORIGIN_MESSAGE_ID",
  TIMER_DELAY_SEC: "TIMER_DELAY_SEC",
  /** The producer that a request came from; its answers carry it back. */
  REPLY_TO_CLIENT: "REPLY_TO_CLIENT",
  /** When the broker took an answer to who had asked; milliseconds. */
  PUSH_REPLY_TIME: "PUSH_REPLY_TIME",
  TIMER_DELAY_MS: "TIMER_DELAY_MS",
  TIMER_DELIVER_MS: "TIMER_DELIVER_MS",
  /** One less than the time at which a timer message is due; milliseconds, as all its times. */
  TIMER_OUT_MS: "TIMER_OUT_MS",
  /** When it began to wait, and when it was delivered or stored anew. */
  TIMER_ENQUEUE_MS: "TIMER_ENQUEUE_MS",
  TIMER_DEQUEUE_MS: "TIMER_DEQUEUE_MS",
  /** How often it was stored anew while it waited. */
  TIMER_ROLL_TIMES: "TIMER_ROLL_TIMES",
  /** The topic and unique key, with a plus sign in between, of the timer message that this one cancels. */
  TIMER_DEL_UNIQKEY: "TIMER_DEL_UNIQKEY",
  POP_CK: "POP_CK",
  FIRST_POP_TIME: "1ST_POP_TIME",
  /** What keeps messages in order, by the producer's choice of their queue. */
  SHARDING_KEY: "__SHARDINGKEY",
  /** On messages that something brings from another cluster. */
  TRANSFER_FLAG: "TRANSFER_FLAG",
} as const;

/** Bits of a message's sysFlag (MessageSysFlag.java). */
export const MessageSysFlag = {
  COMPRESSED: 1,
  MULTI_TAGS: 1 << 1,
  TRANSACTION_PREPARED: 1 << 2,
  TRANSACTION_COMMIT: 2 << 2,
  /** Also the mask of the two transaction bits. */
  TRANSACTION_ROLLBACK: 3 << 2,
  BORNHOST_V6: 1 << 4,
  STOREHOST_V6: 1 << 5,
  INNER_BATCH: 1 << 7,
} as const;

/** Between keys, in the property KEYS (MessageConst.KEY_SEPARATOR). */
export const KEY_SEPARATOR = " ";
const NAME_VALUE_SEPARATOR = "\u0001";
const PROPERTY_SEPARATOR = "\u0002";

/**
 * The value of one property in a properties string (`name \x01 value \x02 …`), or undefined. Of two equal names the last
 * counts, and one without a value is none, as in Java. Reads the string in place, which is what the send path wants: it
 * needs four properties of a message and no map.
 */
export function findProperty(properties: string, name: string): string | undefined {
  const head = headOf(name);
  let start = -1;
  let end = -1;
  for (let found = properties.indexOf(head); found >= 0;) {
    const valueStart = found + head.length;
    if (found === 0 || properties[found - 1] === PROPERTY_SEPARATOR) {
      const separator = properties.indexOf(PROPERTY_SEPARATOR, valueStart);
      const valueEnd = separator < 0 ? properties.length : separator;
      if (valueEnd > valueStart) {
        start = valueStart;
        end = valueEnd;
      }
    }
    found = properties.indexOf(head, valueStart);
  }
  return start < 0 ? undefined : properties.slice(start, end);
}

/** What a property begins with, kept for the few names that are looked for. */
const heads = new Map<string, string>();

function headOf(name: string): string {
  let head = heads.get(name);
  if (head === undefined) heads.set(name, head = name + NAME_VALUE_SEPARATOR);
  return head;
}

/** Reads a properties string. Pieces without a separator are dropped, as Java does; of two equal names the last counts. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const item of text.split(PROPERTY_SEPARATOR)) {
    const at = item.indexOf(NAME_VALUE_SEPARATOR);
    if (at > 0) properties.set(item.slice(0, at), item.slice(at + 1));
  }
  return properties;
}

/** Writes a properties string. */
export function printProperties(properties: Iterable<readonly [string, string]>): string {
  let text = "";
  for (const [name, value] of properties) {
    text += name + NAME_VALUE_SEPARATOR + value + PROPERTY_SEPARATOR;
  }
  return text;
}

/** The keys in the property KEYS. */
export function keysOf(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(KEY_SEPARATOR).filter((key) => key !== "");
}

/** Java's `String.hashCode`, signed 32 bits: consume queues keep it of the tags, index files of the keys. */
export function javaHashCode(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) {
    hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  }
  return hash;
}

/** An address in stored form: 4 or 16 address bytes and a 4-byte port. */
export type HostBytes = Uint8Array;

/**
 * Puts an IP address and a port in stored form. IPv4 in IPv6 (`::ffff:a.b.c.d`) counts as IPv4.
 * @throws {RangeError} when `hostname` is no IP address.
 */
export function hostBytes(hostname: string, port: number): HostBytes {
  const address = addressBytes(hostname);
  const bytes = new Uint8Array(address.length + 4);
  bytes.set(address);
  viewOf(bytes).setInt32(address.length, port);
  return bytes;
}

function addressBytes(hostname: string): number[] {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(hostname);
  const text = mapped?.[1] ?? hostname;
  const parts = text.split(".");
  if (parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    return parts.map(Number);
  }
  if (!text.includes(":")) throw new RangeError(`"${hostname}" is no IP address`);
  return addressBytesV6(text.replace(/%.*$/, ""));
}

function addressBytesV6(text: string): number[] {
  const [head = "", tail] = text.split("::");
  const groups = (part: string) => part === "" ? [] : part.split(":").map((g) => parseInt(g, 16));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const all = [...left, ...new Array<number>(Math.max(0, zeros)).fill(0), ...right];
  if (all.length !== 8 || all.some((g) => !(g >= 0 && g <= 0xffff))) {
    throw new RangeError(`"${text}" is no IP address`);
  }
  return all.flatMap((g) => [g >> 8, g & 0xff]);
}

/** An address in stored form as people write it: "a.b.c.d:port" or "[v6]:port". */
export function hostText(host: HostBytes): string {
  const view = viewOf(host);
  const end = host.length - 4;
  const port = view.getInt32(end);
  if (end === 4) return `${host[0]}.${host[1]}.${host[2]}.${host[3]}:${port}`;
  const groups: string[] = [];
  for (let at = 0; at < end; at += 2) groups.push(view.getUint16(at).toString(16));
  return `[${groups.join(":")}]:${port}`;
}

/** The offsetMsgId: where a message is stored, as hexadecimal digits of store host and physical offset. */
export function createMessageId(storeHost: HostBytes, physicalOffset: number): string {
  let host = hostDigits.get(storeHost);
  if (host === undefined) hostDigits.set(storeHost, host = toHex(storeHost));
  return host + hex8(Math.floor(physicalOffset / 0x1_0000_0000)) + hex8(physicalOffset >>> 0);
}

/** A broker has one store host for all its messages. */
const hostDigits = new WeakMap<HostBytes, string>();

function hex8(value: number): string {
  return HEX[value >>> 24]! + HEX[value >>> 16 & 0xff]! + HEX[value >>> 8 & 0xff]! +
    HEX[value & 0xff]!;
}

/**
 * Reads an offsetMsgId.
 * @throws {RangeError} when the text is no such id.
 */
export function parseMessageId(id: string): { storeHost: HostBytes; physicalOffset: number } {
  const bytes = fromHex(id);
  if (bytes.length !== 16 && bytes.length !== 28) {
    throw new RangeError(`"${id}" is no offsetMsgId: expected 32 or 56 hexadecimal digits`);
  }
  const hostLength = bytes.length - 8;
  return {
    storeHost: bytes.subarray(0, hostLength),
    physicalOffset: getInt64(viewOf(bytes), hostLength),
  };
}
