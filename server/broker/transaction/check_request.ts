/** The request that asks a producer about a transaction. */

import { viewOf } from "../../../client/protocol/bytes.ts";
import { CHECK_TRANSACTION_STATE } from "../../../client/protocol/commands/transaction.ts";
import { createRequest, type RemotingCommand } from "../../../client/protocol/frame.ts";
import { encodeHeader } from "../../../client/protocol/header_schema.ts";
import { createMessageId } from "../../../client/protocol/message.ts";
import { encodeRecord, recordBytesMax } from "../../../client/protocol/message_record.ts";
import { askedMessage, type Half } from "./half_message.ts";
import type { HalfPlace } from "./open_table.ts";

/**
 * Asks about a half message whose newest record is at `place`. The topic is the message's own: what the producer answers
 * may be authorized by it. Apache names the half topic, which no client looks at.
 */
export function checkRequest(half: Half, place: HalfPlace, brokerName: string): RemotingCommand {
  const { layout, topic, uniqKey } = half;
  const { queueOffset, physicalOffset } = place;
  const header = encodeHeader(CHECK_TRANSACTION_STATE.request, {
    topic,
    tranStateTableOffset: queueOffset,
    commitLogOffset: physicalOffset,
    msgId: uniqKey,
    transactionId: uniqKey,
    offsetMsgId: createMessageId(layout.storeHost, physicalOffset),
    brokerName,
  });
  return createRequest(CHECK_TRANSACTION_STATE.code, header, recordOf(half, place));
}

function recordOf(half: Half, { queueOffset, physicalOffset }: HalfPlace): Uint8Array {
  const message = askedMessage(half);
  const bytes = new Uint8Array(recordBytesMax(message));
  const { storeTimestamp } = half.layout;
  const recordPlace = { queueOffset, physicalOffset, storeTimestamp };
  const size = encodeRecord(bytes, viewOf(bytes), 0, message, recordPlace, false);
  return bytes.subarray(0, size);
}
