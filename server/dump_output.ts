/** What `comet store dump` prints of a message: some lines for people, or one JSON document. */

import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import { decodeUtf8, toHex } from "../client/protocol/bytes.ts";
import {
  createMessageId,
  type HostBytes,
  MessageSysFlag,
  parseProperties,
} from "../client/protocol/message.ts";
import type { RecordLayout } from "../client/protocol/message_record.ts";
import type { DumpEntry } from "../store/tools/dump_query.ts";
import { printable } from "./store_output.ts";

export const BODY_FORMATS = ["text", "hex", "base64", "none"] as const;
export type BodyFormat = (typeof BODY_FORMATS)[number];

export interface DumpFormat {
  json: boolean;
  body: BodyFormat;
  /** Longer bodies are cut there, in bytes. */
  bodyMax: number;
}

/** A message's body, as it is to be shown. */
interface ShownBody {
  text: string;
  /** Of the whole body, unpacked. */
  bytes: number;
  cutBytes: number;
  /** How it is packed in the log: undefined, or how far that could be undone. */
  compression: string | undefined;
  format: BodyFormat;
}

/** One entry as text that ends in a line break. */
export function formatEntry(entry: DumpEntry, format: DumpFormat): string {
  if (entry.kind === "damage") return formatDamage(entry, format.json);
  const { record, bytes } = entry;
  const body = showBody(record, bytes, format);
  return format.json ? formatJson(record, bytes, body) : formatText(record, bytes, body);
}

function formatDamage(entry: Extract<DumpEntry, { kind: "damage" }>, json: boolean): string {
  const { what, physicalOffset, endOffset } = entry;
  if (json) return `${JSON.stringify({ damage: what, physicalOffset, endOffset })}\n`;
  const place = physicalOffset === undefined ? "" : ` at physicalOffset ${physicalOffset}`;
  const next = endOffset === undefined ? "" : `; goes on at ${endOffset}`;
  return `DAMAGE${place}: ${printable(what)}${next}\n`;
}

function formatText(record: RecordLayout, bytes: Uint8Array, body: ShownBody): string {
  const { topic, queueId, queueOffset, physicalOffset, size, reconsumeTimes, sysFlag, flag } =
    record;
  const properties = [...propertiesOf(record, bytes)].map(([name, value]) => `${name}=${value}`);
  const packed = body.compression === undefined ? "" : `, ${body.compression}`;
  const cut = body.cutBytes === 0 ? "" : ` […${body.cutBytes} bytes more]`;
  return `${
    printable(topic)
  }/${queueId} queueOffset ${queueOffset} physicalOffset ${physicalOffset} ` +
    `size ${size} stored ${time(record.storeTimestamp)}\n` +
    `  born ${time(record.bornTimestamp)} at ${host(record.bornHost)}, ` +
    `stored at ${host(record.storeHost)}, reconsumeTimes ${reconsumeTimes}, ` +
    `sysFlag ${sysFlag}, flag ${flag}\n` +
    (properties.length === 0 ? "" : `  ${printable(properties.join(" "))}\n`) +
    `  body ${body.bytes} bytes${packed}${
      body.text === "" ? "" : `: ${printable(body.text)}`
    }${cut}\n`;
}

function formatJson(record: RecordLayout, bytes: Uint8Array, body: ShownBody): string {
  const document = {
    topic: record.topic,
    queueId: record.queueId,
    queueOffset: record.queueOffset,
    physicalOffset: record.physicalOffset,
    size: record.size,
    storeTimestamp: record.storeTimestamp,
    bornTimestamp: record.bornTimestamp,
    storeHost: host(record.storeHost),
    bornHost: host(record.bornHost),
    offsetMsgId: createMessageId(record.storeHost, record.physicalOffset),
    sysFlag: record.sysFlag,
    flag: record.flag,
    reconsumeTimes: record.reconsumeTimes,
    preparedTransactionOffset: record.preparedTransactionOffset,
    properties: Object.fromEntries(propertiesOf(record, bytes)),
    bodyBytes: body.bytes,
    bodyCutBytes: body.cutBytes,
    bodyCompression: body.compression,
    bodyFormat: body.format,
    body: body.format === "none" ? undefined : body.text,
  };
  return `${JSON.stringify(document)}\n`;
}

function propertiesOf(record: RecordLayout, bytes: Uint8Array): Map<string, string> {
  const start = record.propertiesStart;
  return parseProperties(decodeUtf8(bytes, start, start + record.propertiesLength));
}

function showBody(record: RecordLayout, bytes: Uint8Array, format: DumpFormat): ShownBody {
  const raw = bytes.subarray(record.bodyStart, record.bodyStart + record.bodyLength);
  const unpacked = unpack(raw, record.sysFlag);
  // What could not be unpacked is no text.
  const shown = format.body === "text" && unpacked.isPacked ? "hex" : format.body;
  const part = shown === "none"
    ? raw.subarray(0, 0)
    : cutBody(unpacked.body, shown, format.bodyMax);
  return {
    text: SHOW[shown](part),
    bytes: unpacked.body.length,
    cutBytes: shown === "none" ? 0 : unpacked.body.length - part.length,
    compression: unpacked.compression,
    format: shown,
  };
}

const SHOW: Record<BodyFormat, (bytes: Uint8Array) => string> = {
  text: (bytes) => decodeUtf8(bytes, 0, bytes.length),
  hex: toHex,
  base64: (bytes) => Buffer.from(bytes).toString("base64"),
  none: () => "",
};

/** The beginning of a body; text is not cut within a character. */
function cutBody(body: Uint8Array, format: BodyFormat, bodyMax: number): Uint8Array {
  let end = Math.min(body.length, bodyMax);
  if (format === "text" && end < body.length) {
    for (let back = 0; back < 3 && end > 0 && (body[end]! & 0xc0) === 0x80; back++) end--;
  }
  return body.subarray(0, end);
}

/** By bits 8 to 10 of sysFlag (CompressionType.java); 0 is zlib too. */
const COMPRESSIONS = ["zlib", "lz4", "zstd", "zlib"];
const UNPACKED_BYTES_MAX = 64 * 1024 * 1024;

interface Unpacked {
  body: Uint8Array;
  isPacked: boolean;
  compression: string | undefined;
}

/** Undoes a client's compression where that can be done. */
function unpack(body: Uint8Array, sysFlag: number): Unpacked {
  if ((sysFlag & MessageSysFlag.COMPRESSED) === 0) {
    return { body, isPacked: false, compression: undefined };
  }
  const compression = COMPRESSIONS[sysFlag >> 8 & 7] ?? "unknown compression";
  try {
    if (compression === "zlib") {
      const unpacked = inflateSync(body, { maxOutputLength: UNPACKED_BYTES_MAX });
      return { body: unpacked, isPacked: false, compression };
    }
  } catch {
    // It is shown as it lies there.
  }
  return { body, isPacked: true, compression: `${compression}, not unpacked` };
}

function time(timestamp: number): string {
  const date = new Date(timestamp);
  return Number.isNaN(date.getTime()) ? String(timestamp) : date.toISOString();
}

function host(bytes: HostBytes): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const port = view.getInt32(bytes.length - 4);
  if (bytes.length === 8) return `${bytes.subarray(0, 4).join(".")}:${port}`;
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2).toString(16));
  return `[${groups.join(":")}]:${port}`;
}
