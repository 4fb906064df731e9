/**
 * What an orderly group has popped from a queue: the queue gives nothing more until all of it is acknowledged or visible
 * again. The JSON form is that of `consumerOrderInfo.json` (ConsumerOrderInfoManager.java of Apache RocketMQ 5.3.3):
 *
 * ```
 * popTime   i invisibleTime   o [queueOffset, distance, …]   ot {queueOffset: visible again at}
 * oc {queueOffset: times given before}   l last pop   cm bits of acknowledged messages   a attemptId
 * ```
 */

/** What an acknowledgement did: moved the group on to an offset, hit a pop that is over, or nothing that was popped. */
export type OrderAck =
  | { status: "ACKED"; nextOffset: number }
  | { status: "POPPED_AGAIN" }
  | { status: "UNKNOWN" };

export class OrderInfo {
  readonly popTime: number;
  readonly invisibleTime: number;
  /** In ascending order. */
  readonly queueOffsets: readonly number[];
  readonly attemptId: string | undefined;
  readonly lastConsumeTimestamp: number;
  /** How often messages were given before, by queueOffset; only those that were. */
  readonly consumedCounts: ReadonlyMap<number, number>;
  readonly #acked = new Set<number>();
  /** When messages are visible again whose invisible time was changed. */
  readonly #visibleAt = new Map<number, number>();

  constructor(pop: {
    popTime: number;
    invisibleTime: number;
    queueOffsets: readonly number[];
    attemptId: string | undefined;
    lastConsumeTimestamp: number;
    consumedCounts: ReadonlyMap<number, number>;
  }) {
    this.popTime = pop.popTime;
    this.invisibleTime = pop.invisibleTime;
    this.queueOffsets = pop.queueOffsets;
    this.attemptId = pop.attemptId;
    this.lastConsumeTimestamp = pop.lastConsumeTimestamp;
    this.consumedCounts = pop.consumedCounts;
  }

  /** Where the group goes on: at the first message that is not acknowledged. */
  get nextOffset(): number {
    const first = this.queueOffsets.find((queueOffset) => !this.#acked.has(queueOffset));
    return first ?? this.queueOffsets.at(-1)! + 1;
  }

  get isDone(): boolean {
    return this.#acked.size === this.queueOffsets.length;
  }

  /** When the last message that is not acknowledged is visible again; -Infinity when all are acknowledged. */
  get blockedUntil(): number {
    let until = -Infinity;
    for (const queueOffset of this.queueOffsets) {
      if (this.#acked.has(queueOffset)) continue;
      until = Math.max(
        until,
        this.#visibleAt.get(queueOffset) ?? this.popTime + this.invisibleTime,
      );
    }
    return until;
  }

  /** Whether the queue has to wait; not for the same attempt, which did not get its answer. */
  blocks(now: number, attemptId: string | undefined): boolean {
    if (this.attemptId !== undefined && this.attemptId === attemptId) return false;
    return now < this.blockedUntil;
  }

  ack(queueOffset: number, popTime: number): OrderAck {
    if (popTime !== this.popTime) return { status: "POPPED_AGAIN" };
    if (!this.queueOffsets.includes(queueOffset)) return { status: "UNKNOWN" };
    this.#acked.add(queueOffset);
    return { status: "ACKED", nextOffset: this.nextOffset };
  }

  /** Acknowledges what lies before an offset that the group has reached. */
  ackBefore(nextOffset: number): void {
    for (const queueOffset of this.queueOffsets) {
      if (queueOffset < nextOffset) this.#acked.add(queueOffset);
    }
  }

  /** Takes an acknowledgement back that could not be kept. */
  unack(queueOffset: number): void {
    this.#acked.delete(queueOffset);
  }

  isAcked(queueOffset: number): boolean {
    return this.#acked.has(queueOffset);
  }

  /** False when the message is not one of this pop, or is acknowledged. */
  changeVisibleAt(queueOffset: number, popTime: number, visibleAt: number): boolean {
    if (popTime !== this.popTime || !this.queueOffsets.includes(queueOffset)) return false;
    if (this.#acked.has(queueOffset)) return false;
    this.#visibleAt.set(queueOffset, visibleAt);
    return true;
  }

  toJson(): Record<string, unknown> {
    const [first = 0] = this.queueOffsets;
    let bits = 0;
    for (const [index, queueOffset] of this.queueOffsets.entries()) {
      if (this.#acked.has(queueOffset)) bits += 2 ** index;
    }
    return {
      ...(this.attemptId === undefined ? {} : { a: this.attemptId }),
      cm: bits,
      i: this.invisibleTime,
      l: this.lastConsumeTimestamp,
      o: this.queueOffsets.map((queueOffset, index) =>
        index === 0 ? queueOffset : queueOffset - first
      ),
      oc: Object.fromEntries(this.consumedCounts),
      ...(this.#visibleAt.size === 0 ? {} : { ot: Object.fromEntries(this.#visibleAt) }),
      popTime: this.popTime,
    };
  }
}

/** Reads the JSON form; undefined when it holds no messages. */
export function parseOrderInfo(value: unknown): OrderInfo | undefined {
  const json = (value ?? {}) as Record<string, unknown>;
  const [first, ...distances] = Array.isArray(json["o"]) ? json["o"].map(Number) : [];
  if (first === undefined) return undefined;
  const integer = (name: string) => Number.isSafeInteger(json[name]) ? json[name] as number : 0;
  const attemptId = json["a"];
  const info = new OrderInfo({
    popTime: integer("popTime"),
    invisibleTime: integer("i"),
    queueOffsets: [first, ...distances.map((distance) => first + distance)],
    attemptId: typeof attemptId === "string" ? attemptId : undefined,
    lastConsumeTimestamp: integer("l"),
    consumedCounts: numberMap(json["oc"]),
  });
  for (const [queueOffset, visibleAt] of numberMap(json["ot"])) {
    info.changeVisibleAt(queueOffset, info.popTime, visibleAt);
  }
  const bits = integer("cm");
  for (const [index, queueOffset] of info.queueOffsets.entries()) {
    if (Math.floor(bits / 2 ** index) % 2 === 1) info.ack(queueOffset, info.popTime);
  }
  return info;
}

function numberMap(value: unknown): Map<number, number> {
  const entries = Object.entries((value ?? {}) as Record<string, number>);
  return new Map(entries.map(([key, number]) => [Number(key), number]));
}

/** How often each message of a new pop was given before; the same attempt again does not count. */
export function consumedCountsAfter(
  previous: OrderInfo | undefined,
  queueOffsets: readonly number[],
  attemptId: string | undefined,
): Map<number, number> {
  if (previous === undefined) return new Map();
  if (previous.attemptId !== undefined && previous.attemptId === attemptId) {
    return new Map(previous.consumedCounts);
  }
  const counts = new Map<number, number>();
  for (const queueOffset of queueOffsets) {
    if (!previous.queueOffsets.includes(queueOffset)) continue;
    counts.set(queueOffset, (previous.consumedCounts.get(queueOffset) ?? 0) + 1);
  }
  return counts;
}
