/** What is at a server before the commands for administrators run: messages, and a group whose member stays. */

import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { HEART_BEAT } from "../../client/protocol/commands/client.ts";
import { UPDATE_CONSUMER_OFFSET } from "../../client/protocol/commands/offset.ts";
import { UPDATE_AND_CREATE_TOPIC } from "../../client/protocol/commands/topic.ts";
import { createRequest, createResponse } from "../../client/protocol/frame.ts";
import { encodeHeader } from "../../client/protocol/header_schema.ts";
import { printProperties } from "../../client/protocol/message.ts";
import { RequestCode } from "../../client/protocol/request_code.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { RemotingClient } from "../../client/remoting/remoting_client.ts";
import { TestClient } from "../helpers/comet.ts";
import { eventually } from "../helpers/eventually.ts";

/** The unique keys of the messages, but for the last digit. */
export const UNIQUE_KEY = "AC110001000018B4AAC200000001000";

const HEARTBEAT_MILLIS = 20_000;
const SUBSCRIPTION = {
  topic: "Topic",
  subString: "TagA",
  tagsSet: ["TagA"],
  codeSet: [2598919],
  subVersion: 1,
  expressionType: "TAG",
};
const HEARTBEAT = {
  clientID: "admin-test",
  producerDataSet: [{ groupName: "Producers" }],
  consumerDataSet: [{
    groupName: "Group",
    consumeType: "CONSUME_PASSIVELY",
    messageModel: "CLUSTERING",
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    subscriptionDataSet: [SUBSCRIPTION],
  }],
};

/** What the member says when a broker asks it. */
function answerOf(code: number): string | undefined {
  if (code === RequestCode.CONSUME_MESSAGE_DIRECTLY) {
    return JSON.stringify({
      autoCommit: true,
      consumeResult: "CR_SUCCESS",
      order: false,
      spentTimeMills: 3,
    });
  }
  if (code !== RequestCode.GET_CONSUMER_RUNNING_INFO) return undefined;
  const properties = {
    PROP_CONSUME_TYPE: "CONSUME_PASSIVELY",
    PROP_CLIENT_VERSION: "V5_3_3",
    PROP_CONSUMER_START_TIMESTAMP: String(Date.now()),
  };
  const head = JSON.stringify({ properties, subscriptionSet: [SUBSCRIPTION], statusTable: {} });
  // The keys of this map are objects, as Java writes them.
  const queue = `{"brokerName":"broker-a","queueId":0,"topic":"Topic"}`;
  const state = JSON.stringify({ commitOffset: 2, cachedMsgCount: 3, droped: false });
  return `${head.slice(0, -1)},"mqTable":{${queue}:${state}}}`;
}

/**
 * The topic Topic with five messages, of which the group Group has consumed two and whose member stays until it is
 * disposed of; a trace of the second message. `home` gets the files that commands read.
 */
export async function prepareAdminWorkload(
  brokerPort: number,
  home: string,
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const client = stack.use(new TestClient(brokerPort));
  for (let n = 0; n < 5; n++) {
    const properties = [["KEYS", `key${n}`], ["TAGS", "TagA"], ["UNIQ_KEY", `${UNIQUE_KEY}${n}`]];
    await send(client, "Topic", `message ${n}`, properties as [string, string][]);
  }
  await send(client, "Sent", "the first", []);
  await send(client, "RMQ_SYS_TRACE_TOPIC", traceOf(`${UNIQUE_KEY}1`), [
    ["KEYS", `${UNIQUE_KEY}1`],
    ["UNIQ_KEY", `${UNIQUE_KEY}9`],
  ]);
  const member = stack.use(
    new RemotingClient({
      onRequest(request, connection) {
        const answer = answerOf(request.code);
        if (answer === undefined) return;
        const body = encodeUtf8(answer);
        connection.send(
          createResponse(request, ResponseCode.SUCCESS, undefined, new Map(), body),
        );
      },
    }),
  );
  const beat = async () => {
    const header = encodeHeader(HEART_BEAT.request, {});
    const request = createRequest(HEART_BEAT.code, header, encodeUtf8(JSON.stringify(HEARTBEAT)));
    const { code, remark } = await member.invoke(`127.0.0.1:${brokerPort}`, request, 5_000);
    if (code !== ResponseCode.SUCCESS) throw new Error(`HEART_BEAT: ${code} ${remark}`);
  };
  await beat();
  const timer = setInterval(() => beat().catch(() => {}), HEARTBEAT_MILLIS);
  stack.defer(() => clearInterval(timer));
  const offset = { consumerGroup: "Group", topic: "Topic", queueId: 0, commitOffset: 2 };
  await client.invoke(UPDATE_CONSUMER_OFFSET, offset);
  await Deno.mkdir(home, { recursive: true });
  const topic = { topicName: "Listed", readQueueNums: 3, writeQueueNums: 3, perm: 6 };
  await Deno.writeTextFile(`${home}/topics.json`, JSON.stringify([topic]));
  await Deno.writeTextFile(`${home}/groups.json`, JSON.stringify([{ groupName: "ListedGroup" }]));
  const parts = stack.move();
  return { [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

async function send(
  client: TestClient,
  topic: string,
  body: string,
  properties: [string, string][],
): Promise<void> {
  const text = printProperties(properties);
  const { code, remark } = await client.send(topic, encodeUtf8(body), { properties: text });
  if (code !== ResponseCode.SUCCESS) throw new Error(`Cannot send to ${topic}: ${remark}`);
}

/** A record that a producer writes (TraceDataEncoder.java of Apache RocketMQ 5.3.3). */
function traceOf(msgId: string): string {
  const fields = ["Pub", Date.now(), "DefaultRegion", "Producers", "Topic", msgId, "TagA", "key1"];
  fields.push("127.0.0.1:10911", 9, 7, 0, "7F00000100002A9F0000000000000000", "true");
  return `${fields.join("\u0001")}\u0002`;
}

/** A compacted topic of Comet's with one message. Gives its file once the message is in it. */
export async function compactedFile(brokerPort: number, data: string): Promise<string> {
  await using client = new TestClient(brokerPort);
  await client.invoke(UPDATE_AND_CREATE_TOPIC, {
    topic: "Compacted",
    readQueueNums: 1,
    writeQueueNums: 1,
    perm: 6,
    topicFilterType: "SINGLE_TAG",
    attributes: "+cleanup.policy=COMPACTION",
  });
  await send(client, "Compacted", "compacted", [["KEYS", "key"]]);
  const file = `${data}/compaction/compactionLog/Compacted/0/00000000000000000000`;
  await eventually(`${file} has a message`, () => firstSize(file) > 0);
  return file;
}

/** Records begin with their size; 0 where there is none. */
function firstSize(path: string): number {
  try {
    using file = Deno.openSync(path);
    const bytes = new Uint8Array(4);
    file.readSync(bytes);
    return new DataView(bytes.buffer).getInt32(0);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
