/**
 * What looking messages up costs, and what it costs those who send meanwhile:
 * `deno run -A tests/bench/message_search.ts [MESSAGES]` (10,000,000 unless said otherwise) fills a real server with
 * messages of 100 bytes that have a key each, and asks its HTTP API for keys and for a range of time while a producer sends
 * 1,000 messages per second. Who asks is a thread of its own, so that its work does not count as the sends' time. Prints
 * times, and p50 and p99 of the sends without and with the questions, which take turns.
 */

import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { printProperties } from "../../client/protocol/message.ts";
import { startComet, TestClient } from "../helpers/comet.ts";
import { HttpApi } from "../helpers/http_api.ts";

const COUNT = Number(Deno.args[0] ?? 10_000_000);
const BATCH = 1_000;
const QUEUES = 8;
const TOPIC = "Searched";
const BODY = new Uint8Array(100).fill(65);
const ROUND_MILLIS = 2_000;
const ROUNDS = 20;
/** Between two questions for a key, while sends are measured. */
const KEY_REST_MILLIS = 20;
const SENDS_PER_SECOND = 1_000;
const KEY_QUESTIONS = 200;

function print(label: string, value: string): void {
  Deno.stdout.writeSync(encodeUtf8(`${label.padEnd(60)}${value}\n`));
}

async function fill(client: TestClient): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: QUEUES }, async (_, queueId) => {
    while (next < COUNT) {
      const first = next;
      next += BATCH;
      const items = Array.from({ length: BATCH }, (_, index) => ({
        flag: 0,
        body: BODY,
        properties: printProperties([["KEYS", `key-${first + index}`], ["TAGS", "a"]]),
      }));
      await client.sendBatch(TOPIC, items, { defaultTopicQueueNums: QUEUES, queueId }, 60_000);
    }
  }));
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

/** What the other thread is to do. */
interface Task {
  kind: "keys" | "range";
  httpPort: number;
  query: string;
}

/** Sends at an even rate for a while, and has the other thread ask meanwhile; gives how long each send took. */
async function sendWhile(client: TestClient, task?: Task): Promise<number[]> {
  const worker = task && new Worker(import.meta.url, { type: "module" });
  worker?.postMessage(task);
  const times: number[] = [];
  const pending: Promise<void>[] = [];
  let sent = 0;
  const started = performance.now();
  while (performance.now() - started < ROUND_MILLIS) {
    while (sent < (performance.now() - started) / 1000 * SENDS_PER_SECOND) {
      const at = performance.now();
      const sending = client.send("Busy", BODY, { queueId: sent % 4, defaultTopicQueueNums: 4 });
      pending.push(sending.then(() => void times.push(performance.now() - at)));
      sent++;
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
  worker?.terminate();
  return times;
}

async function askKeys(api: HttpApi, count: number, restMillis: number): Promise<number[]> {
  const times: number[] = [];
  while (times.length < count) {
    const key = `key-${Math.floor(Math.random() * COUNT)}`;
    const started = performance.now();
    const { messages } = await api.get(`/messages?topic=${TOPIC}&key=${key}`);
    times.push(performance.now() - started);
    if (messages.length !== 1) throw new Error(`${key} has ${messages.length} messages`);
    if (restMillis > 0) await new Promise((resolve) => setTimeout(resolve, restMillis));
  }
  return times;
}

/** Reads a stream to its end; gives when its first bytes came. */
async function readRange(api: HttpApi, query: string): Promise<number> {
  const started = performance.now();
  const response = await fetch(`${api.base}/messages?topic=${TOPIC}&${query}`, {
    headers: { accept: "application/x-ndjson" },
  });
  let firstMillis = 0;
  for await (const _ of response.body!) firstMillis ||= performance.now() - started;
  return firstMillis;
}

function pair(times: readonly number[]): string {
  return `${percentile(times, 0.5).toFixed(1)} / ${percentile(times, 0.99).toFixed(1)}`;
}

/** The other thread. */
function answerTasks(): void {
  globalThis.addEventListener("message", async (event) => {
    const { data } = event as MessageEvent<Task>;
    const api = new HttpApi(data.httpPort);
    if (data.kind === "keys") await askKeys(api, Infinity, KEY_REST_MILLIS);
    for (;;) await readRange(api, data.query);
  });
}

async function run(): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await using comet = await startComet(folder, ["--set", "maxMessageSize=16000000"]);
    await using client = new TestClient(comet.brokerPort);
    const { httpPort } = comet;
    const api = new HttpApi(httpPort);
    const filling = performance.now();
    const begin = Date.now();
    await fill(client);
    const end = Date.now();
    print(
      `filled with ${COUNT} messages`,
      `${((performance.now() - filling) / 1000).toFixed(0)} s`,
    );
    print("a key alone, p50 / p99 ms", pair(await askKeys(api, KEY_QUESTIONS, 0)));
    const middle = Math.floor((begin + end) / 2);
    const first = await readRange(api, `begin=${middle}&end=${middle + 50}&order=asc`);
    print("a range of time, first bytes after ms", first.toFixed(1));
    const query = `begin=${begin}&end=${end}&order=asc&text=B`;
    const task = { httpPort, query };
    const all: Record<string, number[]> = {};
    // In turn, so that what others do on the machine meets all alike.
    for (let round = 0; round < ROUNDS; round++) {
      (all["sends alone"] ??= []).push(...await sendWhile(client));
      for (const kind of ["keys", "range"] as const) {
        (all[`sends beside ${kind}`] ??= []).push(...await sendWhile(client, { ...task, kind }));
      }
    }
    for (const [label, times] of Object.entries(all)) print(`${label}, p50 / p99 ms`, pair(times));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if ("WorkerGlobalScope" in globalThis) answerTasks();
else await run();
