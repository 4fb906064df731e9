/**
 * `comet store repair`: does the steps of a plan. It can be killed at any time: from the first change to the log or its
 * queues on, the folder looks like after a crash and has no checkpoint, so that a start reads all of the log; and the
 * plan can be made anew from what is there.
 */

import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { parseFastjson } from "../../client/protocol/fastjson.ts";
import { writeCheckpoint } from "../checkpoint.ts";
import type { DelayLevels } from "../dispatch.ts";
import type { FileSystem } from "../file_system.ts";
import { lockFolder } from "../folder.ts";
import type { OffsetPastEnd } from "./config_check.ts";
import { cutLog, patchLog, resizeFile } from "./log_repair.ts";
import { rebuild } from "./rebuild.ts";
import { RepairFolder } from "./repair_folder.ts";
import type { RepairPlan, RepairStep } from "./repair_plan.ts";
import { listSequence } from "./store_files.ts";
import type { VerifyReport } from "./verify_report.ts";

export interface RepairOptions {
  fileSystem: FileSystem;
  /** Milliseconds since the epoch. */
  now: number;
  delayLevels: DelayLevels;
  /** What is being done; `bytesDone` of the log where that takes long. */
  onProgress: (what: string, bytesDone: number) => void;
}

/** What a step works with. */
interface Repair {
  options: RepairOptions;
  report: VerifyReport;
  kept: RepairFolder;
}

/**
 * Does the steps of the plan that was made from `report`.
 * @returns the folder that has what was cut, overwritten or removed.
 * @throws {StoreUnwritableError} when a process has the folder or it cannot be written.
 */
export async function repairStore(
  report: VerifyReport,
  { steps }: RepairPlan,
  options: RepairOptions,
): Promise<string> {
  const { fileSystem } = options;
  const { folder } = report.files;
  using _lock = lockFolder(fileSystem, folder);
  const plan = steps.map(({ kind, what }) => ({ kind, what }));
  const kept = new RepairFolder(fileSystem, folder, options.now, plan);
  const repair: Repair = { options, report, kept };
  if (steps.some(({ kind }) => LOG_STEPS.has(kind))) markAsCrashed(repair);
  for (const step of steps) {
    options.onProgress(step.what, 0);
    await perform(repair, step);
  }
  kept.finish();
  return kept.path;
}

/** Steps after which queues and log may not fit together until all are done. */
const LOG_STEPS: ReadonlySet<RepairStep["kind"]> = new Set([
  "moveLogFile",
  "patchLog",
  "rebuild",
  "writeCheckpoint",
]);

function markAsCrashed({ options: { fileSystem }, report, kept }: Repair): void {
  const { folder } = report.files;
  if (!fileSystem.existsSync(`${folder}/abort`)) {
    replaceText(fileSystem, `${folder}/abort`, String(Deno.pid));
  }
  for (const name of ["comet-checkpoint", "comet-queues", "checkpoint"]) {
    kept.keepAside(`${folder}/${name}`, "it is written anew when the repair is done");
  }
  fileSystem.syncFolderSync(folder);
}

type StepOf<K extends RepairStep["kind"]> = Extract<RepairStep, { kind: K }>;

/** How each kind of step is done. */
const STEPS: {
  [K in RepairStep["kind"]]: (repair: Repair, step: StepOf<K>) => void | Promise<void>;
} = {
  restoreJson({ options: { fileSystem }, kept }, { path, what }) {
    kept.keepAside(path, what);
    replaceText(fileSystem, path, fileSystem.readTextSync(`${path}.bak`));
  },
  setAsideJson({ kept }, { path, what }) {
    kept.keepAside(path, what);
    kept.keepAside(`${path}.bak`, what);
  },
  moveLogFile: ({ kept }, { path, what }) => kept.keepAside(path, what),
  resizeLogFile: ({ options, kept }, { path, bytes }) =>
    resizeFile(options.fileSystem, kept, path, bytes),
  patchLog: ({ options, kept, report }, { patches }) =>
    patchLog(options.fileSystem, kept, report.files.log, patches),
  cutLog: ({ options, kept, report }, { offset }) =>
    cutLog(options.fileSystem, kept, report.files.log, offset),
  rebuild: rebuildAside,
  clampConsumerOffsets: (repair, { offsets }) =>
    clamp(repair, "consumerOffset.json", offsets, setConsumerOffset),
  clampDelayOffsets: (repair, { offsets }) =>
    clamp(repair, "delayOffset.json", offsets, setDelayOffset),
  writeCheckpoint: noteEnd,
};

function perform<K extends RepairStep["kind"]>(
  repair: Repair,
  step: StepOf<K>,
): void | Promise<void> {
  return STEPS[step.kind as K](repair, step);
}

/** Sets queues and index aside and makes them anew. */
function rebuildAside(
  { options, report, kept }: Repair,
  { queues, index, what }: StepOf<"rebuild">,
): Promise<void> {
  const { fileSystem, delayLevels } = options;
  const { log, queueFolder, index: indexFiles } = report.files;
  for (const { topic, queueId } of queues) {
    kept.keepAside(`${queueFolder}/${topic}/${queueId}`, what);
  }
  // Empty folders would still stand for topics of another log.
  if (log.files.length === 0) kept.keepAside(queueFolder, what);
  if (index) kept.keepAside(indexFiles.folder, what);
  // The log's files have changed; what all files were made with has not.
  const files = { ...report.files, fileSystem };
  files.log = { ...log, files: listSequence(fileSystem, log.folder) };
  return rebuild({
    fileSystem,
    files,
    queues,
    index,
    delayLevels,
    onProgress: (bytesDone) => options.onProgress(what, bytesDone),
  });
}

type Json = Record<string, unknown>;

function clamp(
  { options: { fileSystem }, report, kept }: Repair,
  name: string,
  offsets: readonly OffsetPastEnd[],
  set: (table: Json, offset: OffsetPastEnd) => void,
): void {
  const path = `${report.files.folder}/config/${name}`;
  const text = fileSystem.readTextSync(path);
  const document = parseFastjson(text) as Json;
  for (const offset of offsets) set(document["offsetTable"] as Json, offset);
  kept.keepBytes(path, 0, encodeUtf8(text).length, "offsets past the end of their queue");
  replaceText(fileSystem, path, JSON.stringify(document, undefined, "\t"));
}

function setConsumerOffset(table: Json, { key, queueId, maxOffset }: OffsetPastEnd): void {
  (table[key] as Json)[String(queueId)] = maxOffset;
}

function setDelayOffset(table: Json, { key, maxOffset }: OffsetPastEnd): void {
  table[key] = maxOffset;
}

/** Puts a new document in the place of a file, so that at each moment the old or the new one is whole. */
function replaceText(fileSystem: FileSystem, path: string, text: string): void {
  const file = fileSystem.openSync(`${path}.tmp`, { create: true });
  try {
    file.truncateSync(0);
    file.writeSync(encodeUtf8(text), 0);
    file.syncDataSync();
  } finally {
    file.close();
  }
  fileSystem.renameSync(`${path}.tmp`, path);
  fileSystem.syncFolderSync(path.slice(0, path.lastIndexOf("/")));
}

function noteEnd({ options: { fileSystem }, report }: Repair): void {
  const { files: { folder }, end } = report;
  const { offset: endOffset, lastRecordOffset, lastStoreTimestamp } = end;
  writeCheckpoint(fileSystem, folder, { endOffset, lastRecordOffset }, {
    storeTimestamp: lastStoreTimestamp,
    indexedTimestamp: lastStoreTimestamp,
  });
  fileSystem.removeSync(`${folder}/abort`);
  fileSystem.syncFolderSync(folder);
}
