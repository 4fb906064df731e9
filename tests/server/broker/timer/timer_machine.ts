/**
 * A broker's store and timers over a disk in memory that stops at any moment and starts again, with a clock of its own;
 * and what is known of every timer message that was sent.
 */

import { assert, assertEquals } from "@std/assert";
import { viewOf } from "../../../../client/protocol/bytes.ts";
import { findProperty, hostBytes, printProperties } from "../../../../client/protocol/message.ts";
import { readRecord } from "../../../../client/protocol/message_record.ts";
import { HeldReplies } from "../../../../server/broker/held_replies.ts";
import { recordsOf } from "../../../../server/broker/pop/pop_records.ts";
import { propertiesOf } from "../../../../server/broker/timer/timer_message.ts";
import { Timers } from "../../../../server/broker/timer/timers.ts";
import { type Config, defaultConfig } from "../../../../server/config.ts";
import type { MessageStore } from "../../../../store/message_store.ts";
import { Disk } from "../../../helpers/fault_disk.ts";
import { Crash, FaultFileSystem, type FaultOptions } from "../../../helpers/fault_file_system.ts";
import { memoryLog } from "../../../helpers/fake_connection.ts";
import type { Random } from "../../../helpers/random.ts";
import { messageToStore, openStore } from "../../../helpers/store.ts";
import { ManualClock, turn } from "../pop/manual_clock.ts";

export const FOLDER = "/data/store";
const STARTED_AT = 1_700_000_000_000;
const HOST = hostBytes("10.0.0.1", 10911);
const TURNS_MAX = 200;
/** Timers are set again at least so often. */
const SHORT_MILLIS = 61_000;

/** A timer message that was sent. */
export interface Sent {
  id: string;
  topic: string;
  due: number;
  /** Whether the sender was told that it is safe. */
  isSafe: boolean;
  /** Where its record ends, and where the log did when it was taken back: what is durable up to there stays. */
  endOffset: number;
  recallEndOffset: number;
  /** What became of the attempt to take it back. */
  recall: "NONE" | "UNKNOWN" | "DONE";
}

/** A message in its own topic. */
export interface Delivery {
  id: string;
  topic: string;
  /** What the broker's clock said. */
  at: number;
  queueOffset: number;
  properties: string;
}

export interface MachineOptions {
  random: Random;
  config?: Partial<Config>;
}

export class TimerMachine {
  readonly clock = new ManualClock(STARTED_AT);
  readonly config: Config;
  readonly sent = new Map<string, Sent>();
  /** What was delivered, by id. */
  readonly deliveries = new Map<string, Delivery[]>();
  /** How much of each topic has been looked at. */
  readonly #seen = new Map<string, number>();
  lines: string[] = [];
  disk = new Disk();
  fileSystem!: FaultFileSystem;
  store!: MessageStore;
  timers!: Timers;
  held = new HeldReplies();
  readonly #random: Random;
  #setBackMillis = 0;
  /** Resolves when the machine stops. */
  #stopped = Promise.resolve();
  #idCount = 0;

  constructor({ random, config }: MachineOptions) {
    this.#random = random;
    this.config = {
      ...defaultConfig(),
      storePathRootDir: FOLDER,
      mappedFileSizeCommitLog: 20 * 1024,
      mappedFileSizeConsumeQueue: 20 * 100,
      mappedFileSizeTimerLog: 4096,
      messageIndexEnable: false,
      diskMinFreeBytes: 1,
      flushIntervalCommitLog: 1 << 30,
      cleanResourceInterval: 1 << 30,
      fileReservedTime: 1,
      ...config,
    };
  }

  /** Starts the broker; false when the machine stops meanwhile. */
  async open(faults: Partial<FaultOptions> = {}): Promise<boolean> {
    const stopped = Promise.withResolvers<void>();
    this.#stopped = stopped.promise;
    const fileSystem = this.fileSystem = new FaultFileSystem(this.disk, {
      random: this.#random,
      onCrash: stopped.resolve,
      ...faults,
    });
    const held = this.held = new HeldReplies();
    const { log, lines } = memoryLog();
    this.lines = lines;
    const current: { timers?: Timers } = {};
    try {
      this.store = openStore(FOLDER, this.config, {
        fileSystem,
        now: this.clock.now,
        onArrival: (entry) => current.timers?.arrived(entry),
        onPromised: (offset) => held.promised(offset),
        onWriteFailed: (offset, error) => held.failed(offset, error),
        onUpkeepFailed: () => {},
        onFatal: (error) => held.failed(0, error),
        neededFrom: () => current.timers?.neededFrom() ?? 0,
      });
      this.#forgetLost();
      this.timers = current.timers = new Timers({
        config: this.config,
        store: this.store,
        topics: { get: () => undefined },
        held,
        storeHost: () => HOST,
        fileSystem,
        clock: this.clock,
        log,
      });
      await this.timers.start();
    } catch (error) {
      if (!fileSystem.crashed) throw error;
    }
    return !fileSystem.crashed;
  }

  /** Sends a message that is to be delivered after so many milliseconds. */
  send(topic: string, delayMillis: number, more: [string, string][] = []): Sent {
    const id = `m${this.#idCount++}`;
    const due = this.clock.now() + delayMillis;
    const times = [
      ["TIMER_DELIVER_MS", String(due)],
      ["TIMER_DELAY_MS", String(delayMillis)],
    ] as const;
    const time = times[this.#random(2)]!;
    const properties = printProperties([["UNIQ_KEY", id], time, ...more]);
    const message = messageToStore(topic, `body of ${id}`.repeat(1 + this.#random(8)), {
      properties,
    });
    const ends = { endOffset: 0, recallEndOffset: 0 };
    const sent: Sent = { id, topic, due, isSafe: false, recall: "NONE", ...ends };
    const result = this.timers.put(this.timers.timed(message));
    if (result.status !== "PUT_OK") return sent;
    this.sent.set(id, sent);
    const endOffset = sent.endOffset = result.endOffset;
    const { fileSystem } = this;
    this.held.hold({
      endOffset,
      finish: (failure) => {
        if (fileSystem.crashed) return;
        if (failure === undefined) sent.isSafe = true;
        else this.sent.delete(id);
      },
    });
    this.store.commit();
    return sent;
  }

  /** Fills the log with other messages. */
  sendOthers(count: number): void {
    for (let n = 0; n < count; n++) {
      this.store.putMessage(messageToStore("Others", "x".repeat(1 + this.#random(2_000))));
    }
    this.store.commit();
  }

  /** Deletes old files of the log; messages that hold one are stored anew first. */
  async deleteOldFiles(evenNow = true): Promise<void> {
    this.fileSystem.resumeAll();
    await this.settle();
    await this.look();
    for (let n = 0; n < 4 && !this.fileSystem.crashed; n++) {
      // What the queues lack on disk holds files, too.
      await this.store.checkpoint();
      await this.store.deleteExpiredFiles(evenNow);
      await this.settle();
    }
  }

  /** Takes a message back. Resolves when that is decided, or the machine has stopped. */
  async recall(sent: Sent): Promise<void> {
    const { fileSystem } = this;
    if (sent.recall === "NONE") sent.recall = "UNKNOWN";
    try {
      const { topic, id: uniqKey, due } = sent;
      const cancelling = this.timers.cancel({ topic, uniqKey, due });
      const isDone = await Promise.race([cancelling, this.#stopped]);
      if (fileSystem.crashed) return;
      // Otherwise it was delivered, or taken back, already.
      if (!isDone) return;
      sent.recall = "DONE";
      sent.recallEndOffset = this.store.stats.maxOffset;
    } catch (error) {
      if (!fileSystem.crashed) throw error;
    }
  }

  /** Lets what is under way happen, unless it waits for time. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 3; turns++) await turn();
  }

  /** Ends in order. */
  async close(): Promise<void> {
    this.fileSystem.resumeAll();
    await this.timers[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
    this.fileSystem.crash();
  }

  /** Stops the machine, if it has not stopped yet; the disk is then what the next start finds. */
  async stop(kind: "kill" | "powerLoss"): Promise<void> {
    const { timers, store } = this;
    if (kind === "powerLoss") this.#forgetBehind(store?.stats.durableOffset ?? 0);
    this.fileSystem.crash();
    this.held.failed(0, new Crash());
    // What was alive comes to its end; nothing of it reaches the disk.
    await timers?.[Symbol.asyncDispose]().catch(unlessCrash);
    await store?.[Symbol.asyncDispose]().catch(unlessCrash);
    this.disk = kind === "kill" ? this.disk.copy() : this.disk.survivor(this.#random);
  }

  /** A power loss may take what is not durable, whatever was said about it. */
  #forgetBehind(durableOffset: number): void {
    for (const sent of this.sent.values()) {
      if (sent.endOffset > durableOffset) sent.isSafe = false;
      if (sent.recall === "DONE" && sent.recallEndOffset > durableOffset) sent.recall = "UNKNOWN";
    }
  }

  /** Deliveries that a power loss has taken never happened. */
  #forgetLost(): void {
    for (const [topic, seen] of this.#seen) {
      const end = this.store.getMaxOffsetInQueue(topic, 0);
      this.#seen.set(topic, Math.min(seen, end));
      for (const [id, deliveries] of this.deliveries) {
        const isLost = (one: Delivery) => one.topic === topic && one.queueOffset >= end;
        const left = deliveries.filter((one) => !isLost(one));
        if (left.length > 0) this.deliveries.set(id, left);
        else this.deliveries.delete(id);
      }
    }
  }

  /** Looks at what has come into the topics since it did last; before old files go, for example. */
  async look(): Promise<void> {
    for (const topic of new Set([...this.sent.values()].map(({ topic }) => topic))) {
      const start = this.#seen.get(topic) ?? 0;
      const found = await this.read(topic, start);
      for (const delivery of found) {
        const earlier = this.deliveries.get(delivery.id);
        if (earlier === undefined) this.deliveries.set(delivery.id, [delivery]);
        else earlier.push(delivery);
      }
      this.#seen.set(topic, (found.at(-1)?.queueOffset ?? start - 1) + 1);
    }
  }

  /** The messages in queue 0 of a topic from an offset on. */
  async read(topic: string, start = 0): Promise<Delivery[]> {
    const found: Delivery[] = [];
    let queueOffset = start;
    while (queueOffset < this.store.getMaxOffsetInQueue(topic, 0)) {
      const options = { queueOffset, maxMsgNums: 100, maxMsgBytes: 1 << 20, filter: undefined };
      const result = await this.store.getMessage(topic, 0, options);
      for (const bytes of recordsOf(result.parts, result.messageCount)) {
        const layout = readRecord(bytes, viewOf(bytes), 0);
        const properties = propertiesOf(bytes, layout);
        const at = Number(findProperty(properties, "TIMER_DEQUEUE_MS"));
        const id = findProperty(properties, "UNIQ_KEY")!;
        found.push({ id, topic, at, queueOffset: layout.queueOffset, properties });
      }
      queueOffset = Math.max(queueOffset + 1, result.nextBeginOffset);
    }
    return found;
  }

  /** Sets the clock back, as an admin does. */
  setBack(millis: number): void {
    this.clock.jump(-millis);
    this.#setBackMillis += millis;
  }

  /** Lets time pass. Of a long time only the last minute is as it would be. */
  async pass(millis: number): Promise<void> {
    const last = Math.min(millis, SHORT_MILLIS);
    this.clock.jump(millis - last);
    await this.clock.pass(last);
  }

  /** Lets time pass until nothing waits any more. */
  async deliverAll(): Promise<void> {
    const latest = Math.max(this.clock.now(), ...[...this.sent.values()].map(({ due }) => due));
    await this.pass(latest - this.clock.now() + SHORT_MILLIS);
    for (let turns = 0; this.timers.count() > 0; turns++) {
      assert(turns < TURNS_MAX, `${this.timers.count()} are never delivered`);
      await this.clock.pass(1_001);
    }
  }

  /** Delivered once, never early, not after it was taken back; and what was not delivered still waits. */
  async check(): Promise<void> {
    await this.settle();
    await this.look();
    let waiting = 0;
    let unknown = 0;
    for (const sent of this.sent.values()) {
      const { id, due, isSafe, recall } = sent;
      const [first, ...again] = this.deliveries.get(id) ?? [];
      assertEquals(
        again,
        [],
        `${id} was delivered ${again.length + 1} times: ${JSON.stringify(first)}`,
      );
      if (first === undefined) {
        if (isSafe && recall === "NONE") waiting++;
        else if (recall !== "DONE") unknown++;
        continue;
      }
      // What was due already, and waits for the disk, stays due when somebody sets the clock back.
      assert(
        first.at + this.#setBackMillis >= due,
        `${id} was delivered ${due - first.at} ms early`,
      );
      assert(recall !== "DONE", `${id} was delivered after it was taken back`);
    }
    const count = this.timers.count();
    assert(
      count >= waiting && count <= waiting + unknown,
      `${count} wait, of which ${waiting} are known and ${unknown} possible`,
    );
  }
}

function unlessCrash(error: unknown): void {
  const isCrash = error instanceof Crash || error instanceof Error && error.cause instanceof Crash;
  if (!isCrash && !(error instanceof Error && String(error.stack).includes("Crash"))) throw error;
}
