/** What `comet store verify` and `comet store repair` print. */

import {
  EFFECTS,
  FINDING_KINDS,
  type FindingKind,
  type FindingList,
  plural,
} from "../store/tools/findings.ts";
import type { RepairPlan } from "../store/tools/repair_plan.ts";
import type { VerifyReport, VerifySummary } from "../store/tools/verify_report.ts";
import { bytesText, printable } from "./store_output.ts";

/** The report of a check, for people. */
export function verifyText({ findings, summary }: VerifyReport): string {
  const damageCount = findings.count("damage");
  const verdict = damageCount === 0
    ? "The folder is sound."
    : `The folder is damaged: ${plural(damageCount, "finding")}${lostText(summary)}.`;
  return `${findingsText(findings)}${summaryText(summary)}\n${verdict}\n`;
}

/** Damage first; of each kind so many as are kept, and how many there are beyond. */
function findingsText(findings: FindingList): string {
  let text = "";
  for (const severity of ["damage", "note"] as const) {
    for (const { kind, file, offset, what, effect, advice } of findings.kept) {
      if (FINDING_KINDS[kind].severity !== severity) continue;
      const place = offset === undefined ? file : `${file} at byte ${offset}`;
      const label = severity === "damage" ? "DAMAGE" : "note";
      text += `${label.padEnd(8)}${printable(place)}\n${INDENT}${printable(what)}\n` +
        `${INDENT}${EFFECTS[effect]}; ${advice}\n`;
    }
    for (const [kind, more] of moreThanKept(findings)) {
      if (FINDING_KINDS[kind].severity !== severity) continue;
      text += `${INDENT}… and ${more} more of the kind ${kind}\n`;
    }
  }
  return text === "" ? "" : `${text}\n`;
}

const INDENT = " ".repeat(8);

function moreThanKept({ kept, counts }: FindingList): [FindingKind, number][] {
  const result: [FindingKind, number][] = [];
  for (const [kind, count] of counts) {
    const more = count - kept.filter((finding) => finding.kind === kind).length;
    if (more > 0) result.push([kind, more]);
  }
  return result;
}

function lostText({ lostMessages }: VerifySummary): string {
  return lostMessages === 0 ? "" : `, ${plural(lostMessages, "message")} or more lost`;
}

function summaryText(summary: VerifySummary): string {
  const {
    records,
    tombstones,
    topics,
    queues,
    indexEntries,
    minOffset,
    maxOffset,
    bytes,
    seconds,
  } = summary;
  const marks = tombstones === 0 ? "" : `, marks of ${tombstones} lost ones`;
  return `${records} messages${marks}, ${topics} topics, ${queues} queues, ${indexEntries} index entries; ` +
    `${bytesText(bytes)} of log, offsets ${minOffset} to ${maxOffset}; ${seconds.toFixed(1)} s`;
}

/** The same for programs. */
export function verifyJson(report: VerifyReport): Record<string, unknown> {
  const { findings, summary, files, nextStart } = report;
  const { clean, rebuildFrom, logEnd, refusal } = nextStart;
  return {
    tool: "verify",
    folder: files.folder,
    sound: findings.count("damage") === 0,
    findings: findings.kept.map((finding) => ({ ...finding, meaning: EFFECTS[finding.effect] })),
    counts: Object.fromEntries(findings.counts),
    summary,
    settings: {
      mappedFileSizeCommitLog: files.log.segmentBytes,
      mappedFileSizeConsumeQueue: files.queueSegmentBytes,
      maxHashSlotNum: files.index.slotCount,
      maxIndexNum: files.index.unitCount,
    },
    nextStart: {
      clean,
      readsLogFrom: rebuildFrom === Infinity ? null : rebuildFrom,
      logEnd: logEnd ?? null,
      refusal: refusal ?? null,
    },
  };
}

/** What a repair is about to do, and why. */
export function planText(report: VerifyReport, { steps, obstacles }: RepairPlan): string {
  let text = findingsText(report.findings);
  steps.forEach(({ what }, index) => text += `${index + 1}. ${printable(what)}\n`);
  for (const obstacle of obstacles) text += `Cannot be mended: ${printable(obstacle)}\n`;
  return text;
}

/** What a repair did, or would do, for programs. */
export function repairJson(
  report: VerifyReport,
  { steps, obstacles }: RepairPlan,
  done: { kept: string; after: VerifyReport } | undefined,
): Record<string, unknown> {
  return {
    tool: "repair",
    folder: report.files.folder,
    done: done !== undefined,
    sound: (done?.after ?? report).findings.count("damage") === 0,
    steps: steps.map(({ kind, what }) => ({ kind, what })),
    obstacles,
    kept: done?.kept ?? null,
    before: verifyJson(report),
    after: done === undefined ? null : verifyJson(done.after),
  };
}
