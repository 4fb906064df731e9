/** When somebody is asked about a transaction, and when it is given up. */

import type { RecordLayout } from "../../../client/protocol/message_record.ts";
import type { Config } from "../../config.ts";
import type { Clock } from "../pop/due_timer.ts";
import type { HalfFacts } from "./half_message.ts";
import type { OpenTransaction } from "./open_table.ts";

export interface CheckTimesOptions {
  settings: Readonly<
    Pick<
      Config,
      "transactionTimeOut" | "transactionCheckInterval" | "transactionCheckMax" | "fileReservedTime"
    >
  >;
  /** The time of day, in milliseconds since the epoch. */
  now: () => number;
  /** A clock that nobody sets, for waiting. */
  steady: Clock;
}

const HOUR_MILLIS = 3_600_000;

export class CheckTimes {
  readonly #options: CheckTimesOptions;

  constructor(options: CheckTimesOptions) {
    this.#options = options;
  }

  /** From when on a transaction's age counts: clocks of producers may be wrong, but only make it older. */
  startTimestamp({ resumedTimestamp }: HalfFacts, born: number, stored: number): number {
    return resumedTimestamp || Math.min(born, stored);
  }

  /** When somebody is asked about a transaction that begins now; by the steady clock. */
  first(facts: HalfFacts, startTimestamp: number): number {
    const wait = this.#firstWait(facts);
    return Math.min(this.#options.steady.now() + wait, this.expiry(startTimestamp));
  }

  /** The same for one that is found at a start; waits no longer than if it had just begun, whatever the clock did. */
  found(facts: HalfFacts, layout: RecordLayout, startTimestamp: number): number {
    const { settings, steady, now } = this.#options;
    const isAsked = facts.checks > 0;
    const wait = isAsked ? settings.transactionCheckInterval : this.#firstWait(facts);
    const isNewest = isAsked || facts.original === undefined;
    const since = isNewest ? layout.storeTimestamp : startTimestamp;
    const left = Math.min(wait, Math.max(0, since + wait - now()));
    return Math.min(steady.now() + left, this.expiry(startTimestamp));
  }

  #firstWait({ immunityMillis }: HalfFacts): number {
    return immunityMillis ?? this.#options.settings.transactionTimeOut;
  }

  /** When somebody is asked again. */
  next({ startTimestamp }: OpenTransaction): number {
    const { settings, steady } = this.#options;
    return Math.min(steady.now() + settings.transactionCheckInterval, this.expiry(startTimestamp));
  }

  /** When a transaction is older than messages are kept; by the steady clock. */
  expiry(startTimestamp: number): number {
    const { settings, steady, now } = this.#options;
    const age = now() - startTimestamp;
    return steady.now() + Math.max(0, settings.fileReservedTime * HOUR_MILLIS - age);
  }

  /** Why a transaction is given up; undefined when it is not. */
  reasonToDiscard({ checks, startTimestamp }: OpenTransaction): string | undefined {
    const { settings, now } = this.#options;
    if (checks >= settings.transactionCheckMax) return "its producers were asked too often";
    if (now() - startTimestamp < settings.fileReservedTime * HOUR_MILLIS) return undefined;
    return "it is older than messages are kept";
  }
}
