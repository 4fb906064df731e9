/**
 * The revive log: the topic in which every pop and every acknowledgement is recorded, and from which a start learns what
 * is in flight. The group CID_RMQ_SYS_REVIVE_GROUP has as its offset there the last record that need not be read again;
 * a start reads on from the next.
 *
 * Offsets in `consumerOffset.json` never run ahead of the log on the disk: the offset of a group that pops is committed
 * when its record is durable, and a record counts as done when the one that ends it is. COMMITTED_GROUP has as its offset
 * the first record whose pop the other offsets of the same file do not include: a start takes from the log where a group
 * goes on only from there, since before that an admin may have set the group back.
 */

import { putUtf8 } from "../../../client/protocol/bytes.ts";
import type { HostBytes } from "../../../client/protocol/message.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { HeldReplies } from "../held_replies.ts";
import type { OffsetTable } from "../offset_table.ts";
import { SYSTEM_TOPIC_PREFIX } from "../topic_name.ts";
import type { Clock } from "./due_timer.ts";
import { OpenEntries } from "./open_entries.ts";
import { type CheckPoint, type LogEntry, PopQueue } from "./pop_queue.ts";
import {
  ackText,
  checkPointText,
  orderText,
  resetText,
  reviveProperties,
  ReviveTag,
} from "./revive_record.ts";

export const REVIVE_GROUP = "CID_RMQ_SYS_REVIVE_GROUP";
export const COMMITTED_GROUP = "CID_RMQ_SYS_COMET_POP";
/** With ASYNC_FLUSH nobody tells when something is durable. */
const LOOK_MILLIS = 500;

export interface ReviveLogOptions {
  store: Pick<MessageStore, "putMessage" | "stats">;
  offsets: Pick<OffsetTable, "commitOffset" | "queryOffset" | "hasOffsetReset">;
  held: HeldReplies;
  clock: Clock;
  clusterName: string;
  brokerName: string;
  /** How many queues it has. */
  reviveQueueNum: number;
  storeHost: () => HostBytes;
  /** A record of a pop or an acknowledgement was put, about messages of a topic: CHECK_POINT or ACK of `ReviveTag`. */
  onRecorded?: (group: string, topic: string, tag: string) => void;
}

/** Where a record went. */
export interface Recorded {
  reviveQid: number;
  reviveOffset: number;
  physicalOffset: number;
  endOffset: number;
}

/** A record that has not become visible yet. */
interface Pending {
  physicalOffset: number;
  reviveQid: number;
  reviveOffset: number;
  /** What it holds open, if it does. */
  entry: LogEntry | undefined;
}

/** Where a group goes on, to be committed when the log is durable up to `endOffset`. */
interface Commit {
  endOffset: number;
  queue: PopQueue;
  nextOffset: number;
  /** What was there before. */
  previousOffset: number;
  resetCount: number;
  /** Its record; it needs none after messages that the group does not want. */
  recorded: Recorded | undefined;
}

/** A record that is done when the log is durable up to `endOffset`. */
interface Release {
  endOffset: number;
  reviveOffset: number;
  entry: LogEntry;
}

/** The topic's name. */
export function reviveTopicOf(clusterName: string): string {
  return `${SYSTEM_TOPIC_PREFIX}REVIVE_LOG_${clusterName}`;
}

export class ReviveLog implements Disposable {
  readonly topic: string;
  readonly #options: ReviveLogOptions;
  /** By revive queue. */
  readonly #open: OpenEntries[] = [];
  /** Oldest first, as the next two. */
  #pending: Pending[] = [];
  #commits: Commit[] = [];
  #releases: Release[] = [];
  #endOffset = 0;
  #popCount = 0;
  #look: Disposable | undefined;
  #body = new Uint8Array(4096);

  constructor(options: ReviveLogOptions) {
    this.#options = options;
    this.topic = reviveTopicOf(options.clusterName);
  }

  /** The queue for the records of the next pop. */
  nextReviveQid(): number {
    return this.#popCount++ % this.#options.reviveQueueNum;
  }

  /** Records a checkpoint; undefined when nothing can be put. `nextOffset`: where the group goes on, or -1. */
  putCheckPoint(checkPoint: CheckPoint, nextOffset: number): Recorded | undefined {
    const recorded = this.#putEntry(checkPoint, checkPointText(checkPoint, nextOffset));
    if (recorded !== undefined) this.#tell(checkPoint, ReviveTag.CHECK_POINT);
    return recorded;
  }

  #tell({ queue: { group, topic } }: CheckPoint, tag: string): void {
    this.#options.onRecorded?.(group, topic, tag);
  }

  /** Records how an orderly group stands in a queue. */
  putOrder(queue: PopQueue): Recorded | undefined {
    return this.#putEntry(queue, orderText(queue, queue.order!, this.#options.brokerName));
  }

  /** Records that a group has been sent elsewhere. */
  putReset(queue: PopQueue, nextOffset: number): Recorded | undefined {
    const text = resetText(queue, nextOffset, this.#options.clock.now());
    return this.#put(queue.reviveQid, ReviveTag.CHECK_POINT, text, undefined);
  }

  /** Records that messages of a checkpoint are done. */
  putAck(checkPoint: CheckPoint, bits: number): Recorded | undefined {
    const { tag, text } = ackText(checkPoint, bits);
    const recorded = this.#put(checkPoint.reviveQid, tag, text, undefined);
    const isAck = (checkPoint.givenBack & bits) === 0;
    if (recorded !== undefined && isAck) this.#tell(checkPoint, ReviveTag.ACK);
    return recorded;
  }

  #putEntry(entry: LogEntry, text: string): Recorded | undefined {
    const recorded = this.#put(entry.reviveQid, ReviveTag.CHECK_POINT, text, entry);
    if (recorded === undefined) return undefined;
    // An older record of the same is done with once this one is durable.
    this.release(entry, recorded.endOffset);
    this.openEntry(recorded.reviveOffset, entry);
    return recorded;
  }

  #put(
    reviveQid: number,
    tag: string,
    text: string,
    entry: LogEntry | undefined,
  ): Recorded | undefined {
    const { store, clock, storeHost } = this.#options;
    if (this.#body.length < text.length * 3) this.#body = new Uint8Array(text.length * 3);
    const host = storeHost();
    const now = clock.now();
    const result = store.putMessage({
      topic: this.topic,
      queueId: reviveQid,
      flag: 0,
      sysFlag: 0,
      bornTimestamp: now,
      bornHost: host,
      storeHost: host,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: this.#body.subarray(0, putUtf8(this.#body, 0, text)),
      properties: reviveProperties(tag, now),
    });
    if (result.status !== "PUT_OK") return undefined;
    const { physicalOffset, queueOffset: reviveOffset, endOffset } = result;
    this.#pending.push({ physicalOffset, reviveQid, reviveOffset, entry });
    this.#endOffset = endOffset;
    return { reviveQid, reviveOffset, physicalOffset, endOffset };
  }

  /**
   * Calls back when the records from `first` to `endOffset` are as safe as was promised, or says why they are not; then
   * they and all later ones are undone, and nothing may be put before the next turn.
   */
  whenSafe(
    first: Recorded,
    endOffset: number,
    finish: (failure: Error | undefined) => void,
  ): void {
    this.#options.held.hold({
      endOffset,
      finish: (failure) => {
        if (failure !== undefined) this.#undo(first.physicalOffset);
        finish(failure);
        // Nothing may be put while failures are told, since those that follow would take it back.
        if (failure === undefined) this.drain();
      },
    });
  }

  /** Takes back what was put from `physicalOffset` on: it is not in the log, others will take its place. */
  #undo(physicalOffset: number): void {
    const isLost = ({ endOffset }: { endOffset: number }) => endOffset > physicalOffset;
    for (const { queue, previousOffset, resetCount } of this.#commits.filter(isLost).reverse()) {
      if (resetCount !== queue.resetCount) continue;
      queue.nextOffset = previousOffset;
      queue.uncommittedCount--;
    }
    this.#commits = this.#commits.filter((commit) => !isLost(commit));
    // Newest first, so that an entry ends up with the record that it had before.
    for (const { entry, reviveOffset } of this.#releases.filter(isLost).reverse()) {
      entry.reviveOffset = reviveOffset;
    }
    this.#releases = this.#releases.filter((release) => !isLost(release));
    while ((this.#pending.at(-1)?.physicalOffset ?? -1) >= physicalOffset) {
      const { reviveQid, reviveOffset, entry } = this.#pending.pop()!;
      this.#open[reviveQid]!.truncate(reviveOffset);
      if (entry?.reviveOffset === reviveOffset) entry.reviveOffset = -1;
    }
  }

  /** Whether a record that has become visible is one that was put here; others come from Apache's timer. */
  isOwn(physicalOffset: number): boolean {
    if (this.#pending[0]?.physicalOffset !== physicalOffset) return false;
    this.#pending.shift();
    return true;
  }

  /** A start must read the record at `reviveOffset` until `entry` is released. Records come in their order. */
  openEntry(reviveOffset: number, entry: LogEntry): void {
    (this.#open[entry.reviveQid] ??= new OpenEntries(reviveOffset)).open(reviveOffset, entry);
    entry.reviveOffset = reviveOffset;
  }

  /** The record of `entry` need not be read any more when the log is durable up to `endOffset`. */
  release(entry: LogEntry, endOffset: number): void {
    const { reviveOffset } = entry;
    if (reviveOffset < 0) return;
    this.#releases.push({ endOffset, reviveOffset, entry });
    entry.reviveOffset = -1;
    this.#lookLater();
  }

  /** The group goes on at `nextOffset`, which is committed when `recorded`, or else what was put so far, is durable. */
  moveOn(queue: PopQueue, nextOffset: number, recorded: Recorded | undefined): void {
    this.#commits.push({
      endOffset: recorded?.endOffset ?? this.#endOffset,
      queue,
      nextOffset,
      previousOffset: queue.nextOffset,
      resetCount: queue.resetCount,
      recorded,
    });
    queue.nextOffset = nextOffset;
    queue.uncommittedCount++;
    this.#lookLater();
  }

  #lookLater(): void {
    this.#look ??= this.#options.clock.after(LOOK_MILLIS, () => {
      this.#look = undefined;
      this.drain();
      if (this.#commits.length + this.#releases.length > 0) this.#lookLater();
    });
  }

  /** Commits what has become durable. */
  drain(): void {
    const durable = this.#options.store.stats.durableOffset;
    let count = 0;
    // The next record's pop may be in the same file as the release of one before it, not the other way round.
    while (count < this.#commits.length && this.#commits[count]!.endOffset <= durable) {
      this.#commit(this.#commits[count++]!);
    }
    if (count > 0) this.#commits.splice(0, count);
    count = 0;
    while (count < this.#releases.length && this.#releases[count]!.endOffset <= durable) {
      const { entry, reviveOffset } = this.#releases[count++]!;
      this.#open[entry.reviveQid]!.close(reviveOffset, entry);
    }
    if (count === 0) return;
    this.#releases.splice(0, count);
    for (let reviveQid = 0; reviveQid < this.#open.length; reviveQid++) this.#advance(reviveQid);
  }

  #commit({ queue, nextOffset, resetCount, recorded }: Commit): void {
    const { offsets } = this.#options;
    const { topic, group, queueId } = queue;
    if (resetCount === queue.resetCount) {
      queue.uncommittedCount--;
      const isReset = offsets.hasOffsetReset(group, topic, queueId);
      if (!isReset && nextOffset > offsets.queryOffset(group, topic, queueId)) {
        offsets.commitOffset(group, topic, queueId, nextOffset);
      }
    }
    if (recorded === undefined) return;
    const { reviveQid, reviveOffset } = recorded;
    offsets.commitOffset(COMMITTED_GROUP, this.topic, reviveQid, reviveOffset + 1);
  }

  #advance(reviveQid: number): void {
    const open = this.#open[reviveQid];
    if (open === undefined) return;
    if (open.advance()) {
      this.#options.offsets.commitOffset(REVIVE_GROUP, this.topic, reviveQid, open.first - 1);
    }
    const oldest = open.oldestOfTooMany();
    if (oldest === undefined) return;
    const recorded = oldest instanceof PopQueue
      ? this.putOrder(oldest)
      : this.putCheckPoint(oldest as CheckPoint, -1);
    if (recorded !== undefined) this.whenSafe(recorded, recorded.endOffset, () => {});
  }

  /** Begins to note what is open at `reviveOffset`, from which a start reads. */
  startAt(reviveQid: number, reviveOffset: number): void {
    this.#open[reviveQid] = new OpenEntries(reviveOffset);
  }

  /**
   * All records before `reviveOffset` have been read; there are no others. Returns whether the group's offset lay beyond:
   * on disk it would hide the records to come.
   */
  readUpTo(reviveQid: number, reviveOffset: number): boolean {
    const { offsets } = this.#options;
    const open = this.#open[reviveQid]!;
    open.readUpTo(reviveOffset);
    this.#advance(reviveQid);
    if (offsets.queryOffset(REVIVE_GROUP, this.topic, reviveQid) < reviveOffset) return false;
    offsets.commitOffset(REVIVE_GROUP, this.topic, reviveQid, open.first - 1);
    return true;
  }

  [Symbol.dispose](): void {
    this.drain();
    this.#look?.[Symbol.dispose]();
  }
}
