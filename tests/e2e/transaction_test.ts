import { assert, assertEquals } from "@std/assert";
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
import { startComet, TestClient } from "../helpers/comet.ts";
import { eventually } from "../helpers/eventually.ts";

const FLAGS = ["--set", "transactionTimeOut=300", "--set", "transactionCheckInterval=500"];
const TOPIC = "Transactions";
const GROUP = "p";

interface HalfPlace {
  queueOffset: number;
  physicalOffset: number;
}

/** A producer of the group that answers checks by what it is told to. */
class Producer implements AsyncDisposable {
  /** The bodies of the messages that it was asked about. */
  readonly asked: string[] = [];
  readonly #client: RemotingClient;
  readonly #address: string;

  constructor(port: number, answer: (text: string) => number | undefined = () => undefined) {
    this.#address = `127.0.0.1:${port}`;
    this.#client = new RemotingClient({
      onRequest: (request) => {
        assertEquals(request.code, CHECK_TRANSACTION_STATE.code);
        const header = decodeHeader(CHECK_TRANSACTION_STATE.request, request.extFields);
        const { body, topic } = decodeMessages(request.body)[0]!;
        const text = decodeUtf8(body, 0, body.length);
        this.asked.push(text);
        assertEquals([topic, header.msgId], [TOPIC, `key-${text}`]);
        const place = {
          queueOffset: header.tranStateTableOffset,
          physicalOffset: header.commitLogOffset,
        };
        const outcome = answer(text);
        if (outcome !== undefined) this.end(place, outcome);
      },
    });
  }

  async join(): Promise<void> {
    const heartbeat = { clientID: "c", producerDataSet: [{ groupName: GROUP }] };
    await this.#ask(HEART_BEAT, {}, encodeUtf8(JSON.stringify(heartbeat)));
  }

  async sendHalf(text: string, properties: [string, string][] = []): Promise<HalfPlace> {
    const answer = await this.#ask(SEND_MESSAGE_V2, {
      producerGroup: GROUP,
      topic: TOPIC,
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

async function texts(client: TestClient): Promise<string[]> {
  const answer = await client.pull(TOPIC, {});
  return answer.code !== ResponseCode.SUCCESS
    ? []
    : decodeMessages(answer.body).map(({ body }) => decodeUtf8(body, 0, body.length));
}

const { TRANSACTION_COMMIT: COMMIT, TRANSACTION_ROLLBACK: ROLLBACK } = MessageSysFlag;

Deno.test("transactions end once, also when the server is killed between and another producer is asked", async () => {
  const folder = Deno.makeTempDirSync();
  let committed: HalfPlace;
  {
    await using comet = await startComet(folder, FLAGS);
    await using producer = new Producer(comet.brokerPort);
    await producer.join();
    await producer.sendHalf("open");
    await producer.sendHalf("no");
    await producer.sendHalf("timed", [["TIMER_DELAY_MS", "400"]]);
    await producer.end(committed = await producer.sendHalf("committed"), COMMIT);
    await producer.end(await producer.sendHalf("rolled back"), ROLLBACK);
    await comet.kill();
  }
  await using comet = await startComet(folder, FLAGS);
  await using client = new TestClient(comet.brokerPort);
  await using producer = new Producer(
    comet.brokerPort,
    (text) => text === "no" ? ROLLBACK : COMMIT,
  );
  assertEquals(await texts(client), ["committed"]);
  await producer.end(committed, COMMIT);
  await producer.join();
  const answeredAt = Date.now();
  await eventually(
    "all that was committed has come",
    async () => (await texts(client)).length === 3,
  );
  assert(Date.now() - answeredAt >= 400, "the timer message waited");
  assertEquals(await texts(client), ["committed", "open", "timed"]);
  assertEquals(producer.asked.sort(), ["no", "open", "timed"]);
  assertEquals(await comet.stop(), 0);
  await using again = await startComet(folder, FLAGS);
  await using later = new TestClient(again.brokerPort);
  assertEquals(await texts(later), ["committed", "open", "timed"]);
});
