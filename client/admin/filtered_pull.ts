/** Pulling only what is wanted, as far as the broker can tell; where it does not serve SQL92, everything. */

import type { RecordLayout } from "../protocol/message_record.ts";
import { ExpressionType } from "../protocol/heartbeat.ts";
import { RemotingError } from "../protocol/response_code.ts";
import type { AdminClient } from "./admin_client.ts";
import { recordsOf } from "./message.ts";
import { type Pulled, pullOnce, type PullOptions, type QueueAddress } from "./queue_reading.ts";
import type { SearchFilter } from "./search_types.ts";

type Place = Pick<PullOptions, "queueOffset" | "maxMsgNums" | "suspendTimeoutMillis">;

export class FilteredPull {
  readonly #admin: AdminClient;
  readonly #queue: QueueAddress;
  readonly #filter: SearchFilter;
  #isSqlServed: boolean;

  constructor(admin: AdminClient, queue: QueueAddress, filter: SearchFilter) {
    this.#admin = admin;
    this.#queue = queue;
    this.#filter = filter;
    this.#isSqlServed = filter.sql !== undefined;
  }

  /** Whether the broker does not send everything. */
  get leavesOut(): boolean {
    return this.#filter.tags !== undefined || this.#isSqlServed;
  }

  /** Pulls once. @throws {RemotingError} with the broker's reason when it refuses. */
  async pull(place: Place): Promise<Pulled> {
    const { tags, sql } = this.#filter;
    if (tags !== undefined && sql === undefined) {
      return await pullOnce(this.#admin, this.#queue, { ...place, subscription: tags });
    }
    if (sql === undefined || !this.#isSqlServed) {
      return await pullOnce(this.#admin, this.#queue, place);
    }
    const options = { ...place, subscription: sql, expressionType: ExpressionType.SQL92 };
    try {
      return await pullOnce(this.#admin, this.#queue, options);
    } catch (error) {
      // Apache's brokers do not serve SQL92 unless enablePropertyFilter is set.
      if (!(error instanceof RemotingError)) throw error;
      this.#isSqlServed = false;
      return await pullOnce(this.#admin, this.#queue, place);
    }
  }

  /** When a message was stored, whether it is wanted or not; undefined when it is not there. */
  async storeTimestampAt(queueOffset: number): Promise<number | undefined> {
    const { body } = await pullOnce(this.#admin, this.#queue, { queueOffset, maxMsgNums: 1 });
    for (const record of recordsOf(body)) return record.storeTimestamp;
    return undefined;
  }

  /** Whether a message that was pulled is wanted. */
  wants(bytes: Uint8Array, record: RecordLayout): boolean {
    return this.#filter.matches?.(bytes, record) ?? true;
  }
}
