/** Commands that show figures again and again until they are stopped. */

import type { AdminContext, AdminResult } from "./admin_command.ts";
import { integer } from "./admin_flags.ts";
import type { AdminOutput } from "./admin_output.ts";

export const INTERVAL_FLAG = integer(
  "i",
  "SECONDS",
  "show it again after so long, until stopped",
  1,
);

/** Once, or with an interval in seconds for ever. */
export function repeated(
  { sleep }: AdminContext,
  intervalSeconds: number | undefined,
  look: () => Promise<AdminOutput>,
): AdminResult {
  return intervalSeconds === undefined ? look() : forEver();

  async function* forEver() {
    for (;;) {
      yield await look();
      await sleep(intervalSeconds! * 1_000);
    }
  }
}
