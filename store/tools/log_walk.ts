/**
 * Goes through the whole log, record by record and over what is damaged, and decides where it ends: damage has sound
 * messages behind it, the end has none, and what a crash left unwritten lies in between.
 */

import type { RecordLayout } from "../../client/protocol/message_record.ts";
import { isQueued } from "../dispatch.ts";
import type { LogDamage } from "./damage.ts";
import { type FindingKind, type FindingList, plural } from "./findings.ts";
import type { LogScanner } from "./log_scanner.ts";
import type { NextStart } from "./next_start.ts";
import { relativePath, type StoreFiles } from "./store_files.ts";

/** Where the log ends, and in what. */
export interface LogEnd {
  offset: number;
  /** What is wrong with the bytes that follow, if they are not just empty; a start or a repair cuts them. */
  torn: string | undefined;
  /** physicalOffset of the last sound record, and its store time; -1 and 0 for none. */
  lastRecordOffset: number;
  lastStoreTimestamp: number;
}

export interface LogWalkOptions {
  files: StoreFiles;
  scanner: LogScanner;
  nextStart: NextStart;
  damage: LogDamage;
  findings: FindingList;
  /** A sound record; its bytes are the scanner's until the call ends. */
  onRecord: (record: RecordLayout) => void;
  /** Whether consumers can have got this record. */
  isVisible: (record: RecordLayout) => boolean;
  /** Whether another message has its place in its queue already. */
  isLeftover: (record: RecordLayout) => boolean;
}

/** So many records behind a place that a start would cut are asked whether consumers can have seen them. */
const ASKED_MAX = 10_000;

/** Goes through the log. What is damaged is put into `damage`; what is at the end is reported. */
export function walkLog(options: LogWalkOptions): LogEnd {
  const { files: { log }, scanner, damage, onRecord } = options;
  const end: LogEnd = {
    offset: log.minOffset,
    torn: undefined,
    lastRecordOffset: -1,
    lastStoreTimestamp: 0,
  };
  while (end.offset < log.endOffset) {
    const { offset } = end;
    const place = scanner.at(offset);
    if (place.kind === "message") {
      end.lastRecordOffset = offset;
      end.lastStoreTimestamp = place.record.storeTimestamp;
      onRecord(place.record);
      end.offset = place.next;
    } else if (place.kind === "blank") {
      end.offset = place.next;
    } else {
      const reason = place.kind === "corrupt" ? place.reason : "nothing is written there";
      const { next, leftovers } = nextOfThisLog(options, offset);
      if (next === undefined || isUnwrittenTail(options, offset, next)) {
        if (place.kind === "corrupt") end.torn = reason;
        reportEnd(options, end, leftovers, next !== undefined);
        break;
      }
      const storeTimestamp = end.lastStoreTimestamp || timestampAt(scanner, next);
      damage.addRange({ start: offset, end: next, reason, storeTimestamp });
      end.offset = next;
    }
  }
  return end;
}

function timestampAt(scanner: LogScanner, offset: number): number {
  const place = scanner.at(offset);
  return place.kind === "message" ? place.record.storeTimestamp : 0;
}

/** The next sound record that is not left over from before the log was cut here once. */
function nextOfThisLog(
  { scanner, isLeftover }: LogWalkOptions,
  offset: number,
): { next: number | undefined; leftovers: number } {
  let leftovers = 0;
  let next = scanner.nextSound(offset);
  while (next !== undefined) {
    const place = scanner.at(next);
    if (place.kind !== "message" || !isLeftover(place.record)) break;
    leftovers++;
    next = scanner.nextSound(next);
  }
  return { next, leftovers };
}

/**
 * Whether a crash left bytes unwritten here, in front of others that were: a start cuts both, and may do so, since no
 * sender was told that they are safe. If consumers can have seen what follows, it was safe.
 */
function isUnwrittenTail(options: LogWalkOptions, offset: number, next: number): boolean {
  const { clean, safeOffset, logEnd } = options.nextStart;
  if (logEnd !== offset || clean || offset < safeOffset) return false;
  let at = next;
  for (let asked = 0; asked < ASKED_MAX; asked++) {
    const place = options.scanner.at(at);
    if (place.kind !== "message") return true;
    if (isQueued(place.record.sysFlag) && options.isVisible(place.record)) return false;
    at = place.next;
  }
  return true;
}

function reportEnd(
  options: LogWalkOptions,
  end: LogEnd,
  leftovers: number,
  moreFollows: boolean,
): void {
  const { nextStart } = options;
  const add = (kind: FindingKind, what: string) => addAt(options, kind, end.offset, what);
  if (nextStart.logEnd !== end.offset && leftovers > 0) {
    const text = plural(leftovers, "message");
    add("logLeftover", `behind the log's end lie ${text} of before, which were cut off once`);
    end.torn ??= "messages of before";
  } else if (moreFollows) {
    add("unwrittenTail", "a crash left unwritten bytes; what lies behind them was not safe yet");
    end.torn ??= "unwritten bytes";
  } else if (end.torn !== undefined) {
    add("tornTail", `the log ends in a record that was not written to its end (${end.torn})`);
  }
}

/** Adds a finding at an offset of the log. */
export function addAt(
  { findings, files: { folder, log } }: Pick<LogWalkOptions, "findings" | "files">,
  kind: FindingKind,
  offset: number,
  what: string,
): void {
  const start = offset - offset % log.segmentBytes;
  const path = `${log.folder}/${String(start).padStart(20, "0")}`;
  findings.add(kind, relativePath(folder, path), offset - start, what);
}
