/** Records on their way into a pop's answer. */

import { decodeUtf8, getInt64, viewOf } from "../../../client/protocol/bytes.ts";
import {
  MessageProperty,
  parseProperties,
  printProperties,
} from "../../../client/protocol/message.ts";
import {
  encodeRecord,
  type MessageToStore,
  readRecord,
  recordBytesMax,
  type RecordLayout,
} from "../../../client/protocol/message_record.ts";
import { isLmq } from "../../../client/protocol/multi_dispatch.ts";
import { type PopHandle, printPopHandle } from "../../../client/protocol/pop_handle.ts";
import { propertiesOf, queueOffsetIn } from "../../../store/dispatch.ts";

const QUEUE_OFFSET_AT = 20;

/** Each of some records that lie one after the other in any number of pieces: views where a piece is just one. */
export function recordsOf(parts: readonly Uint8Array[], count: number): Uint8Array[] {
  const isWhole = (part: Uint8Array) =>
    part.length >= 4 && viewOf(part).getInt32(0) === part.length;
  if (parts.length === count && parts.every(isWhole)) return [...parts];
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  const records: Uint8Array[] = [];
  const view = viewOf(bytes);
  for (let start = 0; start < end;) {
    const size = view.getInt32(start);
    records.push(bytes.subarray(start, start + size));
    start += size;
  }
  return records;
}

/** The offset of a message in the queue that its record was read of. */
export function queueOffsetOf(
  queue: { topic: string; queueId: number },
  record: Uint8Array,
): number {
  const view = viewOf(record);
  if (!isLmq(queue.topic)) return getInt64(view, QUEUE_OFFSET_AT);
  const layout = readRecord(record, view, 0);
  return queueOffsetIn(queue, layout, () => propertiesOf(record, layout))!;
}

/** A message as it is in its record: views. */
export function messageOf(record: Uint8Array): {
  layout: RecordLayout;
  message: MessageToStore;
} {
  const layout = readRecord(record, viewOf(record), 0);
  const { propertiesStart, propertiesLength, bodyStart, bodyLength } = layout;
  return {
    layout,
    message: {
      topic: layout.topic,
      queueId: layout.queueId,
      flag: layout.flag,
      sysFlag: layout.sysFlag,
      bornTimestamp: layout.bornTimestamp,
      bornHost: layout.bornHost,
      storeHost: layout.storeHost,
      reconsumeTimes: layout.reconsumeTimes,
      preparedTransactionOffset: layout.preparedTransactionOffset,
      body: record.subarray(bodyStart, bodyStart + bodyLength),
      properties: decodeUtf8(record, propertiesStart, propertiesStart + propertiesLength),
    },
  };
}

/** The record of a message from a retry topic for a client that asked for `topic`: named so, with its handle inside. */
export function retryRecordFor(record: Uint8Array, topic: string, handle: PopHandle): Uint8Array {
  const { layout, message } = messageOf(record);
  const properties = parseProperties(message.properties);
  properties.set(MessageProperty.POP_CK, printPopHandle(handle, layout.queueOffset));
  const renamed = { ...message, topic, properties: printProperties(properties) };
  const bytes = new Uint8Array(recordBytesMax(renamed));
  const size = encodeRecord(bytes, viewOf(bytes), 0, renamed, layout, false);
  // Properties that have no room for the handle: the client makes it from the answer's header.
  return size < 0 ? record : bytes.subarray(0, size);
}
