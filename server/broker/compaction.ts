/** Compaction topics: which ones there are, and what the log hears of them. */

import type { CompactionStore } from "../../store/compaction/compaction_store.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import { isCompactionTopic } from "./topic_attributes.ts";
import type { TopicTable } from "./topic_table.ts";

/** How long an error that comes again every few seconds is not logged again. */
const SAME_ERROR_MILLIS = 60_000;

/**
 * Lets the store keep the newest message of each key of the topics that ask for it.
 * @throws {CorruptStoreError} when what is on disk for them is damaged.
 */
export function startCompaction(
  store: MessageStore,
  topics: Pick<TopicTable, "topics">,
  { config, log }: { config: Config; log: Log },
): CompactionStore {
  const logged = { message: "", until: 0 };
  return store.startCompaction({
    settings: config,
    *topics() {
      for (const topic of topics.topics.values()) {
        if (isCompactionTopic(topic)) yield topic.topicName;
      }
    },
    onCompacted: (report) => log.info("compacted a queue", { ...report }),
    onFailed(error) {
      if (error.message === logged.message && Date.now() < logged.until) return;
      logged.message = error.message;
      logged.until = Date.now() + SAME_ERROR_MILLIS;
      log.error("cannot copy or compact; what is there stays", { error });
    },
  });
}
