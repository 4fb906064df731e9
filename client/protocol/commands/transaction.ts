/** Transactions: how a producer ends one, how a broker asks about one, how an admin takes one up again. */

import { RequestCode } from "../request_code.ts";
import { bool, command, fallback, int, long, optional, str, topic } from "../header_schema.ts";

export const END_TRANSACTION = command({
  name: "END_TRANSACTION",
  code: RequestCode.END_TRANSACTION,
  access: "PUB",
  request: {
    /** The topic that the message is for; not every client says it. */
    topic: optional(topic),
    producerGroup: str,
    /** queueOffset of the half message. */
    tranStateTableOffset: long,
    /** physicalOffset of the half message. */
    commitLogOffset: long,
    /** The transaction bits of a sysFlag: commit, roll back, or 0 for not known yet. */
    commitOrRollback: int,
    /** Whether this answers CHECK_TRANSACTION_STATE. */
    fromTransactionCheck: fallback(bool, false),
    msgId: str,
    transactionId: optional(str),
    brokerName: optional(str),
  },
});

/**
 * Broker to producer, oneway: what became of this transaction? The body is the record of its message, as it is in a
 * pull's answer; the producer answers with END_TRANSACTION.
 */
export const CHECK_TRANSACTION_STATE = command({
  name: "CHECK_TRANSACTION_STATE",
  code: RequestCode.CHECK_TRANSACTION_STATE,
  access: "PUB",
  request: {
    topic: optional(topic),
    tranStateTableOffset: long,
    commitLogOffset: long,
    /** The unique key that the producer gave the message. */
    msgId: optional(str),
    transactionId: optional(str),
    offsetMsgId: optional(str),
    brokerName: optional(str),
  },
});

export const RESUME_CHECK_HALF_MESSAGE = command({
  name: "RESUME_CHECK_HALF_MESSAGE",
  code: RequestCode.RESUME_CHECK_HALF_MESSAGE,
  access: "UPDATE",
  request: {
    topic: optional(topic),
    /** The offsetMsgId of the message in TRANS_CHECK_MAX_TIME_TOPIC. */
    msgId: optional(str),
  },
});
