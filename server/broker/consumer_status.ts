/** What a consumer tells of its offsets: a GetConsumerStatusBody, whose keys are queues. */

import { decodeUtf8 } from "../../client/protocol/bytes.ts";
import { parseFastjson } from "../../client/protocol/fastjson.ts";

/** The consumer's offsets by queue, to be printed again. @throws {SyntaxError} when it is no JSON. */
export function readConsumerStatus(body: Uint8Array): Map<unknown, unknown> {
  const json = parseFastjson(decodeUtf8(body, 0, body.length)) as Record<string, unknown> | null;
  const table = new Map<unknown, unknown>();
  for (const [queue, offset] of Object.entries(json?.["messageQueueTable"] ?? {})) {
    table.set(JSON.parse(queue), offset);
  }
  return table;
}
