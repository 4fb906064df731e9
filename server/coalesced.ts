/** A task that many ask for and few runs satisfy. */

/**
 * Runs an asynchronous task on demand, never twice at once. Whoever asks gets the end of a run that started after
 * asking; all who ask while one runs share the next.
 */
export class Coalesced {
  readonly #task: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(task: () => Promise<void>) {
    this.#task = task;
  }

  /** Asks for a run. Rejects when that run does. What changes later in this turn is still in it. */
  run(): Promise<void> {
    return this.#next ??= this.#runNext();
  }

  async #runNext(): Promise<void> {
    await this.idle();
    this.#next = undefined;
    const running = this.#task();
    this.#running = running;
    try {
      await running;
    } finally {
      this.#running = undefined;
    }
  }

  /** Waits for the end of the run under way, if there is one, however it ends. */
  async idle(): Promise<void> {
    try {
      await this.#running;
    } catch {
      // Those who asked for that run hear of its failure.
    }
  }
}
