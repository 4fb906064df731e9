/** A message in JSON: its fields, and its body in the encoding that somebody wants to see. */

import { z } from "@hono/zod-openapi";
import type { Message } from "../../client/admin/message.ts";
import { toHex } from "../../client/protocol/bytes.ts";

/** In which form bodies are shown; `auto` is text where the bytes are text, else base64. */
export const BODY_ENCODINGS = ["auto", "text", "json", "hex", "base64"] as const;
export type BodyEncoding = (typeof BODY_ENCODINGS)[number];

export const MessageSchema = z.object({
  brokerName: z.string(),
  topic: z.string(),
  queueId: z.number().int(),
  queueOffset: z.number().int(),
  physicalOffset: z.number().int(),
  msgId: z.string().openapi({ description: "The producer's id, or the offsetMsgId without one" }),
  offsetMsgId: z.string(),
  tags: z.string().optional(),
  keys: z.array(z.string()),
  properties: z.record(z.string(), z.string()),
  sysFlag: z.number().int(),
  flag: z.number().int(),
  bornTimestamp: z.number().int(),
  bornHost: z.string(),
  storeTimestamp: z.number().int(),
  storeHost: z.string(),
  reconsumeTimes: z.number().int(),
  preparedTransactionOffset: z.number().int(),
  storeSize: z.number().int().openapi({ description: "Bytes of the whole record" }),
  body: z.unknown().openapi({ description: "A string; with bodyEncoding json the value itself" }),
  bodyEncoding: z.enum(["text", "json", "hex", "base64"]),
  bodyLength: z.number().int().openapi({ description: "Bytes of the whole body, decompressed" }),
  bodyTruncated: z.boolean().openapi({ description: "Only the beginning of the body is here" }),
  compression: z.enum(["LZ4", "ZSTD", "ZLIB"]).optional(),
  bodyProblem: z.string().optional().openapi({ description: "Why the body is not as asked for" }),
}).openapi("Message");
export type MessageJson = z.infer<typeof MessageSchema>;

/** How a body is to be shown. */
export const bodyQuery = {
  bodyEncoding: z.enum(BODY_ENCODINGS).default("auto").openapi({
    description: "text, json, hex or base64; auto: text where the body is text, else base64",
  }),
  bodyLimit: z.coerce.number().int().min(0).max(16_777_216).optional().openapi({
    description: "Show at most so many bytes of each body",
  }),
};

/** The JSON of a message whose body is complete, or was cut by `bodyLimit` before. */
export function messageJson(message: Message, encoding: BodyEncoding): MessageJson {
  const { body, ...rest } = message;
  const bodyTruncated = body.length < message.bodyLength;
  return { ...rest, keys: [...rest.keys], ...encodedBody(body, message, encoding), bodyTruncated };
}

type EncodedBody = Pick<MessageJson, "body" | "bodyEncoding" | "bodyProblem">;

function encodedBody(body: Uint8Array, message: Message, encoding: BodyEncoding): EncodedBody {
  const problem = message.bodyProblem === undefined ? {} : { bodyProblem: message.bodyProblem };
  const isCut = body.length < message.bodyLength;
  if (encoding === "hex") return { body: toHex(body), bodyEncoding: "hex", ...problem };
  if (encoding === "base64") return { body: base64(body), bodyEncoding: "base64", ...problem };
  const text = textOf(body, isCut, encoding !== "auto");
  if (text === undefined) return { body: base64(body), bodyEncoding: "base64", ...problem };
  if (encoding === "json" && !isCut) {
    try {
      return { body: JSON.parse(text), bodyEncoding: "json", ...problem };
    } catch {
      return { body: text, bodyEncoding: "text", bodyProblem: "the body is no JSON" };
    }
  }
  const shown = isCut ? `${text}… [cut: ${body.length} of ${message.bodyLength} bytes]` : text;
  return { body: shown, bodyEncoding: "text", ...problem };
}

/** The text, or undefined when the bytes are none; what was cut may end within a character. */
function textOf(body: Uint8Array, isCut: boolean, isForced: boolean): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: !isForced }).decode(body, { stream: isCut });
    return isForced || !hasControlCharacters(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Those that no text has: all but tab, line feed and carriage return. */
function hasControlCharacters(text: string): boolean {
  // deno-lint-ignore no-control-regex -- they are what is looked for
  return /[\x00-\x08\x0b\x0c\x0e-\x1f]/.test(text);
}

/** Bytes in base64. */
export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += BASE64_CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + BASE64_CHUNK));
  }
  return btoa(text);
}

/** Arguments of one call. */
const BASE64_CHUNK = 8_192;
