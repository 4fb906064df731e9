/** What is in flight: every queue that a group pops, with its checkpoints in the order in which they are due. */

import { type Clock, DueTimer } from "./due_timer.ts";
import { allBits, bitCount, type CheckPoint, checkPointKey, PopQueue } from "./pop_queue.ts";

export interface PopTableOptions {
  clock: Clock;
  /** reviveQueueNum: how many queues of the revive log are used. */
  reviveQueueNum: number;
  /** Checkpoints are due: take them. */
  onDue: () => void;
}

export class PopTable implements Disposable {
  readonly #options: PopTableOptions;
  readonly #queues = new Map<string, PopQueue>();
  readonly due: DueTimer<CheckPoint>;
  /** How many checkpoints there are. */
  count = 0;

  constructor(options: PopTableOptions) {
    this.#options = options;
    this.due = new DueTimer(options.clock, options.onDue);
  }

  get queues(): Iterable<PopQueue> {
    return this.#queues.values();
  }

  find(topic: string, group: string, queueId: number): PopQueue | undefined {
    return this.#queues.get(`${topic}@${group}@${queueId}`);
  }

  /** The queue, made when it was not there. */
  queue(topic: string, group: string, queueId: number): PopQueue {
    const key = `${topic}@${group}@${queueId}`;
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      const reviveQid = reviveQidOf(key, this.#options.reviveQueueNum);
      this.#queues.set(key, queue = new PopQueue(topic, group, queueId, reviveQid));
    }
    return queue;
  }

  /** Forgets a queue, which has no checkpoints any more. */
  forget({ topic, group, queueId }: PopQueue): void {
    this.#queues.delete(`${topic}@${group}@${queueId}`);
  }

  /** The checkpoint that a handle or a record names. */
  findCheckPoint(
    queue: PopQueue | undefined,
    startOffset: number,
    popTime: number,
  ): CheckPoint | undefined {
    return queue?.checkPoints.get(checkPointKey(startOffset, popTime));
  }

  add(checkPoint: CheckPoint): void {
    const { queue, startOffset, popTime } = checkPoint;
    queue.checkPoints.set(checkPointKey(startOffset, popTime), checkPoint);
    if (checkPoint.isSuccessor) queue.successors.set(startOffset, checkPoint);
    queue.inFlightCount += bitCount(allBits(checkPoint.distances) & ~checkPoint.safe);
    this.due.add(checkPoint);
    this.count++;
  }

  /** Messages are done, which is safe. Returns whether the checkpoint is over by it; then it is forgotten. */
  close(checkPoint: CheckPoint, bits: number): boolean {
    const all = allBits(checkPoint.distances);
    checkPoint.queue.inFlightCount -= bitCount(bits & ~checkPoint.safe);
    checkPoint.safe |= bits;
    if (checkPoint.safe !== all) return false;
    this.remove(checkPoint);
    return true;
  }

  /** Forgets a checkpoint. */
  remove(checkPoint: CheckPoint): void {
    const { queue, startOffset, popTime, distances, safe } = checkPoint;
    this.due.remove(checkPoint);
    if (!queue.checkPoints.delete(checkPointKey(startOffset, popTime))) return;
    if (queue.successors.get(startOffset) === checkPoint) queue.successors.delete(startOffset);
    queue.inFlightCount -= bitCount(allBits(distances) & ~safe);
    this.count--;
  }

  [Symbol.dispose](): void {
    this.due[Symbol.dispose]();
  }
}

/** The same for a queue in every run, as long as the number of revive queues is. */
function reviveQidOf(key: string, reviveQueueNum: number): number {
  let hash = 0;
  for (let index = 0; index < key.length; index++) {
    hash = (Math.imul(hash, 31) + key.charCodeAt(index)) | 0;
  }
  return (hash >>> 0) % reviveQueueNum;
}
