/** What was changed over HTTP, in the log: by whom, from where, what, how it was before and how it is now. */

import type { ApiParts } from "./api_route.ts";
import type { HttpEnv } from "./guard.ts";

/** One change. Texts of messages and secrets do not belong into it. */
export interface Change {
  /** What was done to what, as in "topic.create", "group.reset". */
  readonly action: string;
  /** Its name: of a topic, a group, a broker. */
  readonly target: string;
  /** How it was; left out when there was nothing. */
  readonly before?: unknown;
  /** How it is now; left out when there is nothing any more. */
  readonly after?: unknown;
}

/** Who calls, while nobody has to log in. */
const NOBODY_IN_PARTICULAR = "anonymous";

/** Writes a change to the log. To be called after the change, also after one that succeeded on some brokers only. */
export function audit(
  { log }: Pick<ApiParts, "log">,
  { env }: { env: HttpEnv["Bindings"] },
  change: Change,
): void {
  const { remoteAddr } = env;
  const remote = "hostname" in remoteAddr ? `${remoteAddr.hostname}:${remoteAddr.port}` : "local";
  const { action, target, before, after } = change;
  log.info("an admin changed something over HTTP", {
    action,
    target,
    who: NOBODY_IN_PARTICULAR,
    remote,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  });
}
