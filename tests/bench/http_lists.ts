/**
 * How long the HTTP API takes for its lists with 10,000 topics and 2,000 groups:
 * `deno run -A tests/bench/http_lists.ts`. Each line has the median and the longest of some calls.
 */

import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST } from "../../client/protocol/commands/admin_group.ts";
import { UPDATE_AND_CREATE_TOPIC_LIST } from "../../client/protocol/commands/admin_topic.ts";
import { HEART_BEAT } from "../../client/protocol/commands/client.ts";
import { UPDATE_CONSUMER_OFFSET } from "../../client/protocol/commands/offset.ts";
import { TestClient } from "../helpers/comet.ts";
import { startWithApi } from "../helpers/http_api.ts";

const TOPICS = 10_000;
const GROUPS = 2_000;
const GROUPS_ONLINE = 500;
const QUEUES = 8;
const CALLS = 9;
const TIMEOUT_MILLIS = 60_000;

const PATHS = [
  "/topics",
  "/topics?search=99&limit=1000",
  "/topics?sort=-readQueueNums&page=50",
  "/topics/topic_00001",
  "/topics/topic_00001/consumers",
  "/groups",
  "/groups?progress=true&clients=true&sort=-diffTotal",
  "/groups/group_1",
  "/clients",
  "/producers",
  "/cluster",
  "/definitions",
];

function print(line: string): void {
  Deno.stdout.writeSync(encodeUtf8(`${line}\n`));
}

function topicName(number: number): string {
  return `topic_${String(number).padStart(5, "0")}`;
}

/** Topics in lists of a thousand, groups that have consumed half of a message each, and some that are online. */
async function fill(client: TestClient): Promise<void> {
  for (let first = 0; first < TOPICS; first += 1_000) {
    const topicConfigList = Array.from({ length: 1_000 }, (_, n) => ({
      topicName: topicName(first + n),
      readQueueNums: QUEUES,
      writeQueueNums: QUEUES,
    }));
    const body = encodeUtf8(JSON.stringify({ topicConfigList }));
    await client.invoke(UPDATE_AND_CREATE_TOPIC_LIST, {}, body, TIMEOUT_MILLIS);
  }
  const groupConfigList = Array.from({ length: GROUPS }, (_, n) => ({ groupName: `group_${n}` }));
  const body = encodeUtf8(JSON.stringify({ groupConfigList }));
  await client.invoke(UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, {}, body, TIMEOUT_MILLIS);
  for (let group = 0; group < GROUPS; group++) {
    const topic = topicName(group);
    await Promise.all(Array.from({ length: QUEUES }, async (_, queueId) => {
      await client.send(topic, encodeUtf8("message"), { queueId });
      const offset = { consumerGroup: `group_${group}`, topic, queueId, commitOffset: queueId % 2 };
      await client.invoke(UPDATE_CONSUMER_OFFSET, offset);
    }));
  }
  const consumerDataSet = Array.from({ length: GROUPS_ONLINE }, (_, n) => ({
    groupName: `group_${n}`,
    consumeType: "CONSUME_PASSIVELY",
    messageModel: "CLUSTERING",
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    subscriptionDataSet: [{ topic: topicName(n), subString: "*", subVersion: 1 }],
  }));
  const heartbeat = { clientID: "c", producerDataSet: [{ groupName: "p" }], consumerDataSet };
  await client.invoke(HEART_BEAT, {}, encodeUtf8(JSON.stringify(heartbeat)));
}

await using server = await startWithApi();
const { comet, api } = server;
await using client = new TestClient(comet.brokerPort);
await fill(client);
for (const path of PATHS) {
  const millis: number[] = [];
  for (let call = 0; call < CALLS; call++) {
    const start = performance.now();
    await api.get(path);
    millis.push(performance.now() - start);
  }
  millis.sort((a, b) => a - b);
  const [median, longest] = [millis[CALLS >> 1]!, millis[CALLS - 1]!];
  print(
    `${path.padEnd(54)} ${median.toFixed(0).padStart(4)} ms ${longest.toFixed(0).padStart(5)} ms`,
  );
}
