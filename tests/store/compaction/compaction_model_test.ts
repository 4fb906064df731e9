import { assertEquals } from "@std/assert";
import { quietRandom, type Random } from "../../helpers/random.ts";
import {
  FOLDER,
  type KeyedMessage,
  KeyedStore,
  lastValues,
  memoryFileSystem,
  TOPIC,
} from "./setup.ts";

/** COMET_TEST_SEED=n begins with another seed, COMET_TEST_SEEDS=n tries so many: for longer runs by hand. */
const SEED = Number(Deno.env.get("COMET_TEST_SEED") ?? 1);
const SEEDS = Number(Deno.env.get("COMET_TEST_SEEDS") ?? 2);
const QUEUES = [0, 1];
const STEPS = 300;

/** What a compaction topic promises, in a few lines. */
class Model {
  readonly queues: KeyedMessage[][] = QUEUES.map(() => []);

  put(queueId: number, key: string, value: string): void {
    const queue = this.queues[queueId]!;
    queue.push({ queueOffset: queue.length, key, value });
  }
}

class History {
  readonly #random: Random;
  readonly #model = new Model();
  readonly #clock = { millis: 1_000_000 };
  #fileSystem = memoryFileSystem();
  #keyed = this.#open();

  constructor(random: Random) {
    this.#random = random;
  }

  #open(): KeyedStore {
    return new KeyedStore(FOLDER, {
      fileSystem: this.#fileSystem,
      settings: { fileReservedTime: 1, mappedFileSizeCommitLog: 8192 },
      options: { now: () => this.#clock.millis },
      compaction: { maxOffsetMapSize: 1, compactionCqMappedFileSize: 46 * 9 },
      onFailed: (error) => {
        if (!error.message.includes("position-checkpoint")) throw error;
      },
    });
  }

  /** Does one thing, more often than not a few sends. */
  async step(): Promise<void> {
    const weights: [number, () => void | Promise<void>][] = [
      [12, () => this.#send()],
      [4, () => this.#keyed.compaction.copy()],
      [3, () => this.#keyed.compaction.compact()],
      [2, () => this.#expire()],
      [2, () => this.#restart()],
      [2, () => this.#crash()],
      [2, () => this.#crashAtWork()],
      [2, () => this.#consumeMeanwhile()],
      [3, () => this.check()],
    ];
    let at = this.#random(weights.reduce((sum, [weight]) => sum + weight, 0));
    const [, act] = weights.find(([weight]) => (at -= weight) < 0)!;
    await act();
  }

  /** Some messages; a few keys are sent often, many seldom, and some are deleted. */
  async #send(): Promise<void> {
    for (let count = this.#random(30); count > 0; count--) {
      const queueId = this.#random(QUEUES.length);
      const key = `key ${this.#random(2) === 0 ? this.#random(5) : this.#random(150)}`;
      const value = this.#random(8) === 0 ? "" : "v".repeat(this.#random(60) + 1) + count;
      this.#model.put(queueId, key, value);
      this.#keyed.put(key, value, queueId);
    }
    await this.#keyed.commit();
  }

  async #expire(): Promise<void> {
    this.#clock.millis += 36_000_000;
    await this.#keyed.store.deleteExpiredFiles(true);
  }

  async #restart(): Promise<void> {
    await this.#keyed[Symbol.asyncDispose]();
    this.#keyed = this.#open();
  }

  async #crash(): Promise<void> {
    const { disk } = this.#fileSystem;
    const left = this.#random(2) === 0 ? disk.copy() : disk.survivor(this.#random);
    await this.#keyed[Symbol.asyncDispose]();
    this.#fileSystem = memoryFileSystem(left, this.#random);
    this.#keyed = this.#open();
  }

  /** Copies, runs and consumers get by each other. */
  async #consumeMeanwhile(): Promise<void> {
    const working = [this.#keyed.compaction.copy(), this.#keyed.compaction.compact()];
    await this.#send();
    for (const queueId of QUEUES) await this.#checkQueue(queueId, true);
    await Promise.all(working);
  }

  async #crashAtWork(): Promise<void> {
    const working = [this.#keyed.compaction.copy(), this.#keyed.compaction.compact()];
    for (let turns = this.#random(200); turns > 0; turns--) await Promise.resolve();
    await this.#crash();
    await Promise.all(working);
  }

  /** Consumers see what was sent, in order, and of each key the last value. */
  async check(): Promise<void> {
    for (const queueId of QUEUES) {
      const messages = await this.#checkQueue(queueId);
      const from = this.#random(this.#model.queues[queueId]!.length + 1);
      const rest = await this.#keyed.consume(queueId, from);
      assertEquals(rest, messages.filter(({ queueOffset }) => queueOffset >= from));
    }
  }

  async #checkQueue(queueId: number, isChanging = false): Promise<KeyedMessage[]> {
    const sent = this.#model.queues[queueId]!;
    const messages = await this.#keyed.consume(queueId);
    const expected = lastValues(sent);
    const values = lastValues(messages);
    // A run may take a value that was read already, and what deletes it, before that is read.
    if (isChanging) { for (const key of values.keys()) if (!expected.has(key)) values.delete(key); }
    assertEquals(values, expected);
    for (const message of messages) assertEquals(message, sent[message.queueOffset]);
    const offsets = messages.map(({ queueOffset }) => queueOffset);
    assertEquals(offsets, offsets.toSorted((a, b) => a - b));
    assertEquals(this.#keyed.store.getMaxOffsetInQueue(TOPIC, queueId), sent.length);
    return messages;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keyed[Symbol.asyncDispose]();
  }
}

Deno.test("random histories with restarts, crashes and retention keep the last value of each key", async () => {
  for (let seed = SEED; seed < SEED + SEEDS; seed++) {
    await using history = new History(quietRandom(seed));
    try {
      for (let step = 0; step < STEPS; step++) await history.step();
      await history.check();
    } catch (error) {
      throw new Error(`seed ${seed}: COMET_TEST_SEED=${seed}`, { cause: error });
    }
  }
});
