/** Numbers in place of the names of topics, and how many timer messages wait for each. */

export class TopicNumbers {
  readonly #names = new Map<number, string>();
  readonly #numbers = new Map<string, number>();
  readonly #counts = new Map<number, number>();
  #next = 1;

  constructor(names: Readonly<Record<string, string>> = {}) {
    for (const [number, name] of Object.entries(names)) this.#set(Number(number), name);
  }

  #set(number: number, name: string): void {
    this.#names.set(number, name);
    this.#numbers.set(name, number);
    this.#next = Math.max(this.#next, number + 1);
  }

  /** The number of a topic, which it gets if need be. */
  numberOf(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) this.#set(number = this.#next, name);
    return number;
  }

  /** The number of a topic, if it has one. */
  find(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  nameOf(number: number): string | undefined {
    return this.#names.get(number);
  }

  count(number: number, change: number): void {
    this.#counts.set(number, (this.#counts.get(number) ?? 0) + change);
  }

  countOf(name: string): number {
    const number = this.#numbers.get(name);
    return number === undefined ? 0 : this.#counts.get(number) ?? 0;
  }

  /** Topics for which messages wait, and how many. */
  *counts(): Generator<[topic: string, count: number]> {
    for (const [number, count] of this.#counts) {
      if (count > 0) yield [this.#names.get(number)!, count];
    }
  }

  /** Forgets topics for which nothing waits, so that those that come and go need no memory for ever. */
  forgetUnused(): void {
    for (const [number, name] of this.#names) {
      if ((this.#counts.get(number) ?? 0) > 0) continue;
      this.#names.delete(number);
      this.#numbers.delete(name);
      this.#counts.delete(number);
    }
  }

  /** For the state file. */
  toJSON(): Record<string, string> {
    return Object.fromEntries(this.#names);
  }
}
