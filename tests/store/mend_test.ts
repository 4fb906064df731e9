import { assertEquals } from "@std/assert";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import type { DamageReport } from "../../store/mend.ts";
import type { MessageStore } from "../../store/message_store.ts";
import { messageToStore, openStore } from "../helpers/store.ts";

const COUNT = 120;

/** A closed store of two queues, 60 messages each; the records are 300 to 400 bytes long. */
async function closedStore(): Promise<string> {
  const folder = Deno.makeTempDirSync();
  await using store = openStore(folder);
  for (let n = 0; n < COUNT; n++) {
    const body = `${n} `.padEnd(200 + n % 100, ".");
    store.putMessage(
      messageToStore("T", body, { queueId: n % 2, properties: "TAGS\u0001a\u0002" }),
    );
    store.commit();
  }
  return folder;
}

function change(path: string, position: number, bytes: (old: Uint8Array) => Uint8Array): void {
  using file = Deno.openSync(path, { read: true, write: true });
  const old = new Uint8Array(60);
  file.seekSync(position, Deno.SeekMode.Start);
  const count = file.readSync(old)!;
  file.seekSync(position, Deno.SeekMode.Start);
  file.writeSync(bytes(old.subarray(0, count)));
}

/** Everything that a consumer gets of queue 0: queueOffsets. */
async function consume(store: MessageStore): Promise<number[]> {
  const found: number[] = [];
  for (let queueOffset = 0; queueOffset < COUNT / 2;) {
    const result = await store.getMessage("T", 0, {
      queueOffset,
      maxMsgNums: 10,
      maxMsgBytes: 1 << 20,
      filter: { matchesTagsCode: (tagsCode) => tagsCode === 97 },
    });
    for (const part of result.parts) {
      const [message] = decodeMessages(part);
      assertEquals(
        Number(new TextDecoder().decode(message!.body).split(" ")[0]),
        message!.queueOffset * 2,
      );
      found.push(message!.queueOffset);
    }
    queueOffset = result.nextBeginOffset;
  }
  return found;
}

const ALL = Array.from({ length: COUNT / 2 }, (_, n) => n);

Deno.test("MessageStore mends units that are damaged in the file of a queue, from the log", async () => {
  const damages: ((old: Uint8Array) => Uint8Array)[] = [
    () => new Uint8Array(60),
    () => new Uint8Array(60).fill(255),
    // The place of the first of the three moves by a byte, then its size.
    (old) => old.with(7, old[7]! ^ 1),
    (old) => old.with(11, old[11]! ^ 1),
    // Two of them change places.
    (old) => new Uint8Array([...old.subarray(20, 40), ...old.subarray(0, 20), ...old.subarray(40)]),
  ];
  for (const damage of damages) {
    const folder = await closedStore();
    change(`${folder}/consumequeue/T/0/${"0".repeat(20)}`, 20 * 12, damage);
    const reports: DamageReport[] = [];
    {
      await using store = openStore(folder, {}, { onDamage: (report) => reports.push(report) });
      assertEquals(await consume(store), ALL);
    }
    assertEquals(reports.map(({ lostQueueOffsets }) => lostQueueOffsets).flat(), []);
    assertEquals(reports[0]?.queueOffset, 12);
    // It is mended on disk: nothing is reported a second time.
    await using store = openStore(folder);
    assertEquals(await consume(store), ALL);
  }
});

Deno.test("MessageStore passes over messages that are damaged in the log, and reports them once", async () => {
  const folder = await closedStore();
  const position = Deno.readFileSync(`${folder}/commitlog/${"0".repeat(20)}`)
    .findIndex((_, at, file) => new TextDecoder().decode(file.subarray(at, at + 4)) === "20 .");
  change(`${folder}/commitlog/${"0".repeat(20)}`, position + 50, (old) => old.with(0, 1));
  const reports: DamageReport[] = [];
  await using store = openStore(folder, {}, { onDamage: (report) => reports.push(report) });
  for (const _ of ["first", "second"]) {
    assertEquals(await consume(store), ALL.filter((queueOffset) => queueOffset !== 10));
  }
  assertEquals(reports.map(({ lostQueueOffsets }) => lostQueueOffsets), [[10]]);
});

Deno.test("MessageStore finds offsets by time also next to a damaged unit", async () => {
  const folder = Deno.makeTempDirSync();
  const time = { now: 1_000 };
  {
    await using store = openStore(folder, {}, { now: () => time.now });
    for (let n = 0; n < 40; n++, time.now += 10) {
      store.putMessage(messageToStore("Timed", `${n}`));
      store.commit();
    }
  }
  change(`${folder}/consumequeue/Timed/0/${"0".repeat(20)}`, 20 * 10, () => new Uint8Array(60));
  await using store = openStore(folder);
  const first = store.getEarliestMessageTime("Timed", 0);
  for (const n of [0, 5, 9, 14, 20, 39]) {
    const time = first + 10 * n;
    assertEquals(store.getOffsetInQueueByTime("Timed", 0, time, "LOWER"), n);
    assertEquals(store.getOffsetInQueueByTime("Timed", 0, time, "UPPER"), n);
  }
});
