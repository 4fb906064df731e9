/**
 * `comet store verify`: checks a data folder in one pass over its log. Nothing is changed: every file is opened to be
 * read. Memory does not grow with the number of messages.
 */

import { decodeUtf8 } from "../../client/protocol/bytes.ts";
import { LMQ_QUEUE_ID, lmqPlacesOf } from "../../client/protocol/multi_dispatch.ts";
import { isSealed, type RecordLayout } from "../../client/protocol/message_record.ts";
import { readApacheCheckpoint } from "../checkpoint.ts";
import { type DelayLevels, isQueued, tagsCodeOf } from "../dispatch.ts";
import { ConfigCheck } from "./config_check.ts";
import { LogDamage } from "./damage.ts";
import { FindingList, plural } from "./findings.ts";
import { isLocked } from "./folder_lock.ts";
import { IndexCheck } from "./index_check.ts";
import { LogScanner } from "./log_scanner.ts";
import { addAt, type LogEnd, walkLog } from "./log_walk.ts";
import { foreseeStart, type NextStart } from "./next_start.ts";
import { QueueCheck } from "./queue_check.ts";
import { readOnlyFileSystem } from "./read_only_file_system.ts";
import { LOST_SYS_FLAG } from "../tombstone.ts";
import { readRecordKeys, type RecordKeys } from "./record_keys.ts";
import { unfinishedRepair } from "./repair_folder.ts";
import { SealCheck } from "./seal_check.ts";
import { type FileSettings, findStoreFiles, relativePath, type StoreFiles } from "./store_files.ts";
import { summarize, type VerifyReport } from "./verify_report.ts";

export interface VerifyOptions {
  /** storePathRootDir */
  folder: string;
  /** storePathCommitLog; empty for `commitlog` in the folder. */
  commitLogFolder: string;
  settings: FileSettings;
  /** Settings that somebody gave, which the files should agree with. */
  given: Partial<FileSettings>;
  messageIndexEnable: boolean;
  delayLevels: DelayLevels;
  /** Milliseconds since the epoch. */
  now: number;
  /** Told now and then how far the check is. */
  onProgress: (progress: VerifyProgress) => void;
}

export interface VerifyProgress {
  records: number;
  bytesDone: number;
  /** What the log's files have room for; the log may end before. */
  bytesTotal: number;
}

const PROGRESS_RECORDS = 10_000;
const BATCH_QUEUES = "batchconsumequeue";
/** More are not shown anyway. */
const RANGES_DESCRIBED = 100;

/** Checks a data folder. @throws when it cannot be read. */
export function verifyStore(options: VerifyOptions): VerifyReport {
  const verification = new Verification(options);
  try {
    return verification.run();
  } finally {
    verification[Symbol.dispose]();
  }
}

class Verification implements Disposable {
  readonly #options: VerifyOptions;
  readonly #started = performance.now();
  readonly #findings = new FindingList();
  readonly #damage = new LogDamage();
  readonly #files: StoreFiles;
  readonly #nextStart: NextStart;
  readonly #scanner: LogScanner;
  readonly #queues: QueueCheck;
  readonly #index: IndexCheck | undefined;
  readonly #config: ConfigCheck;
  readonly #seals = new SealCheck();
  /** Of the record that is looked at. */
  readonly #keys: RecordKeys = { all: [], unique: [] };
  /** All records; those of them that a repair has put there. */
  #records = 0;
  #tombstones = 0;
  #fillers = 0;

  constructor(options: VerifyOptions) {
    const { folder } = options;
    const fileSystem = readOnlyFileSystem;
    this.#options = options;
    if (isLocked(folder)) {
      this.#findings.add("running", "lock", undefined, "a running process has the folder");
    }
    this.#files = findStoreFiles({ fileSystem, ...options });
    this.#nextStart = foreseeStart(this.#files, options.now);
    this.#scanner = new LogScanner(fileSystem, this.#files.log);
    const parts = {
      files: this.#files,
      damage: this.#damage,
      findings: this.#findings,
      nextStart: this.#nextStart,
    };
    this.#queues = new QueueCheck(parts);
    if (options.messageIndexEnable && this.#files.index.sizesKnown) {
      this.#index = new IndexCheck(parts);
    }
    const { clean } = this.#nextStart;
    this.#config = new ConfigCheck({ fileSystem, folder, findings: this.#findings, clean });
  }

  run(): VerifyReport {
    this.#checkSettings();
    this.#checkLogFiles();
    const end = walkLog({
      files: this.#files,
      scanner: this.#scanner,
      nextStart: this.#nextStart,
      damage: this.#damage,
      findings: this.#findings,
      onRecord: (record) => this.#onRecord(record),
      isVisible: (record) => this.#queues.isVisible(record),
      isLeftover: (record) => this.#queues.isLeftover(record),
    });
    this.#queues.finish(end.offset, this.#config.knownTopics);
    this.#reportDamage();
    this.#index?.finish();
    this.#config.checkOffsets((topic, queueId) => this.#queues.find(topic, queueId));
    this.#checkCheckpoints(end);
    const report = {
      findings: this.#findings,
      files: this.#files,
      damage: this.#damage,
      nextStart: this.#nextStart,
      end,
      queues: this.#queues,
      config: this.#config,
    };
    const counts = {
      records: this.#records - this.#fillers - this.#tombstones,
      tombstones: this.#tombstones,
      indexEntries: this.#index?.unitCount ?? 0,
      seconds: (performance.now() - this.#started) / 1000,
    };
    return { summary: summarize(report, counts), ...report };
  }

  #checkSettings(): void {
    const { log, queueSegmentBytes, index } = this.#files;
    const found: FileSettings = {
      mappedFileSizeCommitLog: log.segmentBytes,
      mappedFileSizeConsumeQueue: queueSegmentBytes,
      maxHashSlotNum: index.slotCount,
      maxIndexNum: index.unitCount,
    };
    for (const [key, value] of Object.entries(this.#options.given)) {
      const actual = found[key as keyof FileSettings];
      if (value === actual) continue;
      const what = `${key} is given as ${value}, but the files were made with ${actual}`;
      this.#findings.add("settingsDiffer", key, undefined, what);
    }
    for (const topic of readOnlyFileSystem.listSync(`${this.#files.folder}/${BATCH_QUEUES}`)) {
      const what = "queues of the kind BatchCQ are not compared; Comet does not serve them";
      this.#findings.add("queueNotChecked", `${BATCH_QUEUES}/${topic}`, undefined, what);
    }
    if (!index.sizesKnown && this.#options.messageIndexEnable) {
      const what = "the sizes of its files fit no known settings";
      this.#findings.add("indexNotChecked", "index", undefined, what);
    }
  }

  #checkLogFiles(): void {
    const { folder, log: { files, strangers, segmentBytes } } = this.#files;
    for (const { path, reason } of strangers) {
      this.#findings.add("logFileStale", relativePath(folder, path), undefined, reason);
    }
    for (const [index, { path, bytes }] of files.entries()) {
      if (bytes === segmentBytes) continue;
      // Only after a crash a start brings the last file to its size by itself.
      const isShort = index === files.length - 1 && bytes < segmentBytes && !this.#nextStart.clean;
      const what = `it has ${bytes} bytes instead of ${segmentBytes}`;
      const kind = isShort ? "fileShort" : "logFileSize";
      this.#findings.add(kind, relativePath(folder, path), undefined, what);
    }
    const unfinished = unfinishedRepair(readOnlyFileSystem, folder);
    if (unfinished === undefined) return;
    this.#findings.add("repairUnfinished", unfinished, undefined, "it was interrupted");
  }

  #onRecord(record: RecordLayout): void {
    const { sysFlag, topic, storeTimestamp, propertiesStart } = record;
    this.#records++;
    const end = propertiesStart + record.propertiesLength;
    const properties = decodeUtf8(this.#scanner.bytes, propertiesStart, end);
    const isLost = (sysFlag & LOST_SYS_FLAG) !== 0;
    if (isQueued(sysFlag)) {
      const { delayLevels } = this.#options;
      const tagsCode = tagsCodeOf(topic, properties, storeTimestamp, delayLevels);
      this.#queues.onRecord(record, tagsCode);
      for (const place of lmqPlacesOf(topic, properties)) {
        this.#queues.onRecord({ ...record, ...place, queueId: LMQ_QUEUE_ID }, tagsCode);
      }
      // For tombstones there may have been no room for a checksum.
      if (isLost) this.#tombstones++;
      else this.#seals.onRecord(record.physicalOffset, isSealed(this.#scanner.bytes, record));
    } else if (isLost) this.#fillers++;
    if (this.#index !== undefined) {
      const hasKeys = readRecordKeys(this.#keys, topic, sysFlag, properties);
      if (hasKeys) this.#index.onRecord(record, this.#keys);
    }
    if (this.#records % PROGRESS_RECORDS !== 0) return;
    const { minOffset, endOffset } = this.#files.log;
    this.#options.onProgress({
      records: this.#records,
      bytesDone: record.physicalOffset - minOffset,
      bytesTotal: endOffset - minOffset,
    });
  }

  #reportDamage(): void {
    const { ranges } = this.#damage;
    const { refusal, logEnd } = this.#nextStart;
    for (const [index, { start, end, reason }] of ranges.entries()) {
      const what = `${end - start} bytes up to offset ${end} of the log are damaged (${reason})`;
      const lost = index < RANGES_DESCRIBED ? this.#damage.describeLost(index) : "";
      this.#addAt("logDamaged", start, what + lost);
      if (start !== logEnd) continue;
      const cut = "a start would take this for the log's end and cut the messages behind it";
      this.#addAt("logWouldBeCut", start, cut);
    }
    const { count, firstOffset } = this.#seals;
    if (count > 0) {
      const what =
        `${plural(count, "record")} without a checksum of its own among others that have one: ` +
        `only the bodies are proven`;
      this.#addAt("recordUnsealed", firstOffset, what);
    }
    if (refusal !== undefined) {
      const file = relativePath(this.#files.folder, this.#files.log.folder);
      this.#findings.add("startRefused", file, undefined, refusal);
    }
  }

  #checkCheckpoints({ offset, lastStoreTimestamp }: LogEnd): void {
    const { folder } = this.#options;
    const { clean, checkpoint, safeOffset, rebuildFrom } = this.#nextStart;
    if (!clean) {
      const from = rebuildFrom === Infinity ? "" : ` and reads the log from offset ${rebuildFrom}`;
      const what = `the last process did not end in order; the next start checks that${from}`;
      this.#findings.add("crashed", "abort", undefined, what);
    }
    if (checkpoint === undefined && hasCheckpoint(folder)) {
      const what = "its checksum differs; a start reads more of the log instead";
      this.#findings.add("checkpointUnusable", "comet-checkpoint", undefined, what);
    }
    if (safeOffset > offset) {
      const what = `the log ends at ${offset}, but was on disk up to ${safeOffset}`;
      this.#addAt("logEndLost", offset, what);
    }
    const { physicMsgTimestamp } = readApacheCheckpoint(readOnlyFileSystem, folder);
    if (physicMsgTimestamp > lastStoreTimestamp && this.#records > 0) {
      const what =
        `it tells of messages until ${physicMsgTimestamp}, the last one of the log is of ` +
        `${lastStoreTimestamp}`;
      this.#findings.add("checkpointUnusable", "checkpoint", undefined, what);
    }
  }

  #addAt(kind: Parameters<FindingList["add"]>[0], offset: number, what: string): void {
    addAt({ findings: this.#findings, files: this.#files }, kind, offset, what);
  }

  [Symbol.dispose](): void {
    this.#scanner[Symbol.dispose]();
    this.#index?.[Symbol.dispose]();
  }
}

/** Whether there is a checkpoint at all; the file is made with only a mark in it. */
function hasCheckpoint(folder: string): boolean {
  const path = `${folder}/comet-checkpoint`;
  if (!readOnlyFileSystem.existsSync(path)) return false;
  const file = readOnlyFileSystem.openSync(path, { create: false });
  try {
    const head = new Uint8Array(8);
    file.readSync(head, 0);
    return head.some((byte) => byte !== 0);
  } finally {
    file.close();
  }
}
