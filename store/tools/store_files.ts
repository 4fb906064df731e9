/**
 * What lies in a data folder, as it lies there: also what is missing, too short or too long. The sizes of the files
 * tell the settings that they were made with, so that the tools need no configuration for most folders.
 */

import { readDeletedTopics } from "../deleted_topics.ts";
import type { FileSystem } from "../file_system.ts";
import { inferIndexSizes } from "./index_sizes.ts";

/** The settings that shape files, under Apache's names. */
export interface FileSettings {
  mappedFileSizeCommitLog: number;
  mappedFileSizeConsumeQueue: number;
  maxHashSlotNum: number;
  maxIndexNum: number;
}

export interface StoreFilesOptions {
  fileSystem: FileSystem;
  /** storePathRootDir */
  folder: string;
  /** storePathCommitLog; empty for `commitlog` in the folder. */
  commitLogFolder: string;
  /** What counts where the files do not tell. */
  settings: FileSettings;
}

/** A file of a sequence whose names are offsets. */
export interface SequenceFile {
  path: string;
  start: number;
  /** On the disk; may differ from the size that it should have. */
  bytes: number;
}

/** The commit log: one space of offsets, of which files may be missing. */
export interface LogFiles {
  folder: string;
  files: SequenceFile[];
  /** Files that cannot belong to this log, each with the reason. */
  strangers: { path: string; reason: string }[];
  segmentBytes: number;
  /** Offset of the first byte of the first file, and after the last byte that the last one has room for. */
  minOffset: number;
  endOffset: number;
}

export interface QueueFolder {
  topic: string;
  queueId: number;
  path: string;
}

export interface IndexFiles {
  folder: string;
  files: { path: string; bytes: number }[];
  slotCount: number;
  unitCount: number;
  /** False when the sizes of the files fit neither the settings nor what is in them. */
  sizesKnown: boolean;
}

export interface StoreFiles {
  fileSystem: FileSystem;
  folder: string;
  log: LogFiles;
  queueFolder: string;
  /** mappedFileSizeConsumeQueue */
  queueSegmentBytes: number;
  queues: QueueFolder[];
  /** Messages of these topics before the physicalOffset count no more: the topics were deleted. */
  deletedUpTo: ReadonlyMap<string, number>;
  index: IndexFiles;
}

/** Reads the names and sizes of everything in a data folder. */
export function findStoreFiles(options: StoreFilesOptions): StoreFiles {
  const { fileSystem, folder, settings } = options;
  const queueFolder = `${folder}/consumequeue`;
  const queues = findQueues(fileSystem, queueFolder);
  const log = findLog(options, options.commitLogFolder || `${folder}/commitlog`);
  return {
    fileSystem,
    folder,
    log,
    deletedUpTo: readDeletedTopics(fileSystem, folder, log.endOffset),
    queueFolder,
    queueSegmentBytes: queueSegmentBytes(fileSystem, queues, settings.mappedFileSizeConsumeQueue),
    queues,
    index: findIndex(options, `${folder}/index`),
  };
}

/** The files of a sequence in their order; other names are left out. */
export function listSequence(fileSystem: FileSystem, folder: string): SequenceFile[] {
  return fileSystem.listSync(folder).filter((name) => /^\d{20}$/.test(name)).map((name) => {
    const path = `${folder}/${name}`;
    return { path, start: Number(name), bytes: fileBytes(fileSystem, path) };
  });
}

/** The size of a file. */
export function fileBytes(fileSystem: FileSystem, path: string): number {
  const file = fileSystem.openSync(path, { create: false });
  try {
    return file.sizeSync();
  } finally {
    file.close();
  }
}

/** A path as people find it: relative to the data folder where it lies in it. */
export function relativePath(folder: string, path: string): string {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;
}

/** Over a gap of more files than this, what lies on the other side belongs to another log. */
const GAP_FILES_MAX = 8;

function findLog(options: StoreFilesOptions, folder: string): LogFiles {
  const found = listSequence(options.fileSystem, folder);
  const segmentBytes = sizeOfSegments(found, options.settings.mappedFileSizeCommitLog);
  const aligned = found.filter(({ start }) => start % segmentBytes === 0);
  const runs: SequenceFile[][] = [];
  for (const file of aligned) {
    const last = runs.at(-1)?.at(-1);
    const isNear = last !== undefined &&
      file.start - last.start <= (GAP_FILES_MAX + 1) * segmentBytes;
    if (isNear) runs.at(-1)!.push(file);
    else runs.push([file]);
  }
  const files = runs.toSorted((a, b) => b.length - a.length)[0] ?? [];
  const strangers = found.filter((file) => !files.includes(file)).map(({ path, start }) => ({
    path,
    reason: start % segmentBytes === 0
      ? "it lies far from the rest of the log"
      : `its name is no multiple of the file size ${segmentBytes}`,
  }));
  const last = files.at(-1);
  return {
    folder,
    files,
    strangers,
    segmentBytes,
    minOffset: files[0]?.start ?? 0,
    endOffset: last === undefined ? 0 : last.start + segmentBytes,
  };
}

/**
 * The size that most files have and that fits their names. One file alone may have been left short by a crash, which
 * its size shows by being no round number.
 */
function sizeOfSegments(files: SequenceFile[], configured: number): number {
  if (files.length <= 1) {
    const bytes = files[0]?.bytes ?? 0;
    return bytes > 0 && bytes % 1024 === 0 ? bytes : configured;
  }
  const candidates = new Set([configured, ...files.map(({ bytes }) => bytes)]);
  for (let index = 1; index < files.length; index++) {
    candidates.add(files[index]!.start - files[index - 1]!.start);
  }
  candidates.delete(0);
  let best = configured;
  let bestVotes = 0;
  for (const candidate of candidates) {
    const votes = files.filter(({ start, bytes }) => bytes === candidate && start % candidate === 0)
      .length;
    if (votes > bestVotes) [best, bestVotes] = [candidate, votes];
  }
  return best;
}

function findQueues(fileSystem: FileSystem, folder: string): QueueFolder[] {
  const queues: QueueFolder[] = [];
  for (const topic of fileSystem.listSync(folder)) {
    for (const name of fileSystem.listSync(`${folder}/${topic}`)) {
      if (!/^\d+$/.test(name)) continue;
      queues.push({ topic, queueId: Number(name), path: `${folder}/${topic}/${name}` });
    }
  }
  return queues;
}

/** So many queues are asked for the size of their files. */
const QUEUES_ASKED = 100;

function queueSegmentBytes(
  fileSystem: FileSystem,
  queues: QueueFolder[],
  configured: number,
): number {
  const votes = new Map<number, number>();
  for (const { path } of queues.slice(0, QUEUES_ASKED)) {
    for (const { bytes } of listSequence(fileSystem, path)) {
      if (bytes > 0 && bytes % 20 === 0) votes.set(bytes, (votes.get(bytes) ?? 0) + 1);
    }
  }
  const best = [...votes].sort((a, b) => b[1] - a[1])[0];
  return best === undefined || best[1] === votes.get(configured) ? configured : best[0];
}

/** Size of an index file with so many slots and units. */
export function indexFileBytes(slotCount: number, unitCount: number): number {
  return 40 + slotCount * 4 + unitCount * 20;
}

function findIndex({ fileSystem, settings }: StoreFilesOptions, folder: string): IndexFiles {
  const files = fileSystem.listSync(folder).filter((name) => /^\d{17}$/.test(name))
    .map((name) => ({
      path: `${folder}/${name}`,
      bytes: fileBytes(fileSystem, `${folder}/${name}`),
    }));
  const { maxHashSlotNum: slotCount, maxIndexNum: unitCount } = settings;
  const configured = indexFileBytes(slotCount, unitCount);
  if (files.length === 0 || files.some(({ bytes }) => bytes === configured)) {
    return { folder, files, slotCount, unitCount, sizesKnown: true };
  }
  for (const { path } of files) {
    const sizes = inferIndexSizes(fileSystem, path);
    if (sizes !== undefined) return { folder, files, ...sizes, sizesKnown: true };
  }
  return { folder, files, slotCount, unitCount, sizesKnown: false };
}
