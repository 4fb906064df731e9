/**
 * All timer messages that wait, in the order in which they are due. Those that came last are in memory; when they are too
 * many, or have been there for long, they go to the disk as a run (timer_run.ts). What is due next is found by a heap of
 * those in memory and of the runs, each of which stands for its next message.
 *
 * A run that has only few left is written anew together with those from memory, so that runs stay few: 1,000,000 messages
 * are some hundred files, of which the memory holds about 10 KB each.
 */

import { compareDue, type Due, DueHeap } from "./due_heap.ts";
import type { RunFiles } from "./run_files.ts";
import { type TimerEntry, timerKey, type TimerPlace } from "./timer_entry.ts";
import { TimerRun, writeRun } from "./timer_run.ts";
import type { TopicNumbers } from "./topic_numbers.ts";

/** So many messages are kept in memory. */
export const FRESH_MAX = 16_384;
/** Runs with fewer messages are joined with others… */
const SMALL_RUN = FRESH_MAX / 2;
/** …up to so many at a time, since that holds up the event loop. */
const JOINED_MAX = FRESH_MAX * 2;

/** What a start finds. */
export interface TimerIndexState {
  runs: TimerRun[];
  /** With what waits in the runs counted. */
  topics: TopicNumbers;
  /** See `timerKey`. */
  seed: number;
  /** The number of the next run. */
  nextRun: number;
}

type Item = TimerEntry | TimerRun;

export class TimerIndex {
  readonly topics: TopicNumbers;
  readonly seed: number;
  readonly #files: RunFiles;
  /** Those in memory, by queueOffset. */
  readonly #fresh = new Map<number, TimerEntry>();
  readonly #runs = new Set<TimerRun>();
  readonly #heap = new DueHeap<Item>();
  #nextRun: number;
  #count = 0;

  constructor(files: RunFiles, { runs, topics, seed, nextRun }: TimerIndexState) {
    this.#files = files;
    this.topics = topics;
    this.seed = seed;
    this.#nextRun = nextRun;
    for (const run of runs) {
      this.#runs.add(run);
      if (run.hasNext) this.#heap.put(run);
      this.#count += run.waitingCount;
    }
  }

  /** How many messages wait. */
  get count(): number {
    return this.#count;
  }

  /** How many of them are in memory. */
  get freshCount(): number {
    return this.#fresh.size;
  }

  get runs(): ReadonlySet<TimerRun> {
    return this.#runs;
  }

  /** When the next one is due that has not been taken; Infinity for never. */
  get nextDue(): number {
    return this.#heap.first?.due ?? Infinity;
  }

  /** When the first one is due of all that wait, also those that have been taken; Infinity for none. */
  get firstDue(): number {
    let first = Infinity;
    for (const { due } of this.#fresh.values()) first = Math.min(first, due);
    for (const run of this.#runs) first = Math.min(first, run.firstDue);
    return first;
  }

  /** How many wait until each of these times, ascending, and not until the one before; about, see `TimerRun`. */
  countByDue(until: readonly number[]): number[] {
    const counts = until.map(() => 0);
    for (const { due } of this.#fresh.values()) {
      const bucket = until.findIndex((time) => due <= time);
      if (bucket >= 0) counts[bucket]!++;
    }
    for (const run of this.#runs) run.countByDue(until, counts);
    return counts;
  }

  /** The key of a message: of its topic, a plus sign and its unique key, as TIMER_DEL_UNIQKEY has it. */
  keyOf(text: string): number {
    return timerKey(text, this.seed);
  }

  /** Adds a message that goes to `topic`. */
  add(place: TimerPlace, topic: string, key: number): void {
    const { due, queueOffset, physicalOffset, size } = place;
    const entry: TimerEntry = {
      due,
      queueOffset,
      physicalOffset,
      size,
      topic: this.topics.numberOf(topic),
      key,
      run: undefined,
      index: -1,
      heapIndex: -1,
    };
    this.#fresh.set(queueOffset, entry);
    this.#heap.put(entry);
    this.#count++;
    this.topics.count(entry.topic, 1);
  }

  /** The message that is due then and has this queueOffset, if it waits. */
  find(due: number, queueOffset: number): TimerEntry | undefined {
    const fresh = this.#fresh.get(queueOffset);
    if (fresh !== undefined) return fresh.due === due ? fresh : undefined;
    for (const run of this.#runs) {
      const found = run.find(due, queueOffset);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Whether a message that was found earlier still waits and has not been taken. */
  isWaiting(entry: TimerEntry): boolean {
    if (entry.run instanceof TimerRun && !entry.run.isReplaced) {
      return entry.run.isWaiting(entry.index);
    }
    const found = this.find(entry.due, entry.queueOffset);
    if (found?.run instanceof TimerRun) return found.run.isWaiting(found.index);
    return found !== undefined && found.heapIndex >= 0;
  }

  /** Those with this key that are due from `from` to `until`, both included, and have not been taken. */
  findKey(key: number, from: number, until: number): TimerEntry[] {
    const found: TimerEntry[] = [];
    for (const entry of this.#fresh.values()) {
      const isMeant = entry.key === key && entry.due >= from && entry.due <= until;
      if (isMeant && entry.heapIndex >= 0) found.push(entry);
    }
    for (const run of this.#runs) found.push(...run.findKey(key, from, until));
    return found;
  }

  /** The first one that is found with this key, whenever it is due. Looks at all there is. */
  async findKeyAnywhere(key: number): Promise<TimerEntry | undefined> {
    for (const entry of this.#fresh.values()) {
      if (entry.key === key && entry.heapIndex >= 0) return entry;
    }
    for await (const run of this.#eachRun()) {
      const [found] = run.findKey(key, 0, Infinity);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * Takes those that are due at `now`, in their order and at most `countMax` with `bytesMax`, but at least one. They
   * count as waiting until they are ended. Stops before one that `isHeld`.
   */
  take(
    now: number,
    { countMax, bytesMax, isHeld }: {
      countMax: number;
      bytesMax: number;
      isHeld: (entry: TimerEntry) => boolean;
    },
  ): TimerEntry[] {
    const taken: TimerEntry[] = [];
    let bytes = 0;
    while (taken.length < countMax) {
      const first = this.#heap.first;
      if (first === undefined || first.due > now) break;
      const entry = first instanceof TimerRun ? first.peek() : first;
      if (isHeld(entry) || taken.length > 0 && bytes + entry.size > bytesMax) break;
      bytes += entry.size;
      if (first instanceof TimerRun) this.#takeFrom(first);
      else this.#heap.remove(first);
      taken.push(entry);
    }
    return taken;
  }

  #takeFrom(run: TimerRun): void {
    run.skip();
    this.#settle(run);
  }

  /** Puts a run where it belongs now. */
  #settle(run: TimerRun): void {
    if (run.hasNext) this.#heap.put(run);
    else this.#heap.remove(run);
  }

  /** A message waits no longer: it was delivered, cancelled or stored anew. Gives whether it did until now. */
  end(entry: TimerEntry): boolean {
    if (entry.run?.isReplaced) {
      const moved = this.find(entry.due, entry.queueOffset);
      return moved !== undefined && this.end(moved);
    }
    if (entry.run instanceof TimerRun) {
      if (!entry.run.end(entry.index)) return false;
      this.#settle(entry.run);
    } else {
      if (!this.#fresh.delete(entry.queueOffset)) return false;
      this.#heap.remove(entry);
    }
    this.#count--;
    this.topics.count(entry.topic, -1);
    return true;
  }

  /** The first `limit` that wait after `after`, in their order. */
  async list(
    after: Pick<Due, "due" | "queueOffset">,
    limit: number,
    topic?: string,
  ): Promise<TimerEntry[]> {
    const number = topic === undefined ? undefined : this.topics.find(topic);
    if (topic !== undefined && number === undefined) return [];
    let found: TimerEntry[] = [];
    for (const entry of this.#fresh.values()) {
      const isMeant = number === undefined || entry.topic === number;
      if (isMeant && compareDue(entry, after) > 0) found.push(entry);
    }
    found = found.sort(compareDue).slice(0, limit);
    for await (const run of this.#eachRun()) {
      // Some may have come from memory or another run meanwhile.
      const seen = new Set(found.map(({ queueOffset }) => queueOffset));
      const others = run.list(after, limit, number).filter((one) => !seen.has(one.queueOffset));
      found = merged([found, others]).slice(0, limit);
    }
    return found;
  }

  /** Shows all that wait and were stored before `queueOffset`, in no order; those of a run at a time. */
  async *olderThan(queueOffset: number): AsyncGenerator<TimerEntry[]> {
    yield [...this.#fresh.values()].filter((entry) => entry.queueOffset < queueOffset);
    for await (const run of this.#eachRun()) yield run.olderThan(queueOffset);
  }

  /** Each run in a turn of its own. What was written anew meanwhile comes, too: its messages may have been in memory. */
  async *#eachRun(): AsyncGenerator<TimerRun> {
    for (const run of this.#runs) {
      if (!run.isReplaced) yield run;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  /** All that wait, in their order: for when nothing else goes on. */
  *all(): Generator<TimerEntry> {
    yield* mergedLazily([
      [...this.#fresh.values()].sort(compareDue),
      ...[...this.#runs].map((run) => run.waiting()),
    ]);
  }

  /** Those in memory that were stored before `queueOffset`. */
  *freshBefore(queueOffset: number): Generator<TimerEntry> {
    for (const entry of this.#fresh.values()) if (entry.queueOffset < queueOffset) yield entry;
  }

  /**
   * Writes those in memory that have not been taken to a new run, together with what small runs have left.
   * @returns the runs that it replaces, whose files must stay until a state without them is on disk. @throws when the
   * disk refuses; then nothing has changed.
   */
  flush(): TimerRun[] {
    const fresh = [...this.#fresh.values()].filter((entry) => entry.heapIndex >= 0);
    const small = this.#smallRuns();
    const entries = merged([
      fresh.sort(compareDue),
      ...small.map((run) => run.list({ due: -1, queueOffset: -1 }, Infinity)),
    ]);
    if (entries.length > 0 && (fresh.length > 0 || small.length > 1)) {
      const run = writeRun(this.#files, String(this.#nextRun).padStart(20, "0"), entries);
      this.#nextRun++;
      this.#runs.add(run);
      this.#heap.put(run);
      for (const entry of fresh) {
        this.#fresh.delete(entry.queueOffset);
        this.#heap.remove(entry);
      }
      for (const run of small) this.#drop(run);
    } else {
      small.length = 0;
    }
    const empty = [...this.#runs].filter((run) => run.waitingCount === 0);
    for (const run of empty) this.#drop(run);
    return [...small, ...empty];
  }

  #drop(run: TimerRun): void {
    run.isReplaced = true;
    this.#runs.delete(run);
    this.#heap.remove(run);
  }

  /** Runs that have few messages left, none of which is being delivered. */
  #smallRuns(): TimerRun[] {
    const small: TimerRun[] = [];
    let count = 0;
    for (const run of this.#runs) {
      const { waitingCount, hasTaken } = run;
      if (waitingCount === 0 || waitingCount >= SMALL_RUN || hasTaken) continue;
      if (count + waitingCount > JOINED_MAX) continue;
      small.push(run);
      count += waitingCount;
    }
    return small;
  }
}

/** Several lists, each in order, as one. */
function merged(lists: TimerEntry[][]): TimerEntry[] {
  const [first = [], ...others] = lists.filter((list) => list.length > 0);
  return others.length === 0 ? first : [...mergedLazily([first, ...others])];
}

function* mergedLazily(lists: Iterable<TimerEntry>[]): Generator<TimerEntry> {
  const heads = new DueHeap<Due & { entry: TimerEntry; rest: Iterator<TimerEntry> }>();
  const put = (rest: Iterator<TimerEntry>) => {
    const { value: entry, done } = rest.next();
    if (done) return;
    heads.put({ due: entry.due, queueOffset: entry.queueOffset, heapIndex: -1, entry, rest });
  };
  for (const list of lists) put(list[Symbol.iterator]());
  for (let head = heads.first; head !== undefined; head = heads.first) {
    heads.remove(head);
    yield head.entry;
    put(head.rest);
  }
}
