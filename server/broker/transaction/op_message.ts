/**
 * The op message: says that half messages are done with. It is in the queue of RMQ_SYS_TRANS_OP_HALF_TOPIC that has the
 * number of theirs, has the tag "d", and its body is their queueOffsets in decimal digits, each with a comma behind it
 * (before 5.0 one offset without a comma). Source: TransactionalMessageServiceImpl.java of Apache RocketMQ 5.3.3.
 */

import { decodeUtf8, encodeUtf8 } from "../../../client/protocol/bytes.ts";
import {
  findProperty,
  type HostBytes,
  MessageProperty,
  printProperties,
} from "../../../client/protocol/message.ts";
import type { MessageToStore } from "../../../client/protocol/message_record.ts";
import { SystemTopic } from "../topic_name.ts";
import { HALF_QUEUE_ID } from "./half_message.ts";

const REMOVE_TAG = "d";
const PROPERTIES = printProperties([[MessageProperty.TAGS, REMOVE_TAG]]);

/** Says that the half message with this queueOffset is done with. */
export function opMessage(queueOffset: number, now: number, host: HostBytes): MessageToStore {
  return {
    topic: SystemTopic.TRANS_OP_HALF,
    queueId: HALF_QUEUE_ID,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: now,
    bornHost: host,
    storeHost: host,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: encodeUtf8(`${queueOffset},`),
    properties: PROPERTIES,
  };
}

/** The queueOffsets that an op message names; none when it means something else. */
export function offsetsOf({ body, properties }: MessageToStore): number[] {
  if (findProperty(properties, MessageProperty.TAGS) !== REMOVE_TAG) return [];
  return decodeUtf8(body, 0, body.length).split(",").filter((text) => /^\d{1,15}$/.test(text))
    .map(Number);
}
