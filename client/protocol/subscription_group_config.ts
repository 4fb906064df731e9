/** SubscriptionGroupConfig: what a broker knows about a consumer group, in its JSON form. */

import { type GroupRetryPolicy, parseGroupRetryPolicy } from "./retry_policy.ts";

export interface SubscriptionGroupConfig {
  readonly groupName: string;
  readonly consumeEnable: boolean;
  readonly consumeFromMinEnable: boolean;
  readonly consumeBroadcastEnable: boolean;
  readonly consumeMessageOrderly: boolean;
  /** Queues of the group's retry topic; 0 says that messages are not consumed again. */
  readonly retryQueueNums: number;
  /** How often a message is consumed again before it goes to the dead letters. */
  readonly retryMaxTimes: number;
  /** When a message comes again. */
  readonly groupRetryPolicy: GroupRetryPolicy;
  readonly brokerId: number;
  readonly whichBrokerWhenConsumeSlowly: number;
  readonly notifyConsumerIdsChangedEnable: boolean;
  readonly groupSysFlag: number;
  readonly consumeTimeoutMinute: number;
  /** Subscriptions that an admin fixed; none when absent. */
  readonly subscriptionDataSet?: readonly unknown[];
  readonly attributes: Readonly<Record<string, string>>;
}

/** What Java's SubscriptionGroupConfig has before anything is set. */
const DEFAULTS = {
  consumeEnable: true,
  consumeFromMinEnable: true,
  consumeBroadcastEnable: true,
  consumeMessageOrderly: false,
  retryQueueNums: 1,
  retryMaxTimes: 16,
  groupRetryPolicy: { type: "CUSTOMIZED" },
  brokerId: 0,
  whichBrokerWhenConsumeSlowly: 1,
  notifyConsumerIdsChangedEnable: true,
  groupSysFlag: 0,
  consumeTimeoutMinute: 15,
  attributes: {},
} as const;

/** A group with the given fields and defaults for the others. */
export function createSubscriptionGroupConfig(
  groupName: string,
  fields: Partial<Omit<SubscriptionGroupConfig, "groupName">> = {},
): SubscriptionGroupConfig {
  return { groupName, ...DEFAULTS, ...fields };
}

/**
 * Reads a group out of parsed JSON. Missing fields have Java's defaults.
 * @throws {TypeError} when it has no groupName.
 */
export function parseSubscriptionGroupConfig(value: unknown): SubscriptionGroupConfig {
  const json = (value ?? {}) as Record<string, unknown>;
  const groupName = json["groupName"];
  if (typeof groupName !== "string") throw new TypeError("A group's JSON has no groupName");
  const flag = (name: keyof typeof DEFAULTS) =>
    typeof json[name] === "boolean" ? json[name] : DEFAULTS[name] as boolean;
  const integer = (name: keyof typeof DEFAULTS) =>
    Number.isInteger(json[name]) ? json[name] as number : DEFAULTS[name] as number;
  const subscriptionDataSet = json["subscriptionDataSet"];
  return {
    groupName,
    consumeEnable: flag("consumeEnable"),
    consumeFromMinEnable: flag("consumeFromMinEnable"),
    consumeBroadcastEnable: flag("consumeBroadcastEnable"),
    consumeMessageOrderly: flag("consumeMessageOrderly"),
    retryQueueNums: integer("retryQueueNums"),
    retryMaxTimes: integer("retryMaxTimes"),
    groupRetryPolicy: parseGroupRetryPolicy(json["groupRetryPolicy"]),
    brokerId: integer("brokerId"),
    whichBrokerWhenConsumeSlowly: integer("whichBrokerWhenConsumeSlowly"),
    notifyConsumerIdsChangedEnable: flag("notifyConsumerIdsChangedEnable"),
    groupSysFlag: integer("groupSysFlag"),
    consumeTimeoutMinute: integer("consumeTimeoutMinute"),
    ...(Array.isArray(subscriptionDataSet) ? { subscriptionDataSet } : {}),
    attributes: textRecord(json["attributes"]),
  };
}

function textRecord(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null) return {};
  const rows = Object.entries(value).filter(([, text]) => text !== null && text !== undefined);
  return Object.fromEntries(rows.map(([name, text]) => [name, String(text)]));
}
