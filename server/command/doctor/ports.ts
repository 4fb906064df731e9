/** Whether the ports are free, or who answers at them. */

import type { AdminClient } from "../../../client/admin/admin_client.ts";
import { GET_BROKER_RUNTIME_INFO } from "../../../client/protocol/commands/admin_broker.ts";
import { GET_BROKER_CLUSTER_INFO } from "../../../client/protocol/commands/namesrv.ts";
import { portsOf, type Role } from "../../command_line.ts";
import type { Config } from "../../config.ts";
import { ownHostname } from "../../config_derived.ts";
import { joinAddress } from "../../setting.ts";
import { fail, type Finding, ok, reasonOf } from "./finding.ts";

export interface PortFindings {
  readonly findings: readonly Finding[];
  /** All ports answer as they do while such a server runs. */
  readonly isRunning: boolean;
}

const ANSWER_MILLIS = 2_000;
/** By whether a server of RocketMQ answers there. */
const TAKEN_ADVICE = {
  true:
    "stop that one or give another port; if it is the one you mean, give the flags that it was started with",
  false: "stop that program, or give another port",
};

/** Tries to listen on each port of a role; where that is not possible, asks what answers there. */
export async function portFindings(
  role: Role,
  config: Config,
  admin: AdminClient,
): Promise<PortFindings> {
  const wanted = Object.entries(portsOf(role, config)).filter(([, port]) => port > 0);
  const states = await Promise.all(wanted.map(async ([owner, port]) => {
    const obstacle = listenError(config.bindAddress, port);
    const taken = obstacle instanceof Deno.errors.AddrInUse;
    const answers = taken && await isAnswering(owner, config, port, admin);
    return { owner, port, obstacle, taken, answers };
  }));
  // A broker runs without its second port, too.
  const needed = states.filter(({ owner }) => !owner.includes("second port"));
  const isRunning = needed.length > 0 && needed.every(({ answers }) => answers);
  const findings = states.map(({ owner, port, obstacle, taken, answers }) => {
    const name = `port ${port}`;
    if (obstacle === undefined) return ok(name, `free for ${owner}`);
    if (isRunning && answers) return ok(name, `a running server answers as ${owner}`);
    if (taken) {
      const who = answers ? "a server of RocketMQ" : "another program";
      return fail(name, `${who} has it already; ${owner} wants it`, TAKEN_ADVICE[`${answers}`]);
    }
    const [detail, advice] = explain(config.bindAddress, port, obstacle);
    return fail(name, detail, advice);
  });
  return { findings, isRunning };
}

function listenError(hostname: string, port: number): unknown {
  try {
    Deno.listen({ hostname, port }).close();
    return undefined;
  } catch (error) {
    return error;
  }
}

function explain(hostname: string, port: number, error: unknown): [detail: string, advice: string] {
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return [`${hostname} is no address of this machine`, "set bindAddress to one that is"];
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return [`this user may not listen on port ${port}`, "give a port above 1023"];
  }
  return [`cannot listen on ${joinAddress(hostname, port)}: ${reasonOf(error)}`, "give another"];
}

/** Whether what listens there speaks as the part of a RocketMQ server that wants the port. */
async function isAnswering(
  owner: string,
  config: Config,
  port: number,
  admin: AdminClient,
): Promise<boolean> {
  const address = joinAddress(ownHostname(config.bindAddress), port);
  const options = { timeoutMillis: ANSWER_MILLIS };
  try {
    if (owner.startsWith("HTTP")) {
      const signal = AbortSignal.timeout(ANSWER_MILLIS);
      return (await (await fetch(`http://${address}/healthz`, { signal })).text()) === "ok\n";
    }
    if (owner.startsWith("the name server")) {
      await admin.invoke(address, GET_BROKER_CLUSTER_INFO, {}, options);
    } else await admin.invoke(address, GET_BROKER_RUNTIME_INFO, {}, options);
    return true;
  } catch {
    return false;
  }
}
