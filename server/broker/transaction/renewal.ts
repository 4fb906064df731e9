/**
 * Gives the oldest open half messages new records, when many of those behind them have ended: so the offsets of both
 * topics can advance, a start need not read what is done with, and old files can go.
 */

import type { MessageStore } from "../../../store/message_store.ts";
import type { Log } from "../../log.ts";
import type { Change, Changes } from "./changes.ts";
import { nextRecord } from "./half_message.ts";
import type { HalfReader } from "./half_reader.ts";
import type { OpenTable, OpenTransaction } from "./open_table.ts";
import { passOver } from "./pass_over.ts";
import type { Progress } from "./progress.ts";

export interface RenewalDeps {
  store: Pick<MessageStore, "stats">;
  table: OpenTable;
  reader: HalfReader;
  changes: Changes;
  progress: Pick<Progress, "changed">;
  log: Log;
}

/** So much is put in one go; the next one comes when offsets are still behind a second later. */
const BATCH_COUNT = 256;
const BATCH_BYTES = 1024 * 1024;

export class Renewal implements AsyncDisposable {
  readonly #deps: RenewalDeps;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(deps: RenewalDeps) {
    this.#deps = deps;
  }

  /** Renews some, unless that goes on already. Never rejects. */
  run(): void {
    if (this.#isStopped) return;
    this.#running ??= this.#renew()
      .catch((error) => this.#deps.log.error("cannot renew half messages", { error }))
      .finally(() => this.#running = undefined);
  }

  async #renew(): Promise<void> {
    const batch: Change[] = [];
    const readFailure = await this.#read(batch).then(() => undefined, (error: Error) => error);
    const failure = await this.#deps.changes.putAll(batch, () => {}) ?? readFailure;
    if (failure !== undefined) throw failure;
  }

  /** Reads the oldest ones, up to a batch. */
  async #read(batch: Change[]): Promise<void> {
    const { table, reader } = this.#deps;
    let bytes = 0;
    for (const open of oldestOf(table)) {
      if (bytes >= BATCH_BYTES) break;
      if (open.isBusy || table.find(open.queueOffset) !== open) continue;
      open.isBusy = true;
      try {
        const half = await reader.of(open);
        const { original, checks } = open;
        if (half === undefined) {
          passOver(this.#deps, open);
          table.free(open);
          continue;
        }
        // A new record is above suspicion.
        if (await reader.hasEnded(open, half)) {
          batch.push({ open, kind: "end", message: undefined, checks });
        } else {
          batch.push({ open, kind: "renew", message: nextRecord(half, original, checks), checks });
        }
        bytes += open.size;
      } catch (error) {
        table.free(open);
        throw error;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }
}

function oldestOf(table: OpenTable): OpenTransaction[] {
  const oldest: OpenTransaction[] = [];
  for (const open of table) {
    oldest.push(open);
    if (oldest.length === BATCH_COUNT) break;
  }
  return oldest;
}
