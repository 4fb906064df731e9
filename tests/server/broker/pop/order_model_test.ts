/** Random histories of a group that consumes in order, against a model of what it is promised. */

import { assert, assertEquals } from "@std/assert";
import { ResponseCode } from "../../../../client/protocol/response_code.ts";
import { seededRandom } from "../../../helpers/random.ts";
import { turn } from "./manual_clock.ts";
import { PopBroker, type Popped } from "./pop_broker.ts";

const QUEUES = 2;
const STEPS = 120;
const HISTORIES = 4;

/** One queue: messages are "queueId/queueOffset". */
class Queue {
  sent = 0;
  /** Everything before it is acknowledged. */
  acked = 0;
  /** What was given last, and what of it is acknowledged. */
  held: Popped[] = [];
  readonly done = new Set<number>();
  attemptId = "";
  readonly invisibleUntil = new Map<number, number>();

  ack({ queueOffset }: Popped): void {
    this.done.add(queueOffset);
    const first = this.held.find(({ queueOffset }) => !this.done.has(queueOffset));
    this.acked = first?.queueOffset ?? this.held.at(-1)!.queueOffset + 1;
  }

  isBlocked(now: number): boolean {
    return this.held.some(({ queueOffset }) =>
      !this.done.has(queueOffset) && now < this.invisibleUntil.get(queueOffset)!
    );
  }
}

class History {
  readonly steps: string[] = [];
  readonly #random: (below: number) => number;
  readonly #queues = Array.from({ length: QUEUES }, () => new Queue());
  #attempts = 0;

  constructor(public broker: PopBroker, random: (below: number) => number) {
    this.#random = random;
  }

  async step(): Promise<void> {
    const rows: [weight: number, name: string, run: () => void | Promise<void>][] = [
      [10, "send", () => this.#send()],
      [20, "pop", () => this.#pop(this.#random(QUEUES + 1) - 1, `a${this.#attempts++}`)],
      [4, "same attempt", () => this.#popAgain()],
      [30, "ack", () => this.#ack()],
      [8, "hide", () => this.#hide()],
      [10, "pass", () => this.broker.pass([10, 1_000, 6_000][this.#random(3)]!)],
      [2, "restart", async () => {
        this.broker = await this.broker.restart();
      }],
      [4, "kill", () => this.#kill()],
    ];
    let pick = this.#random(rows.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, name, run] of rows) {
      pick -= weight;
      if (pick >= 0) continue;
      this.steps.push(`${this.broker.clock.millis % 1e8} ${name}`);
      await run();
      return;
    }
  }

  #send(): void {
    const queueId = this.#random(QUEUES);
    const queue = this.#queues[queueId]!;
    const texts = Array.from(
      { length: 1 + this.#random(6) },
      () => `${queueId}/${queue.sent++}`,
    );
    this.broker.send("O", texts, queueId);
  }

  async #pop(queueId: number, attemptId: string): Promise<number> {
    const maxMsgNums = 1 + this.#random(5);
    const answer = await this.broker.pop1("O", {
      queueId,
      maxMsgNums,
      invisibleTime: 5_000,
      order: true,
      attemptId,
    });
    const now = this.broker.clock.now();
    for (let id = 0; id < QUEUES; id++) {
      const queue = this.#queues[id]!;
      const given = answer.messages.filter((message) => message.queueId === id);
      if (given.length === 0) continue;
      this.steps.push(`  ${given.map(({ text }) => text)} ${attemptId}`);
      const isSame = queue.attemptId === attemptId;
      assert(isSame || !queue.isBlocked(now), `queue ${id} gave messages while it was blocked`);
      assertEquals(
        given.map(({ text }) => text),
        given.map((_, index) => `${id}/${queue.acked + index}`),
        "in order, from the first that is not acknowledged",
      );
      queue.held = given;
      queue.done.clear();
      queue.attemptId = attemptId;
      queue.invisibleUntil.clear();
      for (const { queueOffset } of given) queue.invisibleUntil.set(queueOffset, now + 5_000);
    }
    const isFree = this.#queues.some((queue, id) =>
      (queueId < 0 || queueId === id) && !queue.isBlocked(now) && queue.acked < queue.sent
    );
    const isFull = answer.messages.length >= maxMsgNums;
    assert(isFull || !isFree, "a queue that is free gave nothing");
    return answer.messages.length;
  }

  async #popAgain(): Promise<void> {
    const id = this.#random(QUEUES);
    const { attemptId } = this.#queues[id]!;
    if (attemptId !== "") await this.#pop(id, attemptId);
  }

  #heldMessage(): { queue: Queue; message: Popped } | undefined {
    const queue = this.#queues[this.#random(QUEUES)]!;
    const open = queue.held.filter(({ queueOffset }) => !queue.done.has(queueOffset));
    // Mostly in their order, as consumers do.
    const message = open[this.#random(3) === 0 ? this.#random(Math.max(1, open.length)) : 0];
    return message === undefined ? undefined : { queue, message };
  }

  /** Counts as long as the queue has not been popped again, however late it comes. */
  async #ack(): Promise<void> {
    const found = this.#heldMessage();
    if (found === undefined) return;
    const { queue, message } = found;
    this.steps.push(`  ${message.text}`);
    assertEquals(await this.broker.ack(message), ResponseCode.SUCCESS);
    queue.ack(message);
  }

  async #hide(): Promise<void> {
    const found = this.#heldMessage();
    if (found === undefined) return;
    const { queue, message } = found;
    const millis = [1_000, 20_000][this.#random(2)]!;
    this.steps.push(`  ${message.text} ${millis}`);
    const hidden = await this.broker.hide(message, millis);
    assert(typeof hidden === "object", `${message.text} cannot be hidden: ${hidden}`);
    queue.invisibleUntil.set(message.queueOffset, this.broker.clock.now() + millis);
  }

  async #kill(): Promise<void> {
    const killed = this.broker;
    for (let turns = this.#random(3); turns > 0; turns--) await turn();
    this.broker = await killed.afterKill();
    await killed[Symbol.asyncDispose]();
  }

  async finish(): Promise<void> {
    for (let round = 0; round < 500 && this.#queues.some((q) => q.acked < q.sent); round++) {
      await this.broker.pass(21_000);
      await this.#pop(-1, `f${round}`);
      for (const queue of this.#queues) {
        for (const message of queue.held) {
          if (queue.done.has(message.queueOffset)) continue;
          assertEquals(await this.broker.ack(message), ResponseCode.SUCCESS);
          queue.ack(message);
        }
      }
    }
    assertEquals(this.#queues.map(({ acked }) => acked), this.#queues.map(({ sent }) => sent));
  }
}

Deno.test("pops in order keep what they promise in random histories with crashes", async () => {
  const random = seededRandom();
  for (let number = 0; number < HISTORIES; number++) {
    const broker = await PopBroker.start();
    broker.createTopic("O", QUEUES);
    broker.groups.find("g");
    await broker.saved();
    const history = new History(broker, random);
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
