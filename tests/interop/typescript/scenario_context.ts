/** What a scenario works with: names of its own, clients that end with it, and a way to have the server restarted. */

import {
  Producer,
  type ProducerOptions,
  PushConsumer,
  type PushConsumerOptions,
  type ReceivedMessage,
} from "../../../client/mod.ts";

const LIMIT_MILLIS = 40_000;
const POLL_MILLIS = 20;

export class ScenarioContext implements AsyncDisposable {
  readonly topic: string;
  readonly group: string;
  readonly nameServers: string;
  readonly #scenario: string;
  readonly #report: (line: Record<string, unknown>) => void;
  readonly #stack = new AsyncDisposableStack();

  constructor(
    namesrv: string,
    runId: string,
    scenario: string,
    report: (line: Record<string, unknown>) => void,
  ) {
    this.nameServers = namesrv;
    this.topic = `interop_ts_${runId}_${scenario.replaceAll(/[^A-Za-z0-9]+/g, "_")}`;
    this.group = `${this.topic}_group`;
    this.#scenario = scenario;
    this.#report = report;
  }

  producer(options: Omit<ProducerOptions, "nameServers"> = {}): Producer {
    return this.#stack.use(
      new Producer({ nameServers: this.nameServers, group: this.group, ...options }),
    );
  }

  /** A consumer of the scenario's topic that begins with the first message. */
  async consumer(
    onMessage: (message: ReceivedMessage) => ReturnType<PushConsumerOptions["onMessages"]>,
    options: Partial<PushConsumerOptions> = {},
  ): Promise<PushConsumer> {
    const consumer = this.#stack.use(
      new PushConsumer({
        nameServers: this.nameServers,
        group: this.group,
        consumeFrom: "CONSUME_FROM_FIRST_OFFSET",
        onMessages: ([message]) => onMessage(message!),
        ...options,
      }),
    );
    return await consumer.subscribe(this.topic).start();
  }

  /** Waits for a condition. @throws when it does not come true, with what was found. */
  async eventually(what: string, condition: () => boolean, found: () => unknown): Promise<void> {
    const end = performance.now() + LIMIT_MILLIS;
    while (!condition()) {
      if (performance.now() > end) {
        throw new Error(`${what}: not in time; found ${JSON.stringify(found())}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
    }
  }

  /** Has the server stopped and started; returns when it serves again. */
  async restartServer(mode: "graceful" | "kill"): Promise<void> {
    this.#report({ scenario: this.#scenario, restart: mode });
    const buffer = new Uint8Array(1024);
    const count = await Deno.stdin.read(buffer);
    const answer = new TextDecoder().decode(buffer.subarray(0, count ?? 0)).trim();
    if (answer !== "restarted") throw new Error(`the server did not come back: ${answer}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

export function textOf({ body }: ReceivedMessage): string {
  return new TextDecoder().decode(body);
}

/** @throws when the two differ in their JSON form. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
}
