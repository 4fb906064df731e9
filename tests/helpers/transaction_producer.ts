/** A producer of transactions, without a client library around it: it ends them when a test says so. */

import { assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import { HEART_BEAT } from "../../client/protocol/commands/client.ts";
import { SEND_MESSAGE_V2 } from "../../client/protocol/commands/send.ts";
import {
  CHECK_TRANSACTION_STATE,
  END_TRANSACTION,
} from "../../client/protocol/commands/transaction.ts";
import { createRequest, type RemotingCommand } from "../../client/protocol/frame.ts";
import {
  type Command,
  decodeHeader,
  encodeHeader,
  type Fields,
  type HeaderInput,
} from "../../client/protocol/header_schema.ts";
import { MessageSysFlag, parseMessageId, printProperties } from "../../client/protocol/message.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { RemotingClient } from "../../client/remoting/remoting_client.ts";

export const { TRANSACTION_COMMIT: COMMIT, TRANSACTION_ROLLBACK: ROLLBACK } = MessageSysFlag;
const GROUP = "p";

/** Where a half message is. */
export interface HalfPlace {
  queueOffset: number;
  physicalOffset: number;
}

/** A producer of the group "p" that answers checks by what it is told to; undefined for no answer. */
export class TransactionProducer implements AsyncDisposable {
  /** The bodies of the messages that it was asked about. */
  readonly asked: string[] = [];
  readonly #client: RemotingClient;
  readonly #address: string;
  readonly #topic: string;

  constructor(
    port: number,
    topic: string,
    answer: (text: string) => number | undefined = () => undefined,
  ) {
    this.#address = `127.0.0.1:${port}`;
    this.#topic = topic;
    this.#client = new RemotingClient({
      onRequest: (request) => {
        assertEquals(request.code, CHECK_TRANSACTION_STATE.code);
        const header = decodeHeader(CHECK_TRANSACTION_STATE.request, request.extFields);
        const message = decodeMessages(request.body)[0]!;
        const text = decodeUtf8(message.body, 0, message.body.length);
        this.asked.push(text);
        assertEquals([message.topic, header.msgId], [topic, `key-${text}`]);
        const place = {
          queueOffset: header.tranStateTableOffset,
          physicalOffset: header.commitLogOffset,
        };
        const outcome = answer(text);
        if (outcome !== undefined) this.end(place, outcome);
      },
    });
  }

  /** Lets the broker know that it is there. */
  async join(): Promise<void> {
    const heartbeat = { clientID: "c", producerDataSet: [{ groupName: GROUP }] };
    await this.#ask(HEART_BEAT, {}, encodeUtf8(JSON.stringify(heartbeat)));
  }

  async sendHalf(text: string, properties: [string, string][] = []): Promise<HalfPlace> {
    const answer = await this.#ask(SEND_MESSAGE_V2, {
      producerGroup: GROUP,
      topic: this.#topic,
      defaultTopic: "TBW102",
      defaultTopicQueueNums: 1,
      queueId: 0,
      sysFlag: MessageSysFlag.TRANSACTION_PREPARED,
      bornTimestamp: Date.now(),
      flag: 0,
      properties: printProperties([
        ["UNIQ_KEY", `key-${text}`],
        ["TRAN_MSG", "true"],
        ["PGROUP", GROUP],
        ...properties,
      ]),
    }, encodeUtf8(text));
    assertEquals(answer.code, ResponseCode.SUCCESS, answer.remark);
    return {
      queueOffset: Number(answer.extFields.get("queueOffset")),
      physicalOffset: parseMessageId(answer.extFields.get("msgId")!).physicalOffset,
    };
  }

  async end({ queueOffset, physicalOffset }: HalfPlace, commitOrRollback: number): Promise<void> {
    const answer = await this.#ask(END_TRANSACTION, {
      producerGroup: GROUP,
      tranStateTableOffset: queueOffset,
      commitLogOffset: physicalOffset,
      commitOrRollback,
      msgId: "x",
    });
    assertEquals(answer.code, ResponseCode.SUCCESS, answer.remark);
  }

  #ask<Q extends Fields, R extends Fields>(
    command: Command<Q, R>,
    header: HeaderInput<Q>,
    body?: Uint8Array,
  ): Promise<RemotingCommand> {
    const request = createRequest(command.code, encodeHeader(command.request, header), body);
    return this.#client.invoke(this.#address, request, 10_000);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }
}
