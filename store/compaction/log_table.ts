/** The compaction logs by topic and queueId, opened for each queue of the compaction topics there are. */

import type { CommitLog } from "../commit_log.ts";
import type { QueueTable } from "../queue_table.ts";
import { CompactionLog } from "./compaction_log.ts";
import type { CompactionFolders } from "./folders.ts";
import type { PositionCheckpoint } from "./position_checkpoint.ts";
import { matchQueue } from "./queue_view.ts";

export interface LogTableOptions {
  folders: CompactionFolders;
  positions: PositionCheckpoint;
  queues: QueueTable;
  commitLog: CommitLog;
  /** The names of the compaction topics there are now. */
  topics: () => Iterable<string>;
  /** Whether the last stop was a clean one. */
  clean: boolean;
}

export class LogTable {
  readonly #options: LogTableOptions;
  readonly #logs = new Map<string, CompactionLog[]>();

  /** Opens what is on disk. @throws {CorruptStoreError} when it is damaged. */
  constructor(options: LogTableOptions) {
    this.#options = options;
    for (const topic of options.topics()) this.#open(topic, true);
  }

  find(topic: string, queueId: number): CompactionLog | undefined {
    return this.#logs.size === 0 ? undefined : this.#logs.get(topic)?.[queueId];
  }

  *[Symbol.iterator](): Generator<CompactionLog> {
    for (const logs of this.#logs.values()) {
      for (const log of logs) if (log !== undefined) yield log;
    }
  }

  /** Topics and queues come and go, and with an edited topics.json a topic's policy may change. */
  follow(onFailed: (error: Error) => void): void {
    const topics = new Set(this.#options.topics());
    for (const topic of topics) {
      try {
        this.#open(topic, false);
      } catch (error) {
        onFailed(error as Error);
      }
    }
    for (const [topic, logs] of this.#logs) {
      if (topics.has(topic)) continue;
      this.#logs.delete(topic);
      for (const log of logs) log?.close();
    }
  }

  /** Opens what there is of a topic and was not open. */
  #open(topic: string, isStart: boolean): void {
    const { folders: { fileSystem, root }, queues } = this.#options;
    let logs = this.#logs.get(topic);
    if (logs === undefined) this.#logs.set(topic, logs = []);
    const names = fileSystem.listSync(`${root}/compactionLog/${topic}`);
    const ownIds = names.filter((name) => /^\d+$/.test(name)).map(Number);
    for (const queueId of new Set([...queues.queueIds(topic), ...ownIds])) {
      logs[queueId] ??= this.#openLog(topic, queueId, isStart);
    }
  }

  #openLog(topic: string, queueId: number, isStart: boolean): CompactionLog {
    const { folders, positions, queues, commitLog, clean } = this.#options;
    const log = new CompactionLog(folders, topic, queueId, {
      position: positions.get(topic, queueId),
      // What is opened later was written by this process, if by any.
      clean: clean || !isStart,
    });
    matchQueue(log, queues.get(topic, queueId), commitLog, isStart);
    return log;
  }

  /** Forgets a topic; gives its logs, which copies and runs leave alone from now on. */
  take(topic: string): CompactionLog[] {
    const logs = (this.#logs.get(topic) ?? []).filter((log) => log !== undefined);
    this.#logs.delete(topic);
    for (const log of logs) log.isClosed = true;
    return logs;
  }
}
