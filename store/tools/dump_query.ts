/** What `comet store dump` is asked for, and what it gives. */

import { decodeUtf8 } from "../../client/protocol/bytes.ts";
import { findProperty, MessageProperty } from "../../client/protocol/message.ts";
import type { RecordLayout } from "../../client/protocol/message_record.ts";

/** Which messages; what is left out counts as any. Both ends of a range are included. */
export interface DumpQuery {
  topic?: string;
  queueId?: number;
  /** queueOffsets */
  from?: number;
  to?: number;
  physicalFrom?: number;
  physicalTo?: number;
  /** Store times in milliseconds. */
  begin?: number;
  end?: number;
  /** A key or a unique key. */
  key?: string;
}

/** A message, or a place where there should be some. `bytes` holds the record and is valid until the next entry. */
export type DumpEntry =
  | { kind: "message"; record: RecordLayout; bytes: Uint8Array }
  | {
    kind: "damage";
    what: string;
    physicalOffset: number | undefined;
    /** Where the next sound message begins, if it is known. */
    endOffset: number | undefined;
  };

/** Times of one log go back by no more than this, even where Apache's clock was set. */
export const CLOCK_MARGIN_MILLIS = 60_000;

/** Whether a record is asked for; its key is compared, if the query has one. */
export function matches(query: DumpQuery, record: RecordLayout, bytes: Uint8Array): boolean {
  return isWithin(record.physicalOffset, query.physicalFrom, query.physicalTo) &&
    isWithin(record.storeTimestamp, query.begin, query.end) &&
    isWithin(record.queueOffset, query.from, query.to) &&
    (query.topic === undefined || record.topic === query.topic) &&
    (query.queueId === undefined || record.queueId === query.queueId) &&
    (query.key === undefined || hasKey(bytes, record, query.key));
}

function isWithin(value: number, from = -Infinity, to = Infinity): boolean {
  return value >= from && value <= to;
}

function hasKey(bytes: Uint8Array, record: RecordLayout, key: string): boolean {
  const end = record.propertiesStart + record.propertiesLength;
  const properties = decodeUtf8(bytes, record.propertiesStart, end);
  if (findProperty(properties, MessageProperty.UNIQ_KEY) === key) return true;
  const keys = findProperty(properties, MessageProperty.KEYS);
  return keys === key || (keys?.split(" ").includes(key) ?? false);
}
