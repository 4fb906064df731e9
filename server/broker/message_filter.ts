/**
 * Which messages of a queue a subscription wants, by what the consume queue knows of them. Clients compare the tags
 * themselves, since hash codes may be equal.
 */

import {
  ExpressionType,
  isTagType,
  SUB_ALL,
  type SubscriptionData,
} from "../../client/protocol/heartbeat.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import type { MessageFilter } from "../../store/get_message.ts";

/**
 * The filter of a subscription, or undefined when every message is wanted. Cheap enough to be made for every pull.
 * @throws {RemotingError} SUBSCRIPTION_PARSE_FAILED when its kind of expression is not served.
 */
export function messageFilterOf(
  subscription: Pick<
    SubscriptionData,
    "subString" | "codeSet" | "expressionType" | "classFilterMode"
  >,
): MessageFilter | undefined {
  if (subscription.classFilterMode) return undefined;
  if (!isTagType(subscription.expressionType)) {
    throw refuse(
      ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      unservedExpression(subscription.expressionType),
    );
  }
  if (subscription.subString === SUB_ALL) return undefined;
  const { codeSet } = subscription;
  // Java compares the low 32 bits of the 64 that are stored.
  return { matchesTagsCode: (tagsCode) => codeSet.has(tagsCode | 0) };
}

/** Why a subscription by this kind of expression is refused. */
export function unservedExpression(expressionType: string): string {
  return expressionType === ExpressionType.SQL92
    ? "This broker does not serve SQL92 filters yet, subscribe by tags"
    : `This broker does not know the filter type ${expressionType}, subscribe by tags`;
}
