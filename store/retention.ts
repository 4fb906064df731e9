/**
 * Which of the oldest log files go, and whether the disk still takes messages. Apache's rules (DefaultMessageStore's
 * CleanCommitLogService in 5.3.3) with these differences:
 *
 * - A file is as old as its newest message, not as its last change: copying a folder does not make it young.
 * - Files younger than fileReservedTime go only with cleanFileForciblyEnable, which is off unless it is asked for: a
 *   disk that fills up refuses new messages rather than taking those that nobody has consumed.
 * - Besides the ratios, which say little on a large disk, there is a floor of free bytes.
 */

import type { CommitLog } from "./commit_log.ts";
import type { DiskSpace } from "./file_system.ts";
import { LogReader } from "./log_reader.ts";

/** The settings of retention, under Apache's names. */
export interface RetentionSettings {
  /** Hours. */
  fileReservedTime: number;
  /** Hours of the day with two digits, separated by semicolons, as in `04;16`. */
  deleteWhen: string;
  /** Percent of the disk above which expired files go at any hour. */
  diskMaxUsedSpaceRatio: number;
  /** Percent above which cleanFileForciblyEnable lets files go that have not expired. */
  diskSpaceCleanForciblyRatio: number;
  /** Percent above which no message is taken. */
  diskSpaceWarningLevelRatio: number;
  cleanFileForciblyEnable: boolean;
  /** Free bytes below which no message is taken; 0 for a twentieth of the disk, at most 1 GiB. */
  diskMinFreeBytes: number;
  deleteFileBatchMax: number;
}

/** How the disk stands. */
export interface DiskState {
  /** Why no message is taken; undefined while there is room. */
  full: string | undefined;
  /** So little room is left that cleanFileForciblyEnable applies. */
  isNearlyFull: boolean;
  /** Percent, as in the settings. */
  usedRatio: number;
}

const HOUR_MILLIS = 3_600_000;
const FLOOR_BYTES_MAX = 1024 * 1024 * 1024;
const FLOOR_PART = 0.05;
/** Forced cleaning begins when so many times the floor is free. */
const NEARLY_FULL_FLOORS = 2;

/** Judges the space on a disk. */
export function diskState(settings: RetentionSettings, space: DiskSpace): DiskState {
  const { usedBytes, freeBytes } = space;
  const totalBytes = usedBytes + freeBytes;
  const usedRatio = 100 * usedBytes / totalBytes;
  const floor = settings.diskMinFreeBytes || Math.min(FLOOR_BYTES_MAX, totalBytes * FLOOR_PART);
  const { diskSpaceWarningLevelRatio, diskSpaceCleanForciblyRatio } = settings;
  let full: string | undefined;
  if (freeBytes < floor) {
    full = `the disk is nearly full: ${megabytes(freeBytes)} are free, ` +
      `${megabytes(floor)} are kept (diskMinFreeBytes)`;
  } else if (usedRatio > diskSpaceWarningLevelRatio) {
    full = `the disk is ${usedRatio.toFixed(0)} % full, above diskSpaceWarningLevelRatio=` +
      `${diskSpaceWarningLevelRatio}`;
  }
  const isNearlyFull = full !== undefined || freeBytes < floor * NEARLY_FULL_FLOORS ||
    usedRatio > diskSpaceCleanForciblyRatio;
  return { full, isNearlyFull, usedRatio };
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / (1024 * 1024))} MiB`;
}

/** Whether `now` (milliseconds) lies in one of the hours of `deleteWhen`, in local time. */
export function isTimeToDelete(deleteWhen: string, now: number): boolean {
  const hour = new Date(now).getHours();
  return deleteWhen.split(";").some((word) => word.trim() !== "" && Number(word) === hour);
}

/** Why a file was deleted. */
export type DeleteReason = "expired" | "disk nearly full";

export interface DeletedFile {
  path: string;
  reason: DeleteReason;
  /** When its newest message was stored; milliseconds. */
  newestTimestamp: number;
}

export interface RetentionOptions {
  settings: RetentionSettings;
  log: CommitLog;
  /** Milliseconds since the epoch. */
  now: () => number;
  diskSpace: () => DiskSpace;
  /** Files that reach past this physicalOffset are still needed, whatever their age. */
  neededFrom: () => number;
}

export class Retention {
  readonly #options: RetentionOptions;
  disk: DiskState;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.disk = this.checkDisk();
  }

  /** Looks at the disk anew. */
  checkDisk(): DiskState {
    return this.disk = diskState(this.#options.settings, this.#options.diskSpace());
  }

  /**
   * Deletes the oldest files as far as the rules say, off the event loop; at most deleteFileBatchMax, and never the
   * last one.
   * @param evenNow whether expired files go at any hour, as an admin may ask for.
   */
  async deleteExpiredFiles(evenNow = false): Promise<DeletedFile[]> {
    const { settings, log, now, neededFrom } = this.#options;
    const deleted: DeletedFile[] = [];
    let disk = this.checkDisk();
    const expiredGo = evenNow || disk.isNearlyFull ||
      disk.usedRatio > settings.diskMaxUsedSpaceRatio || isTimeToDelete(settings.deleteWhen, now());
    if (!expiredGo) return deleted;
    while (deleted.length < settings.deleteFileBatchMax) {
      const oldest = this.#oldestFile();
      if (oldest === undefined) break;
      const isExpired = oldest.newestTimestamp <= now() - settings.fileReservedTime * HOUR_MILLIS;
      if (!isExpired && !(disk.isNearlyFull && settings.cleanFileForciblyEnable)) break;
      // Asked last: who needs a file that would go otherwise may do something about it.
      if (log.segments.first!.end > neededFrom()) break;
      await log.segments.removeFirst();
      deleted.push({ ...oldest, reason: isExpired ? "expired" : "disk nearly full" });
      disk = this.checkDisk();
    }
    return deleted;
  }

  /** The oldest file, unless it is the last one. */
  #oldestFile(): Omit<DeletedFile, "reason"> | undefined {
    const { log } = this.#options;
    const [first, second] = log.segments.segments;
    if (first === undefined || second === undefined) return undefined;
    // Store times only grow, so what follows a file dates it.
    const next = new LogReader(log).at(second.start);
    if (next.kind !== "message") return undefined;
    return { path: first.path, newestTimestamp: next.record.storeTimestamp };
  }
}
