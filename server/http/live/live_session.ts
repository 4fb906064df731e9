/**
 * One WebSocket that watches. What comes faster than the other side reads is dropped and counted, so that a slow browser
 * costs nothing but itself.
 */

import type { AdminClient } from "../../../client/admin/admin_client.ts";
import { ClusterMeter, groupSample, TopicMeter } from "../../../client/admin/rates.ts";
import { Tail } from "../../../client/admin/tail.ts";
import { RemotingError } from "../../../client/protocol/response_code.ts";
import { describeError } from "../../log.ts";
import { filterOf } from "../message_filter.ts";
import { messageJson } from "../message_schema.ts";
import { type Feed, type LiveAnswer, LiveRequestSchema } from "./live_messages.ts";
import type { Listener, Pollers } from "./pollers.ts";

/** The part of a WebSocket that is used. */
export interface LiveSocket {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  readonly readyState: number;
  readonly bufferedAmount: number;
}

export interface LiveDeps {
  admin: AdminClient;
  pollers: Pollers;
  now: () => number;
}

const OPEN = 1;
/** With more than this unsent, nothing is added. */
const BUFFERED_MAX = 1_048_576;
const SUBSCRIPTIONS_MAX = 50;
const REQUEST_LENGTH_MAX = 100_000;
/** Two closing codes of RFC 6455. */
const MESSAGE_TOO_BIG = 1009;
const RATE_MILLIS = 1_000;
const LAG_MILLIS = 2_000;
/** A tail that is further behind goes on at the end. */
const BEHIND_MAX = 1_000;

export class LiveSession implements Disposable {
  readonly #deps: LiveDeps;
  readonly #socket: LiveSocket;
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(deps: LiveDeps, socket: LiveSocket) {
    this.#deps = deps;
    this.#socket = socket;
  }

  /** Takes what the other side says. */
  receive(text: unknown): void {
    if (typeof text !== "string") return this.#refuse("Say what to watch as a text, in JSON");
    if (text.length > REQUEST_LENGTH_MAX) {
      return this.#socket.close(MESSAGE_TOO_BIG, "A request is too long");
    }
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return this.#refuse("This is no JSON");
    }
    const parsed = LiveRequestSchema.safeParse(json);
    if (!parsed.success) {
      const parts = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
      return this.#refuse(parts.join("; "), idOf(json));
    }
    const request = parsed.data;
    this.#end(request.id);
    if (request.type === "unsubscribe") return;
    if (this.#subscriptions.size >= SUBSCRIPTIONS_MAX) {
      return this.#refuse(`At most ${SUBSCRIPTIONS_MAX} subscriptions; end one first`, request.id);
    }
    this.#begin(request.id, request);
  }

  async #begin(id: string, feed: Feed): Promise<void> {
    const subscription = new Subscription(id, this.#socket);
    this.#subscriptions.set(id, subscription);
    try {
      this.#answer({ type: "subscribed", id });
      const started = await startFeed(this.#deps, feed, subscription);
      subscription.holds(started);
    } catch (error) {
      this.#end(id);
      this.#refuse(
        describeError(error),
        id,
        error instanceof RemotingError ? error.code : undefined,
      );
    }
  }

  #end(id: string): void {
    this.#subscriptions.get(id)?.[Symbol.dispose]();
    this.#subscriptions.delete(id);
  }

  #refuse(detail: string, id?: string, code?: number): void {
    this.#answer({
      type: "problem",
      ...(id === undefined ? {} : { id }),
      detail,
      ...(code === undefined ? {} : { code }),
    });
  }

  #answer(answer: LiveAnswer): void {
    if (this.#socket.readyState === OPEN) this.#socket.send(JSON.stringify(answer));
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions.values()) subscription[Symbol.dispose]();
    this.#subscriptions.clear();
  }
}

/** One thing that is watched, and what it may send. */
class Subscription implements Disposable {
  readonly #id: string;
  readonly #socket: LiveSocket;
  readonly #stack = new DisposableStack();
  #isEnded = false;
  #dropped = 0;

  constructor(id: string, socket: LiveSocket) {
    this.#id = id;
    this.#socket = socket;
  }

  /** What has to end with it. */
  holds(...parts: Disposable[]): void {
    for (const part of parts) {
      if (this.#isEnded) part[Symbol.dispose]();
      else this.#stack.use(part);
    }
  }

  /** Sends, or counts what cannot be sent. */
  data(data: () => unknown): void {
    if (this.#isEnded || this.#socket.readyState !== OPEN) return;
    if (this.#socket.bufferedAmount > BUFFERED_MAX) return this.drop(1);
    this.#tellDropped();
    this.#send({ type: "data", id: this.#id, data: data() });
  }

  /** Counts what is left out; it is told with what comes next. */
  drop(count: number): void {
    this.#dropped += count;
  }

  /** Tells what was left out, unless the other side is behind. */
  #tellDropped(): void {
    if (this.#dropped === 0) return;
    this.#send({ type: "dropped", id: this.#id, count: this.#dropped });
    this.#dropped = 0;
  }

  error(error: unknown): void {
    if (this.#isEnded || this.#socket.bufferedAmount > BUFFERED_MAX) return;
    const code = error instanceof RemotingError ? { code: error.code } : {};
    this.#send({ type: "problem", id: this.#id, detail: describeError(error), ...code });
  }

  #send(answer: LiveAnswer): void {
    if (this.#socket.readyState === OPEN) this.#socket.send(JSON.stringify(answer));
  }

  [Symbol.dispose](): void {
    this.#isEnded = true;
    this.#stack.dispose();
  }
}

async function startFeed(
  { admin, pollers, now }: LiveDeps,
  feed: Feed,
  subscription: Subscription,
): Promise<Disposable> {
  const listener: Listener<unknown> = {
    onData: (data) => subscription.data(() => data),
    onError: (error) => subscription.error(error),
  };
  if (feed.feed === "tail") return await startTail(admin, feed, subscription);
  if (feed.feed === "cluster") {
    const meter = new ClusterMeter(admin, now);
    return pollers.watch("cluster", RATE_MILLIS, () => meter.sample(), listener);
  }
  const stack = new DisposableStack();
  const names = new Set(feed.feed === "topics" ? feed.topics : feed.groups);
  for (const name of names) {
    if (feed.feed === "topics") {
      const meter = new TopicMeter(admin, name, now);
      stack.use(pollers.watch(`topic ${name}`, RATE_MILLIS, () => meter.sample(), listener));
    } else {
      const poll = () => groupSample(admin, name, now);
      stack.use(pollers.watch(`group ${name}`, LAG_MILLIS, poll, listener));
    }
  }
  return stack;
}

async function startTail(
  admin: AdminClient,
  feed: Extract<Feed, { feed: "tail" }>,
  subscription: Subscription,
): Promise<Disposable> {
  const { topic, bodyLimit, bodyEncoding, maxPerSecond } = feed;
  let second = 0;
  let count = 0;
  return await Tail.start(admin, {
    topic,
    from: "latest",
    filter: filterOf(feed),
    bodyLimit,
    behindMax: BEHIND_MAX,
    onMessage: (message) => {
      const current = Math.floor(performance.now() / 1000);
      if (current !== second) [second, count] = [current, 0];
      if (++count > maxPerSecond) return subscription.drop(1);
      subscription.data(() => messageJson(message, bodyEncoding));
    },
    onSkipped: (skipped) => subscription.drop(skipped),
    onError: (error) => subscription.error(error),
  });
}

function idOf(json: unknown): string | undefined {
  const id = (json as { id?: unknown } | null)?.id;
  return typeof id === "string" ? id : undefined;
}
