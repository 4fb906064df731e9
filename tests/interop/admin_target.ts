/** Whom the commands for administrators are run against, and what became of one. */

import { AdminClient } from "../../client/admin/admin_client.ts";
import { brokerRuntimeInfo } from "../../client/admin/cluster.ts";
import { startComet } from "../helpers/comet.ts";
import { eventually } from "../helpers/eventually.ts";
import { compactedFile, prepareAdminWorkload } from "./admin_workload.ts";
import { startApache } from "./apache_server.ts";

export interface AdminTarget extends AsyncDisposable {
  readonly kind: "Comet" | "Apache";
  /** 127.0.0.1:port, both. */
  readonly namesrv: string;
  readonly broker: string;
  /** For files of the commands. */
  readonly home: string;
  /** A file of a compacted topic; Comet only. */
  readonly compacted: string;
}

/** How a command went. */
export interface CommandOutcome {
  name: string;
  seconds: number;
  failures: string[];
}

/** Starts a server of this kind and does what the commands build on. */
export async function startAdminTarget(
  kind: AdminTarget["kind"],
  home: string,
): Promise<AdminTarget> {
  await Deno.mkdir(home, { recursive: true });
  await using stack = new AsyncDisposableStack();
  const ports = { namesrv: 0, broker: 0 };
  let compacted = "";
  if (kind === "Comet") {
    const comet = stack.use(await startComet(`${home}/data`, ["--host", "127.0.0.1"]));
    Object.assign(ports, { namesrv: comet.namesrvPort, broker: comet.brokerPort });
    compacted = await compactedFile(comet.brokerPort, `${home}/data`);
  } else {
    const apache = stack.use(await startApache(`${home}/apache`));
    Object.assign(ports, { namesrv: apache.namesrv.port, broker: apache.broker.port });
    await figuresThere(`127.0.0.1:${ports.broker}`);
  }
  stack.use(await prepareAdminWorkload(ports.broker, home));
  const parts = stack.move();
  return {
    kind,
    namesrv: `127.0.0.1:${ports.namesrv}`,
    broker: `127.0.0.1:${ports.broker}`,
    home,
    compacted,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Apache's broker fails to tell its figures until it has taken the first ones, some time after its start. */
async function figuresThere(brokerAddr: string): Promise<void> {
  await using admin = new AdminClient({ nameServers: [] });
  await eventually("figures of the broker", async () => {
    const figures = await brokerRuntimeInfo(admin, brokerAddr).catch(() => undefined);
    return figures !== undefined;
  });
}

/** A row's command with the addresses and folders of the target. */
export function filledIn(command: string, target: AdminTarget): string {
  return command.replaceAll(
    /\b(NS|BROKER|HOME|COMPACTED)\b/g,
    (word) =>
      ({
        NS: target.namesrv,
        BROKER: target.broker,
        HOME: target.home,
        COMPACTED: target.compacted,
      })[
        word
      ]!,
  );
}

/** Compares what was printed with what was expected. */
export function outcomeOf(
  name: string,
  { started, printed, expected, target }: {
    started: number;
    printed: string;
    expected: readonly RegExp[];
    target: AdminTarget;
  },
): CommandOutcome {
  const text = printed.replaceAll(target.broker, "BROKER").replaceAll(target.namesrv, "NS");
  const failures = expected.filter((wanted) => !wanted.test(text))
    .map((wanted) => `expected ${wanted} in: ${text.slice(0, 2_000)}`);
  return { name, seconds: (performance.now() - started) / 1_000, failures };
}
