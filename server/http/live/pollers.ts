/** Figures that are looked up again and again for as long as somebody watches, once for all who watch the same. */

export interface Listener<T> {
  onData: (data: T) => void;
  onError: (error: unknown) => void;
}

/** More would keep the brokers busy with figures. */
const POLLERS_MAX = 500;

/** Too much is watched already. */
export class TooManyError extends Error {
  override readonly name = "TooManyError";
}

export class Pollers implements Disposable {
  readonly #pollers = new Map<string, Poller<unknown>>();

  /**
   * Calls the listener with what `poll` gives, every `intervalMillis`, until the result is disposed of.
   * @param key what is looked up; `poll` of the first who asks for it serves all.
   * @throws {TooManyError}
   */
  watch<T>(
    key: string,
    intervalMillis: number,
    poll: () => Promise<T>,
    listener: Listener<T>,
  ): Disposable {
    let poller = this.#pollers.get(key) as Poller<T> | undefined;
    if (poller === undefined) {
      if (this.#pollers.size >= POLLERS_MAX) {
        throw new TooManyError(`${POLLERS_MAX} topics and groups are watched, more are not`);
      }
      poller = new Poller(poll, intervalMillis);
      this.#pollers.set(key, poller as Poller<unknown>);
    }
    const added = poller;
    added.add(listener);
    return {
      [Symbol.dispose]: () => {
        if (added.remove(listener) === 0 && this.#pollers.get(key) === added) {
          this.#pollers.delete(key);
        }
      },
    };
  }

  [Symbol.dispose](): void {
    for (const poller of this.#pollers.values()) poller[Symbol.dispose]();
    this.#pollers.clear();
  }
}

class Poller<T> implements Disposable {
  readonly #poll: () => Promise<T>;
  readonly #listeners = new Set<Listener<T>>();
  readonly #timer: ReturnType<typeof setInterval>;
  #isBusy = false;
  #last: T | undefined;

  constructor(poll: () => Promise<T>, intervalMillis: number) {
    this.#poll = poll;
    this.#timer = setInterval(() => this.#run(), intervalMillis);
    this.#run();
  }

  add(listener: Listener<T>): void {
    this.#listeners.add(listener);
    if (this.#last !== undefined) listener.onData(this.#last);
  }

  /** Returns how many are left; without any nothing is looked up any more. */
  remove(listener: Listener<T>): number {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this[Symbol.dispose]();
    return this.#listeners.size;
  }

  async #run(): Promise<void> {
    // An answer that takes longer than the interval is waited for.
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      const data = await this.#poll();
      this.#last = data;
      for (const listener of [...this.#listeners]) listener.onData(data);
    } catch (error) {
      for (const listener of [...this.#listeners]) listener.onError(error);
    } finally {
      this.#isBusy = false;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#listeners.clear();
  }
}
