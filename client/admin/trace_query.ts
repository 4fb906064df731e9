/** What clients have written about a message, in a trace topic. */

import { SystemTopic } from "../protocol/names.ts";
import { decodeUtf8 } from "../protocol/bytes.ts";
import { parseTraceRecords, type TraceRecord } from "../protocol/trace_record.ts";
import type { AdminClient } from "./admin_client.ts";
import { queryByKey } from "./messages.ts";

/** Where clients write unless they are told otherwise. */
export const TRACE_TOPIC = SystemTopic.TRACE;

/** A record, and where the client that wrote it was. */
export interface FoundTraceRecord extends TraceRecord {
  readonly clientHost: string;
}

export interface TraceQuery {
  readonly msgId: string;
  readonly traceTopic?: string | undefined;
  /** When the records were stored; milliseconds since the epoch. */
  readonly begin?: number | undefined;
  readonly end?: number | undefined;
  /** How many messages of the trace topic are looked at; each may have several records. */
  readonly maxNum: number;
}

/** The records about a message, oldest first. @throws {RemotingError} TOPIC_NOT_EXIST without such a trace topic. */
export async function queryTrace(
  admin: AdminClient,
  { msgId, traceTopic = TRACE_TOPIC, begin, end, maxNum }: TraceQuery,
): Promise<FoundTraceRecord[]> {
  const { messages } = await queryByKey(admin, {
    topic: traceTopic,
    key: msgId,
    maxNum,
    ...(begin === undefined ? {} : { begin }),
    ...(end === undefined ? {} : { end }),
  });
  const records = messages.flatMap(({ body, bornHost }) =>
    parseTraceRecords(decodeUtf8(body, 0, body.length))
      .filter((record) => record.msgId === msgId)
      .map((record) => ({ ...record, clientHost: record.clientHost ?? bornHost }))
  );
  const groupOf = new Map(
    records.flatMap(({ requestId, group }) =>
      requestId === undefined || group === undefined ? [] : [[requestId, group] as const]
    ),
  );
  return records.map((record) => {
    // Older clients say it only when they begin to consume.
    const group = record.group ?? groupOf.get(record.requestId ?? "");
    return group === undefined ? record : { ...record, group };
  }).sort((left, right) => (left.timestamp ?? Infinity) - (right.timestamp ?? Infinity));
}
