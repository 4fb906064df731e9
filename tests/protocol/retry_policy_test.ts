import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  invalidRetryPolicyReason,
  nextDelayMillis,
  parseGroupRetryPolicy,
} from "../../client/protocol/retry_policy.ts";

function delays(policy: unknown, times: number[]) {
  const parsed = parseGroupRetryPolicy(policy);
  return times.map((reconsumeTimes) => nextDelayMillis(parsed, reconsumeTimes));
}

Deno.test("nextDelayMillis() grows as an exponential policy says, up to its max", () => {
  const exponentialRetryPolicy = { initial: 100, max: 1_000, multiplier: 3 };
  const policy = { type: "EXPONENTIAL", exponentialRetryPolicy };
  assertEquals(delays(policy, [-1, 0, 1, 2, 3, 1_000]), [100, 100, 300, 900, 1_000, 1_000]);
  const steep = { initial: 5, max: Number.MAX_SAFE_INTEGER, multiplier: 1_000_000 };
  assertEquals(
    delays({ type: "EXPONENTIAL", exponentialRetryPolicy: steep }, [33]),
    [Number.MAX_SAFE_INTEGER],
  );
  const defaults = { type: "EXPONENTIAL", exponentialRetryPolicy: {} };
  assertEquals(delays(defaults, [0, 1, 20]), [5_000, 10_000, 7_200_000]);
});

Deno.test("nextDelayMillis() begins with the third delay of a customized policy, like delay levels", () => {
  const policy = (next: number[]) => ({ type: "CUSTOMIZED", customizedRetryPolicy: { next } });
  assertEquals(delays(policy([1, 2, 3, 4]), [-1, 0, 1, 2]), [3, 3, 4, 4]);
  assertEquals(delays(policy([7]), [0, 9]), [7, 7]);
});

Deno.test("nextDelayMillis() gives nothing where the policy of the named type is missing or wrong", () => {
  const customizedRetryPolicy = { next: [1, 2, 3] };
  for (
    const policy of [
      undefined,
      {},
      { type: "CUSTOMIZED" },
      { type: "EXPONENTIAL", customizedRetryPolicy },
      { type: "CUSTOMIZED", customizedRetryPolicy: {} },
      { type: "CUSTOMIZED", customizedRetryPolicy: { next: [] } },
      { type: "EXPONENTIAL", exponentialRetryPolicy: { initial: "5" } },
    ]
  ) assertEquals(delays(policy, [0]), [undefined], JSON.stringify(policy));
});

Deno.test("invalidRetryPolicyReason() names what is wrong", () => {
  const rows: [unknown, string | undefined][] = [
    [{}, undefined],
    [{ exponentialRetryPolicy: { initial: 0, max: 0, multiplier: 0 } }, undefined],
    [{ exponentialRetryPolicy: { initial: -1 } }, "exponentialRetryPolicy.initial is -1"],
    [{ exponentialRetryPolicy: { max: 1.5 } }, "exponentialRetryPolicy.max is 1.5"],
    [{ exponentialRetryPolicy: { multiplier: null } }, "exponentialRetryPolicy.multiplier is null"],
    [{ customizedRetryPolicy: { next: [] } }, "customizedRetryPolicy.next is []"],
    [{ customizedRetryPolicy: { next: [1, "2"] } }, 'customizedRetryPolicy.next is [1,"2"]'],
    [{ customizedRetryPolicy: { next: 5 } }, "customizedRetryPolicy.next is 5"],
  ];
  for (const [policy, reason] of rows) {
    const found = invalidRetryPolicyReason(parseGroupRetryPolicy(policy));
    if (reason === undefined) assertEquals(found, undefined);
    else assertStringIncludes(found ?? "", reason);
  }
});
