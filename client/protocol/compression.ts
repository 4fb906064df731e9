/**
 * Bodies that a producer compressed. Brokers keep them as they are; whoever shows one has to undo it. Source:
 * MessageSysFlag.java and CompressionType.java of Apache RocketMQ 5.3.3.
 */

import { inflateSync, zstdDecompressSync } from "node:zlib";
import { decompressLz4 } from "./lz4_frame.ts";
import { MessageSysFlag } from "./message.ts";

export type CompressionType = "LZ4" | "ZSTD" | "ZLIB";

/** Three bits of sysFlag say how; clients before 5.0 set none of them and use zlib. */
const TYPE_SHIFT = 8;
const TYPES: readonly (CompressionType | undefined)[] = ["ZLIB", "LZ4", "ZSTD", "ZLIB"];

/** How the body of a message with this sysFlag is compressed; undefined when it is not. */
export function compressionOf(sysFlag: number): CompressionType | undefined {
  if ((sysFlag & MessageSysFlag.COMPRESSED) === 0) return undefined;
  return TYPES[sysFlag >> TYPE_SHIFT & 7];
}

/**
 * The body as the producer had it: itself when it is not compressed.
 * @throws {RangeError} when it cannot be decompressed, or to more than `lengthMax` bytes.
 */
export function decompressBody(sysFlag: number, body: Uint8Array, lengthMax: number): Uint8Array {
  if ((sysFlag & MessageSysFlag.COMPRESSED) === 0) return body;
  const type = compressionOf(sysFlag);
  if (type === undefined) {
    throw new RangeError(`the body has the unknown compression ${sysFlag >> TYPE_SHIFT & 7}`);
  }
  if (type === "LZ4") return decompressLz4(body, lengthMax);
  const decompress = type === "ZSTD" ? zstdDecompressSync : inflateSync;
  try {
    return decompress(body, { maxOutputLength: lengthMax });
  } catch (cause) {
    throw new RangeError(
      `the body cannot be decompressed with ${type} to at most ${lengthMax} bytes`,
      { cause },
    );
  }
}
