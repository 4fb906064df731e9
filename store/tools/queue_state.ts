/** What the check of a consume queue keeps of it. */

import type { LogDamage } from "./damage.ts";
import type { FindingKind, FindingList } from "./findings.ts";
import type { NextStart } from "./next_start.ts";
import type { StoreFiles } from "./store_files.ts";
import type { UnitReader } from "./unit_reader.ts";

export interface QueueCheckOptions {
  files: StoreFiles;
  damage: LogDamage;
  findings: FindingList;
  nextStart: NextStart;
}

/** Findings of one kind in one queue, told as one. */
interface Tally {
  count: number;
  /** The first of them. */
  queueOffset: number;
  physicalOffset: number;
}

/** What is known of one queue so far. */
export interface QueueState {
  topic: string;
  queueId: number;
  units: UnitReader;
  /** Whether there are files for it. */
  exists: boolean;
  /** Its topic was deleted; only the log still has its messages. */
  isDeleted: boolean;
  /** queueOffset of its first record in the log; -1 before that. */
  firstOffset: number;
  /** The queueOffset that its next record should have; -1 before the first. */
  nextOffset: number;
  /** How many damaged ranges there were before its first record, and before its last. */
  rangesBeforeFirst: number;
  rangesBeforeLast: number;
  tallies: Map<FindingKind, Tally>;
}

/** Counts something that the report tells as one finding. */
export function tally(
  state: QueueState,
  kind: FindingKind,
  place: { queueOffset: number; physicalOffset: number },
  count = 1,
): void {
  const { queueOffset, physicalOffset } = place;
  const known = state.tallies.get(kind);
  if (known === undefined) state.tallies.set(kind, { count, queueOffset, physicalOffset });
  else known.count += count;
}
