/** How many messages of a piece of a queue a subscription by tags wants, as far as a look at the first ones tells. */

import { isTagType, SUB_ALL, type SubscriptionData } from "../../client/protocol/heartbeat.ts";
import type { ConsumeQueue } from "../../store/consume_queue.ts";

/** So many are looked at: 20 KB. */
const SAMPLE_MAX = 1_000;

/** Whether a subscription leaves messages out by their tags. */
export function choosesByTags(
  { subString, expressionType, classFilterMode }: Pick<
    SubscriptionData,
    "subString" | "expressionType" | "classFilterMode"
  >,
): boolean {
  return isTagType(expressionType) && subString !== SUB_ALL && !classFilterMode;
}

/** Of the messages from `from` to before `to`; exact when they are few. */
export function wantedCount(
  queue: Pick<ConsumeQueue, "read"> | undefined,
  { codeSet }: Pick<SubscriptionData, "codeSet">,
  from: number,
  to: number,
): number {
  const count = Math.max(0, to - from);
  const sampleEnd = from + Math.min(count, SAMPLE_MAX);
  let wanted = 0;
  let at = from;
  while (queue !== undefined && at < sampleEnd) {
    const units = queue.read(at, sampleEnd - at);
    if (units.count === 0) break;
    for (let index = 0; index < units.count; index++) {
      // Java compares the low 32 bits of the 64 that are stored.
      if (codeSet.has(units.tagsCode(index) | 0)) wanted++;
    }
    at += units.count;
  }
  return at === from ? count : Math.round(count * wanted / (at - from));
}
