/** The hashes under which a message is in the index. */

import { findProperty, MessageProperty, MessageSysFlag } from "../../client/protocol/message.ts";
import { keyHash } from "../message_index.ts";

export interface RecordKeys {
  /** Each of them has an entry. */
  all: number[];
  /** One of them has an entry; empty when the message has no unique key. */
  unique: number[];
}

const UNIQ_KEY_HEAD = `${MessageProperty.UNIQ_KEY}\u0001`;

/** Fills `keys` with the hashes of a message. @returns false when it has none. */
export function readRecordKeys(
  keys: RecordKeys,
  topic: string,
  sysFlag: number,
  properties: string,
): boolean {
  keys.all.length = keys.unique.length = 0;
  const rollback = MessageSysFlag.TRANSACTION_ROLLBACK;
  if ((sysFlag & rollback) === rollback) return false;
  const uniqKey = findProperty(properties, MessageProperty.UNIQ_KEY);
  if (uniqKey !== undefined) {
    keys.unique.push(keyHash(topic, uniqKey));
    // Messages of Apache's batches have their own unique key and behind it that of the batch, which is the one that counts.
    const last = properties.lastIndexOf(UNIQ_KEY_HEAD);
    const ownKey = findProperty(properties.slice(0, last), MessageProperty.UNIQ_KEY);
    if (ownKey !== undefined) keys.unique.push(keyHash(topic, ownKey));
  }
  const text = findProperty(properties, MessageProperty.KEYS) ?? "";
  for (const key of text === "" ? [] : text.split(" ")) {
    if (key !== "") keys.all.push(keyHash(topic, key));
  }
  return keys.all.length + keys.unique.length > 0;
}
