/** Heartbeats: what a client tells a broker about itself, its groups and their subscriptions, in its JSON form. */

import { javaHashCode } from "./message.ts";

/** Subscribes to every message of a topic. */
export const SUB_ALL = "*";

/** How a subscription chooses messages (ExpressionType.java). */
export const ExpressionType = { TAG: "TAG", SQL92: "SQL92" } as const;

/** CONSUME_PASSIVELY is a push consumer, CONSUME_ACTIVELY a pull consumer. */
export type ConsumeType = "CONSUME_ACTIVELY" | "CONSUME_PASSIVELY" | "CONSUME_POP";
export type MessageModel = "BROADCASTING" | "CLUSTERING";

/** What a group wants of one topic. */
export interface SubscriptionData {
  readonly topic: string;
  /** `*`, tags with `||` between them, or an expression. */
  readonly subString: string;
  readonly tagsSet: ReadonlySet<string>;
  /** The hash codes of the tags, as consume queues keep them. */
  readonly codeSet: ReadonlySet<number>;
  /** When the subscription was made, in milliseconds since the epoch; a greater one replaces a smaller one. */
  readonly subVersion: number;
  readonly expressionType: string;
  /** A filter server chooses the messages: long gone from Java, the broker then filters nothing. */
  readonly classFilterMode: boolean;
}

export interface ConsumerData {
  readonly groupName: string;
  readonly consumeType: ConsumeType;
  readonly messageModel: MessageModel;
  /** Where a group begins that has no offset: the client's own affair, shown to admins. */
  readonly consumeFromWhere: string;
  readonly subscriptionDataSet: readonly SubscriptionData[];
  readonly unitMode: boolean;
}

export interface HeartbeatData {
  readonly clientID: string;
  /** Producer groups. */
  readonly producerGroups: readonly string[];
  readonly consumerDataSet: readonly ConsumerData[];
  /** Changes with the subscriptions; 0 from clients that do not know the second kind of heartbeat. */
  readonly heartbeatFingerprint: number;
  /** The subscriptions were left out, because the broker has them already. */
  readonly withoutSub: boolean;
}

/** Whether a subscription's expression is tags. */
export function isTagType(expressionType: string | undefined): boolean {
  return !expressionType || expressionType === ExpressionType.TAG;
}

/**
 * Builds a subscription from its text.
 * @throws {RangeError} when the text has no tag or expression in it; Java's words.
 */
export function createSubscriptionData(
  topic: string,
  subString: string | undefined,
  expressionType: string | undefined,
  subVersion: number,
): SubscriptionData {
  if (!isTagType(expressionType)) {
    if (!subString) throw new RangeError(`Expression can't be null! ${expressionType}`);
    return subscription(topic, subString, [], subVersion, expressionType!);
  }
  if (!subString || subString === SUB_ALL) return subscription(topic, SUB_ALL, [], subVersion);
  return subscription(topic, subString, parseTags(subString), subVersion);
}

function parseTags(subString: string): string[] {
  const pieces = subString.split("||");
  if (pieces.every((piece) => piece === "")) throw new RangeError("subString split error");
  return pieces.map((piece) => piece.trim()).filter((tag) => tag !== "");
}

function subscription(
  topic: string,
  subString: string,
  tags: readonly string[],
  subVersion: number,
  expressionType: string = ExpressionType.TAG,
): SubscriptionData {
  return {
    topic,
    subString,
    tagsSet: new Set(tags),
    codeSet: new Set(tags.map(javaHashCode)),
    subVersion,
    expressionType,
    classFilterMode: false,
  };
}

/**
 * Reads a heartbeat out of parsed JSON.
 * @throws {TypeError} when it does not say who sends it.
 */
export function parseHeartbeatData(value: unknown): HeartbeatData {
  const json = (value ?? {}) as Record<string, unknown>;
  const clientID = json["clientID"];
  if (typeof clientID !== "string" || clientID === "") {
    throw new TypeError("a heartbeat needs a clientID");
  }
  return {
    clientID,
    producerGroups: list(json["producerDataSet"]).map(groupNameOf),
    consumerDataSet: list(json["consumerDataSet"]).map(parseConsumerData),
    heartbeatFingerprint: integerOrZero(json["heartbeatFingerprint"]),
    withoutSub: json["withoutSub"] === true,
  };
}

function parseConsumerData(json: Record<string, unknown>): ConsumerData {
  return {
    groupName: groupNameOf(json),
    consumeType: CONSUME_TYPES.find((type) => type === json["consumeType"]) ?? "CONSUME_PASSIVELY",
    messageModel: json["messageModel"] === "BROADCASTING" ? "BROADCASTING" : "CLUSTERING",
    consumeFromWhere: textOr(json["consumeFromWhere"], "CONSUME_FROM_LAST_OFFSET"),
    subscriptionDataSet: list(json["subscriptionDataSet"]).map(parseSubscriptionData),
    unitMode: json["unitMode"] === true,
  };
}

const CONSUME_TYPES = ["CONSUME_ACTIVELY", "CONSUME_PASSIVELY", "CONSUME_POP"] as const;

/**
 * Reads a subscription out of parsed JSON. Where a client sent no hash codes, they are computed from its text.
 * @throws {TypeError} when it names no topic.
 */
export function parseSubscriptionData(value: unknown): SubscriptionData {
  const json = (value ?? {}) as Record<string, unknown>;
  const topic = json["topic"];
  if (typeof topic !== "string") throw new TypeError("a subscription needs a topic");
  const subString = textOr(json["subString"], SUB_ALL);
  const expressionType = textOr(json["expressionType"], ExpressionType.TAG);
  const codes = Array.isArray(json["codeSet"])
    ? json["codeSet"].map((code) => Number(code) | 0)
    : [];
  const isTags = isTagType(expressionType) && subString !== SUB_ALL;
  const tags = isTags ? subString.split("||").map((tag) => tag.trim()).filter((tag) => tag) : [];
  return {
    topic,
    subString,
    tagsSet: new Set(tags),
    codeSet: new Set(codes.length > 0 ? codes : tags.map(javaHashCode)),
    subVersion: integerOrZero(json["subVersion"]),
    expressionType,
    classFilterMode: json["classFilterMode"] === true,
  };
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "object" && item) : [];
}

function groupNameOf(json: Record<string, unknown>): string {
  const groupName = json["groupName"];
  if (typeof groupName !== "string" || groupName === "") {
    throw new TypeError("a heartbeat's groups need a groupName");
  }
  return groupName;
}

function textOr(value: unknown, absent: string): string {
  return typeof value === "string" && value !== "" ? value : absent;
}

function integerOrZero(value: unknown): number {
  return Number.isInteger(value) ? value as number : 0;
}
