/** Random histories, with crashes at any call to the disk, against a model of what transactions promise. */

import { assert, assertEquals } from "@std/assert";
import { decodeUtf8 } from "../../../../client/protocol/bytes.ts";
import { ResponseCode } from "../../../../client/protocol/response_code.ts";
import { Disk } from "../../../helpers/fault_disk.ts";
import type { Call } from "../../../helpers/fault_file_system.ts";
import { quietRandom, type Random } from "../../../helpers/random.ts";
import { TestClock, turn } from "./steady_clock.ts";
import {
  type Check,
  comesFromCrash,
  COMMIT,
  ROLLBACK,
  type SentHalf,
  STARTED_AT,
  TransactionBroker,
  UNKNOWN,
} from "./transaction_broker.ts";

/** COMET_TEST_SEED=n begins with another seed, COMET_TEST_SEEDS=n tries so many: for longer runs by hand. */
const SEED = Number(Deno.env.get("COMET_TEST_SEED") ?? 1);
const SEEDS = Number(Deno.env.get("COMET_TEST_SEEDS") ?? 12);
const STEPS = 60;
const CHECK_MAX = 4;
const DISCARD = "TRANS_CHECK_MAX_TIME_TOPIC";
const DELAY_LEVEL = "3";

/** What a producer makes of a transaction: `undecided` never knows, `torn` says now this, now that. */
const PLANS = ["commit", "commit", "commit", "rollback", "rollback", "undecided", "torn"] as const;

interface Known {
  plan: typeof PLANS[number];
  isDelayed: boolean;
  /** Undefined when the machine stopped before the send was answered. */
  half: SentHalf | undefined;
  /** Somebody has asked for it. */
  asked: Set<number>;
  /** Somebody was told that it is so. */
  told: Set<number>;
  checks: number;
  resumed: number;
}

interface HistoryOptions {
  random: Random;
  flushDiskType: "SYNC_FLUSH" | "ASYNC_FLUSH";
}

class History {
  readonly #random: Random;
  readonly #options: HistoryOptions;
  readonly #known = new Map<string, Known>();
  readonly #clock = new TestClock(STARTED_AT);
  /** Every place that a producer was ever told of. */
  readonly #places: { text: string; place: Omit<SentHalf, "msgId"> }[] = [];
  readonly #answers = new Set<Promise<void>>();
  #disk = new Disk();
  #broker!: TransactionBroker;
  #producers = 0;
  #failing = false;
  #answersAll = false;
  readonly steps: string[] = [];

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#random = options.random;
  }

  /** Starts the broker; again and again while the machine stops meanwhile. */
  async start(isCalm = false): Promise<void> {
    for (;;) {
      const crashAfter = isCalm || this.#random(3) === 0 ? Infinity : this.#random(400);
      this.#producers = 0;
      this.#failing = false;
      try {
        this.#broker = await TransactionBroker.start({
          disk: this.#disk,
          clock: this.#clock,
          config: {
            flushDiskType: this.#options.flushDiskType,
            transactionCheckMax: CHECK_MAX,
            flushIntervalCommitLog: 5,
          },
          faults: { random: this.#random, crashAfter, fault: (call) => this.#fault(call) },
        });
        this.steps.push(`started, stops after ${crashAfter} calls`);
        return;
      } catch (error) {
        if (!comesFromCrash(error)) throw error;
        this.#clock.forgetTimers();
        this.#disk = this.#survivor();
      }
    }
  }

  /** Now and then the log has no room. */
  #fault({ kind, path }: Call): string | undefined {
    const isHit = this.#failing && kind === "write" && path.includes("/commitlog/");
    return isHit && this.#random(4) === 0 ? "no room" : undefined;
  }

  #survivor(): Disk {
    // What ASYNC_FLUSH promises survives the process only.
    const isPowerLoss = this.#options.flushDiskType === "SYNC_FLUSH" && this.#random(2) === 0;
    return isPowerLoss ? this.#disk.survivor(this.#random) : this.#disk.copy();
  }

  async step(): Promise<void> {
    const rows: [weight: number, name: string, run: () => void | Promise<void>][] = [
      [14, "send", () => this.#send()],
      [10, "end", () => this.#end()],
      [4, "end an old place", () => this.#endOld()],
      [3, "a burst", () => this.#burst()],
      [8, "pass", () => this.#pass()],
      [3, "producer", () => this.#connect()],
      [2, "producers leave", () => this.#leave()],
      [2, "save offsets", () => this.#saveOffsets()],
      [2, "resume", () => this.#resume()],
      [1, "jump", () => this.#jump()],
      [1, "restart", () => this.#restart()],
      [2, "stop", () => this.#broker.fileSystem.crash()],
      [8, "stop in the middle", () => this.#stopInTheMiddle()],
      [2, "the disk is full or not", () => void (this.#failing = !this.#failing)],
    ];
    let pick = this.#random(rows.reduce((sum, [weight]) => sum + weight, 0));
    const [, name, run] = rows.find(([weight]) => (pick -= weight) < 0)!;
    this.steps.push(`${this.#clock.now()} ${name}`);
    await run();
    await turn();
    if (this.#broker.fileSystem.crashed) await this.#startAgain();
  }

  async #startAgain(isCalm = false): Promise<void> {
    this.steps.push("  the machine stopped");
    await this.#broker.stop();
    await this.#settleAnswers();
    this.#disk = this.#survivor();
    await this.start(isCalm);
    if (!this.#broker.fileSystem.crashed) await this.#checkDelivered();
  }

  async #settleAnswers(): Promise<void> {
    while (this.#answers.size > 0) await Promise.all(this.#answers);
  }

  async #send(): Promise<void> {
    const text = `m${this.#known.size}`;
    const plan = PLANS[this.#random(PLANS.length)]!;
    const isDelayed = this.#random(6) === 0;
    const known: Known = {
      plan,
      isDelayed,
      half: undefined,
      asked: new Set(),
      told: new Set(),
      checks: 0,
      resumed: 0,
    };
    this.#known.set(text, known);
    const properties: [string, string][] = isDelayed ? [["DELAY", DELAY_LEVEL]] : [];
    if (this.#random(8) === 0) properties.push(["CHECK_IMMUNITY_TIME_IN_SECONDS", "60"]);
    try {
      known.half = await this.#broker.sendHalf(text, properties);
    } catch (error) {
      // The topic could not be saved, or the store takes nothing.
      assert(this.#failing || this.#broker.fileSystem.crashed, String(error));
    }
    if (known.half !== undefined) this.#places.push({ text, place: known.half });
    this.steps.push(
      `  ${text} ${plan}${isDelayed ? " delayed" : ""} at ${known.half?.queueOffset}`,
    );
  }

  /** Some transaction whose place its producer knows. */
  #some(): [string, Known] | undefined {
    const some = [...this.#known].filter(([, { half }]) => half !== undefined).slice(-12);
    return some[this.#random(Math.max(1, some.length))];
  }

  async #end(): Promise<void> {
    const some = this.#some();
    if (some === undefined) return;
    const [text, { plan, half }] = some;
    if (this.#random(4) === 0) await this.#ask(text, half!, UNKNOWN);
    else if (plan !== "undecided") await this.#ask(text, half!, this.#outcome(plan));
  }

  async #endOld(): Promise<void> {
    const old = this.#places[this.#random(Math.max(1, this.#places.length))];
    if (old === undefined) return;
    const { plan } = this.#known.get(old.text)!;
    if (plan !== "undecided") await this.#ask(old.text, old.place, this.#outcome(plan));
  }

  /** Several things at the same time, some of them to the same transaction. */
  async #burst(): Promise<void> {
    await Promise.all([this.#send(), this.#end(), this.#end(), this.#endOld(), this.#pass()]);
  }

  /** The machine stops at one of the next calls to the disk. */
  async #stopInTheMiddle(): Promise<void> {
    const { fileSystem } = this.#broker;
    fileSystem.options.crashAfter = fileSystem.callCount + this.#random(3);
    const acts = [() => this.#end(), () => this.#end(), () => this.#pass(), () => this.#burst()];
    await acts[this.#random(acts.length)]!();
  }

  #outcome(plan: Known["plan"]): number {
    if (plan === "torn") return this.#random(2) === 0 ? COMMIT : ROLLBACK;
    return plan === "commit" ? COMMIT : ROLLBACK;
  }

  async #ask(text: string, place: Omit<SentHalf, "msgId">, outcome: number): Promise<void> {
    const known = this.#known.get(text)!;
    if (outcome !== UNKNOWN) known.asked.add(outcome);
    const answer = await this.#broker.end(place, outcome);
    this.steps.push(
      `  end ${text} ${place.queueOffset} ${outcome}: ${answer?.code} ${answer?.remark ?? ""}`,
    );
    if (answer === undefined || outcome === UNKNOWN) return;
    if (answer.code === ResponseCode.SUCCESS) known.told.add(outcome);
    else this.#checkRefusal(text, known, answer.code, answer.remark);
    assert(known.told.size < 2, `${text} was said to have ended both ways`);
  }

  /** What was not done is said to have ended otherwise; nothing is ever not found. */
  #checkRefusal(text: string, known: Known, code: number, remark: string | undefined): void {
    const { SERVICE_NOT_AVAILABLE } = ResponseCode;
    if (this.#broker.fileSystem.crashed || this.#failing && code === SERVICE_NOT_AVAILABLE) return;
    assertEquals(code, ResponseCode.ILLEGAL_OPERATION, `${text}: ${remark}`);
    const mayBe = known.plan === "torn" || this.#mayBeGivenUp(known);
    assert(mayBe, `${text} cannot have ended otherwise`);
  }

  #mayBeGivenUp(known: Known): boolean {
    return known.checks >= CHECK_MAX;
  }

  #connect(): void {
    if (this.#producers >= 2) return;
    this.#producers++;
    this.#broker.producer("p", (check) => this.#checked(check));
  }

  #checked({ text, header }: Check): void {
    const known = this.#known.get(text)!;
    known.checks++;
    this.steps.push(`  asked about ${text}`);
    const checkMax = CHECK_MAX * (known.resumed + 1);
    assert(known.checks <= checkMax, `${text} was asked about ${known.checks} times`);
    const { tranStateTableOffset: queueOffset, commitLogOffset: physicalOffset } = header;
    const place = { queueOffset, physicalOffset };
    this.#places.push({ text, place });
    const isSilent = !this.#answersAll && this.#random(3) === 0;
    if (isSilent || known.plan === "undecided") return;
    const answer = this.#ask(text, place, this.#outcome(known.plan))
      .finally(() => this.#answers.delete(answer));
    this.#answers.add(answer);
  }

  #leave(): void {
    this.#producers = 0;
    for (const connection of [...this.#broker.producers.groups.get("p")?.keys() ?? []]) {
      connection.close();
    }
  }

  async #pass(): Promise<void> {
    await this.#broker.pass([10, 1_000, 6_500, 31_000][this.#random(4)]!);
  }

  async #saveOffsets(): Promise<void> {
    await this.#broker.offsets.flush().catch((error) => {
      if (!comesFromCrash(error)) throw error;
    });
  }

  async #resume(): Promise<void> {
    const given = await this.#broker.messages(DISCARD).catch(() => []);
    const message = given[this.#random(Math.max(1, given.length))];
    if (message === undefined) return;
    const text = decodeUtf8(message.body, 0, message.body.length);
    const known = this.#known.get(text)!;
    // It is given up at most once more than it was taken up.
    known.resumed++;
    const answer = await this.#broker.resume(message.offsetMsgId);
    this.steps.push(`  ${text} ${answer?.code}`);
    if (answer === undefined) return;
    const isRefused = answer.code !== ResponseCode.SUCCESS;
    const mayBe = this.#failing || this.#broker.fileSystem.crashed || known.asked.has(COMMIT);
    if (isRefused) assert(mayBe, text);
  }

  #jump(): void {
    this.#clock.jump((this.#random(2) === 0 ? -1 : 1) * this.#random(100_000));
  }

  async #restart(): Promise<void> {
    try {
      this.#disk = await this.#broker.close();
    } catch (error) {
      if (!comesFromCrash(error)) throw error;
      return;
    }
    await this.#settleAnswers();
    await this.start();
  }

  /** Nothing is delivered twice, or against what somebody was told. */
  async #checkDelivered(isEnd = false): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    const delayed = await this.#broker.messages("SCHEDULE_TOPIC_XXXX", Number(DELAY_LEVEL) - 1);
    const messages = [...await this.#broker.messages("T"), ...delayed];
    for (const { body } of messages) {
      const text = decodeUtf8(body, 0, body.length);
      counts.set(text, (counts.get(text) ?? 0) + 1);
    }
    if (this.#broker.fileSystem.crashed) return counts;
    for (const [text, known] of this.#known) {
      const count = counts.get(text) ?? 0;
      assert(count <= 1, `${text} was delivered ${count} times`);
      if (count === 1) {
        assert(known.asked.has(COMMIT), `${text} was delivered, nobody committed it`);
      }
      if (known.told.has(COMMIT)) assertEquals(count, 1, `${text} is lost after its commit`);
      if (known.told.has(ROLLBACK)) assertEquals(count, 0, `${text} came after its rollback`);
      const isCertain = isEnd && known.plan === "commit" && known.half !== undefined;
      if (isCertain && !this.#mayBeGivenUp(known)) assertEquals(count, 1, `${text} is lost`);
    }
    return counts;
  }

  /** With producers that answer, and time, every transaction ends. */
  async finish(): Promise<void> {
    this.#broker.fileSystem.crash();
    await this.#startAgain(true);
    this.#answersAll = true;
    this.#connect();
    for (let round = 0; round < 60; round++) {
      if ((await this.#broker.transactions.list(-1, 1)).length === 0) break;
      await this.#broker.pass(31_000);
      await this.#settleAnswers();
    }
    assertEquals(await this.#broker.transactions.list(-1, 10), []);
    await this.#checkDelivered(true);
    await this.#broker.store.checkpoint();
    await this.#broker.pass(3_000);
    const max = (topic: string) => this.#broker.store.getMaxOffsetInQueue(topic, 0);
    const { half, op } = this.#broker.committed;
    assertEquals(half, max("RMQ_SYS_TRANS_HALF_TOPIC"), "half messages are done with");
    assertEquals(op, max("RMQ_SYS_TRANS_OP_HALF_TOPIC"), "op messages are done with");
    const errors = this.#broker.lines.filter((line) => / ERROR /.test(line));
    assertEquals(errors, []);
    await this.#broker.close();
  }
}

for (const flushDiskType of ["SYNC_FLUSH", "ASYNC_FLUSH"] as const) {
  Deno.test(`transactions keep what they promise in random histories with crashes (${flushDiskType})`, async () => {
    for (let seed = SEED; seed < SEED + SEEDS; seed++) {
      const history = new History({ random: quietRandom(seed), flushDiskType });
      try {
        await history.start();
        for (let step = 0; step < STEPS; step++) await history.step();
        await history.finish();
      } catch (error) {
        const name = `seed ${seed}: COMET_TEST_SEED=${seed} COMET_TEST_SEEDS=1`;
        throw new Error(`${name}\n${history.steps.join("\n")}`, { cause: error });
      }
    }
  });
}
