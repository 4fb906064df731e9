/** Which messages a subscription wants, by the tags' hash that the queue keeps; the client compares the tags themselves. */

import { javaHashCode } from "../../client/protocol/message.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import type { MessageFilter } from "../../store/get_message.ts";

/**
 * Reads a subscription: `*` or nothing for all, else tags with `||` between them.
 * @returns undefined when every message is wanted.
 * @throws {RemotingError} SUBSCRIPTION_PARSE_FAILED for another kind of expression.
 */
export function parseSubscription(
  subString: string | undefined,
  expressionType: string | undefined,
): MessageFilter | undefined {
  if (expressionType !== undefined && expressionType !== "" && expressionType !== "TAG") {
    throw refuse(
      ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      `filtering by ${expressionType} is not served; subscribe by tags`,
    );
  }
  if (subString === undefined || subString === "" || subString === "*") return undefined;
  const tags = subString.split("||").map((tag) => tag.trim()).filter((tag) => tag !== "");
  const codes = new Set(tags.map(javaHashCode));
  return { matchesTagsCode: (tagsCode) => codes.has(tagsCode) };
}
