/** Opening what a store consists of and bringing it to one state. */

import { forgetCheckpoint, SyncedMark, writeApacheCheckpoint } from "./checkpoint.ts";
import { timestampsForApache } from "./checkpoint_task.ts";
import { CommitLog } from "./commit_log.ts";
import { DeletedTopics } from "./deleted_topics.ts";
import type { DelayLevels } from "./dispatch.ts";
import type { FileSystem } from "./file_system.ts";
import type { FlushDiskType } from "./flush.ts";
import { isClosed, lockFolder, makeFolder, markOpen } from "./folder.ts";
import { MessageIndex } from "./message_index.ts";
import { QueueTable } from "./queue_table.ts";
import { planStart, type StartPlan } from "./recovery.ts";
import { replay, type ReplayResult } from "./replay.ts";
import type { RetentionSettings } from "./retention.ts";
import { refuseUnservedFolder } from "./unserved_folder.ts";

/** The settings that the store reads, under Apache's names. */
export interface StoreSettings extends RetentionSettings {
  storePathRootDir: string;
  /** The commit log's folder; empty for `commitlog` in the data folder. */
  storePathCommitLog: string;
  mappedFileSizeCommitLog: number;
  mappedFileSizeConsumeQueue: number;
  maxHashSlotNum: number;
  maxIndexNum: number;
  messageIndexEnable: boolean;
  enabledAppendPropCRC: boolean;
  flushDiskType: FlushDiskType;
  flushIntervalCommitLog: number;
  enableLmq: boolean;
  enableMultiDispatch: boolean;
  maxLmqConsumeQueueNum: number;
  /** How often old files and the space on the disk are looked at. */
  cleanResourceInterval: number;
}

export interface OpenOptions {
  settings: StoreSettings;
  fileSystem: FileSystem;
  /** Milliseconds since the epoch. */
  now: () => number;
  delayLevels: DelayLevels;
  /** New messages are on disk, which took so long. */
  onSynced?: (millis: number) => void;
}

/** An open store, in which nothing happens yet. */
export interface OpenStore {
  lock: Disposable;
  log: CommitLog;
  queues: QueueTable;
  index: MessageIndex | undefined;
  mark: SyncedMark;
  plan: StartPlan;
  found: ReplayResult;
}

/** The log's newest part that stays in memory for consumers that keep up. */
const TAIL_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Opens the store in a folder and recovers it.
 * @throws {StoreUnwritableError} when another process has the folder or it cannot be written.
 * @throws {CorruptStoreError} when what is on disk is damaged.
 */
export function openStore(options: OpenOptions): OpenStore {
  const { settings, fileSystem, delayLevels } = options;
  const folder = settings.storePathRootDir;
  using stack = new DisposableStack();
  const lock = stack.use(lockFolder(fileSystem, folder));
  const log = stack.adopt(openLog(options), (log) => log.close());
  refuseUnservedFolder(fileSystem, folder, log, settings.mappedFileSizeConsumeQueue);
  const plan = planStart(fileSystem, folder, log, options.now());
  const logEnd = log.segments.last?.end ?? 0;
  const deleted = new DeletedTopics({ fileSystem, storeFolder: folder, logEnd });
  const queues = new QueueTable({
    fileSystem,
    storeFolder: folder,
    segmentBytes: settings.mappedFileSizeConsumeQueue,
    log,
    delayLevels,
    deleted,
    forgetEnds: plan.isApaches,
    isSameLog: plan.isByCheckpoint,
  });
  stack.defer(() => queues.close());
  const index = settings.messageIndexEnable
    ? stack.adopt(openIndex(options), (index) => index.close())
    : undefined;
  // Whoever opens the folder after a crash, in the replay or later, must know that queues and index are not complete.
  const beforeChanges = (start: number) => {
    const storeTimestamp = start <= log.minOffset ? 0 : plan.apacheTimestamp;
    const timestamps = timestampsForApache(index, storeTimestamp, start);
    writeApacheCheckpoint(fileSystem, folder, timestamps);
    // One that cannot be read may come back with a power loss, as it was before.
    const isTrue = plan.isByCheckpoint && start >= plan.start;
    if (!isTrue) forgetCheckpoint(fileSystem, folder, plan.safeOffset);
    markOpen(fileSystem, folder);
  };
  const found = replay({ log, queues, deleted, index, delayLevels, beforeChanges }, plan);
  const mark = new SyncedMark(fileSystem, folder, options.now);
  stack.defer(() => mark.close());
  // Also what an earlier process has made in the data folder before it died.
  const changed = new Set([folder]);
  makeFolder(fileSystem, log.segments.folder, (parent) => changed.add(parent));
  for (const changedFolder of changed) fileSystem.syncFolderSync(changedFolder);
  stack.move();
  return { lock, log, queues, index, mark, plan, found };
}

function openLog({ settings, fileSystem, onSynced }: OpenOptions): CommitLog {
  return new CommitLog({
    fileSystem,
    folder: settings.storePathCommitLog || `${settings.storePathRootDir}/commitlog`,
    segmentBytes: settings.mappedFileSizeCommitLog,
    appendCrc: settings.enabledAppendPropCRC,
    tailBytesMax: TAIL_BYTES_MAX,
    afterCrash: !isClosed(fileSystem, settings.storePathRootDir),
    onSynced,
  });
}

function openIndex({ settings, fileSystem }: OpenOptions): MessageIndex {
  return new MessageIndex({
    fileSystem,
    folder: `${settings.storePathRootDir}/index`,
    slotCount: settings.maxHashSlotNum,
    unitCount: settings.maxIndexNum,
  });
}
