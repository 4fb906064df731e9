/** What the store tells of files and disk, as lines of the log. */

import type { DamageReport } from "../../store/mend.ts";
import type { DeletedFile } from "../../store/retention.ts";
import type { Log } from "../log.ts";

/** So many groups are named when messages go that they have not consumed. */
const GROUPS_NAMED_MAX = 20;
const OFFSETS_NAMED_MAX = 20;

type CommittedOffsets = [group: string, topic: string, queues: ReadonlyMap<number, number>];

export interface StoreReportsDeps {
  log: Log;
  /** The first offset of a queue that there still is. */
  minOffsetOf: (topic: string, queueId: number) => number;
  committed: () => Iterable<CommittedOffsets>;
}

/** The store's callbacks about its files. */
export function storeReports({ log, minOffsetOf, committed }: StoreReportsDeps): {
  onDamage: (report: DamageReport) => void;
  onDeleted: (files: DeletedFile[]) => void;
  onDiskFull: (reason: string | undefined) => void;
  onUpkeepFailed: (error: Error) => void;
} {
  return {
    onDamage({ lostQueueOffsets, ...report }) {
      if (lostQueueOffsets.length === 0) {
        log.warn("a damaged consume queue was mended from the commit log", { ...report });
        return;
      }
      log.error("messages are damaged on disk and are passed over; run comet store verify", {
        ...report,
        lostCount: lostQueueOffsets.length,
        lostQueueOffsets: lostQueueOffsets.slice(0, OFFSETS_NAMED_MAX),
      });
    },
    onDeleted(files) {
      for (const { path, reason, newestTimestamp } of files) {
        log.info("deleted a commit log file", { path, reason, newest: new Date(newestTimestamp) });
      }
      const behind = groupsBehind(minOffsetOf, committed());
      if (behind.length === 0) return;
      log.warn("messages were deleted that groups had not consumed", {
        groupCount: behind.length,
        groups: behind.slice(0, GROUPS_NAMED_MAX),
      });
    },
    onDiskFull(reason) {
      if (reason === undefined) log.info("there is room on the disk again; messages are taken");
      else log.error("no message is taken until there is room on the disk", { reason });
    },
    onUpkeepFailed: (error) =>
      log.error("upkeep failed: nothing is lost, but a start after a crash would take longer", {
        error,
      }),
  };
}

/** Groups whose next message is gone, with how many are gone since. */
function groupsBehind(
  minOffsetOf: StoreReportsDeps["minOffsetOf"],
  committed: Iterable<CommittedOffsets>,
): { group: string; topic: string; messageCount: number }[] {
  const behind: { group: string; topic: string; messageCount: number }[] = [];
  for (const [group, topic, queues] of committed) {
    let messageCount = 0;
    for (const [queueId, queueOffset] of queues) {
      messageCount += Math.max(0, minOffsetOf(topic, queueId) - queueOffset);
    }
    if (messageCount > 0) behind.push({ group, topic, messageCount });
  }
  return behind;
}
