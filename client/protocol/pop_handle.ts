/**
 * How popped messages are named: the handle that an acknowledgement carries, and the offsets in a pop's answer, from
 * which a client makes the handles. Numbers in text with a space between. Source: ExtraInfoUtil.java of Apache
 * RocketMQ 5.3.3.
 *
 * ```
 * handle            startOffset popTime invisibleTime reviveQid retry brokerName queueId [queueOffset]
 * startOffsetInfo   retry queueId startOffset;…
 * msgOffsetInfo     retry queueId queueOffset,queueOffset,…;…
 * orderCountInfo    retry qo<queueId>%<queueOffset> count;…;retry queueId countMin;…
 * ```
 */

/** In place of a revive queue: the group consumes in order. */
export const POP_ORDER_REVIVE_QUEUE = 999;

/** From which topic a message is: its own, or one of the group's retry topics. */
export const RetryFlag = { NORMAL: "0", V1: "1", V2: "2" } as const;
export type RetryFlag = typeof RetryFlag[keyof typeof RetryFlag];

export interface PopHandle {
  /** queueOffset where the pop began; with popTime it names the checkpoint. */
  readonly startOffset: number;
  readonly popTime: number;
  readonly invisibleTime: number;
  readonly reviveQid: number;
  readonly retry: RetryFlag;
  readonly brokerName: string;
  readonly queueId: number;
}

/**
 * Reads a handle.
 * @throws {RangeError} when the text is none.
 */
export function parsePopHandle(text: string): PopHandle {
  const [startOffset, popTime, invisibleTime, reviveQid, retry, brokerName, queueId] = text.split(
    " ",
  );
  const numbers = [startOffset, popTime, invisibleTime, reviveQid, queueId].map((part) =>
    part === undefined || part === "" ? NaN : Number(part)
  );
  if (!numbers.every(Number.isSafeInteger)) throw new RangeError(`"${text}" is no pop handle`);
  return {
    startOffset: numbers[0]!,
    popTime: numbers[1]!,
    invisibleTime: numbers[2]!,
    reviveQid: numbers[3]!,
    retry: parseRetryFlag(retry),
    brokerName: brokerName!,
    queueId: numbers[4]!,
  };
}

/** Writes the handle of the message with this queueOffset. */
export function printPopHandle(handle: PopHandle, queueOffset: number): string {
  const { startOffset, popTime, invisibleTime, reviveQid, retry, brokerName, queueId } = handle;
  return `${startOffset} ${popTime} ${invisibleTime} ${reviveQid} ${retry} ${brokerName} ${queueId} ${queueOffset}`;
}

function parseRetryFlag(text: unknown): RetryFlag {
  const flag = Object.values(RetryFlag).find((flag) => flag === text);
  if (flag === undefined) throw new RangeError(`"${text}" is no retry flag of a pop handle`);
  return flag;
}

/** The messages of one checkpoint that BATCH_ACK_MESSAGE acknowledges. */
export interface BatchAck {
  readonly consumerGroup: string;
  /** The topic that the group subscribes to; `retry` says whether the messages are from there. */
  readonly topic: string;
  readonly retry: RetryFlag;
  readonly startOffset: number;
  readonly queueId: number;
  readonly reviveQid: number;
  readonly popTime: number;
  readonly invisibleTime: number;
  /** In ascending order. */
  readonly queueOffsets: readonly number[];
}

/** Distances of that many bytes at most: more than any checkpoint has, and a bound for what a request may ask for. */
const BIT_SET_BYTES_MAX = 8192;

/**
 * Reads the body of BATCH_ACK_MESSAGE out of parsed JSON. Short names are those of 5.x, long ones of its first versions
 * (BatchAck.java). The set of distances is Java's BitSet as base64.
 * @throws {TypeError | RangeError} when it makes no sense.
 */
export function parseBatchAck(value: unknown): BatchAck[] {
  const { acks } = (value ?? {}) as Record<string, unknown>;
  return Array.isArray(acks) ? acks.map(parseOneAck) : [];
}

function parseOneAck(json: Record<string, unknown>): BatchAck {
  const text = (short: string, long: string) => {
    const value = json[short] ?? json[long];
    if (typeof value === "string") return value;
    throw new TypeError(`a batch ack has no ${long}`);
  };
  const integer = (short: string, long: string) => {
    const value = json[short] ?? json[long] ?? 0;
    if (Number.isSafeInteger(value)) return value as number;
    throw new TypeError(`a batch ack's ${long} is no integer`);
  };
  const startOffset = integer("so", "startOffset");
  return {
    consumerGroup: text("c", "consumerGroup"),
    topic: text("t", "topic"),
    retry: parseRetryFlag(json["r"] ?? json["retry"] ?? RetryFlag.NORMAL),
    startOffset,
    queueId: integer("q", "queueId"),
    reviveQid: integer("rq", "reviveQueueId"),
    popTime: integer("pt", "popTime"),
    invisibleTime: integer("it", "invisibleTime"),
    queueOffsets: bitsOf(text("b", "bitSet")).map((distance) => startOffset + distance),
  };
}

function bitsOf(base64: string): number[] {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  if (bytes.length > BIT_SET_BYTES_MAX) throw new RangeError("a batch ack's bitSet is too long");
  const bits: number[] = [];
  for (let index = 0; index < bytes.length; index++) {
    for (let bit = 0; bit < 8; bit++) {
      if ((bytes[index]! >> bit & 1) === 1) bits.push(index * 8 + bit);
    }
  }
  return bits;
}
