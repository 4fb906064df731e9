/** What orderly groups have popped, in `config/consumerOrderInfo.json` as Apache has it; a start takes it from the revive log. */

import type { FileSystem } from "../../../store/file_system.ts";
import { memberOf, type PersistedTable } from "../../../store/json_file.ts";
import type { Log } from "../../log.ts";
import type { GroupTable } from "../group_table.ts";
import type { OffsetTable } from "../offset_table.ts";
import { persistedTable } from "../persisted_table.ts";
import type { TopicTable } from "../topic_table.ts";
import { type OrderInfo, parseOrderInfo } from "./order_info.ts";
import type { PopTable } from "./pop_table.ts";

export interface OrderFileOptions {
  /** The folder of `consumerOrderInfo.json`. */
  folder: string;
  fileSystem: FileSystem;
  settings: Readonly<{ flushConsumerOffsetInterval: number }>;
  table: Pick<PopTable, "queues" | "queue">;
  topics: Pick<TopicTable, "get">;
  groups: Pick<GroupTable, "has">;
  offsets: Pick<OffsetTable, "queryOffset">;
  log: Log;
}

interface OrderedQueue {
  topic: string;
  group: string;
  queueId: number;
  order: OrderInfo;
}

const TOPIC_GROUP_SEPARATOR = "@";

export class OrderFile implements AsyncDisposable {
  readonly #options: OrderFileOptions;
  readonly #persisted: PersistedTable<OrderedQueue[]>;

  /** Loads what groups have popped. @throws {CorruptStoreError} when it cannot be read. */
  constructor(options: OrderFileOptions) {
    const { table, offsets, settings } = options;
    this.#options = options;
    this.#persisted = persistedTable(options, "consumerOrderInfo.json", {
      parse: parseOrderFile,
      snapshot: () => this.#toJson(),
      delayMillis: settings.flushConsumerOffsetInterval,
    });
    for (const { topic, group, queueId, order } of this.#persisted.load() ?? []) {
      // The offset may be newer than the file.
      order.ackBefore(offsets.queryOffset(group, topic, queueId));
      table.queue(topic, group, queueId).order = order;
    }
  }

  /** What a group has popped has changed. */
  markDirty(): void {
    this.#persisted.markDirty();
  }

  #toJson(): Record<string, unknown> {
    const { table, topics, groups } = this.#options;
    const rows: Record<string, Record<string, unknown>> = {};
    for (const { topic, group, queueId, order } of table.queues) {
      if (order === undefined || topics.get(topic) === undefined || !groups.has(group)) continue;
      (rows[topic + TOPIC_GROUP_SEPARATOR + group] ??= {})[queueId] = order.toJson();
    }
    return { table: rows };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#persisted[Symbol.asyncDispose]();
  }
}

function parseOrderFile(json: unknown): OrderedQueue[] {
  const found: OrderedQueue[] = [];
  for (const [key, queues] of Object.entries(memberOf(json, "table"))) {
    const [topic, group] = key.split(TOPIC_GROUP_SEPARATOR);
    if (!topic || !group) continue;
    for (const [queueId, value] of Object.entries(queues as object)) {
      const order = parseOrderInfo(value);
      if (order !== undefined) found.push({ topic, group, queueId: Number(queueId), order });
    }
  }
  return found;
}
