/** What a message must be like to be taken, beside that it may go to its topic. */

import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { findProperty, MessageProperty, MessageSysFlag } from "../../client/protocol/message.ts";
import {
  CRC_PROPERTY_BYTES,
  type MessageToStore,
  PROPERTIES_BYTES_MAX,
} from "../../client/protocol/message_record.ts";
import {
  isLmqName,
  LMQ_PREFIX,
  mayMultiDispatch,
  multiDispatchNames,
} from "../../client/protocol/multi_dispatch.ts";
import { refuse, type RemotingError, ResponseCode } from "../../client/protocol/response_code.ts";
import type { TopicConfig } from "../../client/protocol/topic_config.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { Config } from "../config.ts";
import { typeConflict } from "./message_type.ts";
import { isCompactionTopic } from "./topic_attributes.ts";

/** What the offsets in light queues take in the properties at most. */
const LMQ_OFFSETS_BYTES = 32;
const LMQ_OFFSET_BYTES = 18;

export type CheckedSettings = Readonly<
  Pick<Config, "maxMessageSize" | "enabledAppendPropCRC" | "enableTopicMessageTypeCheck">
>;

/**
 * @param topicConfig of the topic that the message goes to.
 * @throws {RemotingError} unless a message that was sent may be stored there.
 */
export function checkMessage(
  settings: CheckedSettings,
  topicConfig: TopicConfig,
  sysFlag: number,
  { body, properties }: { body: Uint8Array; properties: string },
): void {
  if (body.length > settings.maxMessageSize) throw illegalMessage(settings);
  if ((sysFlag & MessageSysFlag.INNER_BATCH) !== 0 || properties.includes("INNER_NUM")) {
    refuseInnerBatch(sysFlag, properties);
  }
  if (isCompactionTopic(topicConfig)) refuseKeyless(properties);
  if (settings.enableTopicMessageTypeCheck) {
    const conflict = typeConflict(topicConfig, properties);
    if (conflict !== undefined) throw refuse(ResponseCode.MESSAGE_ILLEGAL, conflict);
  }
}

/** Messages that are many in one, for queues of the kind BatchCQ; in others they would count as one. */
function refuseInnerBatch(sysFlag: number, properties: string): void {
  const isInnerBatch = (sysFlag & MessageSysFlag.INNER_BATCH) !== 0;
  if (!isInnerBatch && findProperty(properties, MessageProperty.INNER_NUM) === undefined) return;
  throw refuse(
    ResponseCode.MESSAGE_ILLEGAL,
    "the message is an inner batch, which only topics of queue.type=BatchCQ take; this broker does not serve them",
  );
}

/** In a batch too, where Apache takes such a message and no consumer ever sees it. */
function refuseKeyless(properties: string): void {
  if (findProperty(properties, MessageProperty.KEYS)?.trim()) return;
  throw refuse(ResponseCode.MESSAGE_ILLEGAL, "Required message key is missing");
}

/** @throws {RemotingError} unless a record has room for the message's properties, as it is to be stored. */
export function checkRoom(settings: CheckedSettings, { properties }: MessageToStore): void {
  const crcBytes = settings.enabledAppendPropCRC ? CRC_PROPERTY_BYTES : 0;
  const lmqCount = mayMultiDispatch(properties) ? multiDispatchNames(properties).length : 0;
  const offsetBytes = lmqCount > 0 ? LMQ_OFFSETS_BYTES + lmqCount * LMQ_OFFSET_BYTES : 0;
  const room = PROPERTIES_BYTES_MAX - crcBytes - offsetBytes;
  if (properties.length * 3 <= room || encodeUtf8(properties).length <= room) return;
  throw illegalMessage(settings);
}

/** @throws {RemotingError} when a name is none of a light queue, or there would be too many of them. */
export function checkLightQueues(
  store: Pick<MessageStore, "haveRoomForLightQueues">,
  names: readonly string[],
): void {
  const wrong = names.find((name) => !isLmqName(name));
  if (wrong !== undefined) {
    throw refuse(
      ResponseCode.MESSAGE_ILLEGAL,
      `INNER_MULTI_DISPATCH names ${JSON.stringify(wrong)}, expected ${LMQ_PREFIX} and a name of ` +
        "letters, digits, |, %, _ and -, of at most 127 characters",
    );
  }
  if (store.haveRoomForLightQueues(names)) return;
  throw refuse(
    ResponseCode.SYSTEM_ERROR,
    "[LMQ_CONSUME_QUEUE_NUM_EXCEEDED]broker config enableLmq and enableMultiDispatch, lmq " +
      "consumeQueue num exceed maxLmqConsumeQueueNum config num, default limit 2w.",
  );
}

/** For a body or properties that are too long. */
export function illegalMessage({ maxMessageSize }: CheckedSettings): RemotingError {
  return refuse(
    ResponseCode.MESSAGE_ILLEGAL,
    "the message is illegal, maybe msg body or properties length not matched. msg body length " +
      `limit ${maxMessageSize}B, msg properties length limit 32KB.`,
  );
}
