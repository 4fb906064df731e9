/** Random histories against what timer messages promise. */

import { assertEquals } from "@std/assert";
import { folderOf } from "../../../helpers/fault_disk.ts";
import { quietRandom, type Random } from "../../../helpers/random.ts";
import { type Sent, TimerMachine } from "./timer_machine.ts";

/** COMET_TEST_SEED=n begins with another seed, COMET_TEST_SEEDS=n tries so many: for longer runs by hand. */
const SEED = Number(Deno.env.get("COMET_TEST_SEED") ?? 1);
const SEEDS = Number(Deno.env.get("COMET_TEST_SEEDS") ?? 6);
const STEPS = 60;
const LIMIT_MILLIS = 30_000;
const TOPICS = ["A", "B"];
const DELAYS = [1, 20, 500, 5_000, 60_000, 600_000, 3_600_000, 86_400_000, 40 * 86_400_000];

class History {
  readonly steps: string[] = [];
  readonly #machine: TimerMachine;
  readonly #random: Random;

  constructor(machine: TimerMachine, random: Random) {
    this.#machine = machine;
    this.#random = random;
  }

  async run(): Promise<void> {
    await this.#machine.open();
    for (let step = 0; step < STEPS; step++) await this.#step();
    await this.#finish();
  }

  async #step(): Promise<void> {
    const rows: [weight: number, name: string, run: () => unknown][] = [
      [20, "send", () => this.#send(1 + this.#random(6))],
      [4, "send many at the same time", () => this.#sendTogether()],
      [4, "others", () => this.#machine.sendOthers(1 + this.#random(20))],
      [10, "recall", () => this.#recall()],
      [14, "pass", () => this.#pass()],
      [2, "set the clock back", () => this.#machine.setBack(this.#random(10_000))],
      [6, "old files go", () => this.#machine.deleteOldFiles()],
      [3, "restart", () => this.#restart()],
      [
        2,
        "restart without the index",
        () => this.#restart((name) => name.includes("comet-timers")),
      ],
      [4, "kill", () => this.#crash(0)],
      [6, "crash at some call", () => this.#crash(this.#random(60))],
      [2, "stall", () => this.#machine.fileSystem.stalls = true],
      [4, "resume", () => this.#machine.fileSystem.resumeAll()],
    ];
    let pick = this.#random(rows.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, name, run] of rows) {
      pick -= weight;
      if (pick >= 0) continue;
      this.steps.push(`${this.#machine.clock.millis % 1e10} ${name}`);
      await run();
      return;
    }
  }

  #topic(): string {
    return TOPICS[this.#random(TOPICS.length)]!;
  }

  #send(count: number): void {
    for (let n = 0; n < count; n++) {
      const delay = 1 + this.#random(DELAYS[this.#random(DELAYS.length)]!);
      const { id, due } = this.#machine.send(this.#topic(), delay);
      this.steps.push(`  ${id} due ${due % 1e10}`);
    }
  }

  #sendTogether(): void {
    const delay = 1 + this.#random(2_000);
    for (let n = this.#random(30); n > 0; n--) this.#machine.send(this.#topic(), delay);
  }

  /** Something that was sent, for which it is not too late. */
  #some(): Sent | undefined {
    const now = this.#machine.clock.now();
    const all = [...this.#machine.sent.values()]
      .filter(({ due, recall }) => due > now && recall !== "DONE");
    return all[this.#random(Math.max(1, all.length))];
  }

  async #recall(): Promise<void> {
    const sent = this.#some();
    if (sent === undefined) return;
    this.steps.push(`  ${sent.id}`);
    const recalled = this.#machine.recall(sent);
    // Some are decided only after others have happened.
    if (this.#random(3) > 0 && !this.#machine.fileSystem.stalls) await recalled;
  }

  async #pass(): Promise<void> {
    const millis = [1, 30, 1_000, 10_000, 120_000, 700_000, 4_000_000][this.#random(7)]!;
    await this.#machine.pass(1 + this.#random(millis));
  }

  async #restart(isRemoved: (path: string) => boolean = () => false): Promise<void> {
    const machine = this.#machine;
    machine.fileSystem.resumeAll();
    await machine.settle();
    await machine.close();
    machine.disk = machine.disk.copy();
    this.#remove(isRemoved);
    await machine.open();
    await machine.check();
  }

  #remove(isRemoved: (path: string) => boolean): void {
    const { disk } = this.#machine;
    for (const [path, entry] of [...disk.names]) {
      if (entry === "folder" || !isRemoved(path)) continue;
      disk.remove(path);
      disk.folderSynced(disk.folderWork(folderOf(path)));
    }
  }

  /** Stops at a call that changes the disk, while things go on; starts again, in which it may stop once more. */
  async #crash(callCount: number): Promise<void> {
    const machine = this.#machine;
    const { options, callCount: done } = machine.fileSystem;
    if (callCount > 0) options.crashAfter = done + callCount;
    try {
      for (let n = 0; n < 20 && callCount > 0 && !machine.fileSystem.crashed; n++) {
        const what = this.#random(4);
        if (what < 2) this.#send(2);
        else if (what === 2) await this.#recall();
        else await machine.clock.pass(1 + this.#random(6_000));
      }
    } catch (error) {
      if (!machine.fileSystem.crashed) throw error;
    }
    for (;;) {
      await machine.stop(this.#random(2) === 0 ? "powerLoss" : "kill");
      if (this.#random(8) === 0) this.#remove((path) => path.includes("comet-timers"));
      if (this.#random(8) === 0) this.#remove((path) => path.includes("timercheck"));
      const crashAfter = this.#random(3) === 0 ? this.#random(80) : Infinity;
      if (await machine.open({ crashAfter })) break;
    }
    machine.fileSystem.options.crashAfter = Infinity;
    this.steps.push("  up again");
    await machine.check();
  }

  async #finish(): Promise<void> {
    const machine = this.#machine;
    machine.fileSystem.resumeAll();
    await machine.check();
    await machine.deliverAll();
    await machine.check();
    assertEquals(machine.timers.count(), 0);
    assertEquals([...machine.timers.counts()], []);
    const lost = machine.lines.filter((line) => line.includes("lost"));
    assertEquals(lost, []);
    await machine.close();
  }
}

/** A history that hangs is told with its seed. */
async function inTime(running: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("it hangs")), LIMIT_MILLIS);
  try {
    await Promise.race([running, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

Deno.test("timer messages are delivered once, never early and not when taken back, in random histories with crashes", async () => {
  for (let seed = SEED; seed < SEED + SEEDS; seed++) {
    const random = quietRandom(seed);
    const flushDiskType = seed % 2 === 0 ? "ASYNC_FLUSH" : "SYNC_FLUSH";
    const machine = new TimerMachine({ random, config: { flushDiskType } });
    const history = new History(machine, random);
    try {
      await inTime(history.run());
    } catch (error) {
      const steps = [...history.steps, ...machine.lines.slice(-5)].join("\n");
      throw new Error(`COMET_TEST_SEED=${seed}:\n${steps}`, { cause: error });
    }
  }
});
