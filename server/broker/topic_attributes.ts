/**
 * Attributes of topics and groups, and how admins change them: `+key=value,-key`. The reasons are in Java's words
 * (AttributeParser.java, AttributeUtil.java).
 */

import { MESSAGE_TYPES } from "../../client/protocol/topic_config.ts";

type Attributes = Readonly<Record<string, string>>;

/** An attribute that exists: whether it may change, and why it may not have a value. */
export interface AttributeRule {
  readonly isChangeable: boolean;
  readonly objection: (value: string) => string | undefined;
}

/** Java has one more value for the first; a topic that asks for it would not get what it was promised. */
export const TOPIC_ATTRIBUTES: ReadonlyMap<string, AttributeRule> = new Map([
  ["queue.type", { isChangeable: false, objection: oneOf(["SimpleCQ"], ["BatchCQ"]) }],
  ["cleanup.policy", { isChangeable: false, objection: oneOf(["DELETE", "COMPACTION"], []) }],
  ["message.type", { isChangeable: true, objection: oneOf(MESSAGE_TYPES, []) }],
  ["reserve.time", { isChangeable: true, objection: reserveTimeObjection }],
]);

/** Groups have none in 5.3.3. */
export const GROUP_ATTRIBUTES: ReadonlyMap<string, AttributeRule> = new Map();

/** Whether the topic keeps the newest message of each key. */
export function isCompactionTopic({ attributes }: { attributes: Attributes }): boolean {
  return attributes["cleanup.policy"] === "COMPACTION";
}

/** Whether the topic's queues are of a kind that Comet does not have; only a folder of Apache's has such a topic. */
export function isBatchQueueTopic({ attributes }: { attributes: Attributes }): boolean {
  return attributes["queue.type"] === "BatchCQ";
}

function oneOf(served: readonly string[], unserved: readonly string[]) {
  return (value: string) => {
    if (served.includes(value)) return undefined;
    if (unserved.includes(value)) return `This broker does not serve ${value} yet`;
    return `value is not in set: [${[...served, ...unserved].join(", ")}]`;
  };
}

function reserveTimeObjection(value: string): string | undefined {
  return /^-?\d+$/.test(value) && Number(value) >= -1 ? undefined : "value is not in range";
}

/**
 * Reads the changes that an admin asks for; keys keep their sign.
 * @throws {RangeError} when the text is no such list.
 */
export function parseAttributeChanges(text: string | undefined): Map<string, string> {
  const changes = new Map<string, string>();
  if (!text) return changes;
  for (const piece of text.split(",")) {
    const at = piece.indexOf("=");
    const key = at < 0 ? piece : piece.slice(0, at);
    if (at >= 0 && !key.includes("+")) {
      throw new RangeError(`add/alter attribute format is wrong: ${key}`);
    }
    if (at < 0 && !key.includes("-")) {
      throw new RangeError(`delete attribute format is wrong: ${key}`);
    }
    if (changes.has(key)) throw new RangeError(`key duplication: ${key}`);
    changes.set(key, at < 0 ? "" : piece.slice(at + 1));
  }
  return changes;
}

/**
 * The attributes after changes; `current` is undefined for what is being created.
 * @throws {RangeError} when a change is not allowed.
 */
export function changeAttributes(
  rules: ReadonlyMap<string, AttributeRule>,
  current: Attributes | undefined,
  changes: ReadonlyMap<string, string>,
): Attributes {
  const attributes = new Map(Object.entries(current ?? {}));
  const seen = new Set<string>();
  for (const [signedKey, value] of changes) {
    const sign = signedKey.slice(0, 1);
    const key = signedKey.slice(1);
    checkKey(key, seen);
    if (current === undefined && sign !== "+") {
      throw new RangeError(`only add attribute is supported while creating topic. key: ${key}`);
    }
    if (sign !== "+" && sign !== "-") throw new RangeError(`wrong format key: ${key}`);
    if (sign === "-" && !attributes.has(key)) {
      throw new RangeError(`attempt to delete a nonexistent key: ${key}`);
    }
    checkChange(rules.get(key), key, current === undefined, sign === "+" ? value : undefined);
    if (sign === "+") attributes.set(key, value);
    else attributes.delete(key);
  }
  return Object.fromEntries(attributes);
}

function checkKey(key: string, seen: Set<string>): void {
  if (key === "" || /[+-]/.test(key)) throw new RangeError("kv string format wrong.");
  if (seen.has(key)) throw new RangeError(`alter duplication key. key: ${key}`);
  seen.add(key);
}

function checkChange(
  rule: AttributeRule | undefined,
  key: string,
  isNew: boolean,
  value: string | undefined,
): void {
  if (rule === undefined) throw new RangeError(`unsupported key: ${key}`);
  if (!isNew && !rule.isChangeable) {
    throw new RangeError(`attempt to update an unchangeable attribute. key: ${key}`);
  }
  const objection = value === undefined ? undefined : rule.objection(value);
  if (objection !== undefined) throw new RangeError(objection);
}
