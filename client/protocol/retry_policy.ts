/**
 * Retry policies of consumer groups: how long a message waits before it comes again. Source: GroupRetryPolicy.java,
 * ExponentialRetryPolicy.java and CustomizedRetryPolicy.java of Apache RocketMQ 5.3.3.
 */

/** Without the part that `type` names, the group has no policy of its own and delay levels count. */
export interface GroupRetryPolicy {
  readonly type: "CUSTOMIZED" | "EXPONENTIAL";
  readonly exponentialRetryPolicy?: ExponentialRetryPolicy;
  readonly customizedRetryPolicy?: CustomizedRetryPolicy;
}

/** All in milliseconds but for the multiplier. */
export interface ExponentialRetryPolicy {
  readonly initial: number;
  readonly max: number;
  readonly multiplier: number;
}

/** `next` has the delays in milliseconds. They are counted like delay levels: the first retry takes the third one. */
export interface CustomizedRetryPolicy {
  readonly next: readonly number[];
}

const EXPONENTIAL_DEFAULTS: ExponentialRetryPolicy = {
  initial: 5_000,
  max: 7_200_000,
  multiplier: 2,
};
const FIRST_INDEX = 2;
/** The delay grows no more after so many retries, whatever its `max`. */
const EXPONENT_MAX = 32;

/** Reads a policy out of parsed JSON. What is wrong in it stays as it is: see `invalidRetryPolicyReason`. */
export function parseGroupRetryPolicy(value: unknown): GroupRetryPolicy {
  const { type, exponentialRetryPolicy, customizedRetryPolicy } = recordOf(value);
  return {
    type: type === "EXPONENTIAL" ? "EXPONENTIAL" : "CUSTOMIZED",
    ...isRecord(exponentialRetryPolicy)
      ? { exponentialRetryPolicy: { ...EXPONENTIAL_DEFAULTS, ...exponentialRetryPolicy } }
      : {},
    ...isRecord(customizedRetryPolicy) && customizedRetryPolicy["next"] !== undefined
      ? { customizedRetryPolicy: customizedRetryPolicy as unknown as CustomizedRetryPolicy }
      : {},
  };
}

/** Why a group may not have this policy; undefined when it may. */
export function invalidRetryPolicyReason(policy: GroupRetryPolicy): string | undefined {
  const { exponentialRetryPolicy, customizedRetryPolicy } = policy;
  for (const name of ["initial", "max", "multiplier"] as const) {
    const value = exponentialRetryPolicy === undefined ? 0 : exponentialRetryPolicy[name];
    if (isDelay(value)) continue;
    return `exponentialRetryPolicy.${name} is ${
      JSON.stringify(value)
    }, expected a whole number of at least 0`;
  }
  const next: unknown = customizedRetryPolicy?.next ?? [0];
  if (Array.isArray(next) && next.length > 0 && next.every(isDelay)) return undefined;
  return `customizedRetryPolicy.next is ${
    JSON.stringify(next)
  }, expected whole numbers of at least 0`;
}

/**
 * How many milliseconds a message waits that has been consumed again `reconsumeTimes` times; undefined when the group has
 * no sound policy of its own.
 */
export function nextDelayMillis(
  policy: GroupRetryPolicy,
  reconsumeTimes: number,
): number | undefined {
  const { type, exponentialRetryPolicy, customizedRetryPolicy } = policy;
  if (invalidRetryPolicyReason(policy) !== undefined) return undefined;
  const times = Math.max(0, reconsumeTimes);
  if (type === "EXPONENTIAL") {
    if (exponentialRetryPolicy === undefined) return undefined;
    const { initial, max, multiplier } = exponentialRetryPolicy;
    return Math.min(max, initial * multiplier ** Math.min(times, EXPONENT_MAX));
  }
  const next = customizedRetryPolicy?.next;
  return next?.[Math.min(times + FIRST_INDEX, next.length - 1)];
}

function isDelay(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function recordOf(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
