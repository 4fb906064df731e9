/** A machine that runs a store over a faulty disk, stops at any moment, and starts again. */

import { assert, assertEquals } from "@std/assert";
import type { MessageStore, StoreSettings } from "../../store/message_store.ts";
import { Disk } from "./fault_disk.ts";
import { Crash, FaultFileSystem, type FaultOptions } from "./fault_file_system.ts";
import { quietRandom, type Random } from "./random.ts";
import { openStore } from "./store.ts";
import { StoreLedger } from "./store_ledger.ts";
import { checkStore, scanDisk } from "./store_oracle.ts";

export const MACHINE_FOLDER = "/data/store";
/** Files are small, so that a few messages fill several. */
export const MACHINE_SETTINGS = {
  mappedFileSizeCommitLog: 20 * 1024,
  mappedFileSizeConsumeQueue: 20 * 30,
  maxHashSlotNum: 13,
  maxIndexNum: 40,
  diskMinFreeBytes: 1,
  diskSpaceWarningLevelRatio: 100,
  flushIntervalCommitLog: 1 << 30,
};

/** Longer than fileReservedTime. */
const EXPIRE_MILLIS = 100 * 3_600_000;

export type StopKind = "kill" | "powerLoss";

export interface MachineOptions {
  random: Random;
  flushDiskType: StoreSettings["flushDiskType"];
  settings?: Partial<StoreSettings>;
}

export class StoreMachine {
  readonly ledger = new StoreLedger();
  readonly #options: MachineOptions;
  disk = new Disk();
  fileSystem!: FaultFileSystem;
  store: MessageStore | undefined;
  /** The store while it is being closed. */
  #closing: MessageStore | undefined;
  /** Why the store says it must end. */
  fatal: Error | undefined;
  readonly upkeepErrors: Error[] = [];
  readonly writeErrors: Error[] = [];
  /** Messages that were safe when the machine stopped. */
  #safe = { kill: 0, powerLoss: 0 };
  /** The worse of the stops since the store was checked. */
  #stop: StopKind = "kill";
  #now = 1_700_000_000_000;

  /** What the disk does is no part of what is put: messages are the same, however many calls they cost. */
  readonly #diskRandom: Random;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.#diskRandom = quietRandom(options.random(1 << 30));
  }

  /** Opens the store; undefined when the machine stops meanwhile. */
  open(faults: Partial<FaultOptions> = {}): MessageStore | undefined {
    const { flushDiskType, settings } = this.#options;
    const { ledger } = this;
    const fileSystem = this.fileSystem = new FaultFileSystem(this.disk, {
      random: this.#diskRandom,
      onCrash: () => this.#stopped(),
      ...faults,
    });
    this.fatal = undefined;
    const unlessStopped = (act: () => void) => fileSystem.crashed || act();
    try {
      this.store = openStore(MACHINE_FOLDER, { ...MACHINE_SETTINGS, flushDiskType, ...settings }, {
        fileSystem,
        now: () => this.#now,
        onPromised: (offset) => unlessStopped(() => ledger.promised(offset)),
        onWriteFailed: (offset, error) =>
          unlessStopped(() => {
            ledger.refusedAfter(offset);
            this.writeErrors.push(error);
          }),
        onUpkeepFailed: (error) => unlessStopped(() => this.upkeepErrors.push(error)),
        onFatal: (error) =>
          unlessStopped(() => {
            assertEquals(this.fatal, undefined, "onFatal is called once");
            this.fatal = error;
          }),
      });
    } catch (error) {
      if (!fileSystem.crashed) throw error;
      this.store = undefined;
    }
    return this.store;
  }

  /** The machine stops: from here on only the disk counts. */
  #stopped(): void {
    const { attempts } = this.ledger;
    const acknowledged = attempts.filter((attempt) => attempt.acknowledged).length;
    const durableOffset = (this.store ?? this.#closing)?.stats.durableOffset ?? 0;
    const durable = attempts.filter(({ endOffset }) => endOffset <= durableOffset).length;
    const isSync = this.#options.flushDiskType === "SYNC_FLUSH";
    this.#safe = {
      kill: Math.max(this.#safe.kill, acknowledged),
      powerLoss: Math.max(this.#safe.powerLoss, durable, isSync ? acknowledged : 0),
    };
  }

  /** How many more calls the machine makes before it stops; negative when it has stopped by itself. */
  get callsLeft(): number {
    return (this.fileSystem.options.crashAfter ?? Infinity) - this.fileSystem.callCount;
  }

  /** Puts some messages and commits them. */
  send(count: number): void {
    const { random } = this.#options;
    this.#now += random(4);
    for (let sent = 0; sent < count; sent++) this.ledger.put(this.store!, random);
    this.store!.commit();
  }

  /** Lets all that is there expire, and deletes what may be deleted. */
  async expire(): Promise<void> {
    this.#now += EXPIRE_MILLIS;
    const segmentBytes = MACHINE_SETTINGS.mappedFileSizeCommitLog;
    const { maxOffset } = this.store!.stats;
    this.ledger.mayBeGoneBefore = maxOffset - maxOffset % segmentBytes;
    await this.store!.deleteExpiredFiles(true);
  }

  /** Time goes by, in milliseconds. */
  wait(millis: number): void {
    this.#now += millis;
  }

  /** Lets what is due happen. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 40; turn++) await Promise.resolve();
  }

  /** Ends the store in order. */
  async close(): Promise<void> {
    const { store, fileSystem } = this;
    this.store = undefined;
    fileSystem.resumeAll();
    this.#closing = store;
    await store?.[Symbol.asyncDispose]();
    fileSystem.crash();
    this.#closing = undefined;
  }

  /** Stops the machine, if it has not stopped yet; the disk is then what the next start finds. */
  async stop(kind: StopKind): Promise<void> {
    this.fileSystem.crash();
    const { store } = this;
    this.store = undefined;
    // What was alive comes to its end; nothing of it reaches the disk.
    await store?.[Symbol.asyncDispose]().catch((error) => {
      if (!(error instanceof Crash) && !(error.cause instanceof Crash)) throw error;
    });
    this.disk = kind === "kill" ? this.disk.copy() : this.disk.survivor(this.#diskRandom);
    if (kind === "powerLoss") this.#stop = kind;
  }

  /** Opens the store, on a disk without faults, and checks it. */
  async openAndCheck(): Promise<MessageStore> {
    const store = this.open()!;
    const log = scanDisk(this.disk, `${MACHINE_FOLDER}/commitlog`);
    const count = await checkStore(store, log, this.ledger, this.#safe[this.#stop]);
    this.ledger.reopened(count);
    this.#safe = { kill: count, powerLoss: count };
    this.#stop = "kill";
    return store;
  }

  /** Tries to put one message. @returns why it was refused, if it was. */
  putOne(): string | undefined {
    return this.ledger.put(this.store!, this.#options.random);
  }

  /** Checks the open store when everything that was put is acknowledged. */
  async check(): Promise<void> {
    const log = scanDisk(this.disk, `${MACHINE_FOLDER}/commitlog`);
    const { attempts } = this.ledger;
    assert(attempts.every(({ acknowledged }) => acknowledged), "something is not acknowledged");
    await checkStore(this.store!, log, this.ledger, attempts.length);
  }
}
