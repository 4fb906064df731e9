/** Message records that were never in a log. */

import { viewOf } from "../../client/protocol/bytes.ts";
import {
  encodeRecord,
  type MessageToStore,
  recordBytesMax,
} from "../../client/protocol/message_record.ts";
import { messageToStore } from "./store.ts";

/** The record of a message with these properties. */
export function recordWith(properties: string, fields: Partial<MessageToStore> = {}): Uint8Array {
  const message = messageToStore("T", "body", { properties, ...fields });
  const bytes = new Uint8Array(recordBytesMax(message));
  const place = { queueOffset: 0, physicalOffset: 0, storeTimestamp: 2 };
  return bytes.subarray(0, encodeRecord(bytes, viewOf(bytes), 0, message, place, false));
}
