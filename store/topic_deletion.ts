/** Deleting a topic while the store is in use: its queues go when nothing is on its way to them any more. */

import type { CheckpointTask } from "./checkpoint_task.ts";
import type { ConsumeQueue } from "./consume_queue.ts";
import type { QueueTable } from "./queue_table.ts";

export interface TopicDeletionDeps {
  queues: QueueTable;
  checkpoint: CheckpointTask;
  /** Queues that are being mended. */
  mending: ReadonlyMap<ConsumeQueue, Promise<void>>;
  /**
   * Waits until all that was put is in its queue, and gives the end of the log.
   * @throws when the disk takes no messages.
   */
  settle: () => Promise<number>;
  /** Removes what else there is of a topic. */
  deleteCompacted: (topic: string) => Promise<void>;
}

export class TopicDeletion {
  readonly #deps: TopicDeletionDeps;
  readonly #topics = new Set<string>();

  constructor(deps: TopicDeletionDeps) {
    this.#deps = deps;
  }

  /** Whether a topic takes no messages, since it is about to go. */
  concerns(topic: string): boolean {
    return this.#topics.size > 0 && this.#topics.has(topic);
  }

  /** See `MessageStore.deleteTopic`. */
  async delete(topic: string): Promise<void> {
    const { queues, checkpoint, mending, settle, deleteCompacted } = this.#deps;
    if (this.#topics.has(topic)) throw new Error(`topic ${topic} is being deleted already`);
    this.#topics.add(topic);
    try {
      const endOffset = await settle();
      await deleteCompacted(topic);
      await checkpoint.between(async () => {
        for (const [queue, ending] of mending) if (queue.topic === topic) await ending;
        await queues.delete(topic, endOffset);
      });
    } finally {
      this.#topics.delete(topic);
    }
  }
}
