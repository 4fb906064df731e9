/**
 * The remoting frame: how a request or a response looks on the wire.
 *
 * ```
 *  0        4               5              8
 *  +--------+---------------+--------------+-- headerLength --+-- the rest --+
 *  | length | serializeType | headerLength | header           | body         |
 *  +--------+---------------+--------------+------------------+--------------+
 *  length counts everything after itself; serializeType 0 = JSON, 1 = ROCKETMQ.
 *
 *  ROCKETMQ header: code 2, language 1, version 2, opaque 4, flag 4,
 *                   remarkLength 4 + remark, extLength 4 + (keyLength 2 + key, valueLength 4 + value)*
 * ```
 * Source: RemotingCommand.java and RocketMQSerializable.java of Apache RocketMQ 5.3.3.
 */

import { type ByteWriter, decodeUtf8 } from "./bytes.ts";

/** How a header is written; a response uses the kind of its request. */
export const SerializeType = { JSON: 0, ROCKETMQ: 1 } as const;

/** MQVersion's ordinal of 5.3.3: what this program says it is, so that clients use what it serves. */
export const VERSION_5_3_3 = 479;

/** LanguageCode by its wire number; JSON headers carry the name, ROCKETMQ headers the number. */
export const LANGUAGES = [
  "JAVA",
  "CPP",
  "DOTNET",
  "PYTHON",
  "DELPHI",
  "ERLANG",
  "RUBY",
  "OTHER",
  "HTTP",
  "GO",
  "PHP",
  "OMS",
  "RUST",
  "NODE_JS",
] as const;
export type Language = (typeof LANGUAGES)[number];

const RESPONSE_FLAG = 1;
const ONEWAY_FLAG = 2;
/** Netty's LengthFieldBasedFrameDecoder is set to 16 MiB by Apache (com.rocketmq.remoting.frameMaxLength). */
export const FRAME_LENGTH_MAX = 16 * 1024 * 1024;

/** One request or response. `body` is a view into the receive buffer: valid until the next await. */
export interface RemotingCommand {
  code: number;
  language: Language;
  version: number;
  opaque: number;
  flag: number;
  remark: string | undefined;
  extFields: Map<string, string>;
  body: Uint8Array;
  serializeType: number;
}

/** The bytes are no frame of this protocol; the connection cannot go on. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** Whether the command answers an earlier one. */
export function isResponse(command: RemotingCommand): boolean {
  return (command.flag & RESPONSE_FLAG) !== 0;
}

/** Whether the sender wants no response. */
export function isOneway(command: RemotingCommand): boolean {
  return (command.flag & ONEWAY_FLAG) !== 0;
}

/** A request to send; `opaque` is set by the connection. */
export function createRequest(
  code: number,
  extFields: Map<string, string> = new Map(),
  body: Uint8Array = EMPTY,
): RemotingCommand {
  return {
    code,
    language: "OTHER",
    version: VERSION_5_3_3,
    opaque: 0,
    flag: 0,
    remark: undefined,
    extFields,
    body,
    serializeType: SerializeType.JSON,
  };
}

/** Marks a request as one that wants no response. */
export function markOneway(command: RemotingCommand): void {
  command.flag |= ONEWAY_FLAG;
}

/** The response to `request`, in its serialization. */
export function createResponse(
  request: Pick<RemotingCommand, "opaque" | "serializeType">,
  code: number,
  remark: string | undefined,
  extFields: Map<string, string>,
  body: Uint8Array = EMPTY,
): RemotingCommand {
  return {
    code,
    language: "JAVA",
    version: VERSION_5_3_3,
    opaque: request.opaque,
    flag: RESPONSE_FLAG,
    remark,
    extFields,
    body,
    serializeType: request.serializeType,
  };
}

export const EMPTY: Uint8Array = new Uint8Array(0);

/**
 * The length of the frame that starts at `start`, counting its own four length bytes, or 0 when too little has arrived to know.
 * @throws {FrameError} when no frame has such a length.
 */
export function frameLength(
  view: DataView,
  start: number,
  end: number,
  lengthMax: number = FRAME_LENGTH_MAX,
): number {
  if (end - start < 4) return 0;
  const length = view.getInt32(start);
  if (length < 4) throw new FrameError(`frame length ${length} is less than 4`);
  if (length > lengthMax) {
    throw new FrameError(`frame length ${length} exceeds the limit of ${lengthMax} bytes`);
  }
  return length + 4;
}

/**
 * Decodes the whole frame in `bytes[start, end)`. The body is a view, not a copy.
 * @throws {FrameError} when the bytes are no valid frame.
 */
export function decodeFrame(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
): RemotingCommand {
  const word = view.getInt32(start + 4);
  const headerStart = start + 8;
  const headerEnd = headerStart + (word & 0xffffff);
  if (headerEnd > end) {
    throw new FrameError(`header of ${word & 0xffffff} bytes is longer than its frame`);
  }
  const serializeType = word >>> 24;
  const body = bytes.subarray(headerEnd, end);
  if (serializeType === SerializeType.ROCKETMQ) {
    return decodeBinaryHeader(bytes, view, headerStart, headerEnd, body);
  }
  if (serializeType === SerializeType.JSON) {
    return decodeJsonHeader(bytes, headerStart, headerEnd, body);
  }
  throw new FrameError(`unknown header serialization ${serializeType}`);
}

function decodeBinaryHeader(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  body: Uint8Array,
): RemotingCommand {
  if (end - start < 21) throw new FrameError(`header of ${end - start} bytes is too short`);
  const remarkEnd = checkedEnd(start + 17, view.getInt32(start + 13), end - 4);
  const remark = remarkEnd > start + 17 ? decodeUtf8(bytes, start + 17, remarkEnd) : undefined;
  const extEnd = checkedEnd(remarkEnd + 4, view.getInt32(remarkEnd), end);
  const extFields = new Map<string, string>();
  let position = remarkEnd + 4;
  while (position < extEnd) {
    if (extEnd - position < 2) throw new FrameError("header fields end in the middle of a key");
    const keyEnd = checkedEnd(position + 2, view.getInt16(position), extEnd - 4);
    const key = decodeUtf8(bytes, position + 2, keyEnd);
    const valueEnd = checkedEnd(keyEnd + 4, view.getInt32(keyEnd), extEnd);
    extFields.set(key, decodeUtf8(bytes, keyEnd + 4, valueEnd));
    position = valueEnd;
  }
  return {
    code: codeFromShort(view.getInt16(start)),
    language: LANGUAGES[bytes[start + 2]!] ?? "OTHER",
    version: view.getInt16(start + 3),
    opaque: view.getInt32(start + 5),
    flag: view.getInt32(start + 9),
    remark,
    extFields,
    body,
    serializeType: SerializeType.ROCKETMQ,
  };
}

/**
 * The ROCKETMQ header has two bytes for the code, so Java's 200050 and its like arrive cut to 16 bits;
 * Apache has no code in that range, which makes the cut reversible for the POP family (200050 to 200151).
 */
function codeFromShort(code: number): number {
  const low = code & 0xffff;
  return low >= POP_CODES_CUT.first && low <= POP_CODES_CUT.last ? low + 0x30000 : code;
}

const POP_CODES_CUT = { first: 200050 & 0xffff, last: 200151 & 0xffff };

function checkedEnd(start: number, length: number, limit: number): number {
  if (length < 0 || start + length > limit) {
    throw new FrameError(`header field of ${length} bytes is longer than its header`);
  }
  return start + length;
}

function decodeJsonHeader(
  bytes: Uint8Array,
  start: number,
  end: number,
  body: Uint8Array,
): RemotingCommand {
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(decodeUtf8(bytes, start, end));
  } catch (error) {
    throw new FrameError("header is no valid JSON", { cause: error });
  }
  if (typeof header !== "object" || header === null || !Number.isInteger(header["code"])) {
    throw new FrameError("JSON header has no code");
  }
  const extFields = new Map<string, string>();
  for (const [key, value] of Object.entries(header["extFields"] ?? {})) {
    // Fastjson reads a number where it wants a string, and some clients send one.
    if (value !== null) extFields.set(key, typeof value === "string" ? value : String(value));
  }
  return {
    code: header["code"] as number,
    language: languageFromJson(header["language"]),
    version: integerOrZero(header["version"]),
    opaque: integerOrZero(header["opaque"]),
    flag: integerOrZero(header["flag"]),
    remark: typeof header["remark"] === "string" ? header["remark"] : undefined,
    extFields,
    body,
    serializeType: SerializeType.JSON,
  };
}

function languageFromJson(value: unknown): Language {
  if (typeof value === "number") return LANGUAGES[value] ?? "OTHER";
  return LANGUAGES.includes(value as Language) ? value as Language : "OTHER";
}

function integerOrZero(value: unknown): number {
  return Number.isInteger(value) ? value as number : 0;
}

/** Appends the whole frame of `command` to `out`; `bodyParts` spares the caller from joining them to one body. */
export function encodeFrame(
  out: ByteWriter,
  command: RemotingCommand,
  bodyParts: readonly Uint8Array[] = [command.body],
): void {
  const start = out.length;
  out.int32(0);
  out.int32(0);
  if (command.serializeType === SerializeType.ROCKETMQ) encodeBinaryHeader(out, command);
  else encodeJsonHeader(out, command);
  const headerLength = out.length - start - 8;
  for (const part of bodyParts) out.raw(part);
  out.view.setInt32(start, out.length - start - 4);
  out.view.setInt32(start + 4, (command.serializeType << 24) | headerLength);
}

function encodeBinaryHeader(out: ByteWriter, command: RemotingCommand): void {
  out.int16(command.code);
  out.int8(LANGUAGES.indexOf(command.language));
  out.int16(command.version);
  out.int32(command.opaque);
  out.int32(command.flag);
  out.longText(command.remark ?? "");
  const extLengthAt = out.length;
  out.int32(0);
  for (const [key, value] of command.extFields) {
    out.shortText(key);
    out.longText(value);
  }
  out.view.setInt32(extLengthAt, out.length - extLengthAt - 4);
}

function encodeJsonHeader(out: ByteWriter, command: RemotingCommand): void {
  out.utf8(JSON.stringify({
    code: command.code,
    extFields: Object.fromEntries(command.extFields),
    flag: command.flag,
    language: command.language,
    opaque: command.opaque,
    remark: command.remark,
    serializeTypeCurrentRPC: "JSON",
    version: command.version,
  }));
}
