/**
 * Which messages of a queue a subscription wants. By tags that is decided by what the consume queue knows, and clients
 * compare the tags themselves, since hash codes may be equal; by SQL92 it is decided here, by the message's properties.
 */

import {
  ExpressionType,
  isTagType,
  SUB_ALL,
  type SubscriptionData,
} from "../../client/protocol/heartbeat.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import type { MessageFilter } from "../../store/get_message.ts";
import type { SqlFilterCache } from "./filter/sql_filter.ts";

/** A filter that may look at the messages themselves. */
export type RecordFilter = Required<MessageFilter>;

/**
 * The filter of a subscription, or undefined when every message is wanted. Cheap enough to be made for every pull.
 * @throws {RemotingError} SUBSCRIPTION_PARSE_FAILED when its expression cannot be a filter.
 */
export function messageFilterOf(
  subscription: FilteringSubscription,
  cache: SqlFilterCache,
): MessageFilter | undefined {
  const { subString, codeSet, expressionType } = subscription;
  if (subscription.classFilterMode) return undefined;
  if (isTagType(expressionType)) {
    if (subString === SUB_ALL) return undefined;
    // Java compares the low 32 bits of the 64 that are stored.
    const matchesTagsCode = (tagsCode: number) =>
      codeSet.has(tagsCode | 0) || tagsCode <= EXTENSION_ADDRESS_MAX;
    return { matchesTagsCode };
  }
  try {
    return expressionFilterOf(cache, expressionType, subString);
  } catch (error) {
    throw refuse(
      ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      `parse the consumer's subscription failed: ${(error as Error).message}`,
    );
  }
}

/**
 * With enableConsumeQueueExt Apache keeps the hash in a file of its own, and in the queue where it is there, which is
 * below every hash (ConsumeQueueExt.java). Clients compare the tags anyway.
 */
const EXTENSION_ADDRESS_MAX = -0x8000_0001;

type FilteringSubscription = Pick<
  SubscriptionData,
  "subString" | "codeSet" | "expressionType" | "classFilterMode"
>;

/**
 * The filter of an expression that is no tags.
 * @throws {RangeError | SqlSyntaxError} when its kind is unknown, or it cannot be a filter.
 */
export function expressionFilterOf(
  cache: SqlFilterCache,
  expressionType: string,
  expression: string,
): RecordFilter {
  if (expressionType === ExpressionType.SQL92) return cache.filterOf(expression);
  throw new RangeError(`This broker does not know the filter type ${expressionType}`);
}

/**
 * Refuses a subscription by something else than tags when consumers may not filter so.
 * @throws {RemotingError} SYSTEM_ERROR
 */
export function mustServeExpression(
  expressionType: string,
  settings: Readonly<{ enablePropertyFilter: boolean }>,
): void {
  if (isTagType(expressionType) || settings.enablePropertyFilter) return;
  throw refuse(
    ResponseCode.SYSTEM_ERROR,
    `The broker does not support consumer to filter message by ${expressionType}`,
  );
}
