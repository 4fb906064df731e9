/** What happens in a broker besides plain sending and consuming, counted for metrics under Apache's labels. */

import { LabelledCounts, LabelledHistograms } from "../../metrics/labelled.ts";

/** In seconds, though Apache names the metric as if they were milliseconds (BrokerMetricsManager.java of 5.3.3). */
const FINISH_BOUNDS_SECONDS = [5, 60, 600, 3_600, 43_200, 86_400];
/** DefaultStoreMetricsManager.java of 5.3.3. */
const DELAY_BOUNDS_SECONDS = [60, 600, 3_600, 43_200, 86_400, 259_200];
const CREATION_BOUNDS_MILLIS = [10, 100, 1_000, 3_000, 5_000];

export class EventCounters {
  /** By topic, as the next two. */
  readonly commits = new LabelledCounts();
  readonly rollbacks = new LabelledCounts();
  /** From a transaction's begin to its commit. */
  readonly finishLatency = new LabelledHistograms(FINISH_BOUNDS_SECONDS);
  /** Timer messages that began to wait, by topic; those that were delivered; how long they were to wait. */
  readonly timersEnqueued = new LabelledCounts();
  readonly timersDequeued = new LabelledCounts();
  readonly timerDelay = new LabelledHistograms(DELAY_BOUNDS_SECONDS);
  /** Records put into the revive log, by group, topic, and what they record. */
  readonly reviveRecords = new LabelledCounts();
  /** Popped messages that were not acknowledged in time and come again, by group and topic. */
  readonly revived = new LabelledCounts();
  /** By outcome, and whether the topic is the system's. */
  readonly topicCreation = new LabelledHistograms(CREATION_BOUNDS_MILLIS);
  /** By outcome. */
  readonly groupCreation = new LabelledHistograms(CREATION_BOUNDS_MILLIS);

  /** Forgets a topic or a group that is gone. */
  forget(name: string): void {
    for (
      const table of [
        this.commits,
        this.rollbacks,
        this.finishLatency,
        this.timersEnqueued,
        this.timersDequeued,
        this.timerDelay,
        this.reviveRecords,
        this.revived,
      ]
    ) table.forget(name);
  }

  /** A producer has ended a transaction that began with a message of this time. */
  transactionEnded(topic: string, isCommit: boolean, ageMillis: number): void {
    if (!isCommit) return this.rollbacks.add(topic);
    this.commits.add(topic);
    this.finishLatency.record(Math.trunc(ageMillis / 1_000), topic);
  }

  /** A message begins to wait for a time, so long after it was born. */
  timerEnqueued(topic: string, delayMillis: number): void {
    this.timersEnqueued.add(topic);
    this.timerDelay.record(Math.trunc(Math.max(0, delayMillis) / 1_000), topic);
  }
}
