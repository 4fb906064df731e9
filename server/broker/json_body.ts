/** Bodies that are JSON. */

import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import { parseFastjson, printFastjson } from "../../client/protocol/fastjson.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";

/**
 * Reads a request's body with `parse`.
 * @throws {RemotingError} SYSTEM_ERROR, as in Java, when the body is no JSON or `parse` finds no sense in it.
 */
export function parseJsonBody<T>(body: Uint8Array, parse: (json: unknown) => T): T {
  try {
    return parse(parseFastjson(decodeUtf8(body, 0, body.length)));
  } catch (error) {
    throw refuse(ResponseCode.SYSTEM_ERROR, `Cannot read the body: ${(error as Error).message}`);
  }
}

/** An answer's body with Java maps in it, whose keys are numbers or objects. */
export function fastjsonBody(value: unknown): Uint8Array {
  return encodeUtf8(printFastjson(value));
}

/** An answer's body. */
export function jsonBody(value: unknown): Uint8Array {
  return encodeUtf8(JSON.stringify(value));
}
