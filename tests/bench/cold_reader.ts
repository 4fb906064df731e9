/**
 * What a consumer that reads a backlog does to senders: `deno run -A tests/bench/cold_reader.ts [MEGABYTES]` (2048 unless
 * said otherwise) fills one queue of a real server, lets the system forget what it has of the log's files (with `dd`,
 * else they stay), and lets 16 senders work in turn alone, beside a consumer that pulls the backlog from its beginning,
 * and beside one that pulls the same once more, which is in memory then: what a consumer costs anyway. Both go at the
 * same pace. Prints times of a send, how much was read, and the server's CPU.
 */

import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { startComet, TestClient } from "../helpers/comet.ts";

const BODY = new Uint8Array(1024).fill(120);
const FILLERS = 256;
const SENDERS = 16;
const ROUNDS = 4;
const ROUND_MILLIS = 8_000;
/** What a consumer reads in a second. */
const PACE_BYTES = 20 * 1024 * 1024;

const KINDS = ["senders alone", "beside a reader from the disk", "beside a reader from memory"];
type Kind = typeof KINDS[number];

interface Read {
  /** Where to go on. */
  next: number;
  bytes: number;
}

interface Round {
  times: number[];
  readBytes: number;
  cpuSeconds: number;
}

function print(label: string, value: string): void {
  Deno.stdout.writeSync(encodeUtf8(`${label.padEnd(36)}${value}\n`));
}

async function sendOne(client: TestClient, topic: string): Promise<void> {
  const { code, remark } = await client.send(topic, BODY);
  if (code !== 0) throw new Error(`${code} ${remark}`);
}

async function fill(client: TestClient, megabytes: number): Promise<number> {
  const count = Math.round(megabytes * 1024 * 1024 / (BODY.length + 200));
  let sent = 0;
  await Promise.all(Array.from({ length: FILLERS }, async () => {
    while (sent++ < count) await sendOne(client, "Backlog");
  }));
  return count;
}

function logFiles(folder: string): string[] {
  const names = [...Deno.readDirSync(`${folder}/commitlog`)].map(({ name }) => name).sort();
  return names.map((name) => `${folder}/commitlog/${name}`);
}

/** Asks the system to forget what it has of the log's files; what is not on disk it keeps. */
async function dropFromPageCache(folder: string): Promise<void> {
  for (const path of logFiles(folder)) {
    const args = [`of=${path}`, "oflag=nocache", "conv=notrunc,fdatasync", "count=0"];
    await new Deno.Command("dd", { args, stderr: "null" }).output();
  }
}

/** The CPU time that a process has taken, in seconds. */
function cpuSeconds(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Pulls for the time of a round. */
async function pullBacklog(port: number, queueOffset: number): Promise<Read> {
  await using client = new TestClient(port);
  const started = performance.now();
  const read = { next: queueOffset, bytes: 0 };
  while (performance.now() - started < ROUND_MILLIS) {
    const { code, body } = await client.pull("Backlog", { queueOffset: read.next });
    if (code !== 0) throw new Error(`the backlog is too short: all is read at ${read.next}`);
    read.next += decodeMessages(body).length;
    read.bytes += body.length;
    const early = started + read.bytes / PACE_BYTES * 1000 - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
  }
  return read;
}

/** Pulls in a process of its own, which takes no time from the senders. */
async function pullElsewhere(port: number, queueOffset: number): Promise<Read> {
  const args = ["run", "-A", import.meta.filename!, "pull", String(port), String(queueOffset)];
  const command = new Deno.Command(Deno.execPath(), { args, stderr: "inherit" });
  const { stdout, success } = await command.output();
  if (!success) throw new Error("the reader failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function round(
  { port, pid }: { port: number; pid: number },
  reading: Promise<Read> | undefined,
): Promise<Round> {
  await using client = new TestClient(port);
  const end = performance.now() + ROUND_MILLIS;
  const times: number[] = [];
  const cpuBefore = cpuSeconds(pid);
  await Promise.all(Array.from({ length: SENDERS }, async () => {
    while (performance.now() < end) {
      const started = performance.now();
      await sendOne(client, "Hot");
      times.push(performance.now() - started);
    }
  }));
  const cpu = cpuSeconds(pid) - cpuBefore;
  return { times, readBytes: (await reading)?.bytes ?? 0, cpuSeconds: cpu };
}

function report(label: string, rounds: readonly Round[]): void {
  const times = rounds.flatMap((one) => one.times).sort((a, b) => a - b);
  const at = (part: number) => times[Math.floor(times.length * part)]!.toFixed(2);
  const sum = (of: (one: Round) => number) => rounds.reduce((total, one) => total + of(one), 0);
  const seconds = rounds.length * ROUND_MILLIS / 1000;
  const megabytes = sum((one) => one.readBytes) / 1024 / 1024;
  print(
    label,
    `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ${(times.length / seconds).toFixed(0)} sends/s; ` +
      `${(megabytes / seconds).toFixed(0)} MB/s read; ` +
      `${(sum((one) => one.cpuSeconds) / seconds * 100).toFixed(0)} % of a core`,
  );
}

async function main(megabytes: number): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "cold-reader-" });
  {
    await using comet = await startComet(folder);
    await using client = new TestClient(comet.brokerPort);
    print("backlog", `${await fill(client, megabytes)} messages, ${megabytes} MB`);
    await comet.stop();
  }
  await dropFromPageCache(folder);
  await using comet = await startComet(folder);
  const server = { port: comet.brokerPort, pid: comet.pid };
  await round(server, undefined);
  const rounds = new Map<Kind, Round[]>(KINDS.map((kind) => [kind, []]));
  let queueOffset = 0;
  for (let n = 0; n < ROUNDS; n++) {
    rounds.get(KINDS[0]!)!.push(await round(server, undefined));
    const reading = pullElsewhere(server.port, queueOffset);
    rounds.get(KINDS[1]!)!.push(await round(server, reading));
    rounds.get(KINDS[2]!)!.push(await round(server, pullElsewhere(server.port, queueOffset)));
    queueOffset = (await reading).next;
  }
  for (const [kind, all] of rounds) report(kind, all);
  await comet.stop();
  await Deno.remove(folder, { recursive: true });
}

const [role, port, queueOffset] = Deno.args;
if (role === "pull") {
  print("", JSON.stringify(await pullBacklog(Number(port), Number(queueOffset))));
} else await main(Number(role ?? 2048));
