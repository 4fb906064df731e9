/** Holds an open store against a ledger, and everything that it serves against a full scan of its log. */

import { assert, assertEquals } from "@std/assert";
import { viewOf } from "../../client/protocol/bytes.ts";
import {
  checkRecord,
  copyMessage,
  decodeMessages,
  type StoredMessage,
} from "../../client/protocol/message_record.ts";
import { isQueued } from "../../store/dispatch.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { Disk } from "./fault_disk.ts";
import { type Attempt, StoreLedger } from "./store_ledger.ts";

/** Every message in the files of the log, read without the store. */
export function scanDisk(disk: Disk, logFolder: string): StoredMessage[] {
  const messages: StoredMessage[] = [];
  const paths = [...disk.names.keys()].filter((path) => path.startsWith(`${logFolder}/`)).sort();
  for (const path of paths) {
    const file = disk.file(path)!;
    const bytes = new Uint8Array(file.size);
    file.read(bytes, 0);
    const view = viewOf(bytes);
    for (let position = 0; position < bytes.length;) {
      const check = checkRecord(bytes, view, position, bytes.length);
      if (check.kind !== "message") {
        assert(
          check.kind === "blank" || check.kind === "end",
          `${path} ${position}: ${check.kind}`,
        );
        break;
      }
      messages.push(copyMessage(bytes, check.record));
      position += check.record.size;
    }
  }
  return messages;
}

/**
 * Checks that the log holds what the ledger says, in order and without a hole, and at least the first `kept` of it; and
 * that queues, keys and times agree with the log.
 * @returns how many of the ledger's messages are in the log, or were until they expired.
 */
export async function checkStore(
  store: MessageStore,
  log: readonly StoredMessage[],
  ledger: StoreLedger,
  kept: number,
): Promise<number> {
  const { minOffset } = store.stats;
  assert(minOffset <= ledger.mayBeGoneBefore, `the log begins at ${minOffset}`);
  const gone = ledger.attempts.filter(({ physicalOffset }) => physicalOffset < minOffset);
  log.forEach((message, index) => {
    const attempt = ledger.attempts[gone.length + index];
    assertEquals(StoreLedger.difference(attempt, message), undefined);
    assert(
      !ledger.refused.has(message.bornTimestamp),
      `message ${message.bornTimestamp} was refused`,
    );
  });
  const count = gone.length + log.length;
  assert(count >= kept, `${count} messages are in the log, ${kept} were safe`);
  await checkQueues(store, log, gone);
  await checkKeys(store, log, ledger);
  return count;
}

/** The queued messages of the log by topic and queueId. */
function queuesOf(log: readonly StoredMessage[]): Map<string, StoredMessage[]> {
  const queues = new Map<string, StoredMessage[]>();
  for (const [topic, queueId] of [["A", 0], ["A", 1], ["B", 0]]) {
    queues.set(`${topic}/${queueId}`, []);
  }
  for (const message of log) {
    if (isQueued(message.sysFlag)) queues.get(`${message.topic}/${message.queueId}`)!.push(message);
  }
  return queues;
}

async function checkQueues(
  store: MessageStore,
  log: readonly StoredMessage[],
  gone: readonly Attempt[],
): Promise<void> {
  for (const [name, messages] of queuesOf(log)) {
    const [topic, id] = name.split("/") as [string, string];
    const queueId = Number(id);
    const first = gone.filter((attempt) =>
      attempt.topic === topic && attempt.queueId === queueId && isQueued(attempt.sysFlag)
    ).length;
    const end = first + messages.length;
    assertEquals(store.getMaxOffsetInQueue(topic, queueId), end, `end of ${name}`);
    assertEquals(store.getMinOffsetInQueue(topic, queueId), first, `beginning of ${name}`);
    messages.forEach((message, index) =>
      assertEquals(message.queueOffset, first + index, name)
    );
    const found = await readQueue(store, topic, queueId, first);
    assertEquals(found, messages.map(placeOf), name);
    checkTimes(store, topic, queueId, messages);
  }
}

function placeOf({ bornTimestamp, physicalOffset }: StoredMessage): string {
  return `${bornTimestamp} at ${physicalOffset}`;
}

/** Everything that a consumer gets of a queue. */
async function readQueue(
  store: MessageStore,
  topic: string,
  queueId: number,
  first: number,
): Promise<string[]> {
  const found: string[] = [];
  const end = store.getMaxOffsetInQueue(topic, queueId);
  for (let queueOffset = first; queueOffset < end;) {
    const options = { queueOffset, maxMsgNums: 32, maxMsgBytes: 1 << 20, filter: undefined };
    const result = await store.getMessage(topic, queueId, options);
    assertEquals(result.status, "FOUND", `${topic}/${queueId} at ${queueOffset}`);
    assert(result.nextBeginOffset > queueOffset);
    for (const part of result.parts) found.push(...decodeMessages(part).map(placeOf));
    queueOffset = result.nextBeginOffset;
  }
  return found;
}

function checkTimes(
  store: MessageStore,
  topic: string,
  queueId: number,
  messages: readonly StoredMessage[],
): void {
  const times = new Set(messages.flatMap(({ storeTimestamp: time }) => [time - 1, time, time + 1]));
  let looked = 0;
  for (const time of times) {
    // A few of them suffice, in all parts of the queue.
    if (looked++ % 7 > 0) continue;
    const first = messages[0]!.queueOffset;
    const lower = first + messages.filter(({ storeTimestamp }) => storeTimestamp < time).length;
    const upper = first + messages.filter(({ storeTimestamp }) => storeTimestamp <= time).length;
    const found = (["LOWER", "UPPER"] as const).map((boundary) =>
      store.getOffsetInQueueByTime(topic, queueId, time, boundary)
    );
    assertEquals(found, [lower, Math.max(first, upper - 1)], `${topic}/${queueId} at time ${time}`);
  }
}

async function checkKeys(
  store: MessageStore,
  log: readonly StoredMessage[],
  ledger: StoreLedger,
): Promise<void> {
  const expected = new Map<string, number[]>();
  for (const name of ledger.keys) expected.set(name, []);
  const attempts = new Map(ledger.attempts.map((attempt) => [attempt.number, attempt]));
  for (let index = log.length - 1; index >= 0; index--) {
    const { number, topic, keys } = attempts.get(log[index]!.bornTimestamp)!;
    for (const key of keys) expected.get(`${topic} ${key}`)!.push(number);
  }
  const times = { maxNum: 10_000, beginTimestamp: 0, endTimestamp: Number.MAX_SAFE_INTEGER };
  for (const [name, numbers] of expected) {
    const [topic, key] = name.split(" ") as [string, string];
    const records = await store.queryMessage({ topic, key, ...times });
    const found = records.flatMap(decodeMessages).map(({ bornTimestamp }) => bornTimestamp);
    assertEquals(found, numbers, `messages of ${topic} with the key ${key}`);
  }
}
