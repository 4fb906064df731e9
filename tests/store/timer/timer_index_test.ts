import { assert, assertEquals, assertThrows } from "@std/assert";
import { CorruptStoreError } from "../../../store/errors.ts";
import { denoFileSystem } from "../../../store/file_system.ts";
import { compareDue } from "../../../store/timer/due_heap.ts";
import { type TimerEntry, timerKey } from "../../../store/timer/timer_entry.ts";
import { type TimerStateFields, TimerStore } from "../../../store/timer/timer_store.ts";
import { seededRandom } from "../../helpers/random.ts";

const LIMITS = { countMax: 50, bytesMax: 1 << 20, isHeld: () => false };

function openTimers(folder: string): { timers: TimerStore; fields: TimerStateFields | undefined } {
  const timers = new TimerStore(denoFileSystem, folder, (error) => {
    throw error;
  });
  const fields = timers.open();
  if (fields === undefined) timers.create(7);
  return { timers, fields };
}

function fieldsAt(queueOffset: number): TimerStateFields {
  return {
    queueOffset,
    physicalOffset: queueOffset * 100,
    lastPhysicalOffset: -1,
    firstQueueOffset: 0,
    apacheCheckpoints: [],
  };
}

const durable = () => Promise.resolve(true);

interface Known {
  due: number;
  queueOffset: number;
  topic: string;
  key: number;
}

/** What an entry must be. */
function knownOf(timers: TimerStore, entry: TimerEntry): Known {
  const { due, queueOffset, key, physicalOffset, size } = entry;
  assertEquals([physicalOffset, size], [queueOffset * 100, 100]);
  return { due, queueOffset, topic: timers.index.topics.nameOf(entry.topic)!, key };
}

Deno.test("TimerIndex gives what is due in order, whatever has gone to disk meanwhile", async () => {
  const random = seededRandom();
  const folder = Deno.makeTempDirSync();
  let { timers } = openTimers(folder);
  let waiting: Known[] = [];
  let now = 1_000;
  let next = 0;
  const add = () => {
    const topic = `T${random(5)}`;
    const key = timers.index.keyOf(`${topic}+${random(400)}`);
    const due = now + random([10, 500, 20_000][random(3)]!);
    const place = { due, queueOffset: next, physicalOffset: next * 100, size: 100 };
    timers.index.add(place, topic, key);
    waiting.push({ due, queueOffset: next++, topic, key });
  };
  const end = (known: Known) => {
    waiting = waiting.filter(({ queueOffset }) => queueOffset !== known.queueOffset);
  };
  const steps: (() => void | Promise<void>)[] = [
    () => Array.from({ length: random(300) }, add).forEach(() => {}),
    () => {
      now += random(400);
      for (;;) {
        const due = waiting.filter((one) => one.due <= now).sort(compareDue).slice(0, 50);
        const taken = timers.index.take(now, LIMITS);
        assertEquals(taken.map((entry) => knownOf(timers, entry)), due);
        for (const entry of taken) assert(timers.index.end(entry));
        due.forEach(end);
        if (taken.length === 0) break;
      }
    },
    () => {
      const known = waiting[random(Math.max(1, waiting.length))];
      if (known === undefined) return;
      const [from, until] = [known.due - random(50), known.due + random(50)];
      const expected = waiting.filter(({ key, due }) =>
        key === known.key && due >= from && due <= until
      );
      const found = timers.index.findKey(known.key, from, until);
      assertEquals(
        found.map((entry) => knownOf(timers, entry)).sort(compareDue),
        expected.sort(compareDue),
      );
      for (const entry of found) assert(timers.index.end(entry) && !timers.index.end(entry));
      expected.forEach(end);
    },
    async () => {
      const topic = random(2) === 0 ? undefined : `T${random(5)}`;
      const after = { due: now + random(1_000), queueOffset: random(next + 1) };
      const expected = waiting.filter((one) =>
        compareDue(one, after) > 0 && (topic === undefined || one.topic === topic)
      ).sort(compareDue).slice(0, 20);
      const listed = await timers.index.list(after, 20, topic);
      assertEquals(listed.map((entry) => knownOf(timers, entry)), expected);
    },
    () => timers.flush(),
    async () => {
      timers.flush();
      assert(await timers.save(fieldsAt(next), durable));
    },
    async () => {
      timers.flush();
      await timers.save(fieldsAt(next), durable);
      timers.close();
      timers = openTimers(folder).timers;
    },
  ];
  for (let step = 0; step < 300; step++) {
    await steps[random(steps.length)]!();
    assertEquals(timers.index.count, waiting.length);
    const counts = [...timers.index.topics.counts()].sort();
    const expected = new Map<string, number>();
    for (const { topic } of waiting) expected.set(topic, (expected.get(topic) ?? 0) + 1);
    assertEquals(counts, [...expected].sort());
    assertEquals(timers.index.nextDue, Math.min(Infinity, ...waiting.map(({ due }) => due)));
  }
  timers.close();
});

Deno.test("TimerStore forgets on disk what has ended only once it is told that the log is durable", async () => {
  const folder = Deno.makeTempDirSync();
  const { timers } = openTimers(folder);
  for (let queueOffset = 0; queueOffset < 100; queueOffset++) {
    const place = { due: queueOffset, queueOffset, physicalOffset: 0, size: 1 };
    timers.index.add(place, "T", queueOffset);
  }
  timers.flush();
  assert(await timers.save(fieldsAt(100), durable));
  const countOnDisk = () => openTimers(folder).timers.index.count;
  for (const entry of timers.index.findKey(50, 0, 100)) timers.index.end(entry);
  for (const entry of timers.index.take(9, LIMITS)) timers.index.end(entry);
  assertEquals(timers.index.count, 89);
  assert(!await timers.save(fieldsAt(100), () => Promise.resolve(false)));
  assertEquals(countOnDisk(), 100);
  assert(await timers.save(fieldsAt(100), durable));
  assertEquals(countOnDisk(), 89);
  timers.close();
});

Deno.test("TimerStore keeps entries in memory in its state until they are written to a run", async () => {
  const folder = Deno.makeTempDirSync();
  const { timers } = openTimers(folder);
  const place = { due: 5, queueOffset: 3, physicalOffset: 30, size: 10 };
  timers.index.add(place, "T", 1);
  assertEquals(timers.index.take(5, LIMITS).length, 1);
  // What is being delivered is not written to a run, which others may be.
  timers.flush();
  await timers.save(fieldsAt(4), durable);
  const { timers: again, fields } = openTimers(folder);
  assertEquals(fields?.queueOffset, 4);
  assertEquals(again.index.find(5, 3)?.physicalOffset, 30);
});

Deno.test("TimerStore refuses runs that are damaged, missing or of another time", async () => {
  const folder = Deno.makeTempDirSync();
  const { timers } = openTimers(folder);
  for (let queueOffset = 0; queueOffset < 10; queueOffset++) {
    timers.index.add({ due: 1, queueOffset, physicalOffset: 0, size: 1 }, "T", 0);
  }
  timers.flush();
  await timers.save(fieldsAt(10), durable);
  const run = `${folder}/comet-timers/00000000000000000001`;
  const bytes = Deno.readFileSync(run);
  const damaged = bytes.slice();
  damaged[200]! ^= 1;
  for (const wrong of [damaged, bytes.subarray(0, 439), bytes.subarray(0, 44 * 9)]) {
    Deno.writeFileSync(run, wrong);
    assertThrows(() => openTimers(folder), CorruptStoreError);
  }
  Deno.removeSync(run);
  assertThrows(() => openTimers(folder), CorruptStoreError);
  Deno.writeFileSync(run, bytes);
  assertEquals(openTimers(folder).timers.index.count, 10);
});

Deno.test("timerKey() differs for neighbours, and with the seed", () => {
  const keys = new Set<number>();
  for (let n = 0; n < 100_000; n++) {
    const key = timerKey(`Topic+7F0000010001${n.toString(16).padStart(16, "0")}`, 3);
    assert(Number.isSafeInteger(key) && key >= 0);
    keys.add(key);
  }
  assertEquals(keys.size, 100_000);
  assert(timerKey("Topic+K", 1) !== timerKey("Topic+K", 2));
});
