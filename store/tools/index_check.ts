/**
 * Compares the index with the log, both ways: every key of every record has its unit, and every unit stands for a key
 * of a record. Units are put in the order of the log, so both are gone through once, side by side.
 */

import type { RecordLayout } from "../../client/protocol/message_record.ts";
import type { LogDamage } from "./damage.ts";
import { type FindingKind, type FindingList, plural } from "./findings.ts";
import { type IndexFileCheck, IndexReader, type IndexUnit } from "./index_reader.ts";
import type { NextStart } from "./next_start.ts";
import type { RecordKeys } from "./record_keys.ts";
import { indexFileBytes, relativePath, type StoreFiles } from "./store_files.ts";

export interface IndexCheckOptions {
  files: StoreFiles;
  damage: LogDamage;
  findings: FindingList;
  nextStart: NextStart;
}

const INT_MAX = 0x7fffffff;

/** Things of one kind in a row, told as one. */
interface Tally {
  count: number;
  path: string;
  offset: number | undefined;
  first: string;
}

export class IndexCheck implements Disposable {
  readonly #options: IndexCheckOptions;
  readonly #reader: IndexReader;
  readonly #tallies = new Map<FindingKind, Tally>();
  /** Units read so far. */
  unitCount = 0;
  #lastPhysicalOffset = -1;
  /** Hashes of the units of the record that is looked at. */
  readonly #found = new Set<number>();
  readonly #fileChecks: IndexFileCheck[] = [];

  constructor(options: IndexCheckOptions) {
    const { fileSystem, index } = options.files;
    this.#options = options;
    this.#reader = new IndexReader(fileSystem, index, (check) => this.#fileChecks.push(check));
  }

  /** A record that has keys. */
  onRecord(record: RecordLayout, keys: RecordKeys): void {
    const { physicalOffset, storeTimestamp } = record;
    this.#passOver(physicalOffset);
    const found = this.#found;
    found.clear();
    for (let unit = this.#reader.unit; unit !== undefined; unit = this.#reader.unit) {
      if (unit.physicalOffset !== physicalOffset) break;
      if (!keys.all.includes(unit.keyHash) && !keys.unique.includes(unit.keyHash)) {
        this.#tallyUnit("indexUnit", unit, "its hash is of no key of the message");
      } else if (!hasRightTime(unit, storeTimestamp)) {
        this.#tallyUnit("indexUnit", unit, "its time is not that of the message");
      }
      found.add(unit.keyHash);
      this.#next();
    }
    const hasUnique = keys.unique.length === 0 || keys.unique.some((hash) => found.has(hash));
    if (hasUnique && keys.all.every((hash) => found.has(hash))) return;
    const late = physicalOffset >= this.#options.nextStart.rebuildFrom;
    this.#tally(late ? "indexBehind" : "indexIncomplete", {
      path: this.#options.files.index.folder,
      offset: undefined,
      first: `the message at physicalOffset ${physicalOffset} of topic ${record.topic}`,
    });
  }

  #next(): void {
    this.unitCount++;
    this.#lastPhysicalOffset = this.#reader.unit!.physicalOffset;
    this.#reader.advance();
  }

  /** Looks at the units of messages before `physicalOffset` that no record has asked for. */
  #passOver(physicalOffset: number): void {
    const { files, damage, nextStart } = this.#options;
    for (let unit = this.#reader.unit; unit !== undefined; unit = this.#reader.unit) {
      const place = unit.physicalOffset;
      const goesBack = place < this.#lastPhysicalOffset;
      if (place >= physicalOffset && !goesBack) return;
      const isExplained = place < files.log.minOffset || damage.rangeAt(place) >= 0;
      if (goesBack || !isExplained) {
        const kind = place >= nextStart.rebuildFrom ? "indexBehind" : "indexUnit";
        this.#tallyUnit(kind, unit, `no message with a key is at physicalOffset ${place}`);
      }
      this.#next();
    }
  }

  /** After the last record: looks at what is left, and reports. */
  finish(): void {
    this.#passOver(Infinity);
    for (const check of this.#fileChecks) this.#checkFile(check);
    const { files, findings } = this.#options;
    for (const [kind, { count, path, offset, first }] of this.#tallies) {
      const text = `${TALLY_TEXTS[kind]!(count)}; the first: ${first}`;
      findings.add(kind, relativePath(files.folder, path), offset, text);
    }
  }

  #checkFile(check: IndexFileCheck): void {
    const { files, findings, nextStart } = this.#options;
    const file = relativePath(files.folder, check.path);
    const add = (kind: FindingKind, what: string) => findings.add(kind, file, undefined, what);
    const bytes = indexFileBytes(files.index.slotCount, files.index.unitCount);
    const found = files.index.files.find(({ path }) => path === check.path)!.bytes;
    if (found !== bytes) add("indexFile", `it has ${found} bytes instead of ${bytes}`);
    if (check.unitsRead < check.unitCount) {
      return add("indexHeader", `the header tells of ${check.unitCount} units, more than fit`);
    }
    if (check.unitCount === 0) return;
    // After a crash a start makes the slots anew, of the file that it goes on with.
    const isMadeAnew = nextStart.rebuildFrom < Infinity &&
      (check.beginPhysicalOffset >= nextStart.rebuildFrom ||
        check.path === this.#goesOnWith(nextStart.rebuildFrom));
    if (check.brokenChains > 0) {
      const text = plural(check.brokenChains, "unit");
      add("indexChain", `${text} chained to the wrong one; the first is unit ${check.brokenChain}`);
    }
    if (check.wrongSlots > 0) {
      const text = `${plural(check.wrongSlots, "hash slot")} that do not name their newest unit`;
      add(isMadeAnew ? "indexBehind" : "indexChain", text);
    }
    const { beginPhysicalOffset, endPhysicalOffset, firstPhysicalOffset } = check;
    if (
      beginPhysicalOffset !== firstPhysicalOffset || endPhysicalOffset !== check.lastPhysicalOffset
    ) {
      const text = `the header says physicalOffsets ${beginPhysicalOffset} to ${endPhysicalOffset}`;
      add(
        "indexHeader",
        `${text}, the units ${firstPhysicalOffset} to ${check.lastPhysicalOffset}`,
      );
    }
    if (check.hashSlotCount !== check.usedSlots && !isMadeAnew) {
      add("indexHeader", `the header counts ${check.hashSlotCount} slots, not ${check.usedSlots}`);
    }
  }

  /** The file whose units a start cuts at `physicalOffset`, and those after it, which it removes. */
  #goesOnWith(physicalOffset: number): string | undefined {
    return this.#fileChecks.findLast(({ beginPhysicalOffset, unitCount }) =>
      unitCount > 0 && beginPhysicalOffset < physicalOffset
    )?.path;
  }

  #tallyUnit(kind: FindingKind, unit: IndexUnit, what: string): void {
    const offset = indexFileBytes(this.#options.files.index.slotCount, unit.number);
    this.#tally(kind, { path: unit.path, offset, first: `unit ${unit.number}, ${what}` });
  }

  #tally(kind: FindingKind, place: Omit<Tally, "count">): void {
    const known = this.#tallies.get(kind);
    if (known === undefined) this.#tallies.set(kind, { count: 1, ...place });
    else known.count++;
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
  }
}

const TALLY_TEXTS: Partial<Record<FindingKind, (count: number) => string>> = {
  indexIncomplete: (count) => `${plural(count, "message")} not found by all of their keys`,
  indexBehind: (count) => `${plural(count, "message")} not yet in the index as they should be`,
  indexUnit: (count) => `${plural(count, "entry", "entries")} that stand for nothing`,
};

/** A file's first unit may count from the end of the file before, as Apache's does. */
function hasRightTime({ number, seconds, beginTimestamp }: IndexUnit, timestamp: number): boolean {
  const expected = Math.floor((timestamp - beginTimestamp) / 1000);
  return number === 1 || seconds === Math.min(Math.max(0, expected), INT_MAX);
}
