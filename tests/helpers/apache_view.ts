/**
 * What Apache's broker finds in a data folder that it opens after a crash, by its own rules (IndexService.load,
 * CommitLog.recoverAbnormally and IndexService.buildIndex of 5.3.3).
 */

import { getInt64, viewOf } from "../../client/protocol/bytes.ts";
import { denoFileSystem } from "../../store/file_system.ts";
import type { StoreSettings } from "../../store/message_store.ts";

/** One index file as Apache reads it. */
export interface ApacheIndexFile {
  name: string;
  endTimestamp: number;
  endPhysicalOffset: number;
  /** Physical offsets of all units, by their number. */
  units: number[];
  /** Those that a query can reach from the slots. */
  reachable: number[];
}

type Sizes = Pick<StoreSettings, "maxHashSlotNum" | "maxIndexNum" | "mappedFileSizeCommitLog">;

/** The index files of a folder, oldest first. */
export function apacheIndexFiles(folder: string, sizes: Sizes): ApacheIndexFile[] {
  const names = denoFileSystem.listSync(`${folder}/index`);
  return names.map((name) => readIndexFile(`${folder}/index/${name}`, name, sizes));
}

function readIndexFile(path: string, name: string, { maxHashSlotNum }: Sizes): ApacheIndexFile {
  const view = viewOf(Deno.readFileSync(path));
  const count = Math.max(1, view.getInt32(36));
  const unitAt = (number: number) => 40 + maxHashSlotNum * 4 + number * 20;
  const reachable: number[] = [];
  for (let slot = 0; slot < maxHashSlotNum; slot++) {
    let number = view.getInt32(40 + slot * 4);
    while (number > 0 && number < count) {
      reachable.push(getInt64(view, unitAt(number) + 4));
      const previous = view.getInt32(unitAt(number) + 16);
      number = previous < number ? previous : 0;
    }
  }
  return {
    name,
    endTimestamp: getInt64(view, 8),
    endPhysicalOffset: getInt64(view, 24),
    units: Array.from({ length: count - 1 }, (_, n) => getInt64(view, unitAt(n + 1) + 4)),
    reachable,
  };
}

/** The three times of Apache's checkpoint, in milliseconds. */
export function apacheCheckpoint(folder: string): [number, number, number] {
  const view = viewOf(Deno.readFileSync(`${folder}/checkpoint`));
  return [getInt64(view, 0), getInt64(view, 8), getInt64(view, 16)];
}

/** What Apache puts into its index after a crash. */
export interface ApacheIndexing {
  /** Physical offsets that are in the files which it keeps, once for each key. */
  kept: number[];
  /** Messages from here on, in log order, are put into the index. */
  from: number;
}

/**
 * @param storeTimestampOf of the first message of the log file that begins at an offset; undefined when it has none.
 */
export function apacheIndexing(
  folder: string,
  sizes: Sizes,
  storeTimestampOf: (segmentStart: number) => number | undefined,
): ApacheIndexing {
  const [physic, logics, indexed] = apacheCheckpoint(folder);
  const kept = apacheIndexFiles(folder, sizes).filter((file) => file.endTimestamp <= indexed);
  const trusted = Math.max(0, Math.min(physic, logics) - 3_000);
  const segments = denoFileSystem.listSync(`${folder}/commitlog`).map(Number).reverse();
  const start = segments.find((segment) => (storeTimestampOf(segment) ?? Infinity) <= trusted);
  return {
    kept: kept.flatMap(({ reachable }) => reachable),
    from: Math.max(start ?? 0, kept.at(-1)?.endPhysicalOffset ?? 0),
  };
}

/** Lets a folder look as if Apache had opened it and had everything on disk up to a time; milliseconds. */
export function touchByApache(folder: string, storeTimestamp: number): void {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(storeTimestamp));
  view.setBigInt64(8, BigInt(storeTimestamp));
  view.setBigInt64(32, 1n);
  Deno.writeFileSync(`${folder}/checkpoint`, bytes);
}
