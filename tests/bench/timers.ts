/**
 * What timer messages cost: `deno run -A tests/bench/timers.ts [WAITING]` (100,000 unless said otherwise) prints how late a
 * real server delivers, how many it takes and delivers in a second, what those cost that wait, in memory, at a stop and
 * at a start, and what taking them back takes. Bodies have 100 bytes.
 */

import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { RECALL_MESSAGE } from "../../client/protocol/commands/send.ts";
import { findProperty, printProperties } from "../../client/protocol/message.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { type Comet, startComet, TestClient } from "../helpers/comet.ts";
import { memoryText } from "../helpers/memory.ts";
import { seededRandom } from "../helpers/random.ts";

const WAITING = Number(Deno.args[0] ?? 100_000);
const BATCH = 200;
const IN_FLIGHT = 16;
const BODY = new Uint8Array(100).fill(46);
const DAY_MILLIS = 86_400_000;
const PULL_PAUSE_MILLIS = 200;

const folder = await Deno.makeTempDir({ prefix: "timers-" });
const random = seededRandom(1);
let keyCount = 0;

function print(label: string, value: string): void {
  Deno.stdout.writeSync(encodeUtf8(`${label.padEnd(52)}${value}\n`));
}

/** Sends messages with a time of delivery, in batches. */
async function fill(
  client: TestClient,
  topic: string,
  count: number,
  due: () => number,
): Promise<number> {
  const started = performance.now();
  let left = count;
  const sender = async () => {
    while (left > 0) {
      const size = Math.min(BATCH, left);
      left -= size;
      await client.sendBatch(topic, batch(size, due));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
  return (performance.now() - started) / 1_000;
}

function batch(count: number, due: () => number) {
  return Array.from({ length: count }, () => {
    const key = (keyCount++).toString(16).toUpperCase().padStart(32, "0");
    const properties = printProperties([["UNIQ_KEY", key], ["TIMER_DELIVER_MS", String(due())]]);
    return { flag: 0, body: BODY, properties };
  });
}

/** Waits until a topic has so many messages; gives how late each one was stored there, in milliseconds. */
async function lateness(client: TestClient, topic: string, count: number): Promise<number[]> {
  const late: number[] = [];
  while (late.length < count) {
    const response = await client.pull(topic, { queueOffset: late.length });
    if (response.code !== 0) {
      await new Promise((resolve) => setTimeout(resolve, PULL_PAUSE_MILLIS));
      continue;
    }
    for (const { properties, storeTimestamp } of decodeMessages(response.body)) {
      late.push(storeTimestamp - Number(findProperty(properties, "TIMER_DELIVER_MS")));
    }
  }
  return late;
}

async function measureLateness(label: string, client: TestClient, due: () => number) {
  const topic = `Late${keyCount}`;
  await fill(client, topic, 1_000, due);
  const late = (await lateness(client, topic, 1_000)).sort((a, b) => a - b);
  print(label, `p50 ${late[500]} ms, p99 ${late[990]} ms, max ${late[999]} ms, min ${late[0]} ms`);
}

async function start(label: string): Promise<Comet> {
  const started = performance.now();
  const comet = await startComet(folder);
  const seconds = ((performance.now() - started) / 1_000).toFixed(2);
  print(label, `${seconds} s to ready, ${memoryText(comet)}`);
  return comet;
}

async function measureAll(client: TestClient): Promise<void> {
  const begin = Date.now() + 2_000;
  await measureLateness("1,000 due within 5 s", client, () => begin + random(5_000));
  const once = Date.now() + 2_000;
  await measureLateness("1,000 due at the same time", client, () => once);
}

{
  await using comet = await start("first start");
  await using client = new TestClient(comet.brokerPort);
  await measureAll(client);
  print("memory after that", memoryText(comet));
  const seconds = await fill(
    client,
    "Far",
    WAITING,
    () => Date.now() + DAY_MILLIS + random(300 * DAY_MILLIS),
  );
  print(
    `${WAITING} that wait sent in ${seconds.toFixed(1)} s`,
    `${(WAITING / seconds).toFixed(0)}/s, ${memoryText(comet)}`,
  );
  await measureAll(client);
  const due = Date.now() + 4_000;
  await fill(client, "Throughput", 20_000, () => due);
  const late = await lateness(client, "Throughput", 20_000);
  const last = Math.max(...late);
  print("20,000 due at the same time", `${(20_000_000 / last).toFixed(0)}/s delivered`);
  await comet.kill();
}
{
  await using comet = await start("start after SIGKILL");
  await using client = new TestClient(comet.brokerPort);
  await measureAll(client);
  await measureRecall(client);
  const stopping = performance.now();
  await comet.stop();
  print("clean stop", `${((performance.now() - stopping) / 1_000).toFixed(2)} s`);
}
{
  await using comet = await start("start after the clean stop");
  const index = [...Deno.readDirSync(`${folder}/comet-timers`)];
  const bytes = index.reduce(
    (sum, { name }) => sum + Deno.statSync(`${folder}/comet-timers/${name}`).size,
    0,
  );
  print("index on disk", `${(bytes / 1024 / 1024).toFixed(1)} MB in ${index.length} files`);
  await comet.stop();
}
await Deno.remove(folder, { recursive: true });

async function measureRecall(client: TestClient): Promise<void> {
  const handles: string[] = [];
  for (let n = 0; n < 500; n++) {
    const properties = `UNIQ_KEY\u0001R${n}\u0002TIMER_DELAY_SEC\u00013600\u0002`;
    const answer = await client.send("Recalled", new Uint8Array(1), { properties });
    handles.push(answer.extFields.get("recallHandle")!);
  }
  const times: number[] = [];
  for (const recallHandle of handles) {
    const started = performance.now();
    await client.invoke(RECALL_MESSAGE, { producerGroup: "p", topic: "Recalled", recallHandle });
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  print("recall", `p50 ${times[250]!.toFixed(1)} ms, p99 ${times[495]!.toFixed(1)} ms`);
}
