/**
 * What very many queues cost: `deno run -A tests/bench/many_queues.ts [TOPICS]` (10,000 unless said otherwise, with 4
 * queues each) sends messages to all queues of a real server and prints how long it takes until queues and index are on
 * disk, what that does to a sender, the server's memory, and the time of a start after a clean stop and after SIGKILL.
 */

import { memoryText } from "../helpers/memory.ts";
import { encodeUtf8, getInt64, viewOf } from "../../client/protocol/bytes.ts";
import { GET_BROKER_RUNTIME_INFO } from "../../client/protocol/commands/admin_broker.ts";
import { type Comet, startComet, TestClient } from "../helpers/comet.ts";
import { seededRandom } from "../helpers/random.ts";

const TOPICS = Number(Deno.args[0] ?? 10_000);
const QUEUES = 4;
const IN_FLIGHT = 64;
/** Between the messages of a sender that is there to be looked at. */
const PAUSE_MILLIS = 5;
const BODY = new Uint8Array(200);

const folder = await Deno.makeTempDir({ prefix: "many-queues-" });
const random = seededRandom(1);

function print(label: string, value: string): void {
  Deno.stdout.writeSync(encodeUtf8(`${label.padEnd(44)}${value}\n`));
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(2)} s`;
}

function topicName(n: number): string {
  return `Topic${String(n).padStart(5, "0")}`;
}

function writeTopics(): void {
  const topicConfigTable: Record<string, unknown> = {};
  for (let n = 0; n < TOPICS; n++) {
    topicConfigTable[topicName(n)] = {
      topicName: topicName(n),
      readQueueNums: QUEUES,
      writeQueueNums: QUEUES,
      perm: 6,
      topicFilterType: "SINGLE_TAG",
      topicSysFlag: 0,
      order: false,
      attributes: {},
    };
  }
  const dataVersion = { counter: 1, stateVersion: 0, timestamp: Date.now() };
  Deno.mkdirSync(`${folder}/config`);
  const text = JSON.stringify({ dataVersion, topicConfigTable });
  Deno.writeTextFileSync(`${folder}/config/topics.json`, text);
}

async function start(label: string): Promise<Comet> {
  const started = performance.now();
  const comet = await startComet(folder);
  print(label, `${seconds(started)} to ready, ${memoryText(comet)}`);
  return comet;
}

/** Sends `count` messages, each to the queue with the number that `queueOf` gives; times in milliseconds, sorted. */
async function send(
  client: TestClient,
  count: number,
  queueOf: (n: number) => number,
): Promise<number[]> {
  const times: number[] = [];
  let next = 0;
  const sender = async () => {
    while (next < count) {
      const queue = queueOf(next++);
      const started = performance.now();
      const fields = { queueId: queue % QUEUES };
      const { code, remark } = await client.send(
        topicName(Math.floor(queue / QUEUES)),
        BODY,
        fields,
      );
      if (code !== 0) throw new Error(`${code} ${remark}`);
      times.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
  return times.sort((a, b) => a - b);
}

async function logEnd(client: TestClient): Promise<number> {
  const { body } = await client.invoke(GET_BROKER_RUNTIME_INFO, {});
  return Number(JSON.parse(new TextDecoder().decode(body)).table.commitLogMaxOffset);
}

/** Up to where queues and index are on disk. */
function checkpointOffset(): number {
  return getInt64(viewOf(Deno.readFileSync(`${folder}/comet-checkpoint`)), 8);
}

/** Sends to all queues, and goes on slowly until that is on disk. */
async function sendToAll(label: string, comet: Comet): Promise<void> {
  await using client = new TestClient(comet.brokerPort);
  const started = performance.now();
  const times = await send(client, TOPICS * QUEUES, (n) => n);
  print(label, `${seconds(started)}, ${latencies(times)}, ${memoryText(comet)}`);
  const end = await logEnd(client);
  const waited = performance.now();
  const meanwhile: number[] = [];
  while (checkpointOffset() < end) {
    meanwhile.push(...await send(client, 1, () => random(TOPICS * QUEUES)));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLIS));
  }
  meanwhile.sort((a, b) => a - b);
  print("  until all that is on disk", `${seconds(waited)}, sends ${latencies(meanwhile)}`);
}

function latencies(times: readonly number[]): string {
  const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))];
  return `p50 ${at(0.5)?.toFixed(1)} ms, p99 ${at(0.99)?.toFixed(1)} ms`;
}

writeTopics();
{
  await using comet = await start("start with new topics");
  await sendToAll(`a message to each of ${TOPICS * QUEUES} new queues`, comet);
  await sendToAll("a message more to each", comet);
  await sendToAll("a message more to each", comet);
  const stopping = performance.now();
  await comet.stop();
  print("clean stop", seconds(stopping));
}
{
  await using comet = await start("start after the clean stop");
  await using client = new TestClient(comet.brokerPort);
  const started = performance.now();
  const times = await send(client, 200_000, () => random(TOPICS * QUEUES));
  print(
    "200000 messages to any queue",
    `${seconds(started)}, ${latencies(times)}, ${memoryText(comet)}`,
  );
  print("log behind the checkpoint", `${(await logEnd(client) - checkpointOffset()) >> 20} MB`);
  await comet.kill();
}
{
  await using comet = await start("start after SIGKILL under load");
  await using client = new TestClient(comet.brokerPort);
  const started = performance.now();
  await send(client, 20_000, (n) => n);
  print("20000 messages after that", `${seconds(started)}, ${memoryText(comet)}`);
}
await Deno.remove(folder, { recursive: true });
