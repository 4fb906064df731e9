import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import { hostBytes } from "../../client/protocol/message.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { CorruptStoreError, StoreUnwritableError } from "../../store/errors.ts";
import { denoFileSystem } from "../../store/file_system.ts";
import type { MessageStore } from "../../store/message_store.ts";
import { openStore } from "../helpers/store.ts";

const HOST = hostBytes("127.0.0.1", 10911);

function put(store: MessageStore, from: number, to: number): void {
  for (let n = from; n < to; n++) {
    store.putMessage({
      topic: "T",
      queueId: n % 2,
      flag: 0,
      sysFlag: 0,
      bornTimestamp: n,
      bornHost: HOST,
      storeHost: HOST,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: encodeUtf8(`body ${n}`.repeat(1 + n % 20)),
      properties: `KEYS\u0001key${n}\u0002UNIQ_KEY\u0001id${n}\u0002`,
    });
    if (n % 7 === 0) store.commit();
  }
  store.commit();
}

/** Every message of both queues, in order. */
async function readAll(store: MessageStore): Promise<number[][]> {
  const queues: number[][] = [];
  for (const queueId of [0, 1]) {
    const found: number[] = [];
    const maxOffset = store.getMaxOffsetInQueue("T", queueId);
    for (let queueOffset = 0; queueOffset < maxOffset;) {
      const result = await store.getMessage("T", queueId, {
        queueOffset,
        maxMsgNums: 32,
        maxMsgBytes: 262_144,
        filter: undefined,
      });
      assertEquals(result.status, "FOUND");
      for (const part of result.parts) {
        const [message] = decodeMessages(part);
        const n = message!.bornTimestamp;
        const body = `body ${n}`.repeat(1 + n % 20);
        assertEquals(decodeUtf8(message!.body, 0, message!.body.length), body);
        assertEquals(message!.queueOffset, queueOffset + found.length - queueOffset);
        found.push(n);
      }
      queueOffset = result.nextBeginOffset;
    }
    queues.push(found);
  }
  return queues;
}

function expected(count: number): number[][] {
  const all = Array.from({ length: count }, (_, n) => n);
  return [all.filter((n) => n % 2 === 0), all.filter((n) => n % 2 === 1)];
}

/** A copy of the folder, as a kill leaves it: what was written is in the files, nothing is closed. */
function copyFolder(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const entry of Deno.readDirSync(from)) {
    const [source, target] = [`${from}/${entry.name}`, `${to}/${entry.name}`];
    if (entry.isDirectory) copyFolder(source, target);
    else Deno.copyFileSync(source, target);
  }
}

Deno.test("MessageStore gives back what was put, over segments and restarts", async () => {
  const folder = Deno.makeTempDirSync();
  {
    await using store = openStore(folder);
    put(store, 0, 500);
    assertEquals(await readAll(store), expected(500));
  }
  {
    await using store = openStore(folder);
    assert(store.recovery.clean);
    assertEquals(store.recovery.scannedRecords, 0);
    put(store, 500, 600);
    assertEquals(await readAll(store), expected(600));
    for (const n of [0, 250, 599]) {
      for (const key of [`key${n}`, `id${n}`]) {
        const records = await store.queryMessage({
          topic: "T",
          key,
          maxNum: 10,
          beginTimestamp: 0,
          endTimestamp: Date.now() + 1000,
        });
        assertEquals(records.map((record) => decodeMessages(record)[0]!.bornTimestamp), [n]);
      }
    }
  }
});

Deno.test("MessageStore recovers what was written when it was killed, also after a checkpoint", async () => {
  const folder = Deno.makeTempDirSync();
  const killed = Deno.makeTempDirSync();
  await using store = openStore(folder);
  put(store, 0, 200);
  await store.checkpoint();
  put(store, 200, 400);
  copyFolder(folder, killed);
  await using recovered = openStore(killed);
  assert(!recovered.recovery.clean);
  assertEquals(await readAll(recovered), expected(400));
  const query = { topic: "T", maxNum: 10, beginTimestamp: 0, endTimestamp: Date.now() + 1000 };
  for (let n = 0; n < 400; n++) {
    assertEquals((await recovered.queryMessage({ ...query, key: `key${n}` })).length, 1);
  }
});

Deno.test("MessageStore cuts a torn tail at every byte of the last record", async () => {
  const folder = Deno.makeTempDirSync();
  // What an fsync has covered cannot be torn; so there is none.
  const flushIntervalCommitLog = 1 << 30;
  await using store = openStore(folder, {
    mappedFileSizeCommitLog: 256 * 1024,
    flushIntervalCommitLog,
  });
  put(store, 0, 20);
  const end = store.stats.maxOffset;
  put(store, 20, 21);
  const last = store.stats.maxOffset;
  for (let cut = end; cut < last; cut += 13) {
    const torn = Deno.makeTempDirSync();
    copyFolder(folder, torn);
    const log = `${torn}/commitlog/00000000000000000000`;
    Deno.truncateSync(log, cut);
    Deno.truncateSync(log, 256 * 1024);
    await using recovered = openStore(torn, { mappedFileSizeCommitLog: 256 * 1024 });
    assertEquals(recovered.stats.maxOffset, end);
    assertEquals(await readAll(recovered), expected(20));
    put(recovered, 20, 30);
    assertEquals(await readAll(recovered), expected(30));
  }
});

Deno.test("MessageStore refuses to start over a damaged record with sound ones after it", async () => {
  const folder = Deno.makeTempDirSync();
  const damaged = Deno.makeTempDirSync();
  await using store = openStore(folder, { mappedFileSizeCommitLog: 256 * 1024 });
  put(store, 0, 100);
  copyFolder(folder, damaged);
  const path = `${damaged}/commitlog/00000000000000000000`;
  const bytes = Deno.readFileSync(path);
  bytes[3000]! ^= 1;
  Deno.writeFileSync(path, bytes);
  const error = assertThrows(
    () => openStore(damaged, { mappedFileSizeCommitLog: 256 * 1024 }),
    CorruptStoreError,
  );
  assert(error.message.includes("00000000000000000000 at offset"));
  assertEquals(Deno.readFileSync(path), bytes);
});

Deno.test("MessageStore refuses a folder that is in use", async () => {
  const folder = Deno.makeTempDirSync();
  await using _store = openStore(folder);
  assertThrows(() => openStore(folder), StoreUnwritableError, "in use by another process");
});

Deno.test("MessageStore keeps the log in storePathCommitLog when that is set", async () => {
  const folder = Deno.makeTempDirSync();
  const storePathCommitLog = `${Deno.makeTempDirSync()}/log`;
  for (const [from, to] of [[0, 10], [10, 20]] as const) {
    await using store = openStore(folder, { storePathCommitLog });
    put(store, from, to);
    assertEquals(await readAll(store), expected(to));
  }
  assert(!denoFileSystem.existsSync(`${folder}/commitlog`));
});

Deno.test("MessageStore goes on in the next segment when the last one has room for just a blank", async () => {
  const probe = openStore(Deno.makeTempDirSync(), { mappedFileSizeCommitLog: 1024 * 1024 });
  put(probe, 0, 9);
  const bytes = probe.stats.maxOffset;
  await probe[Symbol.asyncDispose]();
  // Nine messages and a blank of 8 bytes fill a segment of this size exactly.
  const folder = Deno.makeTempDirSync();
  const killed = Deno.makeTempDirSync();
  await using store = openStore(folder, { mappedFileSizeCommitLog: bytes + 8 });
  put(store, 0, 12);
  copyFolder(folder, killed);
  await using recovered = openStore(killed, { mappedFileSizeCommitLog: bytes + 8 });
  assertEquals(await readAll(recovered), expected(12));
});
