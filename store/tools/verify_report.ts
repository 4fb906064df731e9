/** What a check of a data folder found out: for people, for programs, and for `repair`. */

import type { ConfigCheck } from "./config_check.ts";
import type { LogDamage } from "./damage.ts";
import type { FindingList } from "./findings.ts";
import type { LogEnd } from "./log_walk.ts";
import type { NextStart } from "./next_start.ts";
import type { QueueCheck } from "./queue_check.ts";
import type { StoreFiles } from "./store_files.ts";

/** Counts of what was looked at. */
export interface VerifySummary {
  folder: string;
  /** Records of messages. */
  records: number;
  /** Records that stand for messages which are lost, since a repair. */
  tombstones: number;
  topics: number;
  queues: number;
  indexEntries: number;
  /** physicalOffset of the first byte of the log, and after its last message. */
  minOffset: number;
  maxOffset: number;
  /** Of the log, with what is damaged. */
  bytes: number;
  damagedBytes: number;
  /** That are known to be lost. */
  lostMessages: number;
  /** How long the check took. */
  seconds: number;
}

/** All that a check found out. */
export interface VerifyReport {
  summary: VerifySummary;
  findings: FindingList;
  files: StoreFiles;
  damage: LogDamage;
  nextStart: NextStart;
  end: LogEnd;
  queues: QueueCheck;
  config: ConfigCheck;
}

/** Counts what a report is about. */
export function summarize(
  { files, end, damage, queues }: Omit<VerifyReport, "summary">,
  counts: Pick<VerifySummary, "records" | "tombstones" | "indexEntries" | "seconds">,
): VerifySummary {
  const topics = new Set<string>();
  let queueCount = 0;
  let lostMessages = damage.lostCount;
  for (const { topic, tallies } of queues.states()) {
    topics.add(topic);
    queueCount++;
    lostMessages += tallies.get("queuePastEnd")?.count ?? 0;
  }
  const { minOffset } = files.log;
  return {
    ...counts,
    folder: files.folder,
    topics: topics.size,
    queues: queueCount,
    minOffset,
    maxOffset: end.offset,
    bytes: end.offset - minOffset,
    damagedBytes: damage.ranges.reduce((sum, range) => sum + range.end - range.start, 0),
    lostMessages,
  };
}
