/** TopicConfig: what a broker knows about a topic, in its JSON form (`topics.json`, registrations, admin). */

/** Bits of a topic's, a broker's or a queue's perm (PermName.java). */
export const PermName = { INHERIT: 1, WRITE: 2, READ: 4, PRIORITY: 8 } as const;

/** Bits of a topic's topicSysFlag (TopicSysFlag.java). */
export const TopicSysFlag = { UNIT: 1, UNIT_SUB: 2 } as const;

export type TopicFilterType = "SINGLE_TAG" | "MULTI_TAG";

/** The values of the attribute `message.type` (TopicMessageType.java). */
export const MESSAGE_TYPES = [
  "UNSPECIFIED",
  "NORMAL",
  "FIFO",
  "DELAY",
  "TRANSACTION",
  "MIXED",
] as const;

/** What a topic is for, by that attribute. */
export type MessageType = typeof MESSAGE_TYPES[number];

export interface TopicConfig {
  readonly topicName: string;
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  /** Bits of `PermName`. */
  readonly perm: number;
  readonly topicFilterType: TopicFilterType;
  /** Bits of `TopicSysFlag`. */
  readonly topicSysFlag: number;
  readonly order: boolean;
  /** Attributes such as `message.type`, without the sign that admin commands put before them. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** What Java's TopicConfig has before anything is set. */
const DEFAULTS = {
  readQueueNums: 16,
  writeQueueNums: 16,
  perm: PermName.READ | PermName.WRITE,
  topicFilterType: "SINGLE_TAG",
  topicSysFlag: 0,
  order: false,
  attributes: {},
} as const;

/** A topic with the given fields and defaults for the others. */
export function createTopicConfig(
  topicName: string,
  fields: Partial<Omit<TopicConfig, "topicName">> = {},
): TopicConfig {
  return { topicName, ...DEFAULTS, ...fields };
}

export function isReadable(perm: number): boolean {
  return (perm & PermName.READ) !== 0;
}

export function isWriteable(perm: number): boolean {
  return (perm & PermName.WRITE) !== 0;
}

/** Whether a topic that is created by a send may take its settings from a topic with this perm. */
export function isInherited(perm: number): boolean {
  return (perm & PermName.INHERIT) !== 0;
}

/**
 * Reads a topic out of parsed JSON. Missing fields have Java's defaults; 4.x writes no attributes.
 * @throws {TypeError} when it has no topicName.
 */
export function parseTopicConfig(value: unknown): TopicConfig {
  const json = (value ?? {}) as Record<string, unknown>;
  const topicName = json["topicName"];
  if (typeof topicName !== "string") throw new TypeError("A topic's JSON has no topicName");
  const attributes = json["attributes"];
  return {
    topicName,
    readQueueNums: integerOr(json["readQueueNums"], DEFAULTS.readQueueNums),
    writeQueueNums: integerOr(json["writeQueueNums"], DEFAULTS.writeQueueNums),
    perm: integerOr(json["perm"], DEFAULTS.perm),
    topicFilterType: json["topicFilterType"] === "MULTI_TAG" ? "MULTI_TAG" : "SINGLE_TAG",
    topicSysFlag: integerOr(json["topicSysFlag"], DEFAULTS.topicSysFlag),
    order: json["order"] === true,
    attributes: textRecord(attributes),
  };
}

/**
 * Reads the compact form that compressed registrations carry: name, read and write queues, perm, filter type and
 * (from 5.0) attributes as JSON, with one space between.
 * @throws {TypeError} when the text is no such form.
 */
export function parseCompactTopicConfig(text: string): TopicConfig {
  const [topicName, readQueueNums, writeQueueNums, perm, topicFilterType, ...rest] = text.split(
    " ",
  );
  const numbers = [readQueueNums, writeQueueNums, perm].map((part) => parseInt(part ?? "", 10));
  if (!topicName || topicFilterType === undefined || numbers.some(Number.isNaN)) {
    throw new TypeError(`"${text}" is no topic in compact form`);
  }
  return createTopicConfig(topicName, {
    readQueueNums: numbers[0]!,
    writeQueueNums: numbers[1]!,
    perm: numbers[2]!,
    topicFilterType: topicFilterType === "MULTI_TAG" ? "MULTI_TAG" : "SINGLE_TAG",
    attributes: parseAttributes(rest.join(" ")),
  });
}

/** Attributes that cannot be read are left out, as Java does: the queues matter more. */
function parseAttributes(text: string): Record<string, string> {
  try {
    return text === "" ? {} : textRecord(JSON.parse(text));
  } catch {
    return {};
  }
}

function textRecord(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null) return {};
  const rows = Object.entries(value).filter(([, text]) => text !== null && text !== undefined);
  return Object.fromEntries(rows.map(([name, text]) => [name, String(text)]));
}

function integerOr(value: unknown, absent: number): number {
  return Number.isInteger(value) ? value as number : absent;
}
