/** Lets several programs share one restart of the server: it happens when each of them has asked, or has ended. */

import type { RestartMode } from "./server_under_test.ts";

export class RestartBarrier {
  readonly #restart: (mode: RestartMode) => Promise<void>;
  #participants: number;
  #waiting: PromiseWithResolvers<void>[] = [];
  #mode: RestartMode = "graceful";

  constructor(participants: number, restart: (mode: RestartMode) => Promise<void>) {
    this.#participants = participants;
    this.#restart = restart;
  }

  /** Resolves when the server serves again; rejects when it does not. */
  arrive(mode: RestartMode): Promise<void> {
    this.#mode = mode;
    const waiting = Promise.withResolvers<void>();
    this.#waiting.push(waiting);
    this.#restartWhenComplete();
    return waiting.promise;
  }

  /** A participant that will not ask again. */
  leave(): void {
    this.#participants--;
    this.#restartWhenComplete();
  }

  #restartWhenComplete(): void {
    if (this.#waiting.length === 0 || this.#waiting.length < this.#participants) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#restart(this.#mode).then(
      () => waiting.forEach(({ resolve }) => resolve()),
      (error) => waiting.forEach(({ reject }) => reject(error)),
    );
  }
}
