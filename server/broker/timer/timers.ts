/**
 * Timer messages, put together: what has a time of delivery waits in the topic rmq_sys_wheel_timer and goes to its own
 * topic when that time has come.
 *
 * ```
 *  a send → timed() → the log → TimerIntake → the index (store/timer) → TimerDelivery → the message's own topic
 *  a recall → TimerCancel → the log → TimerIntake: out of the index
 *  TimerRoller: to the end of the log with what is in old files      TimerSaver: the index to disk
 * ```
 */

import type { HostBytes } from "../../../client/protocol/message.ts";
import type { MessageToStore } from "../../../client/protocol/message_record.ts";
import type { DispatchEntry } from "../../../store/dispatch.ts";
import type { FileSystem } from "../../../store/file_system.ts";
import type { MessageStore, PutMessageResult } from "../../../store/message_store.ts";
import { TimerStore } from "../../../store/timer/timer_store.ts";
import type { Config } from "../../config.ts";
import type { Route } from "../../dispatcher.ts";
import type { Log } from "../../log.ts";
import type { HeldReplies } from "../held_replies.ts";
import type { Clock } from "../pop/due_timer.ts";
import type { TopicTable } from "../topic_table.ts";
import { PendingCancels } from "./pending_cancels.ts";
import { recallRoutes } from "./recall_routes.ts";
import { TimerCancel } from "./timer_cancel.ts";
import { TimerDelivery } from "./timer_delivery.ts";
import { slotMillis } from "./timer_export.ts";
import { TimerIntake } from "./timer_intake.ts";
import { listTimers, type TimerQuery, type WaitingTimer } from "./timer_listing.ts";
import { loadTimers } from "./timer_loader.ts";
import { timed, TIMER_TOPIC } from "./timer_message.ts";
import { TimerRoller } from "./timer_roller.ts";
import { TimerSaver } from "./timer_saver.ts";
import { timerStateRoutes } from "./timer_state_routes.ts";

export interface TimersOptions {
  config: Config;
  store: MessageStore;
  topics: Pick<TopicTable, "get">;
  held: HeldReplies;
  storeHost: () => HostBytes;
  fileSystem: FileSystem;
  clock: Clock;
  /** See TimerIntake and TimerDelivery. */
  onEnqueued?: (topic: string, delayMillis: number) => void;
  onDequeued?: (topic: string) => void;
  log: Log;
}

export class Timers implements AsyncDisposable {
  readonly routes: Route[];
  readonly #options: TimersOptions;
  readonly #timerStore: TimerStore;
  readonly #intake: TimerIntake;
  readonly #delivery: TimerDelivery;
  readonly #roller: TimerRoller;
  readonly #saver: TimerSaver;
  readonly #cancel: TimerCancel;
  #isStarted = false;

  constructor(options: TimersOptions) {
    this.#options = options;
    const { config, fileSystem, held, clock, log } = options;
    const { now } = clock;
    const storeFolder = config.storePathRootDir;
    const timerStore = new TimerStore(
      fileSystem,
      storeFolder,
      (error) => log.warn("the index of the timer messages was damaged, took the last", { error }),
    );
    this.#timerStore = timerStore;
    const changed = () => {
      this.#saver.markDirty();
      this.#delivery.wake();
    };
    const common = { ...options, timerStore, settings: config, storeFolder, now };
    const pendingCancels = new PendingCancels(timerStore, held, changed);
    const intake = this.#intake = new TimerIntake({ ...common, onChange: changed });
    this.#cancel = new TimerCancel({ ...common, pendingCancels });
    this.#delivery = new TimerDelivery({
      ...common,
      isHeld: (entry) => pendingCancels.has(entry) || this.#roller.isRolling(entry),
      onDelivered: () => this.#saver.markDirty(),
    });
    this.#saver = new TimerSaver({ ...common, intake });
    this.#roller = new TimerRoller({
      ...common,
      intake,
      saver: this.#saver,
      isCancelling: (entry) => pendingCancels.has(entry),
    });
    this.routes = [
      ...recallRoutes({ ...common, cancel: this.#cancel }),
      ...timerStateRoutes({
        checkpoint: () => this.#isStarted ? this.#saver.checkpoint() : undefined,
        counts: () => this.#isStarted ? timerStore.index.topics.counts() : undefined,
        now,
      }),
    ];
  }

  /** Learns what waits and begins to deliver. To be awaited before the first request. */
  async start(): Promise<void> {
    const { config } = this.#options;
    if (!config.timerWheelEnable) return;
    const firstQueueOffset = await loadTimers({
      ...this.#options,
      timerStore: this.#timerStore,
      intake: this.#intake,
      storeFolder: config.storePathRootDir,
      precisionMs: slotMillis(config.timerPrecisionMs),
    });
    this.#isStarted = true;
    await this.#intake.start();
    await this.#saver.start(firstQueueOffset);
    this.#roller.start();
    this.#delivery.start();
  }

  /** The message on its way: to the timer topic when it is to be delivered later. @throws {RemotingError} */
  timed(message: MessageToStore): MessageToStore {
    return timed(message, this.#options.config, this.#options.clock.now());
  }

  /** Puts a message that `timed` has made, which may also be one that cancels another. */
  put(message: MessageToStore): PutMessageResult {
    return this.#isStarted
      ? this.#cancel.putTimer(message)
      : this.#options.store.putMessage(message);
  }

  /** A message has become visible; from the first one on. */
  arrived(entry: DispatchEntry): void {
    if (entry.topic === TIMER_TOPIC) this.#intake.arrived(entry);
  }

  /** Log files that reach past this physicalOffset have messages that wait. */
  neededFrom(): number {
    return this.#options.config.timerWheelEnable ? this.#roller.neededFrom() : Infinity;
  }

  /** How many messages wait, for one topic or for all. */
  count(topic?: string): number {
    if (!this.#isStarted) return 0;
    const { index } = this.#timerStore;
    return topic === undefined ? index.count : index.topics.countOf(topic);
  }

  /** How many messages wait for each topic for which some do. */
  counts(): Map<string, number> {
    return new Map(this.#isStarted ? this.#timerStore.index.topics.counts() : []);
  }

  /** Messages of the timer topic that are not in the index yet. */
  get enqueueBehind(): number {
    const end = this.#options.store.getMaxOffsetInQueue(TIMER_TOPIC, 0);
    return this.#isStarted ? Math.max(0, end - this.#intake.nextOffset) : 0;
  }

  /** How long the next message has been due, in milliseconds; 0 when none is. */
  get dequeueBehindMillis(): number {
    return this.#isStarted
      ? Math.max(0, this.#options.clock.now() - this.#timerStore.index.nextDue)
      : 0;
  }

  /** See `TimerIndex.countByDue`. */
  countByDue(until: readonly number[]): number[] {
    return this.#isStarted ? this.#timerStore.index.countByDue(until) : until.map(() => 0);
  }

  /** The messages that a query means, in the order in which they are due; a page at a time. */
  async list(query: TimerQuery): Promise<WaitingTimer[]> {
    if (!this.#isStarted) return [];
    return await listTimers({ store: this.#options.store, timerStore: this.#timerStore }, query);
  }

  /** See `TimerCancel.cancel`. */
  async cancel(
    message: { topic: string; uniqKey: string; due?: number | undefined },
  ): Promise<boolean> {
    return this.#isStarted && await this.#cancel.cancel(message);
  }

  /** Stops, and leaves what waits to whichever broker comes next. The store must still be open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#delivery[Symbol.asyncDispose]();
    await this.#roller[Symbol.asyncDispose]();
    this.#saver[Symbol.dispose]();
    await this.#intake.stop();
    if (this.#isStarted) await this.#saver.finish();
    this.#timerStore.close();
  }
}
