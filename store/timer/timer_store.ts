/**
 * The folder `comet-timers`: the index of the timer messages that wait, on disk.
 *
 * ```
 *  comet-timers/state.json             up to where in the log the index goes, and of what it consists
 *  comet-timers/00000000000000000001   runs (timer_run.ts), each with messages in the order in which they are due
 * ```
 * `state.json` has, besides the runs with how far each has been delivered:
 *
 * - queueOffset: messages of the timer topic's queue before it are in the runs, in `entries`, or wait no longer.
 * - physicalOffset: from there on a start reads the log. In the log is all that has happened since: messages that came,
 *   that were delivered, cancelled, or stored anew.
 * - firstQueueOffset: none that waits was stored before it.
 * - lastPhysicalOffset: where the message before queueOffset is, or -1; a log in which it is not there is another log.
 * - apacheCheckpoints: what `config/timercheck` is after this state was saved, and what it was before. If it is neither,
 *   Apache's broker has had the folder and knows better.
 *
 * All of it can be made anew from the log. It never runs ahead of what is on disk of the log: a state is written when
 * the log is durable up to where it was when the state was taken, and the same holds for marks in the runs.
 */

import { CorruptStoreError } from "../errors.ts";
import type { FileSystem } from "../file_system.ts";
import { JsonFile } from "../json_file.ts";
import type { TimerCheckpoint } from "./apache_files.ts";
import { RunFiles } from "./run_files.ts";
import type { TimerEntry, TimerPlace } from "./timer_entry.ts";
import { TimerIndex } from "./timer_index.ts";
import { openRun, type RunState, type TimerRun } from "./timer_run.ts";
import { TopicNumbers } from "./topic_numbers.ts";

/** Up to where the index on disk goes; see above. */
export interface TimerPosition {
  queueOffset: number;
  physicalOffset: number;
  lastPhysicalOffset: number;
}

/** What is saved besides the index. */
export interface TimerStateFields extends TimerPosition {
  firstQueueOffset: number;
  apacheCheckpoints: TimerCheckpoint[];
}

interface TimerState extends TimerStateFields {
  version: number;
  seed: number;
  runs: RunState[];
  topics: Record<string, string>;
  entries: (TimerPlace & { topic: number; key: number })[];
}

const VERSION = 1;

export class TimerStore {
  readonly #files: RunFiles;
  readonly #stateFile: JsonFile<TimerState>;
  /** Runs that others have replaced; their files stay until a state without them is on disk. */
  #replaced: TimerRun[] = [];
  #index: TimerIndex | undefined;

  /** @param onFallback the state was damaged and the one before it was taken. */
  constructor(
    fileSystem: FileSystem,
    storeFolder: string,
    onFallback: (error: Error) => void,
  ) {
    const folder = `${storeFolder}/comet-timers`;
    this.#files = new RunFiles(fileSystem, folder);
    this.#stateFile = new JsonFile({
      path: `${folder}/state.json`,
      fileSystem,
      parse: parseState,
      onFallback,
    });
  }

  /** The open index. */
  get index(): TimerIndex {
    return this.#index!;
  }

  /**
   * Opens the index; undefined when there is none.
   * @throws {CorruptStoreError} when it cannot be used.
   */
  open(): TimerStateFields | undefined {
    const state = this.#stateFile.load();
    if (state === undefined) return undefined;
    const topics = new TopicNumbers(state.topics);
    const runs = state.runs.map((run) => this.#openRun(run, topics));
    const index = this.#createIndex(runs, topics, state.seed);
    for (const entry of state.entries) {
      index.add(entry, topics.nameOf(entry.topic)!, entry.key);
    }
    this.#removeFilesBut(new Set(state.runs.map(({ name }) => name)));
    return state;
  }

  #openRun(run: RunState, topics: TopicNumbers): TimerRun {
    if (!this.#files.names().includes(run.name)) {
      throw new CorruptStoreError(`There is no file ${run.name} in ${this.#files.folder}`);
    }
    return openRun(this.#files, run, (topic) => topics.count(topic, 1));
  }

  /** Begins with an empty index. @param seed a random number of 32 bits, see `timerKey`. */
  create(seed: number): void {
    this.#createIndex([], new TopicNumbers(), seed);
  }

  #createIndex(runs: TimerRun[], topics: TopicNumbers, seed: number): TimerIndex {
    const last = this.#files.names().at(-1) ?? "0";
    return this.#index = new TimerIndex(this.#files, {
      runs,
      topics,
      seed,
      nextRun: Number(last) + 1,
    });
  }

  #removeFilesBut(kept: ReadonlySet<string>): void {
    for (const name of this.#files.names()) if (!kept.has(name)) this.#files.remove(name);
  }

  /** Brings what is only in memory to a run. @throws when the disk refuses; then nothing has changed. */
  flush(): void {
    this.#replaced.push(...this.index.flush());
  }

  /**
   * Saves the index as it is now; one call at a time. Not to be called while deliveries are being noted.
   * @param untilDurable resolves when the log is durable up to where it is now, with false when that failed.
   * @returns whether it was saved. @throws when the disk refuses.
   */
  async save(fields: TimerStateFields, untilDurable: () => Promise<boolean>): Promise<boolean> {
    const { index } = this;
    index.topics.forgetUnused();
    const runs = [...index.runs];
    const replaced = [...this.#replaced];
    const state: TimerState = {
      version: VERSION,
      ...fields,
      seed: index.seed,
      runs: runs.map((run) => run.state),
      topics: index.topics.toJSON(),
      entries: [...index.freshBefore(fields.queueOffset)].map(placeOf),
    };
    const marks = runs.map((run) => ({ run, indexes: run.takeUnwritten() }));
    try {
      if (!await untilDurable()) {
        giveBack(marks);
        return false;
      }
      for (const { run, indexes } of marks) run.writeStates(indexes);
      await this.#files.sync();
      await this.#stateFile.save(state);
    } catch (error) {
      giveBack(marks);
      throw error;
    }
    this.#replaced = this.#replaced.filter((run) => !replaced.includes(run));
    for (const { name } of replaced) this.#files.remove(name);
    return true;
  }

  close(): void {
    this.#files.close();
  }
}

function giveBack(marks: { run: TimerRun; indexes: number[] }[]): void {
  for (const { run, indexes } of marks) run.giveBackUnwritten(indexes);
}

function placeOf(entry: TimerEntry): TimerState["entries"][number] {
  const { due, queueOffset, physicalOffset, size, topic, key } = entry;
  return { due, queueOffset, physicalOffset, size, topic, key };
}

function parseState(json: unknown): TimerState {
  const state = json as TimerState;
  const numbers = [
    state.queueOffset,
    state.physicalOffset,
    state.lastPhysicalOffset,
    state.firstQueueOffset,
    state.seed,
    ...state.runs.flatMap(({ cursor, checksum }) => [cursor, checksum]),
    ...state.entries.flatMap((entry) => Object.values(placeOf(entry as TimerEntry))),
    ...state.apacheCheckpoints.flatMap((checkpoint) => Object.values(checkpoint)),
  ];
  if (state.version !== VERSION || !numbers.every(Number.isFinite)) {
    throw new TypeError("It is no state of timers that this version knows");
  }
  return state;
}
