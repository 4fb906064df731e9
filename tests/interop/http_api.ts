/** The HTTP API over Apache's own name server and broker, as the role dashboard serves it. */

import { startComet } from "../helpers/comet.ts";
import { HttpApi } from "../helpers/http_api.ts";
import { HTTP_CHECKS } from "../helpers/http_checks.ts";
import { HTTP_MESSAGE_CHECKS } from "../helpers/http_message_checks.ts";
import { seededRandom } from "../helpers/random.ts";
import type { AdminTarget, CommandOutcome } from "./admin_target.ts";

const CHECKS = { ...HTTP_CHECKS, ...HTTP_MESSAGE_CHECKS };

/** The names of all outcomes. */
export function httpCheckNames(kind: AdminTarget["kind"]): string[] {
  return Object.keys(CHECKS).map((check) => nameOf(kind, check));
}

function nameOf(kind: AdminTarget["kind"], check: string): string {
  return `http api over ${kind}: ${check}`;
}

/** Runs the checks one after the other over one cluster. */
export async function* runHttpChecks(target: AdminTarget): AsyncGenerator<CommandOutcome> {
  const { kind, home, namesrv } = target;
  await using dashboard = await startComet(`${home}/none`, ["--namesrv", namesrv], "dashboard");
  const cluster = { api: new HttpApi(dashboard.httpPort), namesrv, random: seededRandom() };
  for (const [check, run] of Object.entries(CHECKS)) {
    const started = performance.now();
    const failures = await run(cluster).then(() => [], (error: Error) => [error.message]);
    const seconds = (performance.now() - started) / 1_000;
    yield { name: nameOf(kind, check), seconds, failures };
  }
}
