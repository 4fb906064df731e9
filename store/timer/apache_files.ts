/**
 * The files in which Apache's broker keeps what it knows of timer messages, besides the messages themselves:
 *
 * ```
 *  config/timercheck, 4096 bytes:
 *    0 lastReadTimeMs 8            what is due before has been delivered
 *    8 lastTimerLogFlushPos 8     16 lastTimerQueueOffset 8, from which on the queue has yet to be read
 *   24 masterTimerQueueOffset 8   32 stateVersion 8   40 timestamp 8   48 counter 8
 *
 *  timerlog/00000000000000000000, mappedFileSizeTimerLog bytes each, a unit of 52 for each message:
 *    0 size 4 (52)      4 position of the unit before it in the same slot 8 (-1 for none)
 *   12 magic 4 (1, +2 to be stored anew, +4 cancels another)      16 time of writing 8
 *   24 due 4, milliseconds after that   28 physicalOffset 8   36 size of the record 4   40 hash of the topic 4   44 0 8
 *
 *  timerwheel   slots, which Apache makes anew from timerlog
 *  config/timermetrics   {"timingCount":{"TOPIC":{"count":1,"timeStamp":0}},"dataVersion":{…}}
 * ```
 * The rest of a file that is too short for a unit has 16 bytes: its length, 8 zeros, the blank magic.
 * Source: TimerCheckpoint.java, TimerLog.java, TimerMessageStore.java and TimerMetrics.java of Apache RocketMQ 5.3.3.
 */

import { encodeUtf8, getInt64, setInt64, viewOf } from "../../client/protocol/bytes.ts";
import type { FileSystem, StoreFile } from "../file_system.ts";

/** How far Apache's broker is with its timers. */
export interface TimerCheckpoint {
  /** Milliseconds since the epoch. */
  lastReadTimeMs: number;
  lastTimerLogFlushPos: number;
  lastTimerQueueOffset: number;
  masterTimerQueueOffset: number;
}

/** One message in Apache's timer log. */
export interface TimerLogUnit {
  /** When its slot is due; milliseconds since the epoch. */
  slotTime: number;
  magic: number;
  physicalOffset: number;
  size: number;
}

/** A unit to be written. */
export interface TimerLogEntry extends TimerLogUnit {
  /** Java's hash of the topic's name. */
  topicHash: number;
}

const CHECKPOINT_BYTES = 4096;
const CHECKPOINT_USED_BYTES = 56;
const UNIT_BYTES = 52;
const BLANK_BYTES = 16;
const BLANK_MAGIC = (0xbbccddee ^ 1880681586 + 8) | 0;
const READ_UNITS = 4096;

export const TimerMagic = { DEFAULT: 1, ROLL: 2, DELETE: 4 } as const;

function checkpointPath(storeFolder: string): string {
  return `${storeFolder}/config/timercheck`;
}

function logFolder(storeFolder: string): string {
  return `${storeFolder}/timerlog`;
}

/** Reads `timercheck`; undefined when there is none. */
export function readTimerCheckpoint(
  fileSystem: FileSystem,
  storeFolder: string,
): TimerCheckpoint | undefined {
  const path = checkpointPath(storeFolder);
  if (!fileSystem.existsSync(path)) return undefined;
  const bytes = new Uint8Array(CHECKPOINT_USED_BYTES);
  using file = opened(fileSystem, path, false);
  file.readSync(bytes, 0);
  const view = viewOf(bytes);
  return {
    lastReadTimeMs: getInt64(view, 0),
    lastTimerLogFlushPos: getInt64(view, 8),
    lastTimerQueueOffset: getInt64(view, 16),
    masterTimerQueueOffset: getInt64(view, 24),
  };
}

/** Writes `timercheck` and brings it to disk; what Apache notes behind these fields stays. */
export async function writeTimerCheckpoint(
  fileSystem: FileSystem,
  storeFolder: string,
  checkpoint: TimerCheckpoint,
): Promise<void> {
  const path = checkpointPath(storeFolder);
  fileSystem.makeFolderSync(`${storeFolder}/config`);
  using file = opened(fileSystem, path, true);
  const bytes = new Uint8Array(CHECKPOINT_BYTES);
  file.readSync(bytes, 0);
  setCheckpoint(bytes, checkpoint);
  file.writeSync(bytes, 0);
  await file.syncData();
  await fileSystem.syncFolder(`${storeFolder}/config`);
}

function setCheckpoint(bytes: Uint8Array, checkpoint: TimerCheckpoint): void {
  const view = viewOf(bytes);
  setInt64(view, 0, checkpoint.lastReadTimeMs);
  setInt64(view, 8, checkpoint.lastTimerLogFlushPos);
  setInt64(view, 16, checkpoint.lastTimerQueueOffset);
  setInt64(view, 24, checkpoint.masterTimerQueueOffset);
}

/** The fields and a DataVersion of zeros behind them. */
const CHECKPOINT_ON_WIRE_BYTES = 56;

/** A checkpoint as brokers send it to their slaves. */
export function encodeTimerCheckpoint(checkpoint: TimerCheckpoint): Uint8Array {
  const bytes = new Uint8Array(CHECKPOINT_ON_WIRE_BYTES);
  setCheckpoint(bytes, checkpoint);
  return bytes;
}

function opened(fileSystem: FileSystem, path: string, create: boolean): StoreFile & Disposable {
  const file = fileSystem.openSync(path, { create });
  return Object.assign(file, { [Symbol.dispose]: () => file.close() });
}

/** Removes timer log and wheel. What `timercheck` says must do without them. */
export function removeTimerLog(fileSystem: FileSystem, storeFolder: string): void {
  const folder = logFolder(storeFolder);
  for (const name of fileSystem.listSync(folder)) fileSystem.removeSync(`${folder}/${name}`);
  const wheel = `${storeFolder}/timerwheel`;
  if (fileSystem.existsSync(wheel)) fileSystem.removeSync(wheel);
}

/** The units of Apache's timer log, oldest first, up to the first that was not written whole. */
export function* readTimerLog(
  fileSystem: FileSystem,
  storeFolder: string,
): Generator<TimerLogUnit> {
  const folder = logFolder(storeFolder);
  for (const name of fileSystem.listSync(folder)) {
    if (!/^\d{20}$/.test(name)) continue;
    using file = opened(fileSystem, `${folder}/${name}`, false);
    if (!(yield* unitsOf(file))) return;
  }
}

/** @returns whether the next file may have more. */
function* unitsOf(file: StoreFile): Generator<TimerLogUnit, boolean> {
  const bytes = new Uint8Array(READ_UNITS * UNIT_BYTES);
  const view = viewOf(bytes);
  const size = file.sizeSync();
  for (let start = 0; start < size; start += bytes.length) {
    const count = readAll(file, bytes, start);
    for (let position = 0; position + BLANK_BYTES <= count; position += UNIT_BYTES) {
      const magic = view.getInt32(position + 12);
      if (magic === BLANK_MAGIC) return true;
      const isUnit = view.getInt32(position) === UNIT_BYTES && (magic | 0xf) === 0xf &&
        position + UNIT_BYTES <= count;
      if (!isUnit) return false;
      yield {
        slotTime: getInt64(view, position + 16) + view.getInt32(position + 24),
        magic,
        physicalOffset: getInt64(view, position + 28),
        size: view.getInt32(position + 36),
      };
    }
  }
  return true;
}

function readAll(file: StoreFile, into: Uint8Array, position: number): number {
  let done = 0;
  while (done < into.length) {
    const count = file.readSync(into.subarray(done), position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

export interface TimerLogOptions {
  fileSystem: FileSystem;
  storeFolder: string;
  /** mappedFileSizeTimerLog */
  fileBytes: number;
  /** timerPrecisionMs: slots are multiples of it. */
  precisionMs: number;
  /** The time that units give as that of their writing; milliseconds since the epoch. */
  now: number;
}

/** Writes a timer log, from its beginning. Units of one slot must follow one another, but for those that are expected again. */
export class TimerLogWriter {
  readonly #options: TimerLogOptions;
  readonly #bytes = new Uint8Array(READ_UNITS * UNIT_BYTES);
  readonly #view: DataView = viewOf(this.#bytes);
  #length = 0;
  /** Where `#bytes` begin. */
  #start = 0;
  #lastSlot = -1;
  #lastPosition = -1;
  /** The positions of the last units of slots that come again, or -1. */
  readonly #again = new Map<number, number>();

  constructor(options: TimerLogOptions) {
    this.#options = options;
    removeTimerLog(options.fileSystem, options.storeFolder);
  }

  /** @throws when the disk refuses. */
  put({ slotTime, magic, physicalOffset, size, topicHash }: TimerLogEntry): void {
    const { precisionMs, now } = this.#options;
    const fileEnd = this.#fileEnd();
    if (this.#start + this.#length + UNIT_BYTES + BLANK_BYTES > fileEnd) {
      this.#putBlank();
      this.#start = fileEnd;
    } else if (this.#length === this.#bytes.length) {
      this.#write();
    }
    const slot = Math.floor(slotTime / precisionMs);
    const position = this.#length;
    const view = this.#view;
    view.setInt32(position, UNIT_BYTES);
    setInt64(view, position + 4, this.#previousOf(slot));
    view.setInt32(position + 12, magic);
    setInt64(view, position + 16, now);
    view.setInt32(position + 24, slotTime - now);
    setInt64(view, position + 28, physicalOffset);
    view.setInt32(position + 36, size);
    view.setInt32(position + 40, topicHash);
    setInt64(view, position + 44, 0);
    this.#lastSlot = slot;
    this.#lastPosition = this.#start + position;
    if (this.#again.has(slot)) this.#again.set(slot, this.#lastPosition);
    this.#length += UNIT_BYTES;
  }

  /** To be called before the first unit: slots that get units again after those of other slots have come. */
  expectAgain(slotTimes: readonly number[]): void {
    for (const slotTime of slotTimes) {
      this.#again.set(Math.floor(slotTime / this.#options.precisionMs), -1);
    }
  }

  #previousOf(slot: number): number {
    return slot === this.#lastSlot ? this.#lastPosition : this.#again.get(slot) ?? -1;
  }

  #fileStart(): number {
    const { fileBytes } = this.#options;
    return Math.floor(this.#start / fileBytes) * fileBytes;
  }

  #fileEnd(): number {
    return this.#fileStart() + this.#options.fileBytes;
  }

  #putBlank(): void {
    this.#write();
    this.#view.setInt32(0, this.#fileEnd() - this.#start);
    setInt64(this.#view, 4, 0);
    this.#view.setInt32(12, BLANK_MAGIC);
    this.#length = BLANK_BYTES;
    this.#write();
  }

  #write(): void {
    if (this.#length === 0) return;
    const { fileSystem, storeFolder, fileBytes } = this.#options;
    const folder = logFolder(storeFolder);
    const start = this.#fileStart();
    fileSystem.makeFolderSync(folder);
    using file = opened(fileSystem, `${folder}/${String(start).padStart(20, "0")}`, true);
    if (file.sizeSync() !== fileBytes) file.truncateSync(fileBytes);
    file.writeSync(this.#bytes.subarray(0, this.#length), this.#start - start);
    this.#start += this.#length;
    this.#length = 0;
  }

  /** Writes what is left and brings all of it to disk. */
  async finish(): Promise<void> {
    this.#write();
    const { fileSystem, storeFolder } = this.#options;
    const folder = logFolder(storeFolder);
    const names = fileSystem.listSync(folder);
    for (const name of names) {
      using file = opened(fileSystem, `${folder}/${name}`, false);
      await file.syncData();
    }
    if (names.length > 0) await fileSystem.syncFolder(folder);
  }
}

/** Writes `timermetrics`, from which Apache's broker tells how many messages wait for each topic. */
export function writeTimerMetrics(
  fileSystem: FileSystem,
  storeFolder: string,
  counts: Iterable<[topic: string, count: number]>,
  now: number,
): void {
  const path = `${storeFolder}/config/timermetrics`;
  using file = opened(fileSystem, path, true);
  file.truncateSync(0);
  file.writeSync(encodeUtf8(JSON.stringify(timerMetrics(counts, now))), 0);
}

/** What `timermetrics` holds, which brokers also send to their slaves. */
export function timerMetrics(counts: Iterable<[topic: string, count: number]>, now: number) {
  const timingCount = Object.fromEntries(
    [...counts].map(([topic, count]) => [topic, { count, timeStamp: now }]),
  );
  return { dataVersion: { counter: 1, stateVersion: 0, timestamp: now }, timingCount };
}
