/** Random histories against a model of what a pop promises. */

import { assert, assertEquals } from "@std/assert";
import { ResponseCode } from "../../../../client/protocol/response_code.ts";
import { createSubscriptionGroupConfig } from "../../../../client/protocol/subscription_group_config.ts";
import { REVIVE_GROUP } from "../../../../server/broker/pop/revive_log.ts";
import { Disk } from "../../../helpers/fault_disk.ts";
import { FaultFileSystem } from "../../../helpers/fault_file_system.ts";
import { seededRandom } from "../../../helpers/random.ts";
import { turn } from "./manual_clock.ts";
import { PopBroker, type Popped } from "./pop_broker.ts";

const REVIVE_TOPIC = "rmq_sys_REVIVE_LOG_DefaultCluster";
const TOPICS = ["A", "B"];
const QUEUES = 3;
const RETRY_MAX_TIMES = 3;
const INVISIBLE_TIMES = [1_000, 5_000, 30_000];
const STEPS = 120;
const HISTORIES = 4;

/** What is known of one message. */
interface Known {
  topic: string;
  /** ACKED: an acknowledgement was answered SUCCESS. MAYBE: one was under way when the broker died. */
  state: "OPEN" | "MAYBE" | "ACKED";
  /** Until when nobody else may get it; 0 when that is over. */
  invisibleUntil: number;
  /** As it was given last. */
  last: Popped | undefined;
}

/** Whether the commit log can be written. */
interface DiskState {
  isFull: boolean;
}

class History {
  readonly #random: (below: number) => number;
  readonly #messages = new Map<string, Known>();
  /** Handles that are over, because their time is or because another one replaced them. */
  readonly #old: { message: Popped; isReplaced: boolean }[] = [];
  #sent = 0;
  #broker: PopBroker;
  steps: string[] = [];

  readonly #disk: DiskState;
  readonly #isSync: boolean;
  /** Whether the clock was set back: then the broker may take a handle for good that is over. */
  #wasSetBack = false;

  constructor(broker: PopBroker, disk: DiskState, random: (below: number) => number) {
    this.#broker = broker;
    this.#disk = disk;
    this.#isSync = broker.config.flushDiskType === "SYNC_FLUSH";
    this.#random = random;
  }

  get broker(): PopBroker {
    return this.#broker;
  }

  async step(): Promise<void> {
    const rows: [weight: number, name: string, run: () => void | Promise<void>][] = [
      [10, "send", () => this.#send()],
      [20, "pop", () => this.#pop()],
      [20, "ack", () => this.#ack()],
      [8, "batch ack", () => this.#batchAck()],
      [8, "hide", () => this.#hide()],
      [5, "old ack", () => this.#ackOld()],
      [12, "pass", () => this.#pass()],
      [2, "restart", () => this.#restart()],
      [3, "kill", () => this.#kill()],
      [3, "kill in the middle", () => this.#killInTheMiddle()],
      [this.#isSync ? 3 : 0, "power loss", () => this.#losePower()],
      [3, "full disk", () => this.#fillDisk()],
      [2, "clock", () => this.#setClock()],
    ];
    let pick = this.#random(rows.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, name, run] of rows) {
      pick -= weight;
      if (pick >= 0) continue;
      this.steps.push(`${this.#broker.clock.millis % 1e8} ${name}`);
      await run();
      return;
    }
  }

  async #send(): Promise<void> {
    const topic = TOPICS[this.#random(TOPICS.length)]!;
    const texts = Array.from({ length: 1 + this.#random(8) }, () => `m${this.#sent++}`);
    const queueId = this.#random(QUEUES);
    const sentOffset = this.#broker.maxOffset(topic, queueId) + texts.length;
    this.#broker.send(topic, texts, queueId);
    await this.#broker.until(() => this.#broker.maxOffset(topic, queueId) >= sentOffset);
    for (const text of texts) {
      this.#messages.set(text, { topic, state: "OPEN", invisibleUntil: 0, last: undefined });
    }
  }

  async #pop(maxMsgNums = 1 + this.#random(10)): Promise<number> {
    const topic = TOPICS[this.#random(TOPICS.length)]!;
    const invisibleTime = INVISIBLE_TIMES[this.#random(INVISIBLE_TIMES.length)]!;
    const queueId = this.#random(2) === 0 ? -1 : this.#random(QUEUES);
    const answer = await this.#broker.pop1(topic, { maxMsgNums, invisibleTime, queueId });
    const isFound = answer.messages.length > 0;
    assertEquals(answer.code, isFound ? ResponseCode.SUCCESS : ResponseCode.POLLING_TIMEOUT);
    for (const message of answer.messages) this.#take(topic, message, invisibleTime);
    return answer.messages.length;
  }

  #take(topic: string, message: Popped, invisibleTime: number): void {
    const known = this.#messages.get(message.text)!;
    const now = this.#broker.clock.now();
    this.steps.push(`  got ${message.text} ${message.handle}`);
    assertEquals(known.topic, topic);
    assert(known.state !== "ACKED", `${message.text} came again after its acknowledgement`);
    assert(now >= known.invisibleUntil, `${message.text} came before its invisible time was over`);
    assert(message.reconsumeTimes <= RETRY_MAX_TIMES);
    if (known.last !== undefined) this.#old.push({ message: known.last, isReplaced: false });
    known.last = message;
    known.invisibleUntil = now + invisibleTime;
  }

  /** Some message that is held now. */
  #held(): Known | undefined {
    const held = [...this.#messages.values()].filter(({ last, state, invisibleUntil }) =>
      last !== undefined && state === "OPEN" && invisibleUntil > this.#broker.clock.now()
    );
    return held[this.#random(Math.max(1, held.length))];
  }

  async #ack(): Promise<void> {
    const held = this.#held();
    if (held === undefined) return;
    this.steps.push(`  ${held.last!.text}`);
    assertEquals(await this.#broker.ack(held.last!), ResponseCode.SUCCESS, held.last!.text);
    held.state = "ACKED";
  }

  async #batchAck(): Promise<void> {
    const held = new Set(Array.from({ length: 5 }, () => this.#held()).filter((one) => one));
    if (held.size === 0) return;
    const messages = [...held].map((one) => one!.last!);
    this.steps.push(`  ${messages.map(({ text }) => text)}`);
    assertEquals(await this.#broker.batchAck(messages), ResponseCode.SUCCESS);
    for (const one of held) one!.state = "ACKED";
  }

  async #hide(): Promise<void> {
    const held = this.#held();
    if (held === undefined) return;
    const time = INVISIBLE_TIMES[this.#random(INVISIBLE_TIMES.length)]!;
    this.steps.push(`  ${held.last!.text} ${time}`);
    const hidden = await this.#broker.hide(held.last!, time);
    assert(typeof hidden === "object", `${held.last!.text} cannot be hidden: ${hidden}`);
    this.#old.push({ message: held.last!, isReplaced: true });
    held.last = hidden;
    held.invisibleUntil = this.#broker.clock.now() + time;
  }

  /** With a handle that is over. */
  async #ackOld(): Promise<void> {
    const old = this.#old[this.#random(Math.max(1, this.#old.length))];
    if (old === undefined) return;
    const { message, isReplaced } = old;
    const known = this.#messages.get(message.text)!;
    this.steps.push(`  ${message.text} ${message.handle}`);
    const isTried = this.#random(2) === 0
      ? await this.#broker.ack(message) === ResponseCode.SUCCESS
      : await this.#broker.hide(message, 1_000) !== ResponseCode.NO_MESSAGE;
    // Of a handle that was replaced before its time the broker may not know any more why it is over.
    if (isTried && !isReplaced && !this.#wasSetBack) {
      assertEquals(known.state, "ACKED", `an old handle of ${message.text} counts`);
    }
  }

  async #pass(): Promise<void> {
    const millis = [10, 990, 1_000, 4_990, 31_000][this.#random(5)]!;
    await this.#broker.pass(millis);
  }

  /** Nothing that is refused meanwhile counts, and all goes on afterwards. */
  async #fillDisk(): Promise<void> {
    this.#disk.isFull = true;
    const topic = TOPICS[this.#random(TOPICS.length)]!;
    const answer = await this.#broker.pop1(topic);
    assertEquals(answer.messages, []);
    const held = this.#held();
    if (held !== undefined) {
      this.steps.push(`  ${held.last!.text} ${held.last!.handle}`);
      assertEquals(await this.#broker.ack(held.last!), ResponseCode.SYSTEM_ERROR);
      assertEquals(await this.#broker.hide(held.last!, 1_000), ResponseCode.SYSTEM_ERROR);
      assertEquals(await this.#broker.batchAck([held.last!]), ResponseCode.SYSTEM_ERROR);
    }
    await this.#pass();
    this.#disk.isFull = false;
    await this.#broker.pass(1_000);
  }

  #setClock(): void {
    // What was over before stays so.
    for (const known of this.#messages.values()) {
      if (known.invisibleUntil <= this.#broker.clock.now()) known.invisibleUntil = 0;
    }
    const millis = 1_000 * (this.#random(41) - 20);
    this.#wasSetBack ||= millis < 0;
    this.#broker.clock.jump(millis);
  }

  async #restart(): Promise<void> {
    this.#broker = await this.#broker.restart();
  }

  async #kill(): Promise<void> {
    const killed = this.#broker;
    this.#broker = await killed.afterKill();
    await killed[Symbol.asyncDispose]();
  }

  /**
   * The machine stops while requests are under way and the disk is slow. What was popped but was not on the disk yet comes
   * again at once, so nobody holds anything for sure.
   */
  async #losePower(): Promise<void> {
    const dead = this.#broker;
    const fileSystem = dead.fileSystem as FaultFileSystem;
    fileSystem.stalls = this.#random(2) === 0;
    let isDead = false;
    const work = async () => {
      const held = this.#held();
      if (held !== undefined) {
        held.state = "MAYBE";
        const isAcked = await dead.ack(held.last!) === ResponseCode.SUCCESS;
        if (isAcked && !isDead) held.state = "ACKED";
      }
      await dead.pop1(TOPICS[this.#random(TOPICS.length)]!, { maxMsgNums: 3 });
    };
    const answers = [work(), work()];
    for (let turns = this.#random(4); turns > 0; turns--) {
      await turn();
      if (fileSystem.stalledCalls.length > 0) {
        fileSystem.resume(this.#random(fileSystem.stalledCalls.length));
      }
    }
    isDead = true;
    this.#broker = await dead.afterPowerLoss();
    fileSystem.stalls = false;
    fileSystem.resumeAll();
    await Promise.allSettled(answers);
    await dead[Symbol.asyncDispose]();
    for (const known of this.#messages.values()) {
      known.last = undefined;
      known.invisibleUntil = 0;
    }
    this.#old.length = 0;
  }

  /** Dies while requests and messages that are due are under way. */
  async #killInTheMiddle(): Promise<void> {
    const killed = this.#broker;
    const under = Array.from({ length: 4 }, () => this.#held()).filter((one) => one !== undefined);
    let isDead = false;
    const answers: Promise<unknown>[] = under.map(async (held) => {
      held.state = "MAYBE";
      const isAcked = await killed.ack(held.last!) === ResponseCode.SUCCESS;
      // What the dead one still answers, nobody hears.
      if (isAcked && !isDead) held.state = "ACKED";
    });
    answers.push(killed.pass([0, 2_000, 31_000][this.#random(3)]!));
    for (let turns = this.#random(6); turns > 0; turns--) await turn();
    for (let jobs = this.#random(6); jobs > 0; jobs--) await Promise.resolve();
    isDead = true;
    this.#broker = await killed.afterKill();
    await Promise.allSettled(answers);
    await killed[Symbol.asyncDispose]();
  }

  /** Everything that is not acknowledged comes again, or is among the dead letters in the end. */
  async finish(): Promise<void> {
    const isOpen = ({ state }: Known) => state !== "ACKED";
    for (let round = 0; round < 200; round++) {
      const open = [...this.#messages.values()].filter(isOpen);
      if (open.length === this.#deadCount(open)) break;
      await this.#broker.pass(31_000);
      await turn();
      while (await this.#pop(32) > 0);
      for (let held = this.#held(); held !== undefined; held = this.#held()) {
        assertEquals(await this.#broker.ack(held.last!), ResponseCode.SUCCESS);
        held.state = "ACKED";
      }
      for (const known of this.#messages.values()) {
        if (known.state === "MAYBE" && known.invisibleUntil > this.#broker.clock.now()) {
          if (await this.#broker.ack(known.last!) === ResponseCode.SUCCESS) known.state = "ACKED";
        }
      }
    }
    const stuck = [...this.#messages].filter(([, known]) => known.state === "OPEN");
    const dead = this.#deadCount(stuck.map(([, known]) => known));
    assertEquals(dead, stuck.length, `stuck: ${stuck.map(([text]) => text)}`);
    await this.#broker.pass(120_000);
    assertEquals(await this.#pop(32), 0);
    // Nothing is open any more, so a start has nothing to read.
    await this.#restart();
    const { offsets, store } = this.#broker;
    for (let queueId = 0; queueId < 8; queueId++) {
      const done = offsets.queryOffset(REVIVE_GROUP, REVIVE_TOPIC, queueId);
      assertEquals(done, store.getMaxOffsetInQueue(REVIVE_TOPIC, queueId) - 1);
    }
  }

  /** Dead letters are in the last queue that they can get to; those that might be acknowledged count for nothing. */
  #deadCount(open: readonly Known[]): number {
    return Math.min(this.#broker.maxOffset("%DLQ%g"), open.length);
  }
}

Deno.test("pops keep what they promise in random histories with crashes", async () => {
  const random = seededRandom();
  for (let number = 0; number < HISTORIES; number++) {
    const disk = { isFull: false };
    const broker = await PopBroker.start({
      fileSystem: new FaultFileSystem(new Disk(), {
        random,
        fault: ({ kind, path }) =>
          disk.isFull && kind === "write" && path.includes("/commitlog/")
            ? "no space left"
            : undefined,
      }),
      config: {
        enableRetryTopicV2: number % 2 === 1,
        flushDiskType: number % 4 < 2 ? "SYNC_FLUSH" : "ASYNC_FLUSH",
        flushConsumerOffsetInterval: 2,
        maxTransferBytesOnMessageInMemory: 2_000,
      },
    });
    for (const topic of TOPICS) broker.createTopic(topic, QUEUES);
    broker.groups.update({
      ...createSubscriptionGroupConfig("g"),
      retryMaxTimes: RETRY_MAX_TIMES,
    });
    await broker.saved();
    const history = new History(broker, disk, random);
    try {
      for (let step = 0; step < STEPS; step++) await history.step();
      await history.finish();
    } catch (error) {
      throw new Error(`history ${number}:\n${history.steps.join("\n")}`, { cause: error });
    } finally {
      await history.broker[Symbol.asyncDispose]();
    }
  }
});
