/** A producer's transactions: ends them, and answers brokers that ask what became of one. */

import { type ReceivedMessage, receiveMessage } from "./message.ts";
import type { MqClient } from "./mq_client.ts";
import type { SendResult, TransactionOutcome } from "./send_result.ts";
import { CHECK_TRANSACTION_STATE, END_TRANSACTION } from "./protocol/commands/transaction.ts";
import type { RemotingCommand } from "./protocol/frame.ts";
import { decodeHeader } from "./protocol/header_schema.ts";
import { MessageProperty, MessageSysFlag, parseMessageId } from "./protocol/message.ts";
import { decodeMessages } from "./protocol/message_record.ts";

export type CheckTransaction = (
  message: ReceivedMessage,
) => TransactionOutcome | Promise<TransactionOutcome>;

const FLAG_OF_OUTCOME: Readonly<Record<TransactionOutcome, number>> = {
  COMMIT: MessageSysFlag.TRANSACTION_COMMIT,
  ROLLBACK: MessageSysFlag.TRANSACTION_ROLLBACK,
  UNKNOWN: 0,
};

export class Transactions implements Disposable {
  readonly #client: MqClient;
  readonly #group: string;
  readonly #check: CheckTransaction | undefined;
  readonly #handling: Disposable;

  constructor(client: MqClient, group: string, check: CheckTransaction | undefined) {
    this.#client = client;
    this.#group = group;
    this.#check = check;
    this.#handling = client.handle(CHECK_TRANSACTION_STATE, (request) => this.#answer(request));
  }

  /** Runs the program's part and tells the broker how it ended; what it throws counts as UNKNOWN. */
  async finish(
    result: SendResult,
    execute: (result: SendResult) => TransactionOutcome | Promise<TransactionOutcome>,
  ): Promise<TransactionOutcome> {
    let outcome: TransactionOutcome = "ROLLBACK";
    if (result.sendStatus === "SEND_OK") {
      outcome = await Promise.try(execute, result).catch((error) => {
        this.#client.reportError("a transaction's part in this program failed", error);
        return "UNKNOWN" as const;
      });
    }
    const { physicalOffset } = parseMessageId(result.offsetMsgId);
    await this.#client.invokeOneway(result.queue.brokerName, END_TRANSACTION, {
      topic: result.queue.topic,
      producerGroup: this.#group,
      tranStateTableOffset: result.queueOffset,
      commitLogOffset: physicalOffset,
      commitOrRollback: FLAG_OF_OUTCOME[outcome],
      msgId: result.msgId,
      transactionId: result.transactionId,
      brokerName: result.queue.brokerName,
    });
    return outcome;
  }

  async #answer(request: RemotingCommand): Promise<undefined> {
    const [stored] = decodeMessages(request.body);
    if (this.#check === undefined || stored === undefined) return;
    const header = decodeHeader(CHECK_TRANSACTION_STATE.request, request.extFields);
    const message = receiveMessage(stored, header.brokerName ?? "");
    if (message.properties[MessageProperty.PGROUP] !== this.#group) return;
    const outcome = await this.#check(message);
    const brokerName = header.brokerName ?? this.#brokerOf(message.topic);
    await this.#client.invokeOneway(await brokerName, END_TRANSACTION, {
      topic: message.topic,
      producerGroup: this.#group,
      tranStateTableOffset: header.tranStateTableOffset,
      commitLogOffset: header.commitLogOffset,
      commitOrRollback: FLAG_OF_OUTCOME[outcome],
      fromTransactionCheck: true,
      msgId: header.msgId ?? message.msgId,
      transactionId: header.transactionId,
    });
  }

  /** Brokers before 5.0 do not say their name; with one of them it is clear who asks. */
  async #brokerOf(topic: string): Promise<string> {
    const { route } = await this.#client.routes.find(topic);
    return route.brokerDatas[0]!.brokerName;
  }

  [Symbol.dispose](): void {
    this.#handling[Symbol.dispose]();
  }
}
