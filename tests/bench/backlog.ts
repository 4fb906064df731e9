/**
 * What a backlog costs: `deno run -A tests/bench/backlog.ts [MESSAGES]` (10 million unless said otherwise; 3 GB of
 * disk) fills one queue of a real server with messages of 100 bytes that have unique keys, and prints times and the
 * server's memory: while filling, pulling at random places, finding by time and key, starting after a clean stop and
 * after SIGKILL.
 */

import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { QUERY_MESSAGE, SEARCH_OFFSET_BY_TIMESTAMP } from "../../client/protocol/commands/query.ts";
import { printProperties } from "../../client/protocol/message.ts";
import { type Comet, startComet, TestClient } from "../helpers/comet.ts";
import { residentMegabytes } from "../helpers/memory.ts";
import { seededRandom } from "../helpers/random.ts";

const COUNT = Number(Deno.args[0] ?? 10_000_000);
const BATCH = 500;
const IN_FLIGHT = 8;
const BODY_BYTES = 100;
const PROBES = 500;

const folder = await Deno.makeTempDir({ prefix: "backlog-" });
const random = seededRandom(1);
let memoryMax = 0;

function print(label: string, value: string): void {
  Deno.stdout.writeSync(encodeUtf8(`${label.padEnd(44)}${value}\n`));
}

/** The server's memory in MB; the largest is kept. */
function memory(comet: Comet): number {
  const megabytes = residentMegabytes(comet);
  memoryMax = Math.max(memoryMax, megabytes);
  return megabytes;
}

function uniqKey(n: number): string {
  return n.toString(16).toUpperCase().padStart(32, "0");
}

function batch(from: number, count: number) {
  return Array.from({ length: count }, (_, index) => ({
    flag: 0,
    body: encodeUtf8(`message ${from + index}`.padEnd(BODY_BYTES, ".")),
    properties: printProperties([["UNIQ_KEY", uniqKey(from + index)]]),
  }));
}

async function fill(client: TestClient, from: number, to: number, comet: Comet): Promise<void> {
  let next = from;
  const sender = async () => {
    while (next < to) {
      const start = next;
      next += BATCH;
      await client.sendBatch("Backlog", batch(start, Math.min(BATCH, to - start)));
      if (start % (BATCH * 200) === 0) memory(comet);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
}

/** Runs probes one after the other; gives the median, the 99th percentile and the maximum in milliseconds. */
async function measure(label: string, probe: () => Promise<void>): Promise<void> {
  const times: number[] = [];
  for (let n = 0; n < PROBES; n++) {
    const start = performance.now();
    await probe();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.min(PROBES - 1, Math.floor(PROBES * part))]!.toFixed(2);
  print(label, `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`);
}

async function start(label: string): Promise<Comet> {
  const started = performance.now();
  const comet = await startComet(folder);
  print(
    label,
    `${((performance.now() - started) / 1000).toFixed(2)} s to ready, ${
      memory(comet).toFixed(0)
    } MB`,
  );
  return comet;
}

async function probe(comet: Comet): Promise<void> {
  await using client = new TestClient(comet.brokerPort);
  const place = () => random(COUNT);
  for (
    const [label, offset] of [["first", () => 0], ["random", place], [
      "last",
      () => COUNT - 32,
    ]] as const
  ) {
    await measure(`pull of 32 from the ${label} offset`, async () => {
      const queueOffset = offset();
      const response = await client.pull("Backlog", { queueOffset });
      if (response.code !== 0) throw new Error(`pull at ${queueOffset}: ${response.remark}`);
    });
  }
  await measure("message by unique key", async () => {
    const header = {
      topic: "Backlog",
      key: uniqKey(place()),
      maxNum: 1,
      beginTimestamp: 0,
      endTimestamp: Date.now(),
    };
    const response = await client.invoke(QUERY_MESSAGE, header);
    if (response.code !== 0) throw new Error(`query: ${response.remark}`);
  });
  await measure("offset by time", async () => {
    const timestamp = began + random(Date.now() - began);
    await client.invoke(SEARCH_OFFSET_BY_TIMESTAMP, { topic: "Backlog", queueId: 0, timestamp });
  });
  print("memory after that", `${memory(comet).toFixed(0)} MB`);
}

const began = Date.now();
{
  await using comet = await start("first start");
  await using client = new TestClient(comet.brokerPort);
  const started = performance.now();
  await fill(client, 0, COUNT, comet);
  const seconds = (performance.now() - started) / 1000;
  print(
    `${COUNT} messages sent`,
    `${seconds.toFixed(0)} s, ${(COUNT / seconds).toFixed(0)}/s, ${memory(comet).toFixed(0)} MB`,
  );
  await probe(comet);
  const stopping = performance.now();
  await comet.stop();
  print("clean stop", `${((performance.now() - stopping) / 1000).toFixed(2)} s`);
}
{
  await using comet = await start("start after the clean stop");
  await probe(comet);
  await using client = new TestClient(comet.brokerPort);
  await fill(client, COUNT, COUNT + 200_000, comet);
  await comet.kill();
}
{
  await using comet = await start("start after SIGKILL under load");
  await probe(comet);
}
print("most memory at any time", `${memoryMax.toFixed(0)} MB`);
await Deno.remove(folder, { recursive: true });
