import { assert, assertEquals } from "@std/assert";
import { findProperty, parseProperties } from "../../../../client/protocol/message.ts";
import type { WaitingTimer } from "../../../../server/broker/timer/timer_listing.ts";
import { TIMER_TOPIC } from "../../../../server/broker/timer/timer_message.ts";
import type { Config } from "../../../../server/config.ts";
import { quietRandom } from "../../../helpers/random.ts";
import { messageToStore } from "../../../helpers/store.ts";
import { FOLDER, TimerMachine } from "./timer_machine.ts";

const HOUR_MILLIS = 3_600_000;
const YEAR_MILLIS = 365 * 24 * HOUR_MILLIS;

async function startMachine(config: Partial<Config> = {}): Promise<TimerMachine> {
  const machine = new TimerMachine({ random: quietRandom(1), config });
  await machine.open();
  return machine;
}

async function delivered(machine: TimerMachine, topic = "T"): Promise<string[]> {
  return (await machine.read(topic)).map(({ id }) => id);
}

Deno.test("Timers keep what is due while the disk is full, and deliver it once when there is space", async () => {
  const machine = await startMachine();
  for (let n = 0; n < 300; n++) machine.send("T", 1_000);
  await machine.settle();
  const { options } = machine.fileSystem;
  let writes = 0;
  // The first part of a delivery may still find room.
  options.fault = ({ kind, path }) =>
    kind === "write" && path.includes("commitlog") && ++writes > 3 ? "No space left" : undefined;
  await machine.pass(1_000);
  await machine.settle();
  const early = await delivered(machine);
  assert(early.length < 300);
  assert(machine.lines.some((line) => line.includes("No space left")), machine.lines.join("\n"));
  assertEquals(machine.timers.count(), 300 - early.length);
  delete options.fault;
  await machine.deliverAll();
  await machine.check();
  assertEquals((await delivered(machine)).length, 300);
  await machine.close();
});

Deno.test("Timers do not deliver what was taken back before it was due, though the disk took its time", async () => {
  const machine = await startMachine({ flushDiskType: "SYNC_FLUSH" });
  const taken = machine.send("T", 1_000);
  const kept = machine.send("T", 1_000);
  await machine.settle();
  machine.fileSystem.stalls = true;
  const recalled = machine.recall(taken);
  await machine.settle();
  await machine.clock.pass(1_200);
  machine.fileSystem.resumeAll();
  await recalled;
  assertEquals(taken.recall, "DONE");
  await machine.deliverAll();
  assertEquals(await delivered(machine), [kept.id]);
  await machine.close();
});

Deno.test("Timers deliver what could not be taken back because the disk was full", async () => {
  const machine = await startMachine();
  const { topic, id: uniqKey, due } = machine.send("T", 1_000);
  await machine.settle();
  machine.fileSystem.options.fault = ({ kind }) => kind === "write" ? "No space left" : undefined;
  const outcome = await machine.timers.cancel({ topic, uniqKey, due }).catch((error) => error);
  assert(outcome instanceof Error, String(outcome));
  delete machine.fileSystem.options.fault;
  await machine.deliverAll();
  assertEquals(await delivered(machine), [uniqKey]);
  await machine.close();
});

Deno.test("Timers are listed by due time and topic, page by page, counted and cancelled; after a restart, too", async () => {
  const machine = await startMachine();
  for (let n = 0; n < 25; n++) machine.send(n % 2 === 0 ? "A" : "B", 1_000 + (n * 7) % 25);
  await machine.settle();
  for (let round = 0; round < 2; round++) {
    assertEquals(machine.timers.count(), 25 - round * 2);
    const all = await machine.timers.list({ limit: 100 });
    assertEquals(all.length, 25 - round * 2);
    const inOrder = all.toSorted((a, b) => a.due - b.due || a.queueOffset - b.queueOffset);
    assertEquals(all, inOrder);
    const paged: WaitingTimer[] = [];
    for (;;) {
      const after = paged.at(-1);
      const start = after === undefined ? {} : { after };
      const page = await machine.timers.list({ topic: "B", limit: 5, ...start });
      if (page.length === 0) break;
      paged.push(...page);
    }
    assertEquals(paged, all.filter(({ topic }) => topic === "B"));
    const [first, second] = all;
    assertEquals(await machine.timers.list({ dueFrom: second!.due, limit: 1 }), [second!]);
    const { topic, uniqKey, due } = first!;
    const name = { topic, uniqKey: uniqKey! };
    assert(!await machine.timers.cancel({ ...name, due: due + 5_000 }));
    assert(await machine.timers.cancel({ ...name, due }));
    assert(!await machine.timers.cancel({ ...name, due }));
    const other = { topic: second!.topic, uniqKey: second!.uniqKey! };
    assert(!await machine.timers.cancel({ ...other, topic: "Other" }));
    assert(await machine.timers.cancel(other));
    const counts = Object.fromEntries(machine.timers.counts());
    assertEquals(counts["A"]! + counts["B"]!, 23 - round * 2);
    assertEquals(machine.timers.count("A"), counts["A"]);
    assertEquals(machine.timers.count("None"), 0);
    await machine.close();
    machine.disk = machine.disk.copy();
    await machine.open();
  }
  await machine.close();
});

Deno.test("Timers let old log files go: what waits in them is stored anew, also for a year", async () => {
  const machine = await startMachine();
  const far = machine.send("T", YEAR_MILLIS - HOUR_MILLIS, [["note", "ein Wört"]]);
  const near = machine.send("T", 30_000);
  const minOffset = () => machine.store.stats.minOffset;
  // Half of fileReservedTime, which is an hour here, is waited for before a copy is made.
  for (let hour = 0; hour < 3; hour++) {
    for (let part = 0; part < 4; part++) {
      machine.sendOthers(10);
      machine.clock.jump(HOUR_MILLIS / 4);
      await machine.clock.pass(240_000);
      await machine.settle();
    }
    const before = minOffset();
    await machine.deleteOldFiles();
    if (hour > 0) assert(minOffset() > before, `the log begins at ${before} in hour ${hour}`);
  }
  assertEquals(machine.timers.count(), 1);
  const [waiting] = await machine.timers.list({ limit: 1 });
  const { rollTimes } = waiting!;
  assert(rollTimes >= 2 && rollTimes <= 6, `${rollTimes} copies in 4 hours`);
  await machine.deliverAll();
  await machine.look();
  const [delivery] = machine.deliveries.get(far.id)!;
  assertEquals(findProperty(delivery!.properties, "note"), "ein Wört");
  assertEquals(findProperty(delivery!.properties, "TIMER_ROLL_TIMES"), String(rollTimes));
  assert(delivery!.at >= far.due && delivery!.at <= far.due + 61_000);
  assertEquals(machine.deliveries.get(near.id)?.length, 1);
  await machine.close();
});

Deno.test("Timers hold the files that they need when a full disk wants them, and store anew what is in them", async () => {
  const machine = await startMachine({
    cleanFileForciblyEnable: true,
    diskMinFreeBytes: 100 * 1024,
  });
  const sent = machine.send("T", 10 * HOUR_MILLIS);
  machine.sendOthers(60);
  await machine.settle();
  await machine.store.checkpoint();
  machine.fileSystem.capacityBytes = machine.disk.usedBytes + 195 * 1024;
  const before = machine.store.stats.minOffset;
  for (let n = 0; n < 10 && machine.store.stats.minOffset === before; n++) {
    await machine.deleteOldFiles(false);
  }
  assert(machine.store.stats.minOffset > before, machine.lines.join("\n"));
  machine.fileSystem.capacityBytes = Infinity;
  await machine.store.deleteExpiredFiles();
  await machine.deliverAll();
  assertEquals(await delivered(machine), [sent.id]);
  await machine.close();
});

Deno.test("Timers deliver a message with its own properties and those of its waiting", async () => {
  const machine = await startMachine();
  const sentAt = machine.clock.now();
  const { due } = machine.send("T", 5_000, [["TAGS", "t"], ["KEYS", "k1 k2"]]);
  await machine.settle();
  await machine.clock.pass(5_000);
  await machine.settle();
  const [delivery] = await machine.read("T");
  const properties = parseProperties(delivery!.properties);
  properties.delete("__CRC32#");
  for (const name of ["TIMER_DELAY_MS", "TIMER_DELIVER_MS"]) properties.delete(name);
  assertEquals([...properties].sort(), [
    ["KEYS", "k1 k2"],
    ["TAGS", "t"],
    ["TIMER_DEQUEUE_MS", String(due)],
    ["TIMER_ENQUEUE_MS", String(sentAt)],
    ["TIMER_OUT_MS", String(due - 1)],
    ["UNIQ_KEY", "m0"],
  ]);
  await machine.close();
});

Deno.test("Timers pass over messages in their topic that are none, which clients can send", async () => {
  const machine = await startMachine();
  machine.store.putMessage(messageToStore(TIMER_TOPIC, "junk"));
  machine.store.putMessage(messageToStore(TIMER_TOPIC, "junk"));
  machine.store.commit();
  const { id } = machine.send("T", 1_000);
  await machine.deliverAll();
  assertEquals(await delivered(machine), [id]);
  assertEquals(machine.lines.filter((line) => line.includes("has no time or topic")).length, 1);
  await machine.close();
});

Deno.test("Timers make a damaged index anew from the log, with what was delivered and taken back", async () => {
  const machine = await startMachine();
  for (let n = 0; n < 40; n++) machine.send(n % 2 === 0 ? "A" : "B", 1_000 * (1 + n));
  await machine.settle();
  await machine.recall([...machine.sent.values()][30]!);
  await machine.pass(10_500);
  machine.fileSystem.resumeAll();
  await machine.stop("kill");
  for (const path of [...machine.disk.names.keys()]) {
    if (!path.startsWith(`${FOLDER}/comet-timers/`)) continue;
    machine.disk.file(path)?.write(new Uint8Array(20).fill(1), 0);
  }
  await machine.open();
  assert(machine.lines.some((line) => line.includes("is damaged")), machine.lines.join("\n"));
  await machine.check();
  assertEquals(machine.timers.count(), 29);
  await machine.deliverAll();
  await machine.check();
  await machine.close();
});

Deno.test("Timers without timerWheelEnable hold nothing back and deliver nothing", async () => {
  const machine = await startMachine();
  machine.send("T", 1_000);
  await machine.settle();
  await machine.close();
  machine.disk = machine.disk.copy();
  machine.config.timerWheelEnable = false;
  await machine.open();
  await machine.pass(10_000);
  assertEquals(machine.timers.neededFrom(), Infinity);
  assertEquals(machine.timers.count(), 0);
  assertEquals(await delivered(machine), []);
  await machine.close();
  machine.disk = machine.disk.copy();
  machine.config.timerWheelEnable = true;
  await machine.open();
  await machine.deliverAll();
  assertEquals((await delivered(machine)).length, 1);
  await machine.close();
});
