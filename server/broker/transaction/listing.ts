/** Open transactions for people. */

import { createMessageId } from "../../../client/protocol/message.ts";
import type { HalfReader } from "./half_reader.ts";
import type { OpenTable, OpenTransaction } from "./open_table.ts";

export interface OpenRow {
  topic: string;
  producerGroup: string;
  /** The unique key that the producer gave the message; undefined when the half message cannot be read. */
  msgId: string | undefined;
  /** Where the half message's newest record is. */
  offsetMsgId: string | undefined;
  queueOffset: number;
  ageMillis: number;
  /** How often a producer has been asked. */
  checks: number;
  /** Nobody of the group is there to be asked. */
  isWaiting: boolean;
}

/** Some rows: see Transactions.list. */
export async function listOpen(
  { table, reader, now }: { table: OpenTable; reader: HalfReader; now: () => number },
  afterQueueOffset: number,
  count: number,
): Promise<OpenRow[]> {
  const found: OpenTransaction[] = [];
  for (const open of table) {
    if (found.length >= count) break;
    if (open.queueOffset > afterQueueOffset) found.push(open);
  }
  const rows: OpenRow[] = [];
  for (const open of found) {
    const { kind, queueOffset, physicalOffset, checks, startTimestamp } = open;
    const half = await reader.of(open);
    rows.push({
      topic: kind.topic,
      producerGroup: kind.producerGroup,
      msgId: half?.uniqKey,
      offsetMsgId: half && createMessageId(half.layout.storeHost, physicalOffset),
      queueOffset,
      ageMillis: Math.max(0, now() - startTimestamp),
      checks,
      isWaiting: open.waitsIn !== undefined,
    });
  }
  return rows;
}
