/** What becomes of a transaction whose half message is gone or damaged: it must not hold up the others. */

import type { MessageStore } from "../../../store/message_store.ts";
import type { Log } from "../../log.ts";
import type { OpenTable, OpenTransaction } from "./open_table.ts";
import type { Progress } from "./progress.ts";

export interface PassOverDeps {
  store: Pick<MessageStore, "stats">;
  table: OpenTable;
  progress: Pick<Progress, "changed">;
  log: Log;
}

/** Reports it and forgets it. */
export function passOver(
  { store, table, progress, log }: PassOverDeps,
  open: OpenTransaction,
): void {
  const { kind, queueOffset, physicalOffset } = open;
  const isDeleted = physicalOffset < store.stats.minOffset;
  log.error("a half message cannot be read, its transaction is passed over", {
    reason: isDeleted ? "it was deleted with old files" : "it is damaged",
    topic: kind.topic,
    producerGroup: kind.producerGroup,
    queueOffset,
    physicalOffset,
  });
  table.remove(open);
  progress.changed();
}
