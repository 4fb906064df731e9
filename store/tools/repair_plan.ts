/** What a repair would do about what `verify` found: a list of steps, in the order in which they are done. */

import type { OffsetPastEnd } from "./config_check.ts";
import { type FindingKind, plural } from "./findings.ts";
import type { Patch } from "./filler.ts";
import { planPatches } from "./patch_plan.ts";
import type { QueueState } from "./queue_state.ts";
import { relativePath } from "./store_files.ts";
import type { VerifyReport } from "./verify_report.ts";

export interface QueueName {
  topic: string;
  queueId: number;
}

/** One step; `what` says it to people. */
export type RepairStep =
  & { what: string }
  & (
    | { kind: "restoreJson" | "setAsideJson"; path: string }
    | { kind: "moveLogFile"; path: string }
    | { kind: "resizeLogFile"; path: string; bytes: number }
    | { kind: "patchLog"; patches: Patch[] }
    | { kind: "cutLog"; offset: number }
    | { kind: "rebuild"; queues: QueueName[]; index: boolean }
    | { kind: "clampConsumerOffsets" | "clampDelayOffsets"; offsets: OffsetPastEnd[] }
    | { kind: "writeCheckpoint" }
  );

export interface RepairPlan {
  steps: RepairStep[];
  /** What no step can mend. */
  obstacles: string[];
}

/** Findings for which a queue has to be made anew; those that a start would mend are taken along. */
const QUEUE_TALLIES: FindingKind[] = [
  "queueIncomplete",
  "queueUnit",
  "queuePastEnd",
  "queueBehind",
  "queueAhead",
];
const INDEX_DAMAGE: FindingKind[] = [
  "indexIncomplete",
  "indexUnit",
  "indexChain",
  "indexHeader",
  "indexFile",
];
/** After these, queues and index have to fit another log than before. */
const LOG_DAMAGE: FindingKind[] = ["logDamaged", "logFileStale", "logEndLost", "logFileSize"];

/** Makes the plan. Without damage it has no steps. */
export function planRepair(report: VerifyReport): RepairPlan {
  const { findings } = report;
  const rebuilds = findings.has("repairUnfinished", "queueFiles", ...LOG_DAMAGE, ...INDEX_DAMAGE) ||
    findings.has("queueIncomplete", "queueUnit", "queuePastEnd", "queueMissing", "queueEndWrong");
  const steps = [...jsonSteps(report), ...logSteps(report, rebuilds)];
  const obstacles = obstaclesOf(report);
  if (rebuilds) steps.push(...rebuildSteps(report));
  steps.push(...offsetSteps(report, rebuilds));
  if (rebuilds) {
    const what = "note that the log is complete up to its end, and mark the folder as in order";
    steps.push({ kind: "writeCheckpoint", what });
  }
  return { steps, obstacles };
}

function obstaclesOf({ findings, damage, files }: VerifyReport): string[] {
  const obstacles = findings.kept
    .filter(({ kind }) => kind === "queueOffsetGap" || kind === "queueOffsetTwice")
    .map(({ file, what }) => `${file}: ${what}`);
  if (planPatches(damage, files.log.segmentBytes) === undefined) {
    obstacles.push("the damaged places of the log have no room for the messages that are lost");
  }
  return obstacles;
}

function jsonSteps({ config, files }: VerifyReport): RepairStep[] {
  return config.broken.map(({ path, hasCopy }): RepairStep => {
    const file = relativePath(files.folder, path);
    return hasCopy
      ? { kind: "restoreJson", path, what: `put ${file}.bak in the place of ${file}` }
      : { kind: "setAsideJson", path, what: `set ${file} aside; a start begins it anew` };
  });
}

function logSteps({ files, damage, end }: VerifyReport, rebuilds: boolean): RepairStep[] {
  const { folder, log } = files;
  const steps: RepairStep[] = log.strangers.map(({ path, reason }) => {
    const what = `set ${relativePath(folder, path)} aside: ${reason}`;
    return { kind: "moveLogFile", path, what };
  });
  // Only after a crash a start brings the last file to its size by itself.
  if (rebuilds) {
    for (const { path, bytes } of log.files) {
      if (bytes === log.segmentBytes) continue;
      const what = `bring ${relativePath(folder, path)} to ${log.segmentBytes} bytes`;
      steps.push({ kind: "resizeLogFile", path, bytes: log.segmentBytes, what });
    }
  }
  const patches = planPatches(damage, log.segmentBytes);
  if (patches !== undefined && patches.length > 0) {
    const lost = plural(damage.lostCount, "lost message");
    const places = plural(damage.ranges.length, "damaged place");
    const what = `overwrite ${places} of the log with records that readers pass over; mark ${lost}`;
    steps.push({ kind: "patchLog", patches, what });
  }
  if (end.torn !== undefined) {
    const what = `cut the log at offset ${end.offset}, where it ends in ${end.torn}`;
    steps.push({ kind: "cutLog", offset: end.offset, what });
  }
  return steps;
}

function rebuildSteps({ queues, findings, files, damage }: VerifyReport): RepairStep[] {
  const lost = new Set(damage.lost.map(({ topic, queueId }) => `${topic}/${queueId}`));
  const names = [...queues.states()].filter((state) =>
    lost.has(`${state.topic}/${state.queueId}`) || isToBeRebuilt(state, files.queueSegmentBytes)
  ).map(({ topic, queueId }) => ({ topic, queueId }));
  const isIndexDamaged = findings.has("indexBehind", ...INDEX_DAMAGE) || damage.ranges.length > 0;
  const index = isIndexDamaged && files.index.sizesKnown;
  const parts: string[] = [];
  if (names.length > 0) {
    const shown = names.slice(0, 5).map(({ topic, queueId }) => `${topic}/${queueId}`).join(", ");
    const more = names.length > 5 ? ", …" : "";
    parts.push(`${plural(names.length, "consume queue")} (${shown}${more})`);
  }
  if (index) parts.push("the index");
  if (parts.length === 0) return [];
  const what = `make ${parts.join(" and ")} anew from the log`;
  return [{ kind: "rebuild", queues: names, index, what }];
}

function isToBeRebuilt(state: QueueState, segmentBytes: number): boolean {
  const { exists, isDeleted, nextOffset, tallies, units } = state;
  if (tallies.has("queueOffsetGap") || tallies.has("queueOffsetTwice")) return false;
  if (!exists) return nextOffset >= 0 && !isDeleted;
  return !units.isWhole ||
    units.files.some(({ start, bytes }) => start % segmentBytes !== 0 || bytes !== segmentBytes) ||
    QUEUE_TALLIES.some((kind) => tallies.has(kind));
}

/** After a crash a start brings consumer offsets back by itself. */
function offsetSteps({ config, findings }: VerifyReport, rebuilds: boolean): RepairStep[] {
  const steps: RepairStep[] = [];
  const { consumerOffsets, delayOffsets } = config;
  if (consumerOffsets.length > 0 && (rebuilds || findings.has("offsetPastEnd"))) {
    const what = `take ${
      plural(consumerOffsets.length, "consumer offset")
    } back to the queue's end`;
    steps.push({ kind: "clampConsumerOffsets", offsets: consumerOffsets, what });
  }
  if (delayOffsets.length > 0) {
    const what = `take ${plural(delayOffsets.length, "delay offset")} back to the queue's end`;
    steps.push({ kind: "clampDelayOffsets", offsets: delayOffsets, what });
  }
  return steps;
}
