/** What is searched for in a topic, and where a search that has ended early goes on. */

import type { RecordLayout } from "../protocol/message_record.ts";

/** Oldest first or newest first, by the time of storing. */
export type SearchOrder = "asc" | "desc";

export interface SearchQuery {
  topic: string;
  order: SearchOrder;
  /** Stored at this time or later; milliseconds since the epoch. */
  begin?: number;
  /** Stored at this time or earlier. */
  end?: number;
  /** Only queues of this broker name, only queues of this number. */
  brokerName?: string;
  queueId?: number;
  /** From this queueOffset on, and up to before that one, in every queue that is searched. */
  beginOffset?: number;
  endOffset?: number;
  filter?: SearchFilter;
  /** At most so many bytes of each body are kept. */
  bodyLimit: number;
  cursor?: SearchCursor;
}

/** Which messages are wanted. What a broker can tell apart itself it does not have to send. */
export interface SearchFilter {
  /** Tags with `||` between them, for brokers to go by: they compare hashes, `matches` has to look again. */
  tags?: string;
  /** An expression for brokers that serve SQL92; `matches` has to look again, others do not. */
  sql?: string;
  /** Whether a message is wanted. The bytes are valid during the call. */
  matches?: (bytes: Uint8Array, record: RecordLayout) => boolean;
}

/** What is left to be searched, queue by queue. */
export interface SearchCursor {
  readonly order: SearchOrder;
  readonly queues: readonly QueueRange[];
}

/** The queueOffsets from `begin` on and before `end`. */
export interface QueueRange {
  readonly brokerName: string;
  readonly queueId: number;
  readonly begin: number;
  readonly end: number;
}
