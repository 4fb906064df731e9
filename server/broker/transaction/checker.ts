/**
 * Asks producers about transactions that have been open for too long, and gives up those about which they were asked too
 * often or that are too old. A check is counted in a new record of the half message before the producer hears of it; when
 * nobody of its group is there it does not count, and comes as soon as somebody is.
 */

import { setImmediate } from "node:timers";
import type { Connection } from "../../../client/remoting/connection.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { type Log, RateLimit } from "../../log.ts";
import type { ProducerTable } from "../client_table.ts";
import type { Clock } from "../pop/due_timer.ts";
import { SystemTopic } from "../topic_name.ts";
import type { TopicTable } from "../topic_table.ts";
import type { Change, Changes } from "./changes.ts";
import { checkRequest } from "./check_request.ts";
import type { CheckTimes } from "./check_times.ts";
import { discardedMessage, type Half, nextRecord } from "./half_message.ts";
import type { HalfReader } from "./half_reader.ts";
import type { OpenTable, OpenTransaction } from "./open_table.ts";
import { passOver } from "./pass_over.ts";
import type { Progress } from "./progress.ts";

export interface CheckerDeps {
  settings: Readonly<{ brokerName: string }>;
  store: Pick<MessageStore, "stats">;
  topics: Pick<TopicTable, "createTopicInSendMessageBack" | "isPublished" | "published">;
  producers: Pick<ProducerTable, "pick">;
  table: OpenTable;
  times: CheckTimes;
  reader: HalfReader;
  changes: Changes;
  progress: Pick<Progress, "changed">;
  steady: Clock;
  log: Log;
}

/** So much is done in one go, before others have their turn. */
const BATCH_COUNT = 256;
const BATCH_BYTES = 1024 * 1024;
/** How long to wait after a failure, as on a full disk. */
const RETRY_MILLIS = 1_000;
const WARNING_MILLIS = 10_000;
/** Messages that are given up are in one queue. */
const DISCARD_QUEUE_NUMS = 1;

/** What is to be done about a transaction, and then whom to ask. */
interface Step {
  change: Change;
  half: Half;
  connection: Connection | undefined;
}

export class Checker implements AsyncDisposable {
  readonly #deps: CheckerDeps;
  readonly #warnings = new RateLimit(WARNING_MILLIS);
  readonly #discards = new RateLimit(WARNING_MILLIS);
  #running: Promise<void> | undefined;
  #paused: Disposable | undefined;
  #isAsked = false;
  #isStopped = false;

  constructor(deps: CheckerDeps) {
    this.#deps = deps;
  }

  /** Does what is due. Never rejects. */
  run(): void {
    this.#isAsked = true;
    if (!this.#isStopped) this.#running ??= this.#runAll().finally(() => this.#ended());
  }

  #ended(): void {
    this.#running = undefined;
    // Something became due when nothing was any more, yet this still counted as running.
    if (this.#isAsked && this.#paused === undefined) this.run();
  }

  async #runAll(): Promise<void> {
    while (!this.#isStopped) {
      this.#isAsked = false;
      const steps = new Map<Change, Step>();
      const isMore = await this.#collect(steps);
      if (!isMore && steps.size === 0) return;
      if (!await this.#carryOut(steps)) return this.#pause();
      await nextTurn();
    }
  }

  /** Takes transactions that are due, up to a batch of them. Returns whether there may be more. */
  async #collect(steps: Map<Change, Step>): Promise<boolean> {
    const { table } = this.#deps;
    let bytes = 0;
    for (let count = 0; count < BATCH_COUNT && bytes < BATCH_BYTES; count++) {
      const open = table.take();
      if (open === undefined) return false;
      if (open.isBusy) {
        // Its end is being written; should that fail, it is looked at again.
        this.#later(open);
        continue;
      }
      open.isBusy = true;
      try {
        const step = await this.#stepFor(open);
        if (step === undefined) table.free(open);
        else steps.set(step.change, step);
        bytes += open.size;
      } catch (error) {
        table.free(open);
        this.#later(open);
        this.#warn("cannot look at a transaction, trying again", error);
      }
    }
    return true;
  }

  /** What is to be done about a transaction now; undefined for nothing. */
  async #stepFor(open: OpenTransaction): Promise<Step | undefined> {
    const { table, times, reader, producers } = this.#deps;
    const reason = times.reasonToDiscard(open);
    const connection = reason === undefined ? producers.pick(open.kind.producerGroup) : undefined;
    if (reason === undefined && (connection === undefined || connection.congested)) {
      if (connection === undefined) table.wait(open, times.expiry(open.startTimestamp));
      else table.dueAt(open, times.next(open));
      return undefined;
    }
    const half = await reader.of(open);
    if (half === undefined) return void passOver(this.#deps, open);
    if (await reader.hasEnded(open, half)) {
      const change = { open, kind: "end" as const, message: undefined, checks: 0 };
      return { change, half, connection: undefined };
    }
    if (reason === undefined) return this.#check(open, half, connection!);
    return await this.#discard(open, half, reason);
  }

  #check(open: OpenTransaction, half: Half, connection: Connection): Step {
    const checks = open.checks + 1;
    const message = nextRecord(half, open.original, checks);
    // The producer sees what the next record says.
    return {
      change: { open, kind: "renew", message, checks },
      half: { ...half, message },
      connection,
    };
  }

  async #discard(open: OpenTransaction, half: Half, reason: string): Promise<Step> {
    const { topics, steady, log } = this.#deps;
    const topic = SystemTopic.TRANS_CHECK_MAX_TIME;
    topics.createTopicInSendMessageBack({ topic, queueNums: DISCARD_QUEUE_NUMS });
    if (!topics.isPublished(topic)) await topics.published();
    const suppressed = this.#discards.allow(steady.now());
    if (suppressed !== undefined) {
      log.warn(`gave up a transaction, ${reason}`, { ...describe(open, half), suppressed });
    }
    const message = discardedMessage(half, open.original);
    return { change: { open, kind: "end", message, checks: 0 }, half, connection: undefined };
  }

  /** Nothing can be written; what else is due would fail too. */
  #pause(): void {
    this.#paused ??= this.#deps.steady.after(RETRY_MILLIS, () => {
      this.#paused = undefined;
      this.run();
    });
  }

  /** Writes what is to be done, and asks. Resolves to whether that was possible. */
  async #carryOut(steps: ReadonlyMap<Change, Step>): Promise<boolean> {
    const failure = await this.#deps.changes.putAll([...steps.keys()], (change, error) => {
      if (error === undefined) this.#ask(steps.get(change)!);
      else this.#later(change.open);
    });
    if (failure !== undefined) this.#warn("cannot write about transactions, trying again", failure);
    return failure === undefined;
  }

  #ask({ change, half, connection }: Step): void {
    if (connection === undefined) return;
    const { table, times, settings } = this.#deps;
    const { open } = change;
    table.dueAt(open, times.next(open));
    connection.invokeOneway(checkRequest(half, open, settings.brokerName));
  }

  #later(open: OpenTransaction): void {
    this.#deps.table.dueAt(open, this.#deps.steady.now() + RETRY_MILLIS);
  }

  #warn(message: string, error: unknown): void {
    if (this.#warnings.allow(this.#deps.steady.now()) === undefined) return;
    this.#deps.log.error(message, { error });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    this.#paused?.[Symbol.dispose]();
  }
}

function describe({ kind, checks, queueOffset }: OpenTransaction, { uniqKey }: Half) {
  const { topic, producerGroup } = kind;
  return { topic, producerGroup, checks, queueOffset, msgId: uniqKey };
}

/** Others have their turn. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
