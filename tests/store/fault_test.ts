import { assert, assertEquals } from "@std/assert";
import type { Call } from "../helpers/fault_file_system.ts";
import { quietRandom, type Random } from "../helpers/random.ts";
import { type StopKind, StoreMachine } from "../helpers/store_machine.ts";

/** COMET_TEST_SEED=n begins with another seed, COMET_TEST_SEEDS=n tries so many: for longer runs by hand. */
const SEED = Number(Deno.env.get("COMET_TEST_SEED") ?? 1);
const SEEDS = Number(Deno.env.get("COMET_TEST_SEEDS") ?? 0);

const FLUSH_DISK_TYPES = ["SYNC_FLUSH", "ASYNC_FLUSH"] as const;
const STOPS: readonly StopKind[] = ["kill", "powerLoss"];

/** What happens to a store between two stops; ends early when the machine has stopped. */
async function work(machine: StoreMachine, random: Random, steps: number): Promise<void> {
  for (let step = 0; step < steps && machine.store !== undefined; step++) {
    const { fileSystem } = machine;
    try {
      await act(machine, random);
    } catch (error) {
      if (!fileSystem.crashed) throw error;
    }
    await machine.settle();
    if (fileSystem.crashed) return;
  }
}

async function act(machine: StoreMachine, random: Random): Promise<void> {
  const { fileSystem } = machine;
  const choice = random(20);
  if (choice < 12) return machine.send(1 + random(4));
  if (choice < 14) {
    fileSystem.stalls = true;
  } else if (choice < 17) {
    fileSystem.resume(random(Math.max(1, fileSystem.stalledCalls.length)));
  } else if (choice < 18) {
    fileSystem.resumeAll();
  } else if (random(5) === 0) {
    const expiring = machine.expire();
    fileSystem.resumeAll();
    await expiring;
  } else {
    const checkpoint = machine.store!.checkpoint();
    if (random(2) === 0) return;
    fileSystem.resumeAll();
    await checkpoint;
  }
}

/** The store goes on after a recovery, and a start after that finds the same. */
async function checkItGoesOn(machine: StoreMachine): Promise<void> {
  machine.send(5);
  await machine.settle();
  await machine.check();
  await machine.close();
  await machine.openAndCheck();
  assert(machine.store!.recovery.clean);
  assertEquals(machine.store!.recovery.scannedRecords, 0);
  assertEquals(machine.store!.recovery.madeAnewFrom, undefined);
  await machine.close();
}

/** Runs `body` for each seed; a failure says how to have it again. */
async function withSeeds(count: number, body: (seed: number) => Promise<void>): Promise<void> {
  for (let seed = SEED; seed < SEED + (SEEDS || count); seed++) {
    try {
      await body(seed);
    } catch (error) {
      throw new Error(`to be had again with COMET_TEST_SEED=${seed}`, { cause: error });
    }
  }
}

/** What a scenario is made of, in this order. Each part may be the one in which the machine stops. */
const PARTS: readonly ((machine: StoreMachine) => void | Promise<void>)[] = [
  (machine) => machine.send(4),
  (machine) => machine.store!.checkpoint(),
  (machine) => machine.send(12),
  // An fsync takes long; others gather behind it, and a checkpoint waits for it.
  (machine) => {
    machine.fileSystem.stalls = true;
    machine.send(3);
  },
  (machine) => machine.send(5),
  async (machine) => {
    const checkpoint = machine.store!.checkpoint();
    await machine.settle();
    machine.send(2);
    machine.fileSystem.resumeAll();
    await checkpoint;
  },
  // The disk is full in the middle of a message, and has room again.
  (machine) => {
    machine.fileSystem.capacityBytes = machine.disk.usedBytes;
    machine.send(15);
    machine.fileSystem.capacityBytes = Infinity;
  },
  (machine) => machine.send(8),
  async (machine) => {
    await machine.close();
    if (machine.callsLeft >= 0) machine.open({ crashAfter: machine.callsLeft });
  },
  (machine) => machine.send(6),
  (machine) => machine.store!.checkpoint(),
  (machine) => machine.expire(),
  (machine) => machine.send(4),
];

/** @returns whether the machine got to the end. */
async function scenario(machine: StoreMachine, crashAfter: number): Promise<boolean> {
  machine.open({ crashAfter });
  for (const part of PARTS) {
    if (machine.store === undefined) return false;
    try {
      await part(machine);
    } catch (error) {
      if (machine.callsLeft >= 0) throw error;
    }
    await machine.settle();
    if (machine.callsLeft < 0) return false;
  }
  return true;
}

for (const flushDiskType of FLUSH_DISK_TYPES) {
  for (const stop of STOPS) {
    Deno.test(`MessageStore recovers from a ${stop} after every single call (${flushDiskType})`, () =>
      withSeeds(1, async (seed) => {
        let isOver = false;
        for (let crashAfter = 1; !isOver; crashAfter++) {
          const machine = new StoreMachine({ random: quietRandom(seed), flushDiskType });
          try {
            isOver = await scenario(machine, crashAfter);
            await machine.stop(stop);
            await machine.openAndCheck();
            // Most of the time there is little left to find out after that.
            if (crashAfter % 5 === 0) await checkItGoesOn(machine);
            else await machine.close();
          } catch (error) {
            throw new Error(`stopped after ${crashAfter} calls`, { cause: error });
          }
        }
      }));
  }
}

type Fault = (call: Call) => string | undefined;

/** Which calls fail in a life of a store. */
const FAULTS: readonly ((random: Random) => Fault)[] = [
  () => () => undefined,
  // The disk is full for a while.
  (random) => {
    const from = random(60);
    const to = from + random(40);
    return ({ kind, number }) =>
      kind === "write" && number >= from && number < to ? "No space left on device" : undefined;
  },
  // Single calls fail.
  (random) => ({ kind }) =>
    kind !== "sync" && kind !== "syncFolder" && random(25) === 0 ? "Input/output error" : undefined,
  // Whatever fails goes on failing.
  (random) => {
    const from = random(80);
    return ({ kind, number }) =>
      kind !== "read" && number >= from ? "Input/output error" : undefined;
  },
  // One fsync fails, the next one seems to be fine.
  (random) => {
    let left = 1 + random(30);
    return ({ kind }) => kind === "sync" && --left === 0 ? "Input/output error" : undefined;
  },
  (random) => {
    let left = 1 + random(8);
    return ({ kind }) => kind === "syncFolder" && --left === 0 ? "Input/output error" : undefined;
  },
];

/** A start that does not get far. */
async function falseStart(machine: StoreMachine, random: Random): Promise<void> {
  machine.open({ crashAfter: random(40) });
  await machine.stop(STOPS[random(2)]!);
}

/** One life of a store: from a start to a stop, in which this and that fails. */
async function life(machine: StoreMachine, random: Random): Promise<void> {
  await machine.openAndCheck();
  const { fileSystem } = machine;
  const fault = FAULTS[random(FAULTS.length)]!(random);
  const { callCount } = fileSystem;
  if (random(4) === 0) fileSystem.capacityBytes = machine.disk.usedBytes + random(30) * 4096;
  fileSystem.options = {
    ...fileSystem.options,
    crashAfter: callCount + random(200),
    fault: (call) => fault({ ...call, number: call.number - callCount }),
  };
  await work(machine, random, 10 + random(40));
  if (machine.fatal !== undefined) checkNothingIsTaken(machine);
  if (random(4) > 0 || fileSystem.crashed) return machine.stop(STOPS[random(2)]!);
  await machine.close().catch((error) => {
    if (!fileSystem.crashed && fileSystem.failureCount === 0) throw error;
  });
}

function checkNothingIsTaken(machine: StoreMachine): void {
  const status = machine.putOne();
  assert(status?.startsWith("the disk failed: "), `put after a failed fsync: ${status}`);
}

Deno.test("MessageStore keeps its promises over several lives on a disk that fails in many ways", () =>
  withSeeds(40, async (seed) => {
    const random = quietRandom(seed);
    const flushDiskType = FLUSH_DISK_TYPES[random(2)]!;
    const machine = new StoreMachine({ random, flushDiskType });
    for (let count = 2 + random(5); count > 0; count--) {
      await (random(4) === 0 ? falseStart : life)(machine, random);
    }
    await machine.openAndCheck();
    await checkItGoesOn(machine);
  }));

/** From now on calls fail for which `reason` gives one. */
function failWith(machine: StoreMachine, fault: Fault): void {
  machine.fileSystem.options = { ...machine.fileSystem.options, fault };
}

Deno.test("after a failed fsync nothing is acknowledged, onFatal is called once, a restart recovers", async () => {
  for (const stop of STOPS) {
    const random = quietRandom(SEED);
    const machine = new StoreMachine({ random, flushDiskType: "SYNC_FLUSH" });
    machine.open();
    machine.send(5);
    await machine.settle();
    // Only one fails; those after it would succeed.
    let left = 1;
    failWith(
      machine,
      ({ kind }) => kind === "sync" && left-- > 0 ? "Input/output error" : undefined,
    );
    machine.fileSystem.stalls = true;
    machine.send(5);
    machine.send(5);
    machine.fileSystem.resumeAll();
    await machine.settle();
    const acknowledged = machine.ledger.attempts.filter((attempt) => attempt.acknowledged);
    assertEquals(acknowledged.length, 5);
    assert(machine.fatal !== undefined);
    checkNothingIsTaken(machine);
    assert(machine.putOne()!.includes("Input/output error"));
    await machine.store!.checkpoint();
    await machine.settle();
    assertEquals(machine.ledger.attempts.filter((attempt) => attempt.acknowledged).length, 5);
    await machine.stop(stop);
    await machine.openAndCheck();
    // What the page cache showed to this start is safe now.
    machine.send(1);
    await machine.settle();
    await machine.stop("powerLoss");
    await machine.openAndCheck();
    await checkItGoesOn(machine);
  }
});

Deno.test("a failed fsync of a queue costs no message and is not taken for a success the next time", async () => {
  const machine = new StoreMachine({ random: quietRandom(SEED), flushDiskType: "SYNC_FLUSH" });
  machine.open();
  machine.send(20);
  await machine.settle();
  let left = 1;
  failWith(machine, ({ kind, path }) => {
    const fails = kind === "sync" && path.includes("consumequeue") && left-- > 0;
    return fails ? "Input/output error" : undefined;
  });
  await machine.store!.checkpoint();
  machine.send(20);
  await machine.settle();
  await machine.store!.checkpoint();
  assertEquals(machine.upkeepErrors.map(({ message }) => message), [
    "An fsync failed: queues and index are not brought to disk before a restart",
  ]);
  await machine.check();
  await machine.stop("powerLoss");
  await machine.openAndCheck();
  await checkItGoesOn(machine);
});

Deno.test("nothing is put behind the end mark of a log file after the next one could not be created", () =>
  withSeeds(12, async (seed) => {
    const machine = new StoreMachine({ random: quietRandom(seed), flushDiskType: "SYNC_FLUSH" });
    machine.open();
    let left = 6;
    failWith(machine, ({ kind, path }) => {
      const fails = kind === "create" && /commitlog.0*[1-9]/.test(path) && left-- > 0;
      return fails ? "No space left on device" : undefined;
    });
    // A long message does not get its file; short ones would fit into what it left of the old one.
    while (left >= 0) {
      machine.send(1);
      await machine.settle();
    }
    await machine.check();
    await machine.stop("kill");
    await machine.openAndCheck();
    await checkItGoesOn(machine);
  }));

Deno.test("what a full disk left of a refused message is in nobody's way after a power loss", () =>
  withSeeds(60, async (seed) => {
    const random = quietRandom(seed);
    const machine = new StoreMachine({ random, flushDiskType: "SYNC_FLUSH" });
    machine.open();
    machine.send(3);
    await machine.settle();
    let left = 12;
    failWith(machine, ({ kind, path }) => {
      const fails = kind === "write" && path.includes("commitlog/") && left-- > 0;
      return fails ? "No space left on device" : undefined;
    });
    while (left > 0) machine.send(12);
    // What comes now is written, and not yet synced when the power fails.
    machine.fileSystem.stalls = true;
    machine.send(12);
    await machine.settle();
    await machine.stop("powerLoss");
    await machine.openAndCheck();
    await machine.close();
  }));
