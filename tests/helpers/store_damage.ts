/** Damages a store's files, and finds out what a broker over them does then. */

import { assert, assertEquals } from "@std/assert";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { CorruptStoreError, StoreUnwritableError } from "../../store/errors.ts";
import { isQueued } from "../../store/dispatch.ts";
import type { DamageReport } from "../../store/mend.ts";
import type { MessageStore } from "../../store/message_store.ts";
import { type Disk, PAGE_BYTES } from "./fault_disk.ts";
import { FaultFileSystem } from "./fault_file_system.ts";
import { quietRandom } from "./random.ts";
import { messageToStore, openStore } from "./store.ts";
import { type Attempt, StoreLedger } from "./store_ledger.ts";
import { MACHINE_FOLDER, MACHINE_SETTINGS, StoreMachine } from "./store_machine.ts";

/** A folder as a stop has left it, and what was acknowledged in it. */
export interface Image {
  disk: Disk;
  ledger: StoreLedger;
  /** The disk as it was some time before. */
  earlier: Disk;
}

/** How the store came to its end: in order, or by a kill a while after a checkpoint. */
export type StopKind = "clean" | "crash";

/** Fills a store of several files of each kind, and stops it. */
export async function storeImage(stop: StopKind): Promise<Image> {
  const random = quietRandom(7);
  const machine = new StoreMachine({ random, flushDiskType: "SYNC_FLUSH" });
  machine.open();
  let earlier = machine.disk;
  // The newest log file is to have several pages.
  const bytesInNewest = () =>
    machine.store!.stats.maxOffset % MACHINE_SETTINGS.mappedFileSizeCommitLog;
  for (let step = 0; step < 60 || bytesInNewest() < 3 * PAGE_BYTES; step++) {
    machine.send(3);
    await machine.settle();
    // Long enough for the mark that says how far the log is on disk.
    machine.wait(200);
    if (step === 50) earlier = machine.disk.copy();
    if (step === 40) await machine.store!.checkpoint();
  }
  if (stop === "clean") await machine.close();
  else await machine.stop("kill");
  return { disk: machine.disk, ledger: machine.ledger, earlier };
}

/**
 * What became of a damaged folder.
 *
 * - `refused`: the start, or what was asked, with a reason that says where and what to do.
 * - `gap`: some messages are lost, and reported; consumers go on behind them.
 * - `repaired`: everything is there; something had to be made anew, which was reported.
 * - `restart`: some keys cannot be looked up, with a reason; the next start repairs that.
 * - `intact`: everything is there. What was damaged is not needed, or only makes the start take longer.
 */
export type Outcome = "refused" | "gap" | "repaired" | "restart" | "intact";

/**
 * Opens a damaged folder, reads and writes as clients do, and opens it once more.
 * @param keyStep one of so many messages is looked up by its key.
 */
export async function outcomeOf(
  { disk, ledger }: Omit<Image, "earlier">,
  keyStep: number,
): Promise<Outcome> {
  const reports: DamageReport[] = [];
  let store: MessageStore;
  try {
    store = openImage(disk, reports);
  } catch (error) {
    return checkRefusal(error);
  }
  let lost: Set<number>;
  let refusedKeys = 0;
  try {
    lost = await checkReads(store, ledger, reports);
    refusedKeys = await checkKeys(store, ledger, lost, keyStep);
    await checkSends(store, ledger);
  } catch (error) {
    return checkRefusal(error);
  } finally {
    await store[Symbol.asyncDispose]();
  }
  // What was damaged is known or mended: the next start is like any other, and nothing more is lost.
  const laterReports: DamageReport[] = [];
  const reopened = openImage(disk, laterReports);
  assert(reopened.recovery.clean);
  // Unless something was found only when somebody asked for it.
  if (refusedKeys === 0) assertEquals(reopened.recovery.madeAnewFrom, undefined);
  assertEquals(await checkReads(reopened, ledger, laterReports), lost);
  assertEquals(await checkKeys(reopened, ledger, lost, keyStep), 0);
  await reopened[Symbol.asyncDispose]();
  if (lost.size > 0) return "gap";
  if (refusedKeys > 0) return "restart";
  const isMended = reports.length > 0 || store.recovery.madeAnewFrom !== undefined;
  return isMended ? "repaired" : "intact";
}

function openImage(disk: Disk, reports: DamageReport[]): MessageStore {
  const fileSystem = new FaultFileSystem(disk, { random: quietRandom(1) });
  return openStore(MACHINE_FOLDER, { ...MACHINE_SETTINGS, flushDiskType: "SYNC_FLUSH" }, {
    fileSystem,
    now: () => 1_700_000_100_000,
    onDamage: (report) => reports.push(report),
  });
}

function checkRefusal(error: unknown): "refused" {
  if (!(error instanceof CorruptStoreError || error instanceof StoreUnwritableError)) throw error;
  assert(/\/data\/store\S* /.test(error.message), `no file in: ${error.message}`);
  const remedy = /comet store (verify|repair)|Set [a-zA-Z]+|Restore/;
  assert(remedy.test(error.message), `no remedy in: ${error.message}`);
  return "refused";
}

/** Reads all queues. @returns the numbers of the messages that are lost, all of which were reported. */
async function checkReads(
  store: MessageStore,
  ledger: StoreLedger,
  reports: DamageReport[],
): Promise<Set<number>> {
  const found = new Set<number>();
  for (const [topic, queueId] of [["A", 0], ["A", 1], ["B", 0]] as const) {
    for (const number of await consume(store, ledger, topic, queueId)) found.add(number);
  }
  const lost = new Set<number>();
  for (const attempt of ledger.attempts) {
    if (!isQueued(attempt.sysFlag) || found.has(attempt.number)) continue;
    const isReported = reports.some((report) =>
      report.topic === attempt.topic && report.queueId === attempt.queueId &&
      report.lostQueueOffsets.includes(attempt.queueOffset)
    );
    assert(isReported, `message ${attempt.number} is gone, and nobody was told`);
    lost.add(attempt.number);
  }
  return lost;
}

/** What a consumer gets of a queue: numbers of messages, each of which is the right one. */
async function consume(
  store: MessageStore,
  ledger: StoreLedger,
  topic: string,
  queueId: number,
): Promise<number[]> {
  const byOffset = new Map<number, Attempt>();
  for (const attempt of ledger.attempts) {
    const isHere = attempt.topic === topic && attempt.queueId === queueId;
    if (isHere && isQueued(attempt.sysFlag)) byOffset.set(attempt.queueOffset, attempt);
  }
  const numbers: number[] = [];
  let queueOffset = 0;
  for (let request = 0; queueOffset < byOffset.size; request++) {
    assert(request < 1000, `a consumer of ${topic}/${queueId} does not get past ${queueOffset}`);
    const options = { queueOffset, maxMsgNums: 8, maxMsgBytes: 1 << 20, filter: undefined };
    const result = await store.getMessage(topic, queueId, options);
    for (const message of result.parts.flatMap(decodeMessages)) {
      if (message.bornTimestamp === SENT_AFTER) continue;
      const difference = StoreLedger.difference(byOffset.get(message.queueOffset), message);
      assertEquals(difference, undefined);
      numbers.push(message.bornTimestamp);
    }
    queueOffset = result.nextBeginOffset;
  }
  return numbers;
}

/**
 * Every message that is not lost is found by its key, and no other one.
 * @returns for how many of them the lookup was refused.
 */
async function checkKeys(
  store: MessageStore,
  ledger: StoreLedger,
  lost: ReadonlySet<number>,
  keyStep: number,
): Promise<number> {
  let refused = 0;
  const times = { maxNum: 10_000, beginTimestamp: 0, endTimestamp: Number.MAX_SAFE_INTEGER };
  for (const [index, { number, topic, keys, sysFlag }] of ledger.attempts.entries()) {
    if (index % keyStep > 0) continue;
    // Of half messages, which are in no queue, nobody can say that they are lost.
    const mayLack = lost.has(number) || !isQueued(sysFlag);
    let records: Uint8Array[];
    try {
      records = await store.queryMessage({ topic, key: keys[0]!, ...times });
    } catch (error) {
      checkRefusal(error);
      if (!mayLack) refused++;
      continue;
    }
    const found = records.flatMap(decodeMessages).map(({ bornTimestamp }) => bornTimestamp);
    if (!mayLack || found.length > 0) assertEquals(found, [number], `by the key ${keys[0]}`);
  }
  return refused;
}

/** The bornTimestamp of messages that are sent to see whether that works. */
const SENT_AFTER = 0;

/** No offset that a message ever had is given to another one. */
async function checkSends(store: MessageStore, { attempts }: StoreLedger): Promise<void> {
  for (const [topic, queueId] of [["A", 0], ["A", 1], ["B", 0]] as const) {
    const message = messageToStore(topic, "after", { queueId, bornTimestamp: SENT_AFTER });
    const result = store.putMessage(message);
    assert(result.status === "PUT_OK");
    const last = attempts.findLast((attempt) =>
      attempt.topic === topic && attempt.queueId === queueId && isQueued(attempt.sysFlag)
    )!;
    assertEquals(result.queueOffset, last.queueOffset + 1, `offset in ${topic}/${queueId}`);
    store.commit();
  }
  while (store.stats.durableOffset < store.stats.maxOffset) await Promise.resolve();
}

/** Every file of the store that has something in it, in order of their names. */
export function filesOf(disk: Disk, folder = ""): string[] {
  const start = `${MACHINE_FOLDER}/${folder}`;
  return [...disk.names.keys()].filter((path) =>
    path.startsWith(start) && usedBytes(disk, path) > 0
  )
    .sort();
}

/** Up to where a file is not all zeros. */
export function usedBytes(disk: Disk, path: string): number {
  const bytes = bytesOf(disk, path);
  return bytes.findLastIndex((byte) => byte !== 0) + 1;
}

/** What is in a file; nothing for a folder. */
export function bytesOf(disk: Disk, path: string): Uint8Array {
  const file = disk.file(path);
  const bytes = new Uint8Array(file?.size ?? 0);
  file?.read(bytes, 0);
  return bytes;
}

/** One way to damage a file. `at` is where: a byte that is in use. */
export type Damage = (disk: Disk, path: string, at: number) => void;

function change(disk: Disk, path: string, at: number, make: (old: Uint8Array) => Uint8Array): void {
  const file = disk.file(path)!;
  const old = new Uint8Array(Math.max(0, Math.min(PAGE_BYTES, file.size - at)));
  file.read(old, at);
  file.write(make(old), at);
}

export const DAMAGES: Readonly<Record<string, Damage>> = {
  "flip a bit": (disk, path, at) => change(disk, path, at, (old) => Uint8Array.of(old[0]! ^ 0x20)),
  "zero a page": (disk, path, at) => {
    const page = at - at % PAGE_BYTES;
    change(disk, path, page, (old) => new Uint8Array(old.length));
  },
  "zero a sector": (disk, path, at) => {
    const sector = at - at % 512;
    change(disk, path, sector, (old) => new Uint8Array(Math.min(512, old.length)));
  },
  "truncate": (disk, path, at) => disk.file(path)!.truncate(at),
  "garbage": (disk, path, at) => {
    const random = quietRandom(at);
    change(disk, path, at, (old) => old.slice(0, 64).map(() => random(256)));
  },
  "append garbage": (disk, path) => {
    const file = disk.file(path)!;
    file.write(new Uint8Array(1000).fill(0xa5), file.size);
  },
};
