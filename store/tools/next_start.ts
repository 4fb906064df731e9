/** What the next start of Comet would make of a data folder: the store's own recovery, over files that stay as they are. */

import { type Checkpoint, readCheckpoint } from "../checkpoint.ts";
import { CommitLog } from "../commit_log.ts";
import { isClosed } from "../folder.ts";
import { planStart, scanLog } from "../recovery.ts";
import { readOnlyFileSystem } from "./read_only_file_system.ts";
import type { StoreFiles } from "./store_files.ts";

export interface NextStart {
  /** The last stop was orderly. */
  clean: boolean;
  /** comet-checkpoint, when it is whole. */
  checkpoint: Checkpoint | undefined;
  /** The log was on disk up to here, before it was damaged. */
  safeOffset: number;
  /** Queues and index are made anew from here on; Infinity when nothing is. */
  rebuildFrom: number;
  /** Where it would say that the log ends; undefined when it refuses to start. */
  logEnd: number | undefined;
  refusal: string | undefined;
}

/** Finds out what a start at the time `now` (milliseconds since the epoch) would do. */
export function foreseeStart(
  { folder, log: { folder: logFolder, segmentBytes } }: StoreFiles,
  now: number,
): NextStart {
  const fileSystem = readOnlyFileSystem;
  const nextStart: NextStart = {
    clean: isClosed(fileSystem, folder),
    checkpoint: readCheckpoint(fileSystem, folder),
    safeOffset: 0,
    rebuildFrom: Infinity,
    logEnd: undefined,
    refusal: undefined,
  };
  let log: CommitLog | undefined;
  try {
    log = new CommitLog({
      fileSystem,
      folder: logFolder,
      segmentBytes,
      appendCrc: false,
      tailBytesMax: 0,
      afterCrash: !nextStart.clean,
    });
    const plan = planStart(fileSystem, folder, log, now);
    nextStart.safeOffset = plan.safeOffset;
    nextStart.rebuildFrom = plan.isWhole ? Infinity : plan.start;
    nextStart.logEnd = scanLog(log, plan, () => {}).endOffset;
  } catch (error) {
    nextStart.rebuildFrom = Infinity;
    nextStart.refusal = (error as Error).message;
  } finally {
    log?.close();
  }
  return nextStart;
}
