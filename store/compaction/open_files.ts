/**
 * Finding the files of one queue's compaction log at a start, and mending what a crash left.
 *
 * Only the last file is written to, and it is brought to disk before the next one is created. So after a crash only that
 * one is read record by record; its consume queue is made anew from it, and it ends before the first record that is not
 * whole. What is cut off is still in the commit log and is copied again.
 */

import { viewOf } from "../../client/protocol/bytes.ts";
import type { RecordCheck } from "../../client/protocol/message_record.ts";
import { CorruptStoreError } from "../errors.ts";
import {
  CompactionFile,
  type CompactionPaths,
  name20,
  NO_CONTENTS,
  type PlacedRecord,
} from "./compaction_file.ts";
import { syncFoldersSync } from "./folders.ts";
import { checkCompacted } from "./record_check.ts";

const READ_BYTES = 1024 * 1024;

export interface FoundFiles {
  files: CompactionFile[];
  /** Where a file that comes after them may begin. */
  nextStart: number;
}

/**
 * Opens the files, oldest first.
 * @param clean whether the last stop was a clean one.
 * @throws {CorruptStoreError} when a file is missing, or is not as long as the settings say.
 */
export function openFiles(paths: CompactionPaths, clean: boolean): FoundFiles {
  const { logFolder, cqFolder } = paths;
  const logs = startsIn(paths, logFolder);
  const cqs = startsIn(paths, cqFolder);
  const starts = [...new Set([...logs, ...cqs])].toSorted((a, b) => a - b);
  const files: CompactionFile[] = [];
  for (const start of starts) {
    const mayBeTorn = !clean && start === starts.at(-1);
    if (logs.includes(start)) checkSize(paths, logFolder, { start, mayBeTorn });
    if (cqs.includes(start)) checkSize(paths, cqFolder, { start, mayBeTorn });
    if (!logs.includes(start) && !mayBeTorn) throw missing(`${logFolder}/${name20(start)}`);
    const file = new CompactionFile(paths, start, NO_CONTENTS);
    file.preallocate();
    if (mayBeTorn || !cqs.includes(start)) file.rebuild(recordsSync(file));
    else file.load();
    files.push(file);
  }
  if (!clean && files.length > 0) syncFoldersSync(paths);
  return { files, nextStart: starts.length === 0 ? 0 : starts.at(-1)! + paths.logBytes };
}

function missing(path: string): CorruptStoreError {
  return new CorruptStoreError(
    `${path} is missing, but its consume queue in compactionCq is there. Restore it from a copy, ` +
      "or remove that one too to start without its messages",
  );
}

function startsIn({ fileSystem }: CompactionPaths, folder: string): number[] {
  return fileSystem.listSync(folder).filter((name) => /^\d{20}$/.test(name)).map(Number);
}

/** @throws {CorruptStoreError} unless the file is as long as the settings say. */
function checkSize(
  paths: CompactionPaths,
  folder: string,
  { start, mayBeTorn }: { start: number; mayBeTorn: boolean },
): void {
  const path = `${folder}/${name20(start)}`;
  const bytes = folder === paths.logFolder ? paths.logBytes : paths.cqBytes;
  const file = paths.fileSystem.openSync(path, { create: false });
  const size = file.sizeSync();
  file.close();
  if (size === bytes || (mayBeTorn && size < bytes)) return;
  throw new CorruptStoreError(
    `${path} has ${size} bytes instead of ${bytes}: compactionMappedFileSize or ` +
      "compactionCqMappedFileSize differs from when it was written. Set it as it was",
  );
}

/** The records from the beginning of a file on, up to the first place where there is none; on the event loop. */
function* recordsSync(file: CompactionFile): Generator<PlacedRecord> {
  let bytes = new Uint8Array(0);
  let from = 0;
  const check = (position: number): RecordCheck =>
    checkCompacted(bytes, viewOf(bytes), position - from, file.start + position);
  for (let position = 0;;) {
    let found = check(position);
    if (found.kind === "short") {
      bytes = file.readSync(position, Math.max(found.needed, READ_BYTES)) as typeof bytes;
      from = position;
      found = check(position);
    }
    if (found.kind !== "message") return;
    yield { bytes, record: found.record };
    position += found.record.size;
  }
}
