/**
 * What popping costs: `deno run -A tests/bench/popping.ts [MESSAGES]` (100,000 unless said otherwise) fills a real server
 * with messages of 1 KiB and takes them out again: pulled, and popped with every message acknowledged by itself or all of
 * a pop at once. Prints rates and the server's CPU time for each message.
 */

import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { ACK_MESSAGE, BATCH_ACK_MESSAGE, POP_MESSAGE } from "../../client/protocol/commands/pop.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { type Comet, startComet, TestClient } from "../helpers/comet.ts";

const COUNT = Number(Deno.args[0] ?? 100_000);
const BODY = new Uint8Array(1024).fill(65);
const CONSUMERS = 8;
const SENDERS = 64;
const TICKS_PER_SECOND = 100;

type AckKind = "NONE" | "SINGLE" | "BATCH";

function print(label: string, value: string): void {
  Deno.stdout.writeSync(encodeUtf8(`${label.padEnd(52)}${value}\n`));
}

/** The server's CPU time so far, in milliseconds. */
function cpuMillis(comet: Comet): number {
  const fields = Deno.readTextFileSync(`/proc/${comet.pid}/stat`).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 1000 / TICKS_PER_SECOND;
}

async function measure(comet: Comet, label: string, run: () => Promise<number>): Promise<void> {
  const cpu = cpuMillis(comet);
  const started = performance.now();
  const count = await run();
  const seconds = (performance.now() - started) / 1000;
  const micros = (cpuMillis(comet) - cpu) * 1000 / count;
  print(label, `${(count / seconds / 1000).toFixed(1)} k/s, ${micros.toFixed(1)} µs CPU a message`);
}

async function fill(client: TestClient): Promise<number> {
  let sent = 0;
  await Promise.all(Array.from({ length: SENDERS }, async () => {
    while (sent < COUNT) {
      sent++;
      await client.send("Popping", BODY, { defaultTopicQueueNums: 4, queueId: sent % 4 });
    }
  }));
  return COUNT;
}

async function pull(client: TestClient): Promise<number> {
  const counts = await Promise.all([0, 1, 2, 3].map(async (queueId) => {
    let queueOffset = 0;
    for (;;) {
      const response = await client.pull("Popping", { queueId, queueOffset });
      if (response.code !== 0) return queueOffset;
      queueOffset = Number(response.extFields.get("nextBeginOffset"));
    }
  }));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function pop(
  client: TestClient,
  consumerGroup: string,
  maxMsgNums: number,
  kind: AckKind,
): Promise<number> {
  let count = 0;
  await Promise.all(Array.from({ length: CONSUMERS }, async () => {
    for (;;) {
      const { code, extFields, body } = await client.invoke(POP_MESSAGE, {
        consumerGroup,
        topic: "Popping",
        queueId: -1,
        maxMsgNums,
        invisibleTime: 60_000,
        pollTime: 0,
        bornTime: Date.now(),
        initMode: 0,
      });
      if (code !== 0) return;
      const messages = decodeMessages(body);
      count += messages.length;
      await acknowledge(client, consumerGroup, extFields, messages, kind);
    }
  }));
  return count;
}

async function acknowledge(
  client: TestClient,
  consumerGroup: string,
  extFields: ReadonlyMap<string, string>,
  messages: { queueId: number; queueOffset: number }[],
  kind: AckKind,
): Promise<void> {
  const [pt, it, rq] = ["popTime", "invisibleTime", "reviveQid"]
    .map((name) => Number(extFields.get(name)));
  const starts = extFields.get("startOffsetInfo")!.split(";").map((item) => item.split(" "));
  if (kind === "SINGLE") {
    await Promise.all(messages.map(({ queueId, queueOffset }) => {
      const start = starts.find(([, id]) => Number(id) === queueId)![2];
      return client.invoke(ACK_MESSAGE, {
        consumerGroup,
        topic: "Popping",
        queueId,
        extraInfo: `${start} ${pt} ${it} ${rq} 0 broker-a ${queueId} ${queueOffset}`,
        offset: queueOffset,
      });
    }));
  } else if (kind === "BATCH") {
    const acks = starts.map(([r, q, so]) => {
      const bytes = new Uint8Array(4);
      for (const { queueId, queueOffset } of messages) {
        const distance = queueOffset - Number(so);
        if (queueId === Number(q)) bytes[distance >> 3]! |= 1 << (distance & 7);
      }
      const b = btoa(String.fromCharCode(...bytes));
      return { c: consumerGroup, t: "Popping", r, so: Number(so), q: Number(q), rq, pt, it, b };
    });
    await client.invoke(BATCH_ACK_MESSAGE, {}, encodeUtf8(JSON.stringify({ acks })));
  }
}

for (const flushDiskType of ["ASYNC_FLUSH", "SYNC_FLUSH"]) {
  const folder = await Deno.makeTempDir({ prefix: "popping-" });
  const flags = ["--set", `flushDiskType=${flushDiskType}`];
  await using comet = await startComet(folder, [...flags, "--set", "popCkMaxBufferSize=1000000"]);
  await using client = new TestClient(comet.brokerPort);
  print(flushDiskType, "");
  await measure(comet, "  send", () => fill(client));
  await measure(comet, "  pull of 32", () => pull(client));
  for (const size of [32, 1]) {
    for (const kind of ["NONE", "SINGLE", "BATCH"] as const) {
      const label = `  pop of ${size}, acks: ${kind.toLowerCase()}`;
      await measure(comet, label, () => pop(client, `g${size}${kind}`, size, kind));
    }
  }
  await comet.stop();
  await Deno.remove(folder, { recursive: true });
}
